/**
 * Whole disks of every kind, made by Debian's own tools: captured, written onto a disk full of random
 * bytes, and compared: the partition table as sfdisk reads it, all that lies outside of partitions,
 * every file, and the file systems' own checkers.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Manifest } from "../../../core/image/types.ts";
import { type Captured, captureAndRestore } from "./captured.ts";
import {
  bytesAt,
  fill,
  inFolder,
  lookAt,
  lvm,
  makeAt,
  mib,
  mounted,
  type Place,
  placesOf,
  putBytes,
  someFiles,
  tool,
  treeOf,
  withLoop,
} from "./disks.ts";

const junk = 0xa5;

const ext = (type: string, files: string) => (part: string) =>
  void tool("mke2fs", [
    "-q",
    "-F",
    "-t",
    type,
    "-E",
    "nodiscard,lazy_itable_init=0",
    "-d",
    files,
    part,
  ]);

const oldSector = Buffer.alloc(512, junk);
const emptySector = Buffer.alloc(512);

/** What FAT and NTFS have for boot loaders. */
const bootSectors = 32;
/** What ext4 has for more group descriptors, should it grow: used, and never written. */
const reservedSectors = 400;

/**
 * Every sector that was written since the disk was filled with junk is the same in the copy. `old`:
 * junk that may come along, because it lies in blocks that count as used.
 */
function assertKept(disk: string, copy: string, { start, size }: Place, old = 0): void {
  const before = bytesAt(disk, start, size);
  const after = bytesAt(copy, start, size);
  let leaked = 0;
  for (let at = 0; at < size; at += 512) {
    const sector = before.subarray(at, at + 512);
    const back = after.subarray(at, at + 512);
    if (sector.equals(oldSector)) leaked += back.equals(oldSector) ? 1 : 0;
    else if (!sector.equals(emptySector)) assert(back.equals(sector), `sector at ${start + at}`);
  }
  assert(leaked <= old, `${leaked} sectors of what was there before`);
}

function assertSameTree(disk: string, copy: string, start: number, size: number): void {
  const tree = (path: string) =>
    lookAt(path, start, size, (part) => mounted(part, "ro", (root) => treeOf(root)));
  const before = tree(disk);
  assert(Object.keys(before).length > 40);
  assert.deepEqual(tree(copy), before);
}

const checkExt = (disk: string, start: number, size: number): void =>
  lookAt(disk, start, size, (part) => void tool("e2fsck", ["-fn", part]));

/** All bytes of the disk outside of what the image says are partitions. */
function assertSameOutside(disk: string, copy: string, { partitions, diskBytes }: Manifest): void {
  let at = 0;
  const ends = [...partitions]
    .sort((a, b) => a.start - b.start)
    .concat([{ start: diskBytes, size: 0 } as Manifest["partitions"][number]]);
  for (const { start, size } of ends) {
    const length = start - at;
    if (length > 0) {
      assert(
        bytesAt(copy, at, length).equals(bytesAt(disk, at, length)),
        `${length} bytes at ${at}`,
      );
    }
    at = Math.max(at, start + size);
  }
}

const sameTable = (disk: string, copy: string): void => {
  const dump = (path: string) =>
    tool("sfdisk", ["-d", path])
      .replaceAll(path, "disk")
      .replace(/^device:.*$/m, "");
  assert.equal(dump(copy), dump(disk));
};

const kindsOf = ({ image }: Captured): [number, string | null, string][] =>
  image.partitions.map(({ index, fs, mode }) => [index, fs, mode]);

const assertEqual = (disk: string, copy: string): void =>
  assert(readFileSync(copy).equals(readFileSync(disk)), "the disk is the same, bit for bit");

