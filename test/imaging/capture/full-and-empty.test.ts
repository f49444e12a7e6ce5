/**
 * FAT, NTFS, exFAT, XFS and F2FS with clusters of every size, full to the last one and nearly empty:
 * captured, restored onto random bytes, checked by their own tools, and compared file by file.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { sampled } from "../../property.ts";
import { captureAndRestore } from "./captured.ts";
import { fill, inFolder, makeXfs, mib, mounted, tool, treeOf } from "./disks.ts";
import { addFiles, clusterRange, filesOf, type NewFile } from "./exfat.ts";

interface Layout {
  readonly what: string;
  readonly sizeMib: number;
  /** Makes it on the file `part`; `folder` is for its work. */
  make(part: string, folder: string): void;
  check(part: string): void;
  /** Path → SHA-256 of each file. */
  files(part: string, folder: string): Record<string, string>;
}

/** What goes into a folder: until there is no room, then every third is taken away, and again. */
function fillUp(root: string, fileBytes: number): void {
  for (const round of ["a", "b"]) {
    const names: string[] = [];
    try {
      for (let at = 0; ; at++) {
        const name = join(root, `${round}${at}`);
        names.push(name);
        writeFileSync(name, content(fileBytes + at * 1000, at + (round === "a" ? 0 : 128)));
      }
    } catch {
      // It is full.
    }
    if (round === "b") return;
    for (const [at, name] of names.entries()) if (at % 3 === 0) rmSync(name, { force: true });
  }
}

/** Other than any other in each of its words. */
function content(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE((seed % 256) * 2 ** 24 + at, at);
  return bytes;
}

const fat = (kind: number, sizeMib: number, clusterSectors: number, fileBytes: number): Layout => ({
  what: `FAT${kind}, clusters of ${clusterSectors} sectors`,
  sizeMib,
  make(part, folder) {
    tool("mkfs.vfat", ["-F", String(kind), "-s", String(clusterSectors), part]);
    const file = join(folder, "file");
    const put = (name: string, bytes: number, seed: number): void => {
      writeFileSync(file, content(bytes, seed));
      tool("mcopy", ["-i", part, file, `::${name}`]);
    };
    put("first", fileBytes, 1);
    put("second", fileBytes, 2);
    tool("mdel", ["-i", part, "::first"]);
    // Begins in the hole, and goes on behind the second.
    put("third", 2 * fileBytes, 3);
    if (fileBytes < 100_000) return;
    // As much as there is.
    const free = /([\d ]+) bytes free/.exec(tool("mdir", ["-i", part]))?.[1]?.replaceAll(" ", "");
    put("rest", Number(free), 4);
    assert.match(tool("mdir", ["-i", part]), /\s0 bytes free/);
  },
  check: (part) => void tool("fsck.vfat", ["-n", part]),
  files(part, folder) {
    const root = mkdtempSync(join(folder, "root-"));
    tool("mcopy", ["-s", "-i", part, "::*", root]);
    return treeOf(root);
  },
});

/** With the driver in user space. */
function ntfsMounted<T>(part: string, options: string, work: (root: string) => T): T {
  const root = mkdtempSync(join(tmpdir(), "roomcast-ntfs-"));
  tool("ntfs-3g", ["-o", options, part, root]);
  try {
    return work(root);
  } finally {
    tool("umount", [root]);
    rmSync(root, { recursive: true });
  }
}

const ntfs = (sizeMib: number, clusterBytes: number, fileBytes: number | null): Layout => ({
  what: `NTFS, clusters of ${clusterBytes} bytes`,
  sizeMib,
  make(part) {
    const geometry = ["-p", "0", "-H", "16", "-S", "63", "-s", "512"];
    tool("mkntfs", ["-q", "-Q", "-F", ...geometry, "-c", String(clusterBytes), part]);
    ntfsMounted(part, "rw", (root) => {
      writeFileSync(join(root, "small"), "roomcast");
      if (fileBytes !== null) fillUp(root, fileBytes);
    });
  },
  check: (part) => void tool("ntfsfix", ["-n", part]),
  files: (part) => ntfsMounted(part, "ro", treeOf),
});

