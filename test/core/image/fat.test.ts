/**
 * Our map of FAT12, FAT16 and FAT32: tables made by hand, any bytes, and file systems that mkfs.vfat
 * and mtools made at random: what the map leaves out is overwritten, and every file is as before.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type Extent, endOf } from "../../../core/image/extents.ts";
import { fatUse } from "../../../core/image/fat.ts";
import { inFolder, mib, tool, treeOf } from "../../imaging/capture/disks.ts";
import { drawn } from "../../property.ts";
import { sourceOf } from "./bytes.ts";

type Kind = 12 | 16 | 32;
const sectorBytes = 512;
const clusterCounts = { 12: 40, 16: 5000, 32: 40 } as const;
const lasts = { 12: 0xfff, 16: 0xffff, 32: 0x0fffffff } as const;
const bads = { 12: 0xff7, 16: 0xfff7, 32: 0x0ffffff7 } as const;
/** Two sectors that are reserved, two copies of the table; FAT12 and FAT16: one of the root. */
const tableSectors = { 12: 1, 16: 20, 32: 1 } as const;
const tablesAt = 2 * sectorBytes;
const clustersAt = (kind: Kind): number =>
  tablesAt + (2 * tableSectors[kind] + (kind === 32 ? 0 : 1)) * sectorBytes;

/** Of clusters of one sector, and three sectors behind the last. `entries`: cluster → value. */
function fat(kind: Kind, entries: Readonly<Record<number, number>>): Buffer {
  const sectorCount = clustersAt(kind) / sectorBytes + clusterCounts[kind];
  const bytes = Buffer.alloc((sectorCount + 3) * sectorBytes);
  bytes.writeUInt16LE(sectorBytes, 0x0b);
  bytes[0x0d] = 1;
  bytes.writeUInt16LE(2, 0x0e);
  bytes[0x10] = 2;
  bytes.writeUInt16LE(kind === 32 ? 0 : 16, 0x11);
  bytes.writeUInt32LE(sectorCount, 0x20);
  if (kind === 32) {
    bytes.writeUInt32LE(tableSectors[kind], 0x24);
    bytes.writeUInt32LE(2, 0x2c);
  } else bytes.writeUInt16LE(tableSectors[kind], 0x16);
  const all = { 0: lasts[kind], 1: lasts[kind], ...entries };
  for (const copy of [0, 1])
    for (const [cluster, value] of Object.entries(all))
      setEntry(bytes, kind, copy, Number(cluster), value);
  return bytes;
}

function setEntry(bytes: Buffer, kind: Kind, copy: number, cluster: number, value: number): void {
  const table = tablesAt + copy * tableSectors[kind] * sectorBytes;
  if (kind === 32) bytes.writeUInt32LE(value, table + cluster * 4);
  else if (kind === 16) bytes.writeUInt16LE(value, table + cluster * 2);
  else {
    const at = table + cluster + (cluster >> 1);
    const pair = bytes.readUInt16LE(at);
    const isOdd = (cluster & 1) === 1;
    bytes.writeUInt16LE(isOdd ? (pair & 0xf) | (value << 4) : (pair & 0xf000) | value, at);
  }
}

/** The clusters that are in use, and whether the copies of the table differ. */
async function clustersOf(bytes: Buffer, kind: Kind) {
  const use = await fatUse(sourceOf(bytes));
  assert(use.ok, use.ok ? "" : use.reason);
  assert.equal(use.value.kind, kind);
  const at = clustersAt(kind);
  const used = (start: number) =>
    use.value.used.some((each) => each.start <= start && endOf(each) >= start + sectorBytes);
  for (let start = 0; start < at; start += sectorBytes) assert(used(start), `byte ${start}`);
  const end = at + clusterCounts[kind] * sectorBytes;
  for (let start = end; start < bytes.length; start += sectorBytes) assert(used(start));
  const clusters: number[] = [];
  for (let cluster = 0; cluster < clusterCounts[kind]; cluster++) {
    if (used(at + cluster * sectorBytes)) clusters.push(cluster + 2);
  }
  return { clusters, copiesDiffer: use.value.copiesDiffer };
}