test("an MBR with logical partitions, a boot loader's core before the first, EBRs between", async () => {
  await inFolder(async (folder) => {
    const disk = join(folder, "disk");
    fill(disk, 64 * mib, junk);
    putBytes(disk, 512, randomBytes(60 * 512));
    const table = [
      "label: dos",
      "start=2048, size=16M, type=83, bootable",
      "start=40960, size=40M, type=5",
      "start=43008, size=10M, type=83",
      "start=69632, size=8M, type=82",
    ].join("\n");
    tool("sfdisk", ["-q", disk], table);
    const files = someFiles(folder);
    makeAt(disk, mib, 16 * mib, ext("ext4", files));
    makeAt(disk, 21 * mib, 10 * mib, ext("ext2", files));
    makeAt(disk, 34 * mib, 8 * mib, (part) => void tool("mkswap", ["-q", part]));
    const captured = await captureAndRestore(disk, folder);
    const { copy, image } = captured;
    assert.deepEqual(kindsOf(captured), [
      [1, "ext4", "used"],
      [5, "ext2", "used"],
      [6, "swap", "used"],
    ]);
    assert.deepEqual(image.warnings, []);
    sameTable(disk, copy);
    assertSameOutside(disk, copy, image);
    assert.equal(image.partitions[2]?.usedBytes, 4096);
    for (const [start, size] of [
      [mib, 16 * mib],
      [21 * mib, 10 * mib],
    ] as const) {
      checkExt(copy, start, size);
      assertSameTree(disk, copy, start, size);
      assertKept(disk, copy, { start, size }, reservedSectors);
    }
    assert.equal(
      tool("blkid", ["-p", "-O", String(34 * mib), "-s", "UUID", "-o", "value", copy]),
      tool("blkid", ["-p", "-O", String(34 * mib), "-s", "UUID", "-o", "value", disk]),
    );
  });
});

test("a GPT with what Windows has: ESP, reserved, NTFS, on a disk of odd size", async () => {
  await inFolder(async (folder) => {
    const disk = join(folder, "disk");
    fill(disk, 75 * mib + 7 * 512, junk);
    const table = [
      "label: gpt",
      "start=2048, size=34M, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
      "start=71680, size=1M, type=E3C9E316-0B5C-4DB8-817D-F92DF00215AE",
      // Ends at the last sector that may be used, in the middle of a chunk.
      "start=73728, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7",
    ].join("\n");
    tool("sfdisk", ["-q", disk], table);
    const files = someFiles(folder);
    makeAt(disk, mib, 34 * mib, (part) => {
      tool("mkfs.vfat", ["-F", "32", part]);
      tool("mcopy", ["-s", "-i", part, join(files, "sub"), join(files, "random"), "::"]);
    });
    const { start, size } = placesOf(disk)[2] as Place;
    makeAt(disk, start, size, (part) => {
      tool("mkntfs", ["-q", "-Q", "-F", "-p", "73728", "-H", "16", "-S", "63", "-s", "512", part]);
      tool("ntfscp", ["-q", part, join(files, "random"), "random"]);
    });
    const captured = await captureAndRestore(disk, folder);
    const { copy, image } = captured;
    assert.deepEqual(kindsOf(captured), [
      [1, "vfat", "used"],
      [2, null, "raw"],
      [3, "ntfs", "used"],
    ]);
    assert.deepEqual(image.warnings, []);
    sameTable(disk, copy);
    tool("sgdisk", ["-v", copy]);
    assertSameOutside(disk, copy, image);
    assertKept(disk, copy, { start: mib, size: 34 * mib }, bootSectors);
    assertKept(disk, copy, { start, size }, bootSectors);
    const random = readFileSync(join(files, "random"));
    lookAt(copy, mib, 34 * mib, (part) => {
      tool("fsck.vfat", ["-n", part]);
      tool("mcopy", ["-i", part, "::random", join(folder, "back")]);
      assert(readFileSync(join(folder, "back")).equals(random));
    });
    lookAt(copy, start, size, (part) => {
      tool("ntfsfix", ["-n", part]);
      tool("sh", ["-c", 'ntfscat "$1" random > "$2"', "sh", part, join(folder, "back")]);
      assert(readFileSync(join(folder, "back")).equals(random));
    });
    // NTFS keeps a copy of its first sector in the last, beyond its own map.
    assert(bytesAt(copy, start + size - 512, 512).equals(bytesAt(copy, start, 512)));
  });
});