const exfat = (sizeMib: number, options: readonly string[], isFull: boolean): Layout => ({
  what: `exFAT, ${options.join(" ")}`,
  sizeMib,
  make(part) {
    tool("mkfs.exfat", [...options, part]);
    const { first, last } = clusterRange(part);
    const middle = (first + last) >> 1;
    const from = (start: number, end: number) =>
      Array.from({ length: end - start }, (_, at) => start + at);
    const files: NewFile[] = isFull
      ? [
          { name: "LOW", clusters: from(first, middle) },
          { name: "BACKWARDS", clusters: from(middle + 1, last + 1).reverse() },
        ]
      : [
          { name: "FIRST", clusters: [first] },
          { name: "TORN", clusters: [middle, first + 2, middle + 2, middle + 1] },
          { name: "LAST", clusters: [last] },
        ];
    addFiles(part, files);
  },
  check: (part) => void tool("fsck.exfat", ["-n", part]),
  files: filesOf,
});

const xfs = (sizeMib: number, options: readonly string[], fileBytes: number | null): Layout => ({
  what: `XFS, ${options.join(" ")}`,
  sizeMib,
  make(part) {
    makeXfs(part, options);
    mounted(part, "rw", (root) => {
      writeFileSync(join(root, "small"), "roomcast");
      if (fileBytes !== null) fillUp(root, fileBytes);
    });
  },
  check: (part) => void tool("xfs_repair", ["-n", "-f", part]),
  files: (part) => mounted(part, "ro", treeOf),
});

const f2fs = (sizeMib: number, options: readonly string[], fileBytes: number): Layout => ({
  what: `F2FS, ${[...options, `files of ${fileBytes} bytes`].join(" ")}`,
  sizeMib,
  make(part, folder) {
    const source = join(folder, "source");
    mkdirSync(source);
    for (let at = 0; at < f2fsFileCount; at++)
      writeFileSync(join(source, `f${at}`), content(fileBytes + at * 100, at));
    tool("mkfs.f2fs", ["-q", "-f", ...options, part]);
    tool("sload.f2fs", ["-f", source, part]);
  },
  check: (part) => void tool("fsck.f2fs", ["--dry-run", part]),
  files(part, folder) {
    const cwd = mkdtempSync(join(folder, "dump-"));
    // The first inodes are its own, and the root's is the third.
    for (let inode = 4; inode < 4 + f2fsFileCount; inode++) {
      execFileSync("/usr/sbin/dump.f2fs", ["-i", String(inode), part], { cwd, input: "Y\n" });
    }
    const files = treeOf(join(cwd, "lost_found"));
    assert.deepEqual(files, treeOf(join(folder, "source")));
    return files;
  },
});
const f2fsFileCount = 9;

/** Each as small as a file system of its kind can be, with room for some files. `make fuzz` takes the others, too. */
const layouts = sampled<Layout>(
  [
    fat(12, 10, 8, 3_000_000),
    fat(16, 12, 4, 9_000),
    fat(32, 36, 1, 5_000_000),
    ntfs(16, 4096, 300_000),
    ntfs(64, 2 * mib, 1_000_000),
    ntfs(16, 1024, null),
    exfat(8, ["-c", "512"], true),
    exfat(64, ["-c", "4M"], false),
    xfs(64, ["-b", "size=4096"], 2_000_000),
    xfs(64, ["-m", "rmapbt=1,reflink=1,finobt=1", "-i", "sparse=1"], null),
    f2fs(100, [], 3_000_000),
  ],
  [
    fat(12, 2, 1, 300_000),
    fat(12, 20, 128, 9_000),
    fat(16, 6, 2, 1_000_000),
    fat(32, 68, 2, 9_000),
    ntfs(12, 512, 90_000),
    ntfs(24, 65536, 300_000),
    exfat(8, ["-c", "512"], false),
    exfat(16, ["-c", "32K"], true),
    exfat(16, ["-c", "4K", "--pack-bitmap"], false),
    xfs(72, ["-b", "size=1024", "-d", "agcount=3"], null),
    xfs(64, ["-b", "size=2048", "-i", "size=1024"], null),
    f2fs(101, ["-O", "extra_attr,inode_checksum,sb_checksum"], 5_000),
  ],
);

for (const { what, sizeMib, make, check, files } of layouts) {
  test(`${what}: every file is as before`, async () => {
    await inFolder(async (folder) => {
      const disk = join(folder, "disk");
      // Not whole clusters, nor whole chunks.
      fill(disk, sizeMib * mib + 13 * 512, 0xa5);
      make(disk, folder);
      check(disk);
      const before = files(disk, folder);
      assert(Object.keys(before).length > 0);
      const { image, copy } = await captureAndRestore(disk, folder);
      assert.deepEqual(image.warnings, []);
      assert.equal(image.partitions[0]?.mode, "used");
      check(copy);
      assert.deepEqual(files(copy, folder), before);
    });
  });
}