const kinds: readonly Kind[] = [12, 16, 32];

test("each kind: chains are in use, free and bad clusters are not, and all around them is", async () => {
  for (const kind of kinds) {
    const last = clusterCounts[kind] + 1;
    const end = lasts[kind];
    // To and fro: 2 → 9 → 5 → 6; one of its own; the very last one.
    const bytes = fat(kind, { 2: 9, 9: 5, 5: 6, 6: end, 7: end - 7, 8: bads[kind], [last]: end });
    assert.deepEqual(await clustersOf(bytes, kind), {
      clusters: [2, 5, 6, 7, 9, last],
      copiesDiffer: false,
    });
  }
});

test("copies of the table that differ: what either calls used is", async () => {
  for (const kind of kinds) {
    const bytes = fat(kind, { 2: 3, 3: lasts[kind], 10: lasts[kind] });
    setEntry(bytes, kind, 1, 10, 0);
    setEntry(bytes, kind, 1, 20, lasts[kind]);
    setEntry(bytes, kind, 1, 21, bads[kind]);
    const clusters = [2, 3, 10, 20];
    assert.deepEqual(await clustersOf(bytes, kind), { clusters, copiesDiffer: true });
  }
  // The second copy counts, and the first is of the past.
  const bytes = fat(32, { 2: 3, 3: lasts[32] });
  setEntry(bytes, 32, 0, 2, 30);
  bytes[0x28] = 0x81;
  assert.deepEqual(await clustersOf(bytes, 32), { clusters: [2, 3], copiesDiffer: true });
});

test("the upper four bits of FAT32's entries mean nothing", async () => {
  const bytes = fat(32, { 2: 0xf0000003, 3: 0x1fffffff, 4: 0xa0000000, 5: 0x5ffffff7 });
  assert.deepEqual((await clustersOf(bytes, 32)).clusters, [2, 3]);
});

test("a table that contradicts itself, marks of a file system that was not unmounted: no map", async () => {
  const wrong: [Kind, Record<number, number>, RegExp][] = kinds.flatMap((kind) => {
    const end = lasts[kind];
    return [
      [kind, { 2: end, 4: 6, 5: 6, 6: end }, /share clusters/],
      [kind, { 2: end, 4: 5, 5: 6, 6: 5 }, /share clusters/],
      [kind, { 2: end, 4: 7, 7: 5, 5: 4 }, /a ring/],
      [kind, { 2: end, 4: 4 }, /a ring/],
      [kind, { 2: end, 4: clusterCounts[kind] + 2 }, /beyond its end/],
      [kind, { 2: end, 4: 1 }, /beyond its end/],
      [kind, { 2: end, [clusterCounts[kind] + 1]: clusterCounts[kind] + 2 }, /beyond its end/],
      [kind, { 2: end, 4: 5 }, /calls free/],
      [kind, { 2: end, 4: 9 }, /calls free/],
      [kind, { 2: end, 4: 5, 5: bads[kind] }, /calls free/],
      [kind, { 0: 0, 2: end }, /table is damaged/],
    ];
  });
  wrong.push(
    [16, { 1: 0x7fff }, /not unmounted/],
    [16, { 1: 0xbfff }, /marked as damaged/],
    [32, { 1: 0x07ffffff, 2: lasts[32] }, /not unmounted/],
    [32, { 1: 0x0bffffff, 2: lasts[32] }, /marked as damaged/],
    [32, { 3: lasts[32] }, /no root directory/],
  );
  const refused = async (bytes: Buffer, said: RegExp): Promise<void> => {
    const use = await fatUse(sourceOf(bytes));
    assert(!use.ok);
    assert.match(use.reason, said);
  };
  for (const [kind, entries, said] of wrong) await refused(fat(kind, entries), said);
  for (const [kind, at] of [
    [12, 0x25],
    [16, 0x25],
    [32, 0x41],
  ] as const) {
    const bytes = fat(kind, { 2: lasts[kind] });
    bytes[at] = 1;
    await refused(bytes, /not unmounted/);
  }
  // Its sectors are more than the partition has; its table has not as many entries as clusters.
  await refused(fat(12, {}).subarray(0, 40 * sectorBytes), /boot sector is damaged/);
  const short = Buffer.concat([fat(12, {}), Buffer.alloc(400 * sectorBytes)]);
  short.writeUInt32LE(400, 0x20);
  await refused(short, /boot sector is damaged/);
});

