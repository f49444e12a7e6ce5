/** Our map of ext2, ext3 and ext4 beside partclone's, for every layout that mke2fs makes. */
import assert from "node:assert/strict";
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { decodeDomainMap } from "../../../core/image/domain-map.ts";
import { extUse } from "../../../core/image/ext.ts";
import type { Extent } from "../../../core/image/extents.ts";
import {
  inFolder,
  mib,
  mounted,
  someFiles,
  tool,
  toolBeside,
} from "../../imaging/capture/disks.ts";
import { drawn } from "../../property.ts";
import { sourceOf } from "./bytes.ts";

const kib = 1024;

function marks(extents: readonly Extent[], size: number): Uint8Array {
  const map = new Uint8Array(size / kib);
  for (const { start, length } of extents) map.fill(1, start / kib, (start + length) / kib);
  return map;
}

/** partclone's map, as a text. */
async function theirMap(path: string): Promise<string> {
  const map = `${path}.map`;
  await toolBeside("partclone.extfs", [
    "-q",
    "-f",
    "0",
    "-D",
    "-s",
    path,
    "-O",
    map,
    "-L",
    "/dev/null",
  ]);
  return readFileSync(map, "utf8");
}

/** KiB that only one of the two maps has in use: ours, partclone's. */
async function differences(path: string, map: string): Promise<{ ours: number; theirs: number }> {
  const bytes = readFileSync(path);
  const use = await extUse(sourceOf(bytes));
  assert(use.ok, use.ok ? "" : use.reason);
  const decoded = decodeDomainMap(map, bytes.length);
  assert(decoded.ok);
  const ours = marks(use.value, bytes.length);
  const theirs = marks(decoded.value, bytes.length);
  const count = (one: Uint8Array, other: Uint8Array) =>
    one.reduce((sum, mark, at) => sum + (mark === 1 && other[at] === 0 ? 1 : 0), 0);
  return { ours: count(ours, theirs), theirs: count(theirs, ours) };
}

const layouts: readonly (readonly string[])[] = [
  ["-t", "ext2"],
  ["-t", "ext2", "-O", "^sparse_super,^resize_inode", "-r", "1"],
  ["-t", "ext3", "-b", "1024"],
  ["-t", "ext4"],
  ["-t", "ext4", "-b", "2048", "-O", "^64bit"],
  ["-t", "ext4", "-O", "^flex_bg", "-g", "8192"],
  ["-t", "ext4", "-O", "^metadata_csum,uninit_bg"],
  ["-t", "ext4", "-O", "^metadata_csum,^uninit_bg"],
  ["-t", "ext4", "-O", "sparse_super2,^resize_inode", "-g", "8192"],
  ["-t", "ext4", "-O", "meta_bg,^resize_inode", "-b", "1024"],
  ["-t", "ext4", "-O", "meta_bg,^resize_inode", "-b", "1024", "-g", "256"],
];

test("every layout: the same blocks as partclone's", async () => {
  await inFolder(async (folder) => {
    const files = someFiles(folder);
    const paths = layouts.map((layout, at) => {
      const path = join(folder, `fs${at}`);
      writeFileSync(path, "");
      truncateSync(path, 120 * mib);
      tool("mke2fs", ["-q", "-F", ...layout, "-d", files, path]);
      return path;
    });
    const maps = await Promise.all(paths.map(theirMap));
    for (const [at, layout] of layouts.entries()) {
      const { ours, theirs } = await differences(paths[at] ?? "", maps[at] ?? "");
      assert.equal(theirs, 0, `${layout.join(" ")}: ${theirs} KiB are left out`);
      assert.equal(ours, 0, `${layout.join(" ")}: ${ours} KiB too many`);
    }
  });
});

test("one that the kernel filled, and emptied again in part", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "fs");
    writeFileSync(path, "");
    truncateSync(path, 60 * mib);
    tool("mke2fs", ["-q", "-F", "-t", "ext4", "-b", "1024", path]);
    mounted(path, "rw", (root) => {
      for (let at = 0; at < 400; at++) {
        writeFileSync(join(root, `f${at}`), Buffer.alloc(20_000 + at * 100, at + 1));
      }
      for (let at = 0; at < 400; at += 3) rmSync(join(root, `f${at}`));
    });
    assert.deepEqual(await differences(path, await theirMap(path)), { ours: 0, theirs: 0 });
  });
});

test("bigalloc, which partclone refuses: every file's clusters are in the map", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "fs");
    writeFileSync(path, "");
    truncateSync(path, 120 * mib);
    const features = ["-t", "ext4", "-O", "bigalloc", "-C", "65536"];
    tool("mke2fs", ["-q", "-F", ...features, "-d", someFiles(folder), path]);
    const bytes = readFileSync(path);
    const use = await extUse(sourceOf(bytes));
    assert(use.ok);
    // Whatever mke2fs wrote into a file of zeros is in use.
    const used = marks(use.value, bytes.length);
    const empty = Buffer.alloc(kib);
    for (let at = 0; at < bytes.length; at += kib) {
      const isWritten = !bytes.subarray(at, at + kib).equals(empty);
      assert(!isWritten || used[at / kib] === 1, `byte ${at}`);
    }
    assert(used.reduce((sum, mark) => sum + mark, 0) < 40_000);
  });
});

test("a bitmap that does not match its count is refused; any bytes are answered", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "fs");
    writeFileSync(path, "");
    truncateSync(path, 8 * mib);
    tool("mke2fs", ["-q", "-F", "-t", "ext4", "-b", "1024", path]);
    const bytes = readFileSync(path);
    const bitmapAt = 1024 * bytes.readUInt32LE(2048);
    const harmed = Buffer.from(bytes);
    harmed[bitmapAt + 800] = 0x01;
    assert.equal((await extUse(sourceOf(harmed))).ok, false);
    // Said to have a bitmap that was never written, and has files.
    const unset = Buffer.from(bytes);
    unset[2048 + 0x12] = 2;
    assert.equal((await extUse(sourceOf(unset))).ok, false);

    const change = fc.tuple(fc.oneof(fc.integer({ min: 1024, max: 2500 })), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const other = Buffer.from(bytes);
        for (const [at, byte] of changes) other[at] = byte;
        const use = await extUse(sourceOf(other));
        if (!use.ok) return;
        let end = 0;
        for (const { start, length } of use.value) {
          assert(start >= end && length > 0);
          end = start + length;
        }
        assert(end <= other.length);
      }),
      { numRuns: drawn(50) },
    );
  });
});
