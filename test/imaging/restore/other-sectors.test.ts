/** Images of disks with sectors of 512 bytes on disks with 4096, and the reverse: converted, or refused in words. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Manifest } from "../../../core/image/types.ts";
import type { StepView } from "../../../core/wire/views.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { captureInto } from "../capture/captured.ts";
import {
  bytesAt,
  inFolder,
  lvm,
  makeAt,
  mib,
  type Place,
  placesOf,
  putBytes,
  someFiles,
  tool,
  treeOf,
  withLoop,
} from "../capture/disks.ts";
import { randomDisk, restoreTo } from "./restored.ts";

type Make = (part: string, place: Place) => void;
type Sector = 512 | 4096;

const sum = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
const sectorOf = (size: Sector): string[] => ["--sector-size", String(size)];

const ext =
  (files: string, ...more: string[]): Make =>
  (part) =>
    void tool("mke2fs", ["-q", "-F", "-t", "ext4", ...more, "-d", files, part]);
const swap: Make = (part) => void tool("mkswap", ["-L", "swap", part]);
const fat =
  (files: string, sector: Sector, ...more: string[]): Make =>
  (part, { start }) => {
    const hidden = ["-h", String(start / sector), "-S", String(sector)];
    const names = ["-n", "ESP", "-i", "EF10C0DE"];
    tool("mkfs.vfat", ["-F", "16", ...names, ...hidden, ...more, part]);
    tool("mcopy", ["-s", "-i", part, join(files, "random"), join(files, "sub"), "::"]);
  };

interface Master {
  readonly store: ImageStore;
  readonly folder: string;
  readonly sector: Sector;
}

/** A disk of `sizeMib`, with a table that sfdisk makes of `script`, and what `makes` puts in its partitions. */
async function master(
  { store, folder, sector }: Master,
  sizeMib: number,
  script: string,
  makes: readonly (Make | null)[],
): Promise<{ disk: string; image: Manifest }> {
  const disk = randomDisk(join(folder, "master"), sizeMib * mib);
  // A smaller disk lacks nothing of it.
  putBytes(disk, (sizeMib - 4) * mib, Buffer.alloc(4 * mib));
  const image = await withLoop(disk, sectorOf(sector), async (device) => {
    tool(
      "sfdisk",
      ["-q", "--wipe=always", "--no-reread", "--no-tell-kernel", device],
      `${script}\n`,
    );
    for (const [at, { start, size }] of placesOf(device).entries()) {
      const make = makes[at] ?? null;
      if (make !== null) makeAt(disk, start, size, (part) => make(part, { start, size }));
    }
    return await captureInto(store, device);
  });
  assert.equal(image.logicalSector, sector);
  return { disk, image };
}

/** The table as sfdisk tells it, with places in bytes; and without what depends on the disk. */
function tableOn(device: string) {
  const { partitiontable } = JSON.parse(tool("sfdisk", ["-J", device]));
  const { id, label, sectorsize, partitions } = partitiontable;
  return {
    ...{ id, label },
    partitions: partitions.map((each: Place & { node: string }) => ({
      ...each,
      node: each.node.slice(device.length),
      start: each.start * sectorsize,
      size: each.size * sectorsize,
    })),
  };
}

