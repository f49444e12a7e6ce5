import assert from "node:assert/strict";
import { test } from "node:test";
import { readPartitionTable } from "../../../core/image/partition-table.ts";

const sectors = 4096;

/** A disk of 2 MiB with an MBR of these entries: type, first sector, count. */
function mbrDisk(records: readonly (readonly [number, number, number])[]): Buffer {
  const disk = Buffer.alloc(sectors * 512);
  for (const [at, [type, first, count]] of records.entries()) {
    disk[446 + at * 16 + 4] = type;
    disk.writeUInt32LE(first, 446 + at * 16 + 8);
    disk.writeUInt32LE(count, 446 + at * 16 + 12);
  }
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}

const read = (disk: Uint8Array) =>
  readPartitionTable({
    diskBytes: disk.length,
    logicalSector: 512,
    read: async (at, length) => disk.slice(at, at + length),
  });

test("a protective MBR without a GPT: the whole disk is doubted", async () => {
  const table = await read(mbrDisk([[0xee, 1, sectors - 1]]));
  assert.equal(table.kind, "none");
  assert.deepEqual([...table.doubtful], [0]);
  assert.match(table.warnings.join(), /no GPT/);
});

test("partitions over each other, over an EBR, or over nothing", async () => {
  const inner = mbrDisk([
    [0x83, 100, 1000],
    [0x83, 1099, 100],
    [0x83, 1200, 400],
    [0x05, 1300, 1000],
  ]);
  // The EBR of a logical partition that lies behind the third.
  const ebr = mbrDisk([[0x83, 400, 100]]).subarray(0, 512);
  inner.set(ebr, 1300 * 512);
  const table = await read(inner);
  assert.deepEqual(
    table.partitions.map(({ index }) => index),
    [1, 2, 3, 5],
  );
  assert.deepEqual([...table.doubtful].sort(), [1, 2, 3]);
  assert.match(table.warnings.join("; "), /1 and 2 overlap.*3 lies over the partition table/);
});

test("one that covers two others makes all three doubtful", async () => {
  const table = await read(
    mbrDisk([
      [0x83, 100, 3000],
      [0x83, 200, 100],
      [0x83, 1000, 100],
      [0x83, 3100, 100],
    ]),
  );
  assert.deepEqual([...table.doubtful].sort(), [1, 2, 3]);
});