test("file systems without a table, and a disk that is blank", async () => {
  await inFolder(async (folder) => {
    const files = someFiles(folder);
    const disk = join(folder, "disk");
    fill(disk, 40 * mib, junk);
    tool("mkfs.vfat", ["-I", "-F", "32", disk]);
    tool("mcopy", ["-s", "-i", disk, join(files, "sub"), "::"]);
    mkdirSync(join(folder, "vfat"));
    const vfat = await captureAndRestore(disk, join(folder, "vfat"));
    assert.equal(vfat.image.partitionTable, "none");
    assert.deepEqual(kindsOf(vfat), [[0, "vfat", "used"]]);
    tool("fsck.vfat", ["-n", vfat.copy]);

    fill(disk, 24 * mib + 512, junk);
    ext("ext4", files)(disk);
    mkdirSync(join(folder, "ext4"));
    const ext4 = await captureAndRestore(disk, join(folder, "ext4"));
    assert.deepEqual(kindsOf(ext4), [[0, "ext4", "used"]]);
    tool("e2fsck", ["-fn", ext4.copy]);
    assertSameTree(disk, ext4.copy, 0, 24 * mib + 512);

    fill(disk, 3 * mib + 512, 0);
    mkdirSync(join(folder, "blank"));
    const blank = await captureAndRestore(disk, join(folder, "blank"));
    assertEqual(disk, blank.copy);
  });
});

test("a disk of 4096-byte sectors", async () => {
  await inFolder(async (folder) => {
    const disk = join(folder, "disk");
    fill(disk, 40 * mib, junk);
    const files = someFiles(folder);
    await withLoop(disk, ["--sector-size", "4096"], async (device) => {
      tool("sgdisk", ["-n", "1:256:+30M", "-t", "1:8300", device]);
      makeAt(disk, mib, 30 * mib, ext("ext4", files));
      const captured = await captureAndRestore(device, folder);
      const { image, copy } = captured;
      assert.equal(image.logicalSector, 4096);
      assert.equal(image.partitionTable, "gpt");
      assert.deepEqual(kindsOf(captured), [[1, "ext4", "used"]]);
      assertSameOutside(disk, copy, image);
      checkExt(copy, mib, 30 * mib);
      assertSameTree(disk, copy, mib, 30 * mib);
      await withLoop(copy, ["--sector-size", "4096"], (other) =>
        assert.match(tool("sgdisk", ["-v", other]), /No problems found/),
      );
    });
  });
});

test("GPTs whose backup is broken, misplaced, or all that is left", async () => {
  await inFolder(async (folder) => {
    const files = someFiles(folder);
    const whole = join(folder, "whole");
    fill(whole, 24 * mib, junk);
    tool("sfdisk", ["-q", whole], "label: gpt\nstart=2048, size=16M, type=linux\n");
    makeAt(whole, mib, 16 * mib, ext("ext4", files));
    const cases: [string, (disk: string) => void, RegExp][] = [
      [
        "broken",
        (disk) => putBytes(disk, 24 * mib - 512, Buffer.alloc(512, 1)),
        /backup GPT.*damaged/,
      ],
      ["misplaced", (disk) => truncateSync(disk, 31 * mib + 512), /backup GPT is not at the end/],
      ["alone", (disk) => putBytes(disk, 512, Buffer.alloc(512, 1)), /first GPT is damaged/],
    ];
    for (const [name, harm, said] of cases) {
      const disk = join(folder, name);
      copyFileSync(whole, disk);
      harm(disk);
      mkdirSync(join(folder, `of-${name}`));
      const captured = await captureAndRestore(disk, join(folder, `of-${name}`));
      assert.deepEqual(kindsOf(captured), [[1, "ext4", "used"]], name);
      assert.match(captured.image.warnings.join("; "), said);
      assertSameOutside(disk, captured.copy, captured.image);
      checkExt(captured.copy, mib, 16 * mib);
      assertSameTree(disk, captured.copy, mib, 16 * mib);
    }
  });
});

test("partitions that overlap are taken whole, and said to", async () => {
  await inFolder(async (folder) => {
    const disk = join(folder, "disk");
    fill(disk, 32 * mib, junk);
    makeAt(disk, mib, 16 * mib, ext("ext4", someFiles(folder)));
    makeAt(disk, 18 * mib, 8 * mib, ext("ext2", someFiles(folder)));
    // sfdisk makes none that overlap: two entries by hand.
    const entry = (first: number, count: number): number[] => {
      const bytes = Buffer.alloc(16);
      bytes[4] = 0x83;
      bytes.writeUInt32LE(first, 8);
      bytes.writeUInt32LE(count, 12);
      return [...bytes];
    };
    putBytes(
      disk,
      446,
      Buffer.from([
        ...entry(2048, 16 * 2048),
        ...entry(10 * 2048, 4 * 2048),
        ...entry(18 * 2048, 8 * 2048),
        ...Buffer.alloc(16),
        ...[0x55, 0xaa],
      ]),
    );
    const captured = await captureAndRestore(disk, folder);
    assert.deepEqual(
      captured.image.partitions.map(({ index, mode }) => [index, mode]),
      [
        [1, "raw"],
        [2, "raw"],
        [3, "used"],
      ],
    );
    assert.match(captured.image.warnings.join("; "), /partitions 1 and 2 overlap/);
    assert(bytesAt(captured.copy, mib, 16 * mib).equals(bytesAt(disk, mib, 16 * mib)));
  });
});

