/**
 * Our map of exFAT: volumes of mkfs.exfat with files in clusters drawn at random, among them the first
 * and the last one; what the map leaves out is overwritten, and every file is as before. And any bytes.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { exfatUse } from "../../../core/image/exfat.ts";
import { endOf } from "../../../core/image/extents.ts";
import { inFolder, mib, tool } from "../../imaging/capture/disks.ts";
import { addFiles, clusterRange, filesOf } from "../../imaging/capture/exfat.ts";
import { drawn } from "../../property.ts";
import { sourceOf } from "./bytes.ts";

const layouts: readonly (readonly [sizeMib: number, options: readonly string[]])[] = [
  [4, ["-c", "512"]],
  [9, ["-c", "4K"]],
  [20, ["-c", "32K", "--pack-bitmap"]],
  [40, ["-c", "2M"]],
];

/** Cuts what is drawn into files of up to five clusters. */
function filesIn(clusters: readonly number[]) {
  const files: { name: string; clusters: number[] }[] = [];
  for (let at = 0; at < clusters.length && files.length < 4; at += 5)
    files.push({ name: `FILE${at}`, clusters: clusters.slice(at, at + 5) });
  return files;
}

test("any volume: what the map leaves out belongs to no file, and nothing else is in it", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "fs");
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...layouts),
        fc.nat(16),
        fc.array(fc.oneof(fc.nat(2 ** 24), fc.constantFrom(0, -1, -2)), { minLength: 1 }),
        async ([sizeMib, options], moreSectors, draws) => {
          writeFileSync(path, Buffer.alloc(sizeMib * mib + moreSectors * 512, 0xa5));
          tool("mkfs.exfat", [...options, path]);
          const { first, last, clusterBytes } = clusterRange(path);
          const count = last + 1 - first;
          const clusters = new Set(draws.map((draw) => first + ((draw + count) % count)));
          const files = filesIn([...clusters]);
          addFiles(path, files);
          tool("fsck.exfat", ["-n", path]);
          const before = filesOf(path);
          const bytes = readFileSync(path);
          const use = await exfatUse(sourceOf(bytes));
          assert(use.ok, use.ok ? "" : use.reason);
          const other = Buffer.alloc(bytes.length, 0x5a);
          let usedBytes = 0;
          for (const { start, length } of use.value) {
            bytes.copy(other, start, start, start + length);
            usedBytes += length;
          }
          writeFileSync(path, other);
          tool("fsck.exfat", ["-n", path]);
          assert.deepEqual(filesOf(path), before);
          const inFiles = files.reduce((sum, each) => sum + each.clusters.length, 0);
          assert.equal(bytes.length - usedBytes, (count - inFiles) * clusterBytes);
        },
      ),
      { numRuns: drawn(5) },
    );
  });
});

test("a bitmap, a boot sector or a chain that is damaged: no map; any bytes are answered", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "fs");
    writeFileSync(path, Buffer.alloc(6 * mib));
    tool("mkfs.exfat", ["-c", "512", path]);
    const { first } = clusterRange(path);
    addFiles(path, [{ name: "FILE", clusters: [first, first + 9, first + 3] }]);
    const bytes = readFileSync(path);
    const sector = (at: number): number => bytes.readUInt32LE(at) * 512;
    const [fatAt, heapAt] = [sector(80), sector(88)];
    const rootAt = heapAt + (bytes.readUInt32LE(96) - 2) * 512;
    const wrong: [number, RegExp][] = [
      [100, /boot sector is damaged/],
      // The bit of the bitmap's own first cluster; its length; its second cluster.
      [heapAt, /bitmap is damaged/],
      [rootAt + 32 + 24, /bitmap is damaged/],
      [fatAt + 8 + 3, /bitmap is damaged/],
      [rootAt + 32, /no bitmap/],
    ];
    for (const [at, said] of wrong) {
      const harmed = Buffer.from(bytes);
      harmed[at] = ~(harmed[at] as number);
      const use = await exfatUse(sourceOf(harmed));
      assert(!use.ok, `byte ${at}`);
      assert.match(use.reason, said);
    }
    const change = fc.tuple(
      fc.oneof(
        fc.nat(511),
        fc.nat(2000).map((at) => fatAt + at),
        fc.nat(2000).map((at) => heapAt + at),
        fc.nat(200).map((at) => rootAt + at),
      ),
      fc.nat(255),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 5 }), fc.nat(9), async (changes, cut) => {
        const other = Buffer.from(bytes.subarray(0, bytes.length - cut * 1000));
        for (const [at, byte] of changes) if (at < other.length) other[at] = byte;
        // Most changes end at the checksum: it is set anew.
        let sum = 0;
        for (let at = 0; at < 11 * 512; at++) {
          if (at === 106 || at === 107 || at === 112) continue;
          sum = (((sum << 31) | (sum >>> 1)) + (other[at] as number)) >>> 0;
        }
        other.writeUInt32LE(sum, 11 * 512);
        const use = await exfatUse(sourceOf(other));
        if (!use.ok) return;
        let end = 0;
        for (const extent of use.value) {
          assert(extent.start >= end && extent.length > 0);
          end = endOf(extent);
        }
        assert(end <= other.length);
      }),
      { numRuns: 500 },
    );
  });
});
