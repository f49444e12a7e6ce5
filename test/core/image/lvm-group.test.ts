import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ByteSource } from "../../../core/image/byte-source.ts";
import { readPhysicalVolume } from "../../../core/image/lvm.ts";
import { groupWrites, readGroup, roomOf } from "../../../core/image/lvm-group.ts";
import { decodeLvmText, encodeLvmText, type LvmSection } from "../../../core/image/lvm-text.ts";
import { sourceOf } from "./bytes.ts";
import { group, linear, logical, mib, segment, volumeWith } from "./lvm-volume.ts";

const words = fc.string({ unit: fc.constantFrom(...'ab\\"# {}=') });
const plain = fc.oneof(words, fc.integer(), fc.array(fc.oneof(words, fc.integer())));
const names = fc.stringMatching(/^[a-z][a-z0-9_.+-]{0,8}$/);

test("a text that was encoded is decoded to the same, whatever its strings are", () => {
  const { section } = fc.letrec((tie) => ({
    section: fc.dictionary(names, fc.oneof({ maxDepth: 4 }, plain, tie("section")), { maxKeys: 5 }),
  }));
  fc.assert(
    fc.property(section, (drawn) => {
      const decoded = decodeLvmText(encodeLvmText(drawn as LvmSection));
      assert(decoded.ok, decoded.ok ? "" : decoded.reason);
      assert.equal(JSON.stringify(decoded.value), JSON.stringify(drawn));
    }),
  );
});

const onePhysical = (volumes: readonly string[]): string =>
  group(volumes)
    .replace(/pv1 \{[^}]*\}/, "")
    .replace("seqno = 3", 'seqno = 3\nstatus = ["RESIZEABLE", "READ", "WRITE"]');
const usual = [
  logical("root", [segment(1, 0, 4, linear(0)), segment(2, 4, 2, linear(4))]),
  logical("swap", [segment(1, 0, 3, linear(6))]),
];

/** Beyond these is nothing that is read. */
const headOf = (bytes: Uint8Array): Uint8Array => bytes.slice(0, 2 * mib);
const headed = (head: Uint8Array, size: number): ByteSource => ({ ...sourceOf(head), size });

test("volumes at other places of a larger physical volume, around the end of the ring", async () => {
  const size = 90 * mib;
  const head = headOf(volumeWith(onePhysical(usual), mib - 4096 - 9 * 512));
  const source = headed(head, size);
  let wraps = 0;
  let before = 0;
  for (let round = 0; round < 40; round++) {
    const swapAt = (20 + (round % 60)) * mib;
    const places = [
      { name: "swap", start: swapAt, size: 3 * mib },
      { name: "root", start: 0, size: (7 + (round % 5)) * mib },
    ];
    const last = await readGroup(source);
    assert(last.ok, last.ok ? "" : last.reason);
    const writes = groupWrites(last.value, size, places);
    assert(writes.ok, writes.ok ? "" : writes.reason);
    for (const { offset, data } of writes.value) head.set(data, offset);
    const found = await readGroup(source);
    assert(found.ok);
    const at = Number(Buffer.from(found.value.header).readBigUInt64LE(40));
    if (at < before) wraps++;
    before = at;
    assert.equal((found.value.top.lab as LvmSection).seqno, 4 + round);
    assert.equal(roomOf(found.value, size), 89 * mib);
    const volume = await readPhysicalVolume(source);
    assert(volume.ok);
    assert.deepEqual(volume.value.area, { start: mib, length: 89 * mib });
    assert.deepEqual(
      volume.value.logicalVolumes.map(({ name, parts }) => [name, parts]),
      [
        ["root", [{ start: mib, length: places[1]?.size }]],
        ["swap", [{ start: mib + swapAt, length: 3 * mib }]],
      ],
    );
  }
  assert.equal(wraps, 1);
});

test("what may not or cannot be changed is left, with the reason", async () => {
  const why = async (text: string): Promise<string> => {
    const found = await readGroup(headed(headOf(volumeWith(text)), 64 * mib));
    return found.ok ? "" : found.reason;
  };
  assert.match(
    await why(group(usual).replace("seqno", 'status = ["RESIZEABLE","WRITE"] seqno')),
    /several physical/,
  );
  const text = onePhysical(usual);
  assert.equal(await why(text), "");
  assert.match(await why(text.replace('"RESIZEABLE"', '"EXPORTED", "RESIZEABLE"')), /exported/);
  assert.match(await why(text.replace('"RESIZEABLE", ', "")), /not to be changed/);
  assert.match(await why(text.replace("seqno", 'lock_type = "sanlock"\nseqno')), /shared/);
  assert.match(await why("nothing"), /cannot be read/);
  const huge = onePhysical([...usual, `note { text = "${"x".repeat(600_000)}" }`]);
  const found = await readGroup(headed(headOf(volumeWith(huge)), 64 * mib));
  assert(found.ok);
  const writes = groupWrites(found.value, 64 * mib, []);
  assert.match(writes.ok ? "" : writes.reason, /no room for a new text/);
});
