/**
 * Ordinary layouts made to fit smaller disks, as `roomcast image fit` does it: every file is there, checkers
 * find no fault, identities stay; what does not fit is refused with a number, and nothing of it stays.
 */
import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Fitted, fitImage } from "../../../client/transfer/fit-image.ts";
import { imageName } from "../../../core/image/manifest.ts";
import { decodeDiskSize } from "../../../core/wire/fit-size.ts";
import type { ImageView } from "../../../core/wire/views.ts";
import {
  bytesAt,
  lookAt,
  lvm,
  makeAt,
  mib,
  placesOf,
  tool,
  withLoop,
} from "../../imaging/capture/disks.ts";
import {
  type DiskLayout,
  type Entry,
  openDiskMaker,
  tableOf,
} from "../../imaging/fit/made-disks.ts";
import { openTransfers, type Transfers } from "./open-transfers.ts";

const maker = openDiskMaker("fit");
let at: Transfers;
before(async () => {
  at = await openTransfers();
});
after(async () => {
  await at.close();
  maker[Symbol.dispose]();
});

async function fit(image: string, written: string | number, said: string[] = []): Promise<Fitted> {
  const size = decodeDiskSize(String(written));
  assert(size.ok);
  const workFolder = join(maker.folder, "fitting");
  const { signal } = new AbortController();
  const work = fitImage({
    ...{ client: at.client, image, workFolder, signal, size: size.value },
    begin() {},
    progress() {},
    log: (text) => said.push(text),
  });
  return work.finally(() => assert.deepEqual(readdirSync(workFolder), [], "nothing is left"));
}

const show = (reference: string): Promise<ImageView> =>
  at.client.get<ImageView>(`/images/${encodeURIComponent(reference)}`);

interface Layout extends DiskLayout {
  /** Sizes in MiB, or what is less than the disk, in bytes, when negative. */
  readonly targets: readonly number[];
}

const most = [-512, -mib, -0.1];
const layouts: readonly Layout[] = [
  {
    name: "Windows: ESP, MSR, C:, recovery",
    sizeMib: 40,
    script: `label: gpt
start=2048, size=2M, type=uefi, name="EFI system partition"
size=1M, type=E3C9E316-0B5C-4DB8-817D-F92DF00215AE, name="Microsoft reserved partition"
size=26M, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, name="Basic data partition"
size=8M, type=DE94BBA4-06D1-4D40-A16A-BFD50179D6AC, attrs="RequiredPartition GUID:63"`,
    fs: { 1: "vfat", 3: "ntfs", 4: "ntfs" },
    targets: most,
  },
  {
    name: "Windows_before: recovery before C:",
    sizeMib: 40,
    script: `label: gpt
start=2048, size=8M, type=DE94BBA4-06D1-4D40-A16A-BFD50179D6AC, attrs="RequiredPartition GUID:63"
size=2M, type=uefi
size=1M, type=E3C9E316-0B5C-4DB8-817D-F92DF00215AE
size=26M, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7`,
    fs: { 1: "ntfs", 2: "vfat", 4: "ntfs" },
    targets: [-0.1],
  },
  {
    name: "Debian_mbr: root, and swap in an extended partition",
    sizeMib: 36,
    script: `label: dos
start=2048, size=26M, type=83, bootable
start=57342, size=8194, type=5
start=57344, size=8192, type=82`,
    fs: { 1: "ext4", 5: "swap" },
    targets: most,
  },
  {
    name: "Debian_gpt: ESP, root, swap",
    sizeMib: 36,
    script: `label: gpt
size=2M, type=uefi
size=26M, type=linux
size=4M, type=swap`,
    fs: { 1: "vfat", 2: "ext4", 3: "swap" },
    targets: [-0.1],
  },
  {
    name: "Ten: two primary ones, and seven in an extended one, two of them with files",
    sizeMib: 64,
    script: `label: dos
start=2048, size=2M, type=83, bootable
size=2M, type=83
size=57M, type=5
5: size=2M, type=83
6: size=2M, type=82
7: size=20M, type=83
8: size=2M, type=83
9: size=18M, type=83
10: size=2M, type=82
11: type=83`,
    fs: {
      1: "swap",
      2: "vfat",
      5: "vfat",
      6: "swap",
      7: "ext4",
      8: "swap",
      9: "ext4",
      10: "swap",
      11: "vfat",
    },
    targets: [-0.1],
  },
  {
    // The kernel makes no btrfs of less than 256 MiB.
    name: "btrfs: with swap behind it",
    sizeMib: 330,
    script: `label: gpt
size=320M, type=linux
size=6M, type=swap`,
    fs: { 1: "btrfs", 2: "swap" },
    targets: [-0.1],
  },
];

/** As ntfsresize says of a volume that has the mark. */
function isToBeChecked(part: string): boolean {
  try {
    tool("ntfsresize", ["--info", part]);
    return false;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    assert.match(stdout + stderr, /scheduled for check/);
    return true;
  }
}

