import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bsdPartitions } from "../../../core/image/bsd-label.ts";
import { uncleanState } from "../../../core/image/file-system-state.ts";
import { ufsUse } from "../../../core/image/ufs.ts";
import { sourceOf } from "./bytes.ts";

const fragBytes = 4096;
const fragsPerGroup = 64;

/** Two groups of 64 fragments, the second cut off after 40; what `free` names is free. */
function fileSystem(free: readonly number[]): Buffer {
  const bytes = Buffer.alloc(120 * fragBytes);
  const words: [number, number][] = [
    [12, 20], // the map, in fragments from the group's start
    [44, 2],
    [48, 32768],
    [52, fragBytes],
    [56, 8],
    [160, 4096],
    [188, fragsPerGroup],
    [1000, 65536],
    [1080, 104],
    [1372, 0x19540119],
  ];
  for (const [at, value] of words) bytes.writeUInt32LE(value, 65536 + at);
  bytes[65536 + 209] = 1;
  for (const group of [0, 1]) {
    const at = (group * fragsPerGroup + 20) * fragBytes;
    const own = free.filter((frag) => Math.floor(frag / fragsPerGroup) === group);
    bytes.writeUInt32LE(0x00090255, at + 4);
    bytes.writeUInt32LE(group, at + 12);
    bytes.writeUInt32LE(group === 0 ? 64 : 40, at + 20);
    bytes.writeUInt32LE(own.length, at + 36);
    bytes.writeUInt32LE(200, at + 96);
    for (const frag of own) {
      const bit = frag % fragsPerGroup;
      bytes[at + 200 + (bit >> 3)] = (bytes[at + 200 + (bit >> 3)] as number) | (1 << (bit & 7));
    }
  }
  return bytes;
}

test("UFS2: what its groups say is free is not used; what lies after it is", async () => {
  assert.deepEqual(await ufsUse(sourceOf(fileSystem([30, 31, 70, 103]))), {
    ok: true,
    value: [
      { start: 0, length: 30 * fragBytes },
      { start: 32 * fragBytes, length: 38 * fragBytes },
      { start: 71 * fragBytes, length: 32 * fragBytes },
      { start: 104 * fragBytes, length: 16 * fragBytes },
    ],
  });
});

test("UFS2: not unmounted, a group whose count or number is wrong: refused", async () => {
  const places: [number, RegExp][] = [
    [65536 + 209, /not unmounted/],
    [20 * fragBytes + 36, /group 0 is damaged/],
    [84 * fragBytes + 12, /group 1 is damaged/],
    [84 * fragBytes + 20, /group 1 is damaged/],
  ];
  for (const [place, said] of places) {
    const bytes = fileSystem([30]);
    bytes[place] = (bytes[place] as number) + 1;
    const use = await ufsUse(sourceOf(bytes));
    assert(!use.ok);
    assert.match(use.reason, said);
  }
});

test("any bytes: UFS, BSD label and superblocks are answered, and nothing is read beyond the end", async () => {
  const whole = fileSystem([30, 31, 70]);
  whole.writeUInt32LE(0x82564557, 512);
  whole.writeUInt32LE(0x82564557, 512 + 132);
  const change = fc.tuple(
    fc.oneof(
      fc.nat(1375).map((at) => 65536 + at),
      fc.nat(255).map((at) => 20 * fragBytes + at),
      fc.nat(600).map((at) => 512 + at),
    ),
    fc.nat(255),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 6 }), fc.nat(120), async (changes, cut) => {
      const bytes = Buffer.from(whole);
      for (const [at, byte] of changes) bytes[at] = byte;
      const source = sourceOf(bytes.subarray(0, bytes.length - cut * 1000));
      const use = await ufsUse(source);
      if (use.ok) {
        let end = 0;
        for (const { start, length } of use.value) {
          assert(start >= end && length > 0);
          end = start + length;
        }
        assert(end <= source.size);
      }
      await bsdPartitions(source);
      for (const fs of ["ext4", "btrfs", "exfat", "f2fs", "ntfs", "xfs"])
        await uncleanState(fs, source);
    }),
    { numRuns: 300 },
  );
});
