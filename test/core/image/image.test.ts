import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { crc32c } from "../../../core/image/crc32c.ts";
import { decodeDomainMap } from "../../../core/image/domain-map.ts";
import { decodeEntry, decodeIndex, encodeEntry } from "../../../core/image/index-codec.ts";
import { decodeManifest } from "../../../core/image/manifest.ts";
import { rootHashOf } from "../../../core/image/merkle.ts";
import { readPartitionTable } from "../../../core/image/partition-table.ts";
import { planCapture } from "../../../core/image/plan.ts";
import { codec } from "../../../core/image/types.ts";
import { writeSha256 } from "../../../core/node/hash.ts";

const mib = 1 << 20;
const sha256 = (data: Uint8Array) => new Uint8Array(createHash("sha256").update(data).digest());

test("crc32c is that of RFC 3720, B.4", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
});

test("an index entry lies as docs/image-format.md says, and comes back", () => {
  const entry = {
    chunkIndex: 0x01020304,
    codec: codec.zstd,
    storedLength: 0x0506,
    crc32c: 0x0708090a,
    sha256: new Uint8Array(32).fill(7),
  };
  const data = encodeEntry(entry);
  assert.equal(
    Buffer.from(data.subarray(0, 17)).toString("hex"),
    "0403020101000000060500000a09080707",
  );
  assert.deepEqual(decodeEntry(data), { ok: true, value: entry });
  const buffer = Buffer.from(data);
  const decoded = decodeEntry(buffer);
  buffer.fill(0);
  assert.deepEqual(
    decoded,
    { ok: true, value: entry },
    "it keeps nothing of where it was read from",
  );
});

test("the root hash is the recursive tree of RFC 6962, 2.1", () => {
  const tree = (leaves: Uint8Array[]): Uint8Array => {
    if (leaves.length === 0) return sha256(new Uint8Array());
    if (leaves.length === 1) return sha256(Buffer.concat([Buffer.of(0), leaves[0] as Uint8Array]));
    let half = 1;
    while (half * 2 < leaves.length) half *= 2;
    return sha256(
      Buffer.concat([Buffer.of(1), tree(leaves.slice(0, half)), tree(leaves.slice(half))]),
    );
  };
  for (let count = 0; count < 40; count++) {
    const leaves = Array.from({ length: count }, (_, at) => new Uint8Array(48).fill(at));
    assert.equal(
      rootHashOf(Buffer.concat(leaves), writeSha256),
      Buffer.from(tree(leaves)).toString("hex"),
    );
  }
});

test("an MBR's logical partitions are found, and a loop of EBRs ends", async () => {
  const disk = new Uint8Array(8 * mib);
  const put = (sector: number, records: [number, number, number][]) => {
    const view = new DataView(disk.buffer, sector * 512, 512);
    for (const [at, [type, first, count]] of records.entries()) {
      view.setUint8(446 + at * 16 + 4, type);
      view.setUint32(446 + at * 16 + 8, first, true);
      view.setUint32(446 + at * 16 + 12, count, true);
    }
    view.setUint16(510, 0xaa55, true);
  };
  const read = () =>
    readPartitionTable({
      diskBytes: disk.length,
      logicalSector: 512,
      read: async (at, length) => disk.slice(at, at + length),
    });
  put(0, [
    [0x83, 64, 100],
    [0x05, 1000, 4000],
  ]);
  put(1000, [
    [0x83, 8, 100],
    [0x05, 500, 200],
  ]);
  put(1500, [
    [0x07, 8, 100],
    [0, 0, 0],
  ]);
  const table = await read();
  assert.equal(table.kind, "mbr");
  assert.deepEqual(
    table.partitions.map(({ index, type, start }) => [index, type, start / 512]),
    [
      [1, "0x83", 64],
      [5, "0x83", 1008],
      [6, "0x07", 1508],
    ],
  );
  put(1500, [
    [0x07, 8, 100],
    [0x05, 0, 200],
  ]);
  assert.match((await read()).warnings.join(), /nowhere/);
});

test("a domain map: what it does not speak of is used", () => {
  const map = "# x\n0x0C350000     ?\n0x0 0x1000 +\n0x1000 0x2000 ?\n0x3000 0x1000 +\n";
  assert.deepEqual(decodeDomainMap(map, 0x5000), {
    ok: true,
    value: [
      { start: 0, length: 0x1000 },
      { start: 0x3000, length: 0x2000 },
    ],
  });
  assert.equal(decodeDomainMap("", 10).ok, false);
  assert.equal(decodeDomainMap("0x0 ?\n0x0 zz +", 10).ok, false);
});

test("a plan keeps every byte that is used, and every byte outside of partitions", () => {
  const size = 6 * mib;
  const extent = fc.record({ start: fc.nat(4 * mib), length: fc.integer({ min: 1, max: mib }) });
  fc.assert(
    fc.property(fc.array(extent, { maxLength: 4 }), fc.nat(mib), (extents, start) => {
      const sorted = extents.sort((a, b) => a.start - b.start);
      const length = 5 * mib - 512;
      const used = sorted.map((e) => ({
        start: e.start,
        length: Math.min(e.length, length - e.start),
      }));
      const plan = planCapture(size, [{ start, size: length, used }]);
      const kept = new Uint8Array(size);
      for (const { chunkIndex, zeroed } of plan.chunks) {
        kept.fill(1, chunkIndex * mib, (chunkIndex + 1) * mib);
        for (const z of zeroed)
          kept.fill(0, chunkIndex * mib + z.start, chunkIndex * mib + z.start + z.length);
      }
      const needed = new Uint8Array(size).fill(1);
      needed.fill(0, start, start + length);
      for (const e of used) needed.fill(1, start + e.start, start + e.start + e.length);
      let keptBytes = 0;
      for (let at = 0; at < size; at += 512) {
        if (needed[at] === 1 && kept[at] !== 1) assert.fail(`byte ${at} is lost`);
        if (kept[at] === 1) keptBytes += 512;
      }
      assert.equal(plan.usedBytes, keptBytes);
    }),
    { numRuns: 40 },
  );
});

test("any bytes: decoders answer, and never throw", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 4096 }), fc.string(), async (data, text) => {
      decodeIndex(data, 1 << 30);
      decodeManifest(text);
      decodeDomainMap(text, 1 << 30);
      const disk = new Uint8Array(4096);
      disk.set(data);
      disk.set([0x55, 0xaa], 510);
      await readPartitionTable({
        diskBytes: 4096,
        logicalSector: 512,
        read: async (at, length) => disk.slice(at, at + length),
      });
    }),
    { numRuns: 500 },
  );
});