/** The disk as an export of the fitted version has it is what the layout's disk was, but smaller. */
async function requireSound(layout: Layout, from: string, fitted: ImageView): Promise<void> {
  const to = join(maker.folder, "to.raw");
  await at.export(fitted.id, to);
  const [was, is] = [tableOf(from), tableOf(to)];
  assert.equal(is.id, was.id);
  const identity = ({ start, size, ...rest }: Entry) => rest;
  assert.deepEqual(is.entries.map(identity), was.entries.map(identity));
  let end = 0;
  for (const entry of is.entries.toSorted((a, b) => a.start - b.start)) {
    assert(entry.start >= end && entry.start + entry.size <= fitted.diskBytes, "none overlaps");
    if (!["5", "f"].includes(entry.type)) end = entry.start + entry.size;
    const check = maker.checks[layout.fs[entry.index] ?? ""];
    lookAt(to, entry.start, entry.size, (part) => check?.(part, entry));
    const before = was.entries.find(({ index }) => index === entry.index);
    if (layout.fs[entry.index] === "ntfs") {
      const asked = lookAt(to, entry.start, entry.size, isToBeChecked);
      assert.equal(asked, entry.size !== before?.size, "Windows checks what has shrunk");
    }
  }
  if (fitted.partitionTable === "gpt") {
    assert.match(tool("sgdisk", ["-v", to]), /No problems found/);
  }
  tool("sfdisk", ["--verify", "-q", to]);
  const bare = ({ start, size, usedBytes, ...rest }: ImageView["partitions"][number]) => rest;
  const origin = await show(fitted.fitOf ?? "");
  assert.deepEqual(fitted.partitions.map(bare), origin.partitions.map(bare));
  const { signal } = new AbortController();
  const { ok } = await at.images.verify(fitted.id, { signal, onProgress() {} });
  assert(ok);
  rmSync(to);
}

for (const layout of layouts) {
  test(layout.name, async () => {
    const name = layout.name.replace(/:.*/, "");
    const from = maker.disk(layout);
    const origin = await at.import(from, name);
    assert.equal(origin.leastDiskBytes, null);
    let least = 0;
    for (const target of layout.targets) {
      const less = target > -1 ? Math.floor((-target * origin.diskBytes) / 512) * 512 : -target;
      const bytes = origin.diskBytes - less;
      const { image, sharedBytes, chunkedBytes } = await fit(name, bytes);
      console.log(`${imageName(image)}: ${sharedBytes} of ${chunkedBytes} bytes are shared`);
      assert.equal(imageName(image), `${name}@1-fit-${bytes}`);
      assert.deepEqual([image.diskBytes, image.fitOf], [bytes, origin.id]);
      await requireSound(layout, from, image);
      least = (await show(origin.id)).leastDiskBytes ?? 0;
      assert(least > 0 && least <= bytes, `${least}`);
    }
    const { image } = await fit(name, least);
    await requireSound(layout, from, image);
    const before = at.images.list().length;
    await assert.rejects(fit(name, least - 512), {
      code: "refused",
      message: new RegExp(`the smallest this image can be is .*, ${least} bytes`),
    });
    assert.equal(at.images.list().length, before);
  });
}

test("Debian guided with LVM: root, its volume and the physical volume shrink, and swap moves down", async () => {
  const disk = join(maker.folder, "lvm");
  closeSync(openSync(disk, "w"));
  truncateSync(disk, 64 * mib);
  const script =
    "label: dos\nstart=2048,size=4M,type=83,bootable\nstart=12286,type=5\nstart=12288,type=8e\n";
  tool("sfdisk", ["-q", disk], script);
  const place = tableOf(disk).entries[2] as Entry;
  const make = ["--yes", "-an", "-Zn", "-Wn"];
  await lvm(disk, place, [
    ["pvcreate", "PV"],
    ["vgcreate", "-s", "1M", "debian-vg", "PV"],
    ["lvcreate", ...make, "-l", "40", "-n", "root", "debian-vg"],
    ["lvcreate", ...make, "-l", "8", "-n", "swap_1", "debian-vg"],
  ]);
  const at0 = place.start + mib;
  makeAt(disk, at0, 40 * mib, (part) => maker.makers.ext4?.(part, place));
  makeAt(disk, at0 + 40 * mib, 8 * mib, (part) => maker.makers.swap?.(part, place));
  const origin = await at.import(disk, "lvm");
  let bytes = Math.floor((origin.diskBytes * 0.8) / 512) * 512;
  for (const _ of ["-20 %", "the least"]) {
    const { image, sharedBytes, chunkedBytes } = await fit("lvm", bytes);
    console.log(`${imageName(image)}: ${sharedBytes} of ${chunkedBytes} bytes are shared`);
    const to = join(maker.folder, "to.raw");
    await at.export(image.id, to);
    const shrunk = tableOf(to).entries[2] as Entry;
    assert(shrunk.start === place.start && shrunk.start + shrunk.size <= bytes);
    const fields = ["--noheadings", "--units", "b", "--nosuffix"];
    const said = await lvm(to, shrunk, [
      ["vgck", "debian-vg"],
      ["pvck", "PV"],
      ["pvs", ...fields, "-o", "dev_size,vg_uuid,pv_uuid"],
      ["lvs", ...fields, "-o", "lv_name,lv_size,seg_start_pe,seg_pe_ranges", "debian-vg"],
    ]);
    const [before] = await lvm(disk, place, [["pvs", ...fields, "-o", "vg_uuid,pv_uuid"]]);
    assert.equal((said[2] ?? "").trim(), `${shrunk.size} ${(before ?? "").trim()}`);
    const lines = (said[3] ?? "").trim().split(/\s*\n\s*/);
    const [, rootBytes = "", end = ""] = /^root +(\d+) .*:0-(\d+)$/.exec(lines[0] ?? "") ?? [];
    assert.equal(Number(rootBytes), (Number(end) + 1) * mib);
    const [, first = ""] = /^swap_1 +8388608 .*:(\d+)-\d+$/.exec(lines[1] ?? "") ?? [];
    assert.equal(Number(first), Number(end) + 1);
    const root = { start: shrunk.start + mib, size: Number(rootBytes) };
    const swap = { start: root.start + root.size, size: 8 * mib };
    lookAt(to, root.start, root.size, (part) => maker.checks.ext4?.(part, root));
    lookAt(to, swap.start, swap.size, (part) => maker.checks.swap?.(part, swap));
    rmSync(to);
    bytes = (await show(origin.id)).leastDiskBytes ?? 0;
  }
  await assert.rejects(fit("lvm", bytes - 512), new RegExp(`, ${bytes} bytes`));
});