test("LVM: each linear volume by what it holds, free space not at all, the rest whole", async () => {
  await inFolder(async (folder) => {
    const disk = join(folder, "disk");
    fill(disk, 100 * mib, junk);
    tool("sfdisk", ["-q", disk], "label: gpt\nstart=2048, size=96M, type=lvm\n");
    const place = { start: mib, size: 96 * mib };
    lvm(disk, place, [
      ["pvcreate", "-q", "PV"],
      ["vgcreate", "-q", "lab", "PV"],
      ["lvcreate", "-an", "-Zn", "-Wn", "-l", "6", "-n", "root", "lab"],
      ["lvcreate", "-an", "-Zn", "-Wn", "-l", "2", "-n", "swap", "lab"],
      ["lvcreate", "-an", "-Zn", "-Wn", "-l", "1", "-n", "pieces", "lab"],
      ["lvcreate", "-an", "-Zn", "-Wn", "-l", "1", "-n", "between", "lab"],
      ["lvextend", "-l", "+1", "lab/pieces"],
    ]);
    const files = someFiles(folder);
    const at = (first: number) => 2 * mib + first * 4 * mib;
    makeAt(disk, at(0), 24 * mib, ext("ext4", files));
    makeAt(disk, at(6), 8 * mib, (part) => void tool("mkswap", ["-q", part]));
    // `pieces`: its second half comes after `between`.
    const pieces = join(folder, "pieces");
    fill(pieces, 8 * mib, junk);
    tool("mke2fs", ["-q", "-F", "-t", "ext4", "-O", "^has_journal", pieces]);
    tool("debugfs", ["-w", "-R", `write ${join(files, "random")} random`, pieces]);
    putBytes(disk, at(8), bytesAt(pieces, 0, 4 * mib));
    putBytes(disk, at(10), bytesAt(pieces, 4 * mib, 4 * mib));
    const captured = await captureAndRestore(disk, folder);
    const { image, copy } = captured;
    assert.deepEqual(kindsOf(captured), [[1, "LVM2_member", "used"]]);
    assert.equal(image.warnings.length, 1);
    assert.match(image.warnings.join("; "), /lab\/between \(unknown\), taken whole/);
    sameTable(disk, copy);
    assertSameOutside(disk, copy, image);
    checkExt(copy, at(0), 24 * mib);
    assertSameTree(disk, copy, at(0), 24 * mib);
    assertKept(disk, copy, { start: at(0), size: 24 * mib }, reservedSectors);
    assert(bytesAt(copy, at(9), 4 * mib).equals(bytesAt(disk, at(9), 4 * mib)));
    putBytes(pieces, 0, bytesAt(copy, at(8), 4 * mib));
    putBytes(pieces, 4 * mib, bytesAt(copy, at(10), 4 * mib));
    tool("e2fsck", ["-fn", pieces]);
    tool("debugfs", ["-R", `dump random ${join(folder, "back")}`, pieces]);
    assert(readFileSync(join(folder, "back")).equals(readFileSync(join(files, "random"))));
    const seen = [
      ["lvs", "-o", "lv_full_name,lv_size,seg_pe_ranges"],
      ["vgck", "lab"],
    ];
    const words = [["pvs", "-o", "pv_uuid,pv_free"], ...seen];
    const nameless = (said: string[]) => said.join("").replace(/\/dev\/loop\d+/g, "PV");
    assert.equal(nameless(lvm(copy, place, words)), nameless(lvm(disk, place, words)));
    assert(image.usedBytes < 45 * mib, `${image.usedBytes} bytes in use`);
  });
});

