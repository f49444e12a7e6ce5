/** Logical partitions that are not chained in the disk's order, as those who delete and add some have them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ebrChain, mbrSector } from "../../../core/image/mbr-writer.ts";
import { type PartitionTable, readPartitionTable } from "../../../core/image/partition-table.ts";
import type { PartitionRecord } from "../../../core/image/types.ts";
import { layOut } from "../../../imaging/fit/fit-disk.ts";
import { FakeDisk } from "../restore/fake-disk.ts";

const mib = 1 << 20;
const sector = 512;
const common = { device: "", isBootable: false, type: "0x83" };
/** In sectors; the first of the chain lies behind the second. */
const partitions = [
  { ...common, index: 1, type: "0x05", start: 2048, count: 14_336 },
  { ...common, index: 5, start: 10_240, count: 6144 },
  { ...common, index: 6, start: 4096, count: 4096 },
];

const tableOf = (content: Uint8Array): Promise<PartitionTable> =>
  readPartitionTable({
    diskBytes: content.length,
    logicalSector: sector,
    read: async (offset, length) => content.slice(offset, offset + length),
  });

function diskOf(): Uint8Array {
  const content = new Uint8Array(8 * mib);
  content.set(mbrSector(content.subarray(0, sector), partitions));
  for (const { offset, data } of ebrChain(partitions, sector) ?? assert.fail("no chain")) {
    assert(
      partitions.every(
        ({ index, start, count }) =>
          index === 1 || offset + sector <= start * sector || offset >= (start + count) * sector,
      ),
      "no EBR lies over a partition",
    );
    content.set(data, offset);
  }
  return content;
}

/** What is said when it is laid out on a disk of 16 MiB, and that disk. */
async function laidOut(small: Uint8Array): Promise<{ disk: FakeDisk; said: string[] }> {
  const found = await tableOf(small);
  const large = new Uint8Array(16 * mib);
  large.set(small);
  const disk = new FakeDisk(large);
  const said: string[] = [];
  await layOut(disk, {
    manifest: {
      ...{ diskBytes: small.length, logicalSector: sector, partitionTable: found.kind },
      partitions: found.partitions.map(
        (each) => ({ ...each, fs: "ext4", label: null }) as unknown as PartitionRecord,
      ),
    },
    entries: [],
    beyond: new Map(),
    grow: "last",
    signal: new AbortController().signal,
    said: ({ name, result, detail }) => void said.push(`${name}: ${result}, ${detail}`),
  });
  return { disk, said };
}

const placesOf = ({ partitions }: PartitionTable): number[][] =>
  partitions.map(({ index, start, size }) => [index, start / sector, size / sector]);

test("a chain that leads to the last partition first is written, and read as it was meant", async () => {
  const { warnings, doubtful, ...table } = await tableOf(diskOf());
  assert.deepEqual([warnings, [...doubtful]], [[], []]);
  assert.deepEqual(placesOf({ warnings, doubtful, ...table }), [
    [5, 10_240, 6144],
    [6, 4096, 4096],
  ]);
});

test("the logical partition that lies last grows, and the chain goes on behind it", async () => {
  const { disk, said } = await laidOut(diskOf());
  assert.match(said[1] ?? "", /^growth of partition 5: done/);
  const table = await tableOf(disk.content);
  const end = (16 * mib) / sector;
  assert.deepEqual(placesOf(table), [
    [5, 10_240, end - 10_240],
    [6, 4096, 4096],
  ]);
  assert.deepEqual(table.warnings, []);
  assert.equal(table.extended?.size, (end - 2048) * sector);
});

test("what the chain would lose when a partition grows over it is left", async () => {
  const small = diskOf();
  // Its frame takes the rest of the disk, where the chain ends with an EBR that names nothing.
  const frame = partitions.map((each) => (each.index === 1 ? each : { ...each, count: 2048 }));
  for (const { offset, data } of ebrChain(frame, sector) ?? assert.fail("no chain")) {
    small.set(data, offset);
  }
  const second = new DataView(small.buffer, 2049 * sector);
  second.setUint8(462 + 4, 0x05);
  second.setUint32(462 + 8, 14_000 - 2048, true);
  second.setUint32(462 + 12, 1, true);
  small.set([0x55, 0xaa], 14_000 * sector + 510);
  const { disk, said } = await laidOut(small);
  assert.match(said.at(-1) ?? "", /^growth: left, partition 5 .* partition table is behind it/);
  assert.deepEqual(disk.content.subarray(0, small.length), small);
});