/** By mtools, which goes by what the FAT says of its sectors. */
function fatFilesAt(disk: string, { start }: Place): Record<string, string> {
  const root = mkdtempSync(join(tmpdir(), "roomcast-fat-"));
  try {
    tool("mcopy", ["-s", "-n", "-i", `${disk}@@${start}`, "::*", root]);
    return treeOf(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** Mounts what lies there, through a loop device with these sectors. */
const filesAt = (disk: string, sector: Sector, fs: string, { start, size }: Place) =>
  withLoop(
    disk,
    ["-r", ...sectorOf(sector), "-o", String(start), "--sizelimit", String(size)],
    (part) => mountedDevice(part, fs),
  );

/** The device itself: a loop device over it would have other sectors. */
function mountedDevice(part: string, fs: string): Record<string, string> {
  const root = mkdtempSync(join(tmpdir(), "roomcast-mount-"));
  tool("mount", ["-t", fs, "-o", "ro", part, root]);
  try {
    return treeOf(root);
  } finally {
    tool("umount", [root]);
    rmdirSync(root);
  }
}

const checked = (
  disk: string,
  sector: Sector,
  { start, size }: Place,
  check: (part: string) => void,
): Promise<void> =>
  withLoop(
    disk,
    ["-r", ...sectorOf(sector), "-o", String(start), "--sizelimit", String(size)],
    check,
  );

const detailOf = (steps: readonly StepView[] | undefined, name: string): string =>
  steps?.find((step) => step.name === name)?.detail ?? "";

const debian =
  "label: gpt\nstart=1M, size=41M, type=uefi, name=efi, attrs=RequiredPartition\nsize=40M, type=linux, name=root\nsize=8M, type=swap";

for (const [from, to] of [
  [512, 4096],
  [4096, 512],
] as const) {
  test(`a Debian with an ESP goes from sectors of ${from} to ${to}, to a disk of its size, a smaller and a larger one`, async () => {
    await inFolder(async (folder) => {
      await using store = await openImageStore(join(folder, "store"));
      const files = someFiles(folder);
      const clusters = ["-s", String(4096 / from), "-R", String(4096 / from)];
      const { disk, image } = await master({ store, folder, sector: from }, 94, debian, [
        fat(files, from, ...clusters),
        ext(files, "-b", "4096"),
        swap,
      ]);
      const before = await withLoop(disk, sectorOf(from), tableOn);
      const [esp, root] = before.partitions as [Place, Place];
      const espFiles = fatFilesAt(disk, esp);
      assert.equal(Object.keys(espFiles).length, 42);
      for (const size of [94 * mib, 92 * mib, 200 * mib]) {
        const target = randomDisk(join(folder, "to"), size);
        await withLoop(target, sectorOf(to), async (device) => {
          const end = await restoreTo(device, image, store);
          assert.equal(end.outcome, "verified", `${end.reason} ${JSON.stringify(end.steps)}`);
          assert.equal(end.rootHash, image.rootHash);
          const said = detailOf(end.steps, "partition table");
          assert.match(said, new RegExp(`made for sectors of ${to} bytes instead of ${from}`));
          assert.match(said, /partition 1 \(vfat "ESP"\) counts in sectors of/);
          assert.match(tool("sgdisk", ["-v", device]), /No problems found/);
          const found = tool("wipefs", ["-n", "-i", "-O", "TYPE,OFFSET", device]);
          assert.equal(found.trim().split("\n").length, 3, `one table: ${found}`);
          const after = tableOn(device);
          if (size <= 94 * mib) assert.deepEqual(after, before);
        });
        const after = (await withLoop(target, sectorOf(to), tableOn)).partitions as [Place, Place];
        assert.deepEqual(fatFilesAt(target, esp), espFiles);
        await checked(target, to, esp, (part) => {
          tool("fsck.vfat", ["-n", part]);
          const names = tool("blkid", ["-p", "-o", "export", part]);
          assert.match(names, /LABEL=ESP\n[\s\S]*UUID=EF10-C0DE\n/);
        });
        assert.equal(bytesAt(target, esp.start + 0x1c, 4).readUInt32LE(), esp.start / to);
        await checked(target, to, after[1], (part) => void tool("e2fsck", ["-fn", part]));
        assert.deepEqual(await filesAt(target, to, "ext4", after[1]), treeOf(files));
        assert(size <= 94 * mib || after[1].size > root.size, "root has grown");
      }
    });
  });
}

test("LVM, and an MBR with logical partitions, on sectors of 4096 bytes", async () => {
  await inFolder(async (folder) => {
    await using store = await openImageStore(join(folder, "store"));
    const files = someFiles(folder);
    const script =
      "label: dos\nstart=1M, size=60M, type=8e\nstart=62M, size=50M, type=5\nstart=64M, size=20M, type=83\nstart=86M, size=20M, type=83";
    const from: Master = { store, folder, sector: 512 };
    const { disk } = await master(from, 112, script, [
      null,
      null,
      ext(files, "-b", "4096"),
      ext(files, "-b", "4096"),
    ]);
    const pv = { start: mib, size: 60 * mib };
    await lvm(disk, pv, [
      ["pvcreate", "-qq", "-ff", "-y", "PV"],
      ["vgcreate", "-qq", "vg", "PV"],
      ["lvcreate", "-qq", "-an", "-Zn", "-Wn", "-y", "-n", "root", "-L", "40M", "vg"],
    ]);
    const [text] = await lvm(disk, pv, [["lvs", "--noheadings", "-o", "lv_name,lv_size", "vg"]]);
    const lv = { start: 2 * mib, size: 40 * mib };
    makeAt(disk, lv.start, lv.size, (part) => ext(files, "-b", "4096")(part, lv));
    const image = await captureInto(store, disk);
    const target = randomDisk(join(folder, "to"), 112 * mib);
    await withLoop(target, sectorOf(4096), async (device) => {
      const end = await restoreTo(device, image, store);
      assert.equal(end.outcome, "verified", `${end.reason} ${JSON.stringify(end.steps)}`);
      assert.match(detailOf(end.steps, "partition table"), /no PC starts from it/);
      const places = ({ partitions }: { partitions: (Place & { type: string })[] }) =>
        partitions.map(({ start, size, type }) => [start, size, type]);
      assert.deepEqual(places(tableOn(device)), places(tableOn(disk)));
      const [again] = await lvm(device, pv, [
        ["lvs", "--noheadings", "-o", "lv_name,lv_size", "vg"],
      ]);
      assert.equal(again, text);
    });
    for (const place of [lv, ...placesOf(disk).slice(2)]) {
      await checked(target, 4096, place, (part) => void tool("e2fsck", ["-fn", part]));
      assert.deepEqual(await filesAt(target, 4096, "ext4", place), treeOf(files));
    }
    assert.equal(placesOf(disk).length, 4);

    makeAt(disk, lv.start, lv.size, (part) => ext(files, "-b", "1024")(part, lv));
    const small = await captureInto(store, disk);
    await refused({ store, image: small, folder, to: 4096 }, [
      /partition 1 \(LVM2_member "vg"\) has the volume vg\/root, which has blocks of 1024 bytes/,
    ]);
  });
});

/** Nothing is written, and all of `said` is. */
async function refused(
  { store, image, folder, to }: { store: ImageStore; image: Manifest; folder: string; to: Sector },
  said: readonly RegExp[],
): Promise<void> {
  const target = randomDisk(join(folder, "refused"), image.diskBytes);
  const before = sum(target);
  await withLoop(target, sectorOf(to), async (device) => {
    const { outcome, reason } = await restoreTo(device, image, store);
    assert.equal(outcome, "refused", `${reason}`);
    for (const words of [/sectors of \d+ bytes, the image is of a disk with \d+/, ...said]) {
      assert.match(reason ?? "", words);
    }
  });
  assert.equal(sum(target), before, "not a byte was written");
}

test("what does not fit is refused before a byte is written, and the partition is named", async () => {
  await inFolder(async (folder) => {
    await using store = await openImageStore(join(folder, "store"));
    const files = someFiles(folder);
    const one = "label: gpt\nstart=1M, size=30M";
    const ntfs: Make = (part, { start }) =>
      void tool("mkntfs", [
        "-q",
        "-F",
        "-f",
        "-p",
        String(start / 512),
        "-H",
        "16",
        "-S",
        "63",
        "-s",
        "512",
        "-L",
        "Windows",
        part,
      ]);
    const cases: readonly [string, Make, RegExp][] = [
      [one, ntfs, /partition 1 \(ntfs "Windows"\) counts in the sectors of its master's disk/],
      [one, ext(files, "-b", "1024", "-L", "boot"), /\(ext4 "boot"\) has blocks of 1024 bytes/],
      [one, fat(files, 512, "-s", "1"), /\(vfat "ESP"\) is a FAT with clusters of 512 bytes/],
      ["label: gpt\nstart=2049, size=30M", ext(files), /begins at byte 1049088/],
      ["label: gpt\nstart=1M, size=61441", ext(files), /ends at byte 32506368/],
    ];
    for (const [script, make, words] of cases) {
      const { image } = await master({ store, folder, sector: 512 }, 36, script, [make]);
      await refused({ store, image, folder, to: 4096 }, [words]);
    }
  });
});

test("what was converted is what a delta restore finds and makes right again", async () => {
  await inFolder(async (folder) => {
    await using store = await openImageStore(join(folder, "store"));
    const files = someFiles(folder);
    const one = "label: gpt\nstart=1M, size=30M";
    const makes = [ext(files, "-b", "4096")];
    const { image } = await master({ store, folder, sector: 512 }, 36, one, makes);
    const target = randomDisk(join(folder, "to"), 36 * mib);
    await withLoop(target, sectorOf(4096), async (device) => {
      await restoreTo(device, image, store);
      const once = sum(target);
      const end = await restoreTo(device, image, store, { scan: true });
      assert.equal(end.outcome, "verified", String(end.reason));
      // The first and the last chunk, which have the table.
      const { chunksWritten = 0, chunksKept = 0 } = end.counters ?? {};
      assert(chunksWritten <= 3 && chunksKept > 0, `${chunksWritten} written, ${chunksKept} kept`);
      assert.equal(sum(target), once);
    });
  });
});

test("a FAT without a partition table is made to count in the disk's sectors", async () => {
  await inFolder(async (folder) => {
    await using store = await openImageStore(join(folder, "store"));
    const files = someFiles(folder);
    const disk = randomDisk(join(folder, "master"), 60 * mib);
    const whole = { start: 0, size: 60 * mib };
    makeAt(disk, 0, whole.size, (part) => fat(files, 512, "-s", "8", "-R", "8")(part, whole));
    const image = await captureInto(store, disk);
    assert.deepEqual([image.partitionTable, image.partitions[0]?.fs], ["none", "vfat"]);
    const target = randomDisk(join(folder, "to"), 60 * mib);
    await withLoop(target, sectorOf(4096), async (device) => {
      const end = await restoreTo(device, image, store);
      assert.equal(end.outcome, "verified", String(end.reason));
      assert.match(detailOf(end.steps, "partition table"), /the disk \(vfat "ESP"\) counts in/);
    });
    assert.deepEqual(fatFilesAt(target, whole), fatFilesAt(disk, whole));
    tool("fsck.vfat", ["-n", target]);
  });
});