test("4085 and 4086 clusters, which Windows and Linux read differently: no map", async () => {
  const kindOf = async (clusterCount: number): Promise<Kind | null> => {
    const bytes = Buffer.alloc((45 + clusterCount) * sectorBytes);
    fat(16, {}).copy(bytes, 0, 0, tablesAt);
    bytes.fill(0xff, tablesAt, tablesAt + 4);
    bytes.fill(0xff, tablesAt + 20 * sectorBytes, tablesAt + 20 * sectorBytes + 4);
    // Of FAT12, the third entry's first half: the last of a chain.
    bytes[tablesAt + 4] = 0x0f;
    bytes[tablesAt + 20 * sectorBytes + 4] = 0x0f;
    if (clusterCount > 4084) bytes[tablesAt + 4] = bytes[tablesAt + 20 * sectorBytes + 4] = 0;
    bytes.writeUInt32LE(43 + clusterCount, 0x20);
    const use = await fatUse(sourceOf(bytes));
    return use.ok ? use.value.kind : null;
  };
  const counts = [4084, 4085, 4086, 4087];
  assert.deepEqual(await Promise.all(counts.map(kindOf)), [12, null, null, 16]);
});

function assertInOrder(extents: readonly Extent[], size: number): void {
  let end = 0;
  for (const extent of extents) {
    assert(extent.start >= end && extent.length > 0);
    end = endOf(extent);
  }
  assert(end <= size);
}

test("any bytes are answered, and nothing is read beyond the end", async () => {
  const change = fc.tuple(fc.oneof(fc.nat(0x48), fc.nat(1500), fc.nat(30_000)), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...kinds),
      fc.array(change, { maxLength: 8 }),
      fc.nat(20),
      async (kind, changes, cut) => {
        const whole = fat(kind, { 2: 9, 9: 5, 5: 6, 6: lasts[kind], 12: 13, 13: lasts[kind] });
        for (const [at, byte] of changes) whole[at] = byte;
        const bytes = whole.subarray(0, whole.length - cut * sectorBytes);
        const use = await fatUse(sourceOf(bytes));
        if (use.ok) assertInOrder(use.value.used, bytes.length);
      },
    ),
    { numRuns: 2000 },
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (bytes) => {
      await fatUse(sourceOf(bytes));
    }),
  );
});

test("a hostile disk of 2 TiB: neither much memory nor many reads", async () => {
  const head = fat(32, {});
  head.writeUInt32LE(2 ** 32 - 1, 0x20);
  head[0x0d] = 16;
  head[0x10] = 1;
  head.writeUInt32LE(2 ** 21, 0x24);
  let readBytes = 0;
  const use = await fatUse({
    size: 2 ** 41,
    // Every cluster is a file of its own.
    async read(offset, length) {
      readBytes += length;
      if (offset === 0) return head.subarray(0, length);
      return new Uint8Array(length).fill(0xff);
    },
  });
  assert(!use.ok);
  assert.match(use.reason, /too many pieces/);
  assert(readBytes < 16 * mib, `${readBytes} bytes read`);
});

interface Made {
  readonly kind: Kind;
  readonly sizeKib: number;
  readonly options: readonly string[];
  readonly files: readonly { readonly bytes: number; readonly isGone: boolean }[];
}

