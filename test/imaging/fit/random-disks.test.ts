/**
 * Random layouts with bytes in them, made smaller and laid out on larger disks: no byte of a partition is
 * lost, no two overlap, and what does not fit is refused before a byte is written.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { RoomcastError } from "../../../core/errors.ts";
import { misfitOf } from "../../../core/image/fit.ts";
import { ebrChain, mbrSector } from "../../../core/image/mbr-writer.ts";
import { type PartitionTable, readPartitionTable } from "../../../core/image/partition-table.ts";
import type { DumpedPartition } from "../../../core/image/sfdisk-dump.ts";
import type { Manifest, PartitionRecord } from "../../../core/image/types.ts";
import { layOut } from "../../../imaging/fit/fit-disk.ts";
import { shrinkDisk } from "../../../imaging/fit/shrink-disk.ts";
import { drawn } from "../../property.ts";
import { tool } from "../capture/disks.ts";
import { FakeDisk, fill, imageOf } from "../restore/fake-disk.ts";

const mib = 1 << 20;
const sector = 512;
const folder = mkdtempSync(join(tmpdir(), "roomcast-random-"));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, "disk");
const { signal } = new AbortController();

/** What tools of file systems leave alone: it can be moved, and does not change its size. */
const stiff = ["vfat", "swap", "crypto_LUKS", null] as const;

const randomParts = fc.array(
  fc.record({
    fs: fc.constantFrom(...stiff),
    sectors: fc.integer({ min: 1, max: 3000 }),
    gap: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 4000 })),
    isLogical: fc.boolean(),
  }),
  { minLength: 1, maxLength: 7 },
);
type Parts = readonly {
  readonly fs: string | null;
  readonly sectors: number;
  readonly gap: number;
  readonly isLogical: boolean;
}[];

interface Made {
  readonly content: Uint8Array;
  readonly manifest: Pick<
    Manifest,
    "diskBytes" | "logicalSector" | "partitionTable" | "partitions"
  >;
}

interface Place {
  readonly start: number;
  readonly count: number;
}

/** Each partition full of bytes of its own. */
async function makeDisk(parts: Parts, label: "gpt" | "dos", tail: number): Promise<Made> {
  const logicalFrom = label === "gpt" ? parts.length : firstLogical(parts);
  let end = 2048;
  const places = parts.map(({ sectors: count, gap }, order): Place => {
    // Before each logical partition there is room for its EBR.
    const start = end + gap + (order >= logicalFrom ? 2048 : 0);
    end = start + count;
    return { start, count };
  });
  const diskBytes = (end + tail) * sector;
  const content =
    label === "gpt" ? gptDisk(places, diskBytes) : mbrDisk(places, logicalFrom, diskBytes);
  const { kind, partitions } = await tableOf(content);
  assert.equal(partitions.length, parts.length);
  const records = partitions
    .toSorted((a, b) => a.start - b.start)
    .map((each, order) => {
      fill(content.subarray(each.start, each.start + each.size), each.index);
      return { ...each, fs: parts[order]?.fs ?? null, label: null };
    }) as unknown as PartitionRecord[];
  const manifest = {
    ...{ diskBytes, logicalSector: sector, partitionTable: kind },
    partitions: records.toSorted((a, b) => a.index - b.index),
  };
  return { content, manifest };
}

/** At most three partitions are primary ones. */
function firstLogical(parts: Parts): number {
  const found = parts.findIndex(({ isLogical }) => isLogical);
  return found < 0 ? 3 : Math.min(3, found);
}

function gptDisk(places: readonly Place[], diskBytes: number): Uint8Array {
  writeFileSync(path, "");
  truncateSync(path, diskBytes);
  const lines = places.map(({ start, count }) => `start=${start}, size=${count}, type=linux\n`);
  // Else it waits a quarter of a second before it tells the kernel.
  const quick = ["-q", "--no-reread", "--no-tell-kernel"];
  tool("sfdisk", [...quick, path], `label: gpt\n${lines.join("")}`);
  return new Uint8Array(readFileSync(path));
}

/** sfdisk refuses some partitions that are not on its grid. */
function mbrDisk(places: readonly Place[], logicalFrom: number, diskBytes: number): Uint8Array {
  const common = { device: "", isBootable: false };
  const partitions: DumpedPartition[] = places.map((place, order) => {
    const index = order < logicalFrom ? order + 1 : 5 + order - logicalFrom;
    return { ...common, ...place, index, type: "0x83" };
  });
  const first = places[logicalFrom];
  if (first !== undefined) {
    const start = first.start - 2048;
    const count = diskBytes / sector - start;
    partitions.push({ ...common, index: 4, type: "0x05", start, count });
  }
  const content = new Uint8Array(diskBytes);
  const chain = ebrChain(partitions, sector);
  assert(chain !== null);
  for (const { offset, data } of chain) content.set(data, offset);
  content.set(mbrSector(content.subarray(0, sector), partitions));
  return content;
}

const tableOf = (content: Uint8Array): Promise<PartitionTable> =>
  readPartitionTable({
    diskBytes: content.length,
    logicalSector: sector,
    read: async (offset, length) => content.slice(offset, offset + length),
  });