test("FreeBSD: UFS2 in a GPT, and in a labelled slice of an MBR", async () => {
  await inFolder(async (folder) => {
    const files = someFiles(folder);
    const ufs = (part: string): void => {
      const size = statSync(part).size;
      const made = `${part}.ufs`;
      tool("makefs", ["-t", "ffs", "-o", "version=2", "-s", String(size), made, files]);
      // Behind all that it wrote is junk, as on a disk that was in use.
      const bytes = readFileSync(made);
      // It writes something there to see that it can.
      bytes.fill(0, bytes.length - 512);
      let end = bytes.length;
      while (bytes[end - 1] === 0) end--;
      putBytes(part, 0, bytes.subarray(0, Math.ceil(end / 65536) * 65536));
    };
    const groupSectors = 64;
    const disk = join(folder, "disk");
    fill(disk, 64 * mib, junk);
    const type = "516E7CB6-6ECF-11D6-8FF8-00022D71B52B";
    tool("sfdisk", ["-q", disk], `label: gpt\nstart=2048, size=48M, type=${type}\n`);
    makeAt(disk, mib, 48 * mib, ufs);
    mkdirSync(join(folder, "gpt"));
    const gpt = await captureAndRestore(disk, join(folder, "gpt"));
    assert.deepEqual(kindsOf(gpt), [[1, "ufs", "used"]], gpt.image.warnings.join("; "));
    assertKept(disk, gpt.copy, { start: mib, size: 48 * mib }, groupSectors);

    fill(disk, 64 * mib, junk);
    tool("sfdisk", ["-q", disk], "label: dos\nstart=2048, size=60M, type=a5\n");
    tool("fdisk", [disk], "b\ny\nn\na\n\n+98303\nt\na\n7\nw\nq\n");
    const label = bytesAt(disk, mib + 512, 512);
    makeAt(disk, mib, 48 * mib, ufs);
    putBytes(disk, mib + 512, label);
    mkdirSync(join(folder, "mbr"));
    const mbr = await captureAndRestore(disk, join(folder, "mbr"));
    assert.deepEqual(kindsOf(mbr), [[1, "bsd", "used"]], mbr.image.warnings.join("; "));
    assertKept(disk, mbr.copy, { start: mib, size: 48 * mib }, groupSectors);
    assert(bytesAt(mbr.copy, mib + 512, 512).equals(label));
    assert((mbr.image.partitions[0]?.usedBytes ?? 0) < 30 * mib);
  });
});

test("what cannot be looked into comes back bit for bit, and so does all with --raw", async () => {
  await inFolder(async (folder) => {
    const disk = join(folder, "disk");
    fill(disk, 40 * mib, 0);
    const table = "label: gpt\nstart=2048, size=20M, type=linux\nsize=8M, type=linux\nsize=8M\n";
    tool("sfdisk", ["-q", disk], table);
    makeAt(disk, mib, 20 * mib, (part) => {
      const fast = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"];
      tool("cryptsetup", ["luksFormat", "-q", ...fast, part, "-"], "secret");
      putBytes(part, 17 * mib, randomBytes(mib));
    });
    putBytes(disk, 21 * mib, Buffer.from("\xeb\x58\x90-FVE-FS-", "latin1"));
    putBytes(disk, 24 * mib, randomBytes(mib));
    putBytes(disk, 30 * mib, randomBytes(mib));
    mkdirSync(join(folder, "plain"));
    const { image, copy } = await captureAndRestore(disk, join(folder, "plain"));
    assert.deepEqual(
      image.partitions.map(({ fs, mode }) => [fs, mode]),
      [
        ["crypto_LUKS", "raw"],
        ["BitLocker", "raw"],
        [null, "raw"],
      ],
    );
    assert.match(image.warnings.join("; "), /manage-bde -off/);
    assertEqual(disk, copy);

    fill(disk, 24 * mib, junk);
    tool("sfdisk", ["-q", disk], "label: gpt\nstart=2048, size=16M, type=linux\n");
    makeAt(disk, mib, 16 * mib, ext("ext4", someFiles(folder)));
    mkdirSync(join(folder, "raw"));
    const raw = await captureAndRestore(disk, join(folder, "raw"), { raw: true });
    assert.deepEqual(kindsOf(raw), [[1, "ext4", "raw"]]);
    assertEqual(disk, raw.copy);
  });
});