/** Of every kind; files of nothing to some MiB, every other one of which is deleted again. */
const made: fc.Arbitrary<Made> = fc
  .constantFrom<[Kind, number, number, string[]]>(
    [12, 1440, 1440, []],
    [12, 2_000, 10_000, ["-s", "8"]],
    [12, 2_000, 3_000, ["-s", "2", "-f", "1"]],
    [12, 10_000, 30_000, ["-s", "64"]],
    [16, 10_000, 30_000, ["-s", "1"]],
    [16, 20_000, 30_000, ["-s", "4", "-r", "1024"]],
    [16, 40_000, 50_000, ["-s", "2", "-S", "2048"]],
    [32, 40_000, 50_000, ["-s", "1"]],
    [32, 70_000, 80_000, ["-s", "2", "-R", "64", "-f", "3"]],
  )
  .chain(([kind, least, most, options]) =>
    fc.record({
      kind: fc.constant(kind),
      sizeKib: fc.integer({ min: least, max: most }),
      options: fc.constant(options),
      files: fc.array(
        fc.record({
          bytes: fc.oneof(fc.constant(0), fc.nat(3000), fc.nat(400_000), fc.nat(3_000_000)),
          isGone: fc.boolean(),
        }),
        { minLength: 5, maxLength: 14 },
      ),
    }),
  );

/** Files that come and go: later ones lie in the holes of those before. As many as go in. */
function make(path: string, folder: string, { kind, sizeKib, options, files }: Made): void {
  rmSync(path, { force: true });
  writeFileSync(path, "");
  truncateSync(path, sizeKib * 1024);
  tool("mkfs.vfat", ["-F", String(kind), ...options, path]);
  const source = join(folder, "source");
  const attempt = (name: string, ...args: string[]): void => {
    try {
      tool(name, ["-i", path, ...args]);
    } catch {
      // It is full, or the file is not there because it was.
    }
  };
  const put = (name: string, bytes: number, seed: number): void => {
    const content = Buffer.alloc(bytes);
    for (let at = 0; at + 4 <= bytes; at += 4) content.writeUInt32LE(seed * 2 ** 24 + at, at);
    writeFileSync(source, content);
    attempt("mcopy", source, `::${name}`);
  };
  const nameOf = (at: number): string => `${at % 2 === 0 ? "" : "sub/"}f${at}`;
  attempt("mmd", "::sub");
  for (const [at, { bytes }] of files.entries()) put(nameOf(at), bytes, at);
  for (const [at, { isGone }] of files.entries()) if (isGone) attempt("mdel", `::${nameOf(at)}`);
  for (const [at, { bytes }] of files.entries()) put(`g${at}`, Math.floor(bytes / 3), 100 + at);
}

function filesOf(path: string, folder: string): Record<string, string> {
  const root = join(folder, "root");
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
  tool("mcopy", ["-s", "-i", path, "::*", root]);
  return treeOf(root);
}

test("any file system of mkfs.vfat: what the map leaves out belongs to no file, and no junk is in it", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "fs");
    await fc.assert(
      fc.asyncProperty(made, async (each) => {
        make(path, folder, each);
        const before = filesOf(path, folder);
        const bytes = readFileSync(path);
        const use = await fatUse(sourceOf(bytes));
        assert(use.ok, use.ok ? "" : use.reason);
        assert.equal(use.value.kind, each.kind);
        assertInOrder(use.value.used, bytes.length);
        const other = Buffer.alloc(bytes.length, 0xa5);
        for (const { start, length } of use.value.used)
          bytes.copy(other, start, start, start + length);
        writeFileSync(path, other);
        tool("fsck.vfat", ["-n", path]);
        assert.deepEqual(filesOf(path, folder), before);
        // fsck.vfat counts what is in use as well.
        const said = /(\d+)\/(\d+) clusters/.exec(tool("fsck.vfat", ["-n", path]));
        const usedBytes = use.value.used.reduce((sum, { length }) => sum + length, 0);
        const { clusters } = use.value;
        const clusterBytes = clusters.length / Number(said?.[2]);
        const outside = bytes.length - clusters.length;
        assert.equal(usedBytes - outside, Number(said?.[1]) * clusterBytes);
      }),
      { numRuns: drawn(4) },
    );
  });
});