/** All that was there is there, whole, and nothing lies over it. */
async function requireAll({ content, manifest }: Made, now: Uint8Array): Promise<PartitionTable> {
  const table = await tableOf(now);
  assert.deepEqual(table.warnings, []);
  assert.deepEqual([...table.doubtful], []);
  const names = (of: readonly { index: number; type: string }[]) =>
    of.map(({ index, type }) => `${index} ${type}`).sort();
  assert.deepEqual(names(table.partitions), names(manifest.partitions));
  let end = 0;
  for (const { index, start, size } of table.partitions.toSorted((a, b) => a.start - b.start)) {
    assert(start >= end && start + size <= now.length, "each for itself, and on the disk");
    end = start + size;
    const was = manifest.partitions.find((each) => each.index === index) as PartitionRecord;
    assert(size >= was.size);
    const [before, after] = [
      content.subarray(was.start, was.start + was.size),
      now.subarray(start, start + was.size),
    ];
    assert(Buffer.compare(before, after) === 0, `partition ${index} holds what it held`);
  }
  return table;
}

for (const label of ["gpt", "dos"] as const) {
  test(`${label}: made smaller, or refused before a byte is written`, async () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true });
    let [fitted, refusals] = [0, 0];
    await fc.assert(
      fc.asyncProperty(randomParts, fc.nat(6000), part, async (parts, tail, ratio) => {
        const made = await makeDisk(parts, label, tail + 34);
        const { diskBytes } = made.manifest;
        let least = 0;
        const shrink = async (targetBytes: number): Promise<boolean> => {
          writeFileSync(path, made.content);
          const quiet = { signal, log() {}, progress() {} };
          const leastFound = async (bytes: number): Promise<void> => {
            least = bytes;
          };
          const { manifest } = made;
          try {
            await shrinkDisk({ path, manifest, targetBytes, leastFound, ...quiet });
          } catch (error) {
            assert(error instanceof RoomcastError && error.code === "refused", String(error));
            assert(targetBytes < least, `${error.message}, though the least is ${least}`);
            assert(Buffer.compare(readFileSync(path), made.content) === 0, "not a byte");
            refusals++;
            return false;
          }
          assert(targetBytes >= least && least > 0);
          const now = new Uint8Array(readFileSync(path));
          assert.equal(now.length, targetBytes);
          await requireAll(made, now);
          fitted++;
          return true;
        };
        await shrink(Math.floor(((diskBytes - mib) * ratio + mib) / sector) * sector);
        if (least >= diskBytes) return;
        assert(await shrink(least), "the least is enough");
        assert(!(await shrink(least - sector)), "and a sector less is not");
      }),
      { numRuns: drawn(8) },
    );
    assert(fitted > 8 && refusals > 8, `${fitted} fitted, ${refusals} refused`);
  });

  test(`${label}: a smaller disk that holds all partitions gets a table of its own`, async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(randomParts, fc.nat(3000), fc.nat(3000), async (parts, tail, less) => {
        const made = await makeDisk(parts, label, tail + 34);
        const { manifest, content } = made;
        const target = manifest.diskBytes - less * sector;
        const entries = imageOf(content).entries.filter(({ chunkIndex }) => {
          const chunk = content.subarray(chunkIndex * mib, (chunkIndex + 1) * mib);
          return chunk.some((byte) => byte !== 0);
        });
        if (misfitOf(manifest, entries, target, "restore") !== null) return;
        const disk = new FakeDisk(content.subarray(0, target));
        const noEntries = { entries: [], beyond: new Map() };
        await layOut(disk, { ...noEntries, manifest, grow: "auto", signal, said() {} });
        await requireAll(made, disk.content);
        taken++;
      }),
      { numRuns: 40 },
    );
    assert(taken > 10, `${taken} disks`);
  });

  test(`${label}: laid out on a larger disk`, async () => {
    let [moves, growths] = [0, 0];
    await fc.assert(
      fc.asyncProperty(randomParts, fc.nat(30_000), fc.nat(6), async (parts, more, own) => {
        // The largest, which the room is for.
        const mixed = parts.map((each, at) =>
          at === own % parts.length ? { ...each, fs: "ext4", sectors: each.sectors + 3000 } : each,
        );
        const made = await makeDisk(mixed, label, 34);
        const { manifest } = made;
        const large = new Uint8Array(manifest.diskBytes + more * sector).fill(0x77);
        large.set(made.content);
        const disk = new FakeDisk(large);
        const chunkCount = Math.ceil(manifest.diskBytes / mib);
        const grown = await layOut(disk, {
          ...{ manifest, beyond: new Map(), grow: "auto", signal },
          entries: Array.from({ length: chunkCount }, (_, chunkIndex) => ({ chunkIndex })),
          said: ({ name }) => void (name.startsWith("move") && moves++),
        });
        const table = await requireAll(made, disk.content);
        const larger = table.partitions.filter(({ index, size }) =>
          manifest.partitions.some((was) => was.index === index && was.size < size),
        );
        const expected = grown === null ? [] : [grown.index];
        assert.deepEqual(
          larger.map(({ index }) => index),
          expected,
          "only one is larger",
        );
        growths += expected.length;
      }),
      { numRuns: 40 },
    );
    assert(moves > 0 && growths > 15, `${moves} moves, ${growths} growths`);
  });
}
