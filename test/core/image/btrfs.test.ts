/** Our map of a btrfs: what it leaves out may be anything, and the file system is whole. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { btrfsUse } from "../../../core/image/btrfs.ts";
import { endOf } from "../../../core/image/extents.ts";
import { inFolder, mib, mounted, someFiles, tool, treeOf } from "../../imaging/capture/disks.ts";
import { drawn } from "../../property.ts";
import { sourceOf } from "./bytes.ts";

const layouts: readonly (readonly string[])[] = [
  [],
  ["-m", "single", "-d", "single"],
  ["-M"],
  ["-n", "4096"],
  ["--csum", "xxhash", "-O", "^no-holes"],
  ["--csum", "sha256"],
];

/** Made, filled, and emptied again in part, by the kernel. */
function make(path: string, files: string, layout: readonly string[]): void {
  rmSync(path, { force: true });
  writeFileSync(path, "");
  truncateSync(path, 128 * mib);
  tool("mkfs.btrfs", ["-q", "-f", ...layout, path]);
  mounted(path, "rw", (root) => {
    tool("cp", ["-r", files, root]);
    for (let at = 0; at < 60; at++) writeFileSync(join(root, `f${at}`), randomBytes(4096 * at + 7));
    tool("btrfs", ["subvolume", "snapshot", root, join(root, "snapshot")]);
    for (let at = 0; at < 60; at += 3) rmSync(join(root, `f${at}`));
    tool("sync", ["-f", root]);
    for (let at = 1; at < 60; at += 3) writeFileSync(join(root, `f${at}`), randomBytes(9000));
  });
}

test("every layout: with junk for what is not used, each file is the same", async () => {
  await inFolder(async (folder) => {
    const files = someFiles(folder);
    const path = join(folder, "fs");
    for (const layout of layouts) {
      make(path, files, layout);
      const before = mounted(path, "ro", (root) => treeOf(root));
      const bytes = readFileSync(path);
      const use = await btrfsUse(sourceOf(bytes));
      assert(use.ok, use.ok ? "" : `${layout.join(" ")}: ${use.reason}`);
      let at = 0;
      for (const extent of [...use.value, { start: bytes.length, length: 0 }]) {
        bytes.fill(0x5a, at, extent.start);
        at = endOf(extent);
      }
      const usedBytes = use.value.reduce((sum, { length }) => sum + length, 0);
      assert(usedBytes < 60 * mib, `${usedBytes} bytes in use`);
      writeFileSync(path, bytes);
      tool("btrfs", ["check", "--readonly", path]);
      assert.deepEqual(
        mounted(path, "ro", (root) => treeOf(root)),
        before,
        layout.join(" "),
      );
    }
  });
});

test("any bytes changed: an answer, in order and on the disk; a damaged node is refused", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "fs");
    make(path, someFiles(folder), ["--csum", "xxhash"]);
    const bytes = readFileSync(path);
    const used = await btrfsUse(sourceOf(bytes));
    assert(used.ok);
    // Of nodes and superblock: where there is most to go wrong. This kind of checksum is not looked at.
    const nodes = [65536];
    for (const { start, length } of used.value) {
      for (let at = start; at < start + length; at += 16384) {
        if (bytes.readBigUInt64LE(at + 48) < 200n * BigInt(mib) && bytes[at + 100] !== 0xff) {
          if (nodes.length < 40) nodes.push(at);
        }
      }
    }
    const change = fc.tuple(fc.constantFrom(...nodes), fc.nat(1000), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const kept = changes.map(([node, at]) => bytes[node + at] as number);
        for (const [node, at, byte] of changes) bytes[node + at] = byte;
        const use = await btrfsUse(sourceOf(bytes));
        for (const [index, [node, at]] of [...changes.entries()].reverse()) {
          bytes[node + at] = kept[index] as number;
        }
        if (!use.ok) return;
        let end = 0;
        for (const { start, length } of use.value) {
          assert(start >= end && length > 0);
          end = start + length;
        }
        assert(end <= bytes.length);
      }),
      { numRuns: drawn(60) },
    );

    make(path, someFiles(folder, "others"), []);
    const other = readFileSync(path);
    const root = Number(other.readBigUInt64LE(65536 + 0x50));
    const plain = await btrfsUse(sourceOf(other));
    assert(plain.ok);
    const place = plain.value.find(({ start, length }) => {
      for (let at = start; at < start + length; at += 4096)
        if (other.readBigUInt64LE(at + 48) === BigInt(root)) return true;
      return false;
    });
    assert(place !== undefined);
    for (let at = place.start; at < endOf(place); at += 4096)
      other[at + 2000] = ~(other[at + 2000] as number);
    const refused = await btrfsUse(sourceOf(other));
    assert(!refused.ok);
    assert.match(refused.reason, /a node of its trees is damaged/);
  });
});
