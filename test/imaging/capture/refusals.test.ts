/** File systems that are not in order, made so by real tools and the kernel: refused, or taken whole. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import { findUse } from "../../../imaging/capture/used-blocks.ts";
import { openDisk } from "../../../imaging/disk/disk.ts";
import { captureAndRestore } from "./captured.ts";
import {
  bytesAt,
  fill,
  inFolder,
  makeXfs,
  mib,
  mounted,
  putBytes,
  someFiles,
  tool,
} from "./disks.ts";

/** Taken whole with these words, and the copy is the same, bit for bit. */
async function assertWhole(disk: string, folder: string, said: RegExp): Promise<void> {
  const own = join(folder, `of-${disk.split("/").at(-1)}`);
  mkdirSync(own);
  const { image, copy } = await captureAndRestore(disk, own);
  assert.equal(image.partitions[0]?.mode, "raw");
  assert.match(image.warnings.join("; "), said);
  assert(readFileSync(copy).equals(readFileSync(disk)), `${disk} is the same`);
}

/** A copy of the disk while the kernel has it mounted, changes under way. */
function whileMounted(disk: string, work: (root: string) => void): string {
  const copy = `${disk}-mounted`;
  mounted(disk, "rw", (root) => {
    work(root);
    tool("sync", ["-f", root]);
    writeFileSync(join(root, "last"), "synced by itself");
    tool("sync", [join(root, "last")]);
    copyFileSync(disk, copy);
  });
  return copy;
}

const fillWith = (root: string): void => {
  for (let at = 0; at < 60; at++) writeFileSync(join(root, `f${at}`), Buffer.alloc(50_000, at));
};

test("ext4, XFS and btrfs that are mounted elsewhere: whole, since changes wait in their logs", async () => {
  await inFolder(async (folder) => {
    const makes: [string, number, (disk: string) => void][] = [
      ["ext4", 24, (disk) => void tool("mke2fs", ["-q", "-F", "-t", "ext4", disk])],
      ["ext2", 24, (disk) => void tool("mke2fs", ["-q", "-F", "-t", "ext2", disk])],
      ["xfs", 64, makeXfs],
      ["btrfs", 112, (disk) => void tool("mkfs.btrfs", ["-q", "-f", disk])],
    ];
    for (const [name, sizeMib, make] of makes) {
      const disk = join(folder, name);
      fill(disk, sizeMib * mib, 0);
      make(disk);
      await assertWhole(whileMounted(disk, fillWith), folder, /not unmounted.*shut it down/);
      // The same, once it is unmounted.
      mkdirSync(join(folder, `clean-${name}`));
      const { image } = await captureAndRestore(disk, join(folder, `clean-${name}`));
      assert.equal(image.partitions[0]?.mode, "used", `${name}: ${image.warnings.join("; ")}`);
    }
  });
});

test("damaged, and marked so or not: whole, with the cure", async () => {
  await inFolder(async (folder) => {
    const disk = join(folder, "marked");
    fill(disk, 16 * mib, 0);
    tool("mke2fs", ["-q", "-F", "-t", "ext4", "-d", someFiles(folder), disk]);
    copyFileSync(disk, join(folder, "bitmap"));
    tool("debugfs", ["-w", "-R", "set_super_value state 2", disk]);
    await assertWhole(disk, folder, /marked as damaged.*e2fsck -f/);

    const bitmap = join(folder, "bitmap");
    tool("debugfs", ["-w", "-R", "freeb 3000 40", bitmap]);
    tool("debugfs", ["-w", "-R", "set_bg 0 free_blocks_count 7", bitmap]);
    await assertWhole(bitmap, folder, /group 0 is damaged.*e2fsck -f/);

    const exfat = join(folder, "exfat");
    fill(exfat, 8 * mib, 0);
    tool("mkfs.exfat", [exfat]);
    putBytes(exfat, 106, Buffer.from([2]));
    await assertWhole(exfat, folder, /not removed safely.*chkdsk/);

    const f2fs = join(folder, "f2fs");
    fill(f2fs, 64 * mib, 0);
    tool("mkfs.f2fs", ["-q", "-f", f2fs]);
    for (const pack of [0, 1]) {
      const at = (bytesAt(f2fs, 1024 + 76, 4).readUInt32LE() + pack * 512) * 4096 + 132;
      const flags = bytesAt(f2fs, at, 4);
      flags[0] = (flags[0] as number) & ~1;
      putBytes(f2fs, at, flags);
    }
    await assertWhole(f2fs, folder, /not unmounted/);
  });
});

test("a FAT that was not unmounted, or whose chains meet: whole, with the cure", async () => {
  await inFolder(async (folder) => {
    const disk = join(folder, "dirty");
    fill(disk, 40 * mib, 0);
    tool("mkfs.vfat", ["-F", "16", disk]);
    const shared = join(folder, "shared");
    copyFileSync(disk, shared);
    putBytes(disk, 0x25, Buffer.from([1]));
    await assertWhole(disk, folder, /not unmounted.*chkdsk.*fsck\.vfat/);

    const at = bytesAt(shared, 0x0e, 2).readUInt16LE() * 512;
    putBytes(shared, at + 4, Buffer.from([4, 0, 4, 0, 0xff, 0xff]));
    await assertWhole(shared, folder, /share clusters.*fsck\.vfat/);
  });
});

