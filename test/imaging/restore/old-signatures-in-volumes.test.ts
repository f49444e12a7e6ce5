/** What an older system left in blocks of a logical volume that the image does not use is not found there. */
import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { oldSignaturesInVolumes } from "../../../imaging/restore/old-signatures.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { bsdLabel } from "../../core/image/bsd-labels.ts";
import { captureInto } from "../capture/captured.ts";
import { bytesAt, inFolder, lookAt, lvm, makeAt, mib, putBytes, tool } from "../capture/disks.ts";
import { randomDisk, restoreTo } from "./restored.ts";

const kib = 1024;
const pv = { start: mib, size: 78 * mib };
/** Of 40 MiB each; LVM's own takes 1 MiB, and an extent 4 MiB. */
const root = { start: 2 * mib, size: 40 * mib };
const data = { start: 42 * mib, size: 32 * mib };

/** A superblock of md 0.90 (linux/raid/md_p.h), in the last 64 KiB that begin at a multiple of that. */
function putMd090(disk: string, { start, size }: typeof root): void {
  const block = Buffer.alloc(4096);
  const words = [0xa92b4efc, 0, 90, 0, 0, 0x12345678, 0, 1, size / kib - 64, 2, 2, 0, 0];
  for (const [at, word] of words.entries()) block.writeUInt32LE(word >>> 0, 4 * at);
  putBytes(disk, start + size - 64 * kib, block);
}

const uberblock = Buffer.alloc(8);
uberblock.writeBigUInt64LE(0x00bab10cn);

/** Uberblocks of ZFS (vdev_impl.h: from 128 KiB on in each of four labels of 256 KiB), in the last two. */
function putZfs(disk: string, { start, size }: typeof root): void {
  const block = Buffer.alloc(kib);
  block.set(uberblock);
  block.writeBigUInt64LE(28n, 8);
  for (const label of [size - 512 * kib, size - 256 * kib]) {
    for (let at = 128 * kib; at < 256 * kib; at += kib) putBytes(disk, start + label + at, block);
  }
}

const hasZfs = (disk: string, { start, size }: typeof root): boolean =>
  bytesAt(disk, start + size - 512 * kib, 512 * kib).includes(uberblock);

const signaturesOf = (disk: string, { start, size }: typeof root): string =>
  lookAt(disk, start, size, (part) => tool("wipefs", ["-n", "-i", "-O", "TYPE", part]))
    .trim()
    .split("\n")
    .join(" ");

test("an old RAID and ZFS in unused blocks of volumes are gone after a delta and a plain restore", async () => {
  await inFolder(async (folder) => {
    await using store = await openImageStore(join(folder, "store"));
    const master = randomDisk(join(folder, "master"), 80 * mib);
    tool("sfdisk", ["-q", "--wipe=always", master], "label: gpt\nstart=1M, size=78M, type=lvm\n");
    await lvm(master, pv, [
      ["pvcreate", "-qq", "-ff", "-y", "PV"],
      ["vgcreate", "-qq", "vg", "PV"],
      ["lvcreate", "-qq", "-an", "-Zn", "-Wn", "-y", "-n", "root", "-L", "40M", "vg"],
      ["lvcreate", "-qq", "-an", "-Zn", "-Wn", "-y", "-n", "data", "-L", "32M", "vg"],
    ]);
    for (const { start, size } of [root, data]) {
      const make = (part: string) =>
        tool("mke2fs", ["-q", "-F", "-t", "ext4", "-O", "^has_journal", part]);
      makeAt(master, start, size, make);
    }
    const image = await captureInto(store, master);
    for (const scan of [true, false]) {
      const to = join(folder, "to");
      if (scan) copyFileSync(master, to);
      else {
        randomDisk(to, 80 * mib);
        for (const { start, size } of [root, data])
          putBytes(to, start, bytesAt(master, start, size));
      }
      putMd090(to, root);
      putZfs(to, data);
      assert.match(signaturesOf(to, root), /linux_raid_member/);
      assert(hasZfs(to, data));
      const end = await restoreTo(to, image, store, { scan });
      assert.equal(end.outcome, "verified", String(end.reason));
      assert.equal(end.rootHash, image.rootHash);
      assert.deepEqual([signaturesOf(to, root), signaturesOf(to, data)], ["ext4", "ext4"]);
      assert(!hasZfs(to, data));
      const [said] = await lvm(to, pv, [["vgck", "vg"]]);
      assert.equal(said, "");
    }
  });
});

test("in a FreeBSD slice: both ends of each of its partitions, but for what the image has", async () => {
  const slice = Buffer.alloc(100 * mib);
  const parts = [
    { letter: "a", start: 1 * 2048, size: 20 * 2048, type: 7 },
    { letter: "b", start: 21 * 2048, size: 30 * 2048, type: 1 },
  ];
  slice.set(bsdLabel(parts, 100 * 2048), 512);
  const start = 10 * mib;
  const partitions = [{ start, size: slice.length, fs: "bsd" }] as never;
  const copy = {
    size: 200 * mib,
    read: async (offset: number, length: number) =>
      new Uint8Array(slice.subarray(offset - start, offset - start + length)),
  };
  const entries = [10, 12, 30].map((chunkIndex) => ({ chunkIndex }));
  const image = { diskBytes: 200 * mib, partitions };
  const found = await oldSignaturesInVolumes(copy, { image, entries, logicalSector: 512 });
  assert.deepEqual(
    found.map(({ offset, length }) => [offset / mib, length / mib]),
    [
      [11, 1],
      [13, 3],
      [29, 1],
      [31, 5],
      [59, 2],
    ],
  );
});
