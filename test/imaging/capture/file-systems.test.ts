/**
 * File systems made by their own tools on a disk full of junk: captured by used blocks, put together
 * on another disk full of other junk: every piece of their files is where it was, and their own
 * checkers find no fault. Nothing of the junk may be in the image.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { captureAndRestore } from "./captured.ts";
import { makeXfs } from "./disks.ts";

const mib = 1 << 20;
const blockBytes = 4096;
/** The smallest block of ext3, whose files need not lie in one piece. */
const pieceBytes = 1024;
const junk = 0xa5;
/** Where the partition begins. */
const partitionStart = mib;

interface FileSystem {
  readonly name: string;
  readonly type: string;
  readonly sizeMib: number;
  /** Makes it on the file `part`, with what the folder `files` holds. */
  make(part: string, files: string): void;
  /** Its own checker; throws when that finds a fault. */
  check(part: string): void;
  /** No tool without a mount puts files into it. */
  readonly isEmpty?: boolean;
  /** Blocks that it counts as used although nothing was ever written there. */
  readonly unwritten?: number;
}

const tool = (name: string, ...args: string[]): void =>
  void execFileSync(name, args, {
    stdio: "pipe",
    env: { ...process.env, PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  });

const fileSystems: readonly FileSystem[] = [
  ...["ext2", "ext3", "ext4"].map((name) => ({
    name,
    type: "linux",
    sizeMib: 48,
    make: (part: string, files: string) =>
      tool("mke2fs", "-q", "-F", "-t", name, "-d", files, part),
    check: (part: string) => tool("e2fsck", "-fn", part),
  })),
  {
    name: "ntfs",
    unwritten: 2,
    type: "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7",
    sizeMib: 48,
    make(part, files) {
      tool("mkntfs", "-q", "-F", "-f", "-p", "2048", "-H", "16", "-S", "63", "-s", "512", part);
      tool("ntfscp", "-q", part, join(files, "secret"), "secret");
    },
    check: (part) => tool("ntfsfix", "-n", part),
  },
  {
    name: "vfat",
    type: "uefi",
    sizeMib: 64,
    make(part, files) {
      tool("mkfs.vfat", "-F", "32", part);
      tool("mcopy", "-i", part, join(files, "secret"), "::secret");
    },
    check: (part) => tool("fsck.vfat", "-n", part),
  },
  {
    name: "exfat",
    type: "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7",
    sizeMib: 64,
    isEmpty: true,
    make: (part) => tool("mkfs.exfat", part),
    check: (part) => tool("fsck.exfat", "-n", part),
  },
  {
    name: "xfs",
    type: "linux",
    sizeMib: 64,
    make(part, files) {
      const prototype = join(files, "..", "prototype");
      writeFileSync(prototype, `/\n0 0\nd--755 0 0\nsecret ---644 0 0 ${files}/secret\n$\n`);
      makeXfs(part, ["-p", prototype]);
    },
    check: (part) => tool("xfs_repair", "-n", "-f", part),
  },
  {
    name: "btrfs",
    // Its first MiB is left to boot loaders.
    unwritten: 256,
    type: "linux",
    sizeMib: 128,
    make: (part, files) => tool("mkfs.btrfs", "-q", "-f", "--rootdir", files, part),
    check: (part) => tool("btrfs", "check", "--readonly", part),
  },
  {
    name: "f2fs",
    type: "linux",
    sizeMib: 100,
    make(part, files) {
      tool("mkfs.f2fs", "-q", "-f", part);
      spawnSync("sload.f2fs", ["-f", files, part], { stdio: "pipe" });
    },
    check: (part) => tool("fsck.f2fs", "--dry-run", part),
  },
];

/** Where in `part` each piece of the file is: offset in the file → offset in the partition. */
function placesOf(file: Buffer, part: Buffer): Map<number, number> {
  const keys = new Map<string, number>();
  for (let at = 0; at < file.length; at += pieceBytes)
    keys.set(file.toString("latin1", at, at + 32), at);
  const places = new Map<number, number>();
  // Clusters may be as small as a sector.
  for (let at = 0; at < part.length; at += 512) {
    const found = keys.get(part.toString("latin1", at, at + 32));
    if (found !== undefined) places.set(found, at);
  }
  return places;
}

for (const { name, type, sizeMib, make, check, isEmpty = false, unwritten = 0 } of fileSystems) {
  test(`${name}: by its used blocks, and every file is where it was`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "roomcast-fs-"));
    try {
      const files = join(folder, "files");
      mkdirSync(files);
      const secret = randomBytes(5 * mib);
      writeFileSync(join(files, "secret"), secret);
      const part = join(folder, "part");
      writeFileSync(part, Buffer.alloc(sizeMib * mib, junk));
      make(part, files);
      check(part);
      const before = readFileSync(part);

      const disk = join(folder, "disk");
      const after = Buffer.alloc(2 * mib, junk);
      writeFileSync(disk, Buffer.concat([Buffer.alloc(partitionStart, junk), before, after]));
      const table = `label: gpt\nstart=2048,size=${sizeMib}M,type=${type}\n`;
      execFileSync("sfdisk", ["-q", disk], { input: table });
      const { image, copy, chunksKept } = await captureAndRestore(disk, folder);

      assert.deepEqual(
        image.partitions.map((each) => [each.fs, each.mode]),
        [[name, "used"]],
        image.warnings.join("; "),
      );
      assert(chunksKept < sizeMib + 2, `${chunksKept} chunks kept`);
      const back = readFileSync(copy).subarray(partitionStart, partitionStart + before.length);
      const restored = join(folder, "restored");
      writeFileSync(restored, back);
      check(restored);
      const places = placesOf(secret, before);
      assert.equal(places.size, isEmpty ? 0 : secret.length / pieceBytes, "the file was found");
      for (const [from, at] of places) {
        const piece = secret.subarray(from, from + pieceBytes);
        assert(back.subarray(at, at + pieceBytes).equals(piece), `the file at ${from}`);
      }
      // A block of the old disk's contents that the image brings along would be a leak.
      const old = Buffer.alloc(blockBytes, junk);
      let leaked = 0;
      for (let at = 0; at < back.length; at += blockBytes)
        if (back.subarray(at, at + blockBytes).equals(old)) leaked++;
      assert(leaked <= unwritten, `${leaked} blocks of junk in the image`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