test("a FAT whose tables, or whose maps, differ: what either calls used is taken, and it is said", async () => {
  await inFolder(async (folder) => {
    const disk = join(folder, "copies");
    fill(disk, 80 * mib, 0xa5);
    tool("mkfs.vfat", ["-F", "32", disk]);
    writeFileSync(join(folder, "file"), Buffer.alloc(mib, "roomcast"));
    tool("mcopy", ["-i", disk, join(folder, "file"), "::file"]);
    const upper = join(folder, "upper");
    copyFileSync(disk, upper);
    const kept = async (path: string, cluster: number, said: RegExp): Promise<void> => {
      const own = join(folder, `of-${path.split("/").at(-1)}`);
      mkdirSync(own);
      const { image, copy } = await captureAndRestore(path, own);
      assert.equal(image.partitions[0]?.mode, "used");
      assert.match(image.warnings.join("; "), said);
      const [sectors, clusterSectors] = [
        bytesAt(path, 0x24, 4).readUInt32LE(),
        bytesAt(path, 13, 1),
      ];
      const dataAt = (32 + 2 * sectors) * 512;
      const at = dataAt + (cluster - 2) * (clusterSectors[0] as number) * 512;
      assert(bytesAt(copy, at, 512).equals(bytesAt(path, at, 512)), `cluster ${cluster}`);
      assert(image.usedBytes < 10 * mib);
    };
    const tables = bytesAt(disk, 0x0e, 2).readUInt16LE() * 512;
    // The first table lost all but the root's entry: the file is in the second one.
    putBytes(disk, tables + 12, Buffer.alloc(80_000));
    await kept(disk, 1000, /copies of its table differ.*fsck\.vfat/);
    // Free, by the lower 28 bits; partclone looks at all of them.
    for (const table of [0, bytesAt(disk, 0x24, 4).readUInt32LE() * 512])
      putBytes(upper, tables + table + 90_000 * 4, Buffer.from([0, 0, 0, 0x10]));
    await kept(upper, 90_000, /partclone has another map.*fsck\.vfat/);
  });
});

test("what cannot be told of an XFS of more than 2^32 blocks, and of an ext4 of the future: whole", async () => {
  await inFolder(async (folder) => {
    const useOf = async (path: string) => {
      await using disk = await openDisk(path, { write: false });
      const place = { index: 0, type: "none", start: 0, size: disk.size };
      return await findUse(disk, place, { raw: false, signal: new AbortController().signal });
    };
    const xfs = join(folder, "xfs");
    writeFileSync(xfs, "");
    truncateSync(xfs, 5 * 2 ** 40);
    tool("mkfs.xfs", ["-q", "-f", "-b", "size=1024", "-l", "size=64m", xfs]);
    const large = await useOf(xfs);
    assert.equal(large.used, null);
    assert.match(large.warnings.join(), /xfs\), taken whole: it has more blocks than partclone/);

    const ext = join(folder, "ext");
    fill(ext, 16 * mib, 0);
    tool("mke2fs", ["-q", "-F", "-t", "ext4", "-O", "^metadata_csum", ext]);
    assert.notEqual((await useOf(ext)).used, null);
    const features = bytesAt(ext, 1024 + 0x64, 4);
    features[3] = 0x01;
    putBytes(ext, 1024 + 0x64, features);
    const future = await useOf(ext);
    assert.equal(future.used, null);
    assert.match(future.warnings.join(), /features that are not known/);
  });
});

test("an unclean NTFS: whole; a hibernated one, and a hibernated Linux: refused with the cure", async () => {
  await inFolder(async (folder) => {
    const disk = join(folder, "ntfs");
    fill(disk, 16 * mib, 0);
    tool("mkntfs", ["-q", "-Q", "-F", "-p", "0", "-H", "16", "-S", "63", "-s", "512", disk]);
    const clean = join(folder, "clean");
    copyFileSync(disk, clean);
    // Windows XP and later: the first bytes of a hiberfil.sys that holds a session.
    const hiberfil = Buffer.alloc(8192);
    hiberfil.write("hibr");
    writeFileSync(join(folder, "hiberfil.sys"), hiberfil);
    tool("ntfscp", ["-q", disk, join(folder, "hiberfil.sys"), "hiberfil.sys"]);
    await assert.rejects(captureAndRestore(disk, folder), (error: unknown) => {
      assert(error instanceof RoomcastError);
      assert.equal(error.code, "refused");
      assert.match(error.message, /Windows is hibernated/);
      assert.match(error.next, /shutdown \/s \/f \/t 0/);
      return true;
    });

    // `$Volume`, MFT record 3: the dirty flag in $VOLUME_INFORMATION.
    const mftAt = Number(bytesAt(clean, 0x30, 8).readBigUInt64LE()) * 4096;
    const record = bytesAt(clean, mftAt + 3 * 1024, 1024);
    let at = record.readUInt16LE(0x14);
    while (record.readUInt32LE(at) !== 0x70) at += record.readUInt32LE(at + 4);
    const flagsAt = at + record.readUInt16LE(at + 0x14) + 10;
    putBytes(clean, mftAt + 3 * 1024 + flagsAt, Buffer.from([1]));
    await assertWhole(clean, folder, /not shut down cleanly.*chkdsk/);

    const swap = join(folder, "swap");
    fill(swap, 4 * mib, 0);
    tool("mkswap", ["-q", swap]);
    putBytes(swap, 4086, Buffer.from("S1SUSPEND\0"));
    mkdirSync(join(folder, "suspended"));
    await assert.rejects(captureAndRestore(swap, join(folder, "suspended")), /Linux is hibernated/);
  });
});