/** A file with holes, partitions made by sfdisk, and each of them filled by its maker. */
async function sparseDisk(
  name: string,
  how: { sizeMib: number; script: string; sector: number },
  fill: (device: string, index: number) => void,
): Promise<string> {
  const { sizeMib, script, sector } = how;
  const disk = join(maker.folder, name);
  closeSync(openSync(disk, "w"));
  truncateSync(disk, sizeMib * mib);
  const places = await withLoop(disk, ["-b", String(sector)], (device) => {
    tool("sfdisk", ["-q", "--no-reread", "--no-tell-kernel", device], script);
    return placesOf(device);
  });
  for (const [at, { start, size }] of places.entries()) {
    const over = ["-b", String(sector), "-o", String(start), "--sizelimit", String(size)];
    await withLoop(disk, over, (device) => fill(device, at + 1));
  }
  return disk;
}

test("swap shrinks when nothing else can give more: UUID and label stay", async () => {
  const script = "label: gpt\nsize=12M, type=linux\nsize=1500M, type=swap\n";
  const files = join(maker.folder, "files");
  const disk = await sparseDisk("swap", { sizeMib: 1520, script, sector: 512 }, (device, index) => {
    if (index === 1) tool("mke2fs", ["-q", "-t", "ext4", "-d", files, device]);
    else tool("mkswap", ["-q", "-L", "rest", "-U", "7b9a3c1e-3d0f-4a53-9d60-0d4f8f0d8f11", device]);
  });
  const origin = await at.import(disk, "swap");
  const { image } = await fit("swap", 1100 * mib);
  const to = join(maker.folder, "to.raw");
  await at.export(image.id, to);
  const [root, swap] = tableOf(to).entries as [Entry, Entry];
  assert(swap.start + swap.size > 1098 * mib && swap.start + swap.size <= 1100 * mib);
  lookAt(to, root.start, root.size, (part) => maker.checks.ext4?.(part, root));
  const said = tool("blkid", [
    "-p",
    "-O",
    String(swap.start),
    "-S",
    String(swap.size),
    "-o",
    "export",
    to,
  ]);
  assert.match(said, /LABEL=rest\n/);
  assert.match(said, /UUID=7b9a3c1e-3d0f-4a53-9d60-0d4f8f0d8f11\n/);
  const header = bytesAt(to, swap.start, 4096);
  assert.equal(header.readUInt32LE(1028), swap.size / 4096 - 1, "the last page");
  const least = at.images.leastDiskBytes(origin.id) ?? 0;
  assert(least > 1024 * mib && least < 1050 * mib, `${least}`);
  rmSync(to);
});

test("a disk with sectors of 4096 bytes", async () => {
  const script = "label: gpt\nsize=30M, type=linux\nsize=4M, type=swap\n";
  const files = join(maker.folder, "files");
  const disk = await sparseDisk("large", { sizeMib: 40, script, sector: 4096 }, (device, index) => {
    if (index === 1) tool("mke2fs", ["-q", "-t", "ext4", "-d", files, device]);
    else tool("mkswap", ["-q", device]);
  });
  const origin = await at.import(disk, "large");
  assert.equal(origin.logicalSector, 4096);
  const { image } = await fit("large", 30 * mib + 512);
  assert.deepEqual([image.logicalSector, image.diskBytes], [4096, 30 * mib]);
  const to = join(maker.folder, "to.raw");
  await at.export(image.id, to);
  const [root] = await withLoop(to, ["-b", "4096"], (device) => {
    tool("sfdisk", ["--verify", "-q", device]);
    return placesOf(device);
  });
  assert(root !== undefined && root.size < 30 * mib);
  lookAt(to, root.start, root.size, (part) => maker.checks.ext4?.(part, root));
  rmSync(to);
});
