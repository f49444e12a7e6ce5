/**
 * Nothing that was deleted is in an image: file systems are made on disks full of one secret, get files
 * with another and lose them again. The second must be nowhere, the first only where a file system
 * counts as its own what it never wrote. And what is deleted changes no chunk: the same files, the
 * same hashes.
 */
import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { captureAndRestore } from "./captured.ts";
import { inFolder, makeXfs, mib, mounted, someFiles, tool, treeOf } from "./disks.ts";

const old = "THE DISK'S OLD SECRET, 32 BYTES. ".slice(0, 32);
const deleted = "A SECRET IN A FILE, ALSO OF 32 B. ".slice(0, 32);
const pieceBytes = 512;

interface Kind {
  readonly name: string;
  readonly sizeMib: number;
  /** Without TRIM: what was there stays. */
  make(disk: string): void;
  /** Copies the folder's files there, and then deletes those that begin with `secret`. */
  fill(disk: string, folder: string): void;
  /** Pieces of `old` in what counts as used. */
  readonly unwritten: number;
  /** Its files, as `treeOf` has them. */
  tree(disk: string): Record<string, string>;
}

const byMount = (disk: string, folder: string): void =>
  mounted(disk, "rw", (root) => {
    tool("cp", ["-r", `${folder}/.`, root]);
    tool("sync", ["-f", root]);
    for (let at = 0; at < 20; at++) rmSync(join(root, `secret${at}`));
  });

const byKernel = (disk: string): Record<string, string> =>
  mounted(disk, "ro", (root) => treeOf(root));

const kinds: readonly Kind[] = [
  {
    name: "ext3 with blocks of 1 KiB",
    sizeMib: 32,
    make: (disk) =>
      void tool("mke2fs", ["-q", "-F", "-t", "ext3", "-b", "1024", "-E", "nodiscard", disk]),
    fill: byMount,
    tree: byKernel,
    // Blocks kept for more group descriptors.
    unwritten: 4 * 256 * 2,
  },
  {
    name: "ext4",
    sizeMib: 32,
    make: (disk) =>
      void tool("mke2fs", ["-q", "-F", "-t", "ext4", "-b", "4096", "-E", "nodiscard", disk]),
    fill: byMount,
    tree: byKernel,
    unwritten: 64 * 8,
  },
  {
    name: "xfs",
    sizeMib: 64,
    make: (disk) => makeXfs(disk, ["-K"]),
    fill: byMount,
    tree: byKernel,
    unwritten: 32,
  },
  {
    name: "btrfs",
    sizeMib: 128,
    make: (disk) => void tool("mkfs.btrfs", ["-q", "-f", "-K", disk]),
    fill: byMount,
    tree: byKernel,
    // Its first MiB is left to boot loaders.
    unwritten: 2048,
  },
  {
    name: "ntfs",
    sizeMib: 48,
    make: (disk) =>
      void tool("mkntfs", ["-q", "-Q", "-F", "-p", "0", "-H", "16", "-S", "63", "-s", "512", disk]),
    fill(disk, folder) {
      const root = `${disk}.root`;
      tool("mkdir", ["-p", root, root.replace("disk.root", "copy.root")]);
      tool("ntfs-3g", [disk, root]);
      tool("cp", ["-r", `${folder}/.`, root]);
      tool("sync", ["-f", root]);
      for (let at = 0; at < 20; at++) rmSync(join(root, `secret${at}`));
      tool("umount", [root]);
    },
    tree(disk) {
      tool("ntfs-3g", ["-o", "ro", disk, `${disk}.root`]);
      try {
        return treeOf(`${disk}.root`);
      } finally {
        tool("umount", [`${disk}.root`]);
      }
    },
    unwritten: 64,
  },
  {
    name: "vfat",
    sizeMib: 48,
    make: (disk) => void tool("mkfs.vfat", ["-F", "32", disk]),
    fill(disk, folder) {
      tool("sh", ["-c", 'mcopy -s -i "$1" "$2"/* ::', "sh", disk, folder]);
      tool("sh", ["-c", 'mdel -i "$1" "::secret*"', "sh", disk]);
    },
    tree(disk) {
      const root = `${disk}.files`;
      tool("mkdir", [root]);
      tool("mcopy", ["-s", "-i", disk, "::", root]);
      return treeOf(root);
    },
    // Before the first FAT, and behind the ends of files.
    unwritten: 200,
  },
];

const countOf = (bytes: Buffer, text: string): number => {
  let count = 0;
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + pieceBytes)) count++;
  return count;
};

for (const { name, sizeMib, make, fill, unwritten, tree } of kinds) {
  test(`${name}: nothing deleted is in the image`, async () => {
    await inFolder(async (folder) => {
      const files = someFiles(folder);
      for (let at = 0; at < 20; at++) {
        writeFileSync(join(files, `secret${at}`), deleted.repeat(4000 + 40 * at));
      }
      for (let at = 0; at < 60; at++) {
        writeFileSync(join(files, `kept${at}`), Buffer.alloc(4096 * at + 7, at + 1));
      }
      const disk = join(folder, "disk");
      writeFileSync(disk, old.repeat((sizeMib * mib) / old.length));
      make(disk);
      assert.equal(statSync(disk).size, sizeMib * mib);
      fill(disk, files);
      assert(countOf(readFileSync(disk), deleted) > 3000, "it is on the disk");
      const { image, copy } = await captureAndRestore(disk, folder);
      assert.equal(image.partitions[0]?.mode, "used", image.warnings.join("; "));
      const bytes = readFileSync(copy);
      assert.equal(countOf(bytes, deleted), 0, "what was deleted");
      const left = countOf(bytes, old);
      assert(left <= unwritten, `${left} pieces of what was there before`);
      const before = tree(disk);
      assert(Object.keys(before).length > 40);
      assert.deepEqual(tree(copy), before);
    });
  });
}

test("what lies in free blocks changes no hash", async () => {
  await inFolder(async (folder) => {
    const disk = join(folder, "disk");
    writeFileSync(disk, old.repeat((32 * mib) / old.length));
    tool("mke2fs", ["-q", "-F", "-t", "ext4", "-d", someFiles(folder), disk]);
    tool("mkdir", [join(folder, "one"), join(folder, "other")]);
    const { image: one } = await captureAndRestore(disk, join(folder, "one"));
    const [, first = "", last = ""] =
      /Free blocks: (?:.*, )?(\d+)-(\d+)\n/.exec(tool("dumpe2fs", [disk])) ?? [];
    const [, block = ""] = /Block size: +(\d+)/.exec(tool("dumpe2fs", ["-h", disk])) ?? [];
    const count = (Number(last) - Number(first)) * Number(block);
    assert(count > mib);
    const bytes = readFileSync(disk);
    bytes.fill(deleted, Number(first) * Number(block), Number(first) * Number(block) + count);
    writeFileSync(disk, bytes);
    const { image: other } = await captureAndRestore(disk, join(folder, "other"));
    assert.equal(other.rootHash, one.rootHash);
  });
});
