/**
 * Ordinary layouts, made by their systems' own tools, captured, and restored to disks half as large again
 * and four times as large, full of random bytes: every file is there, checkers find no fault, identities
 * stay, and the partition that matters has the room.
 */
import assert from "node:assert/strict";
import { closeSync, openSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { StepView } from "../../../core/wire/views.ts";
import { type ImageStore, openImageStore } from "../../../server/store/image-store.ts";
import { captureInto } from "../capture/captured.ts";
import { lookAt, lvm, makeAt, mib, tool } from "../capture/disks.ts";
import { randomDisk, restoreTo, sizeOf } from "../restore/restored.ts";
import { type DiskLayout, type Entry, openDiskMaker, tableOf } from "./made-disks.ts";

const maker = openDiskMaker("layouts");
const { folder, makers, checks } = maker;
let store: ImageStore;

before(async () => {
  store = await openImageStore(join(folder, "store"));
});
after(async () => {
  await store[Symbol.asyncDispose]();
  maker[Symbol.dispose]();
});

interface Layout extends DiskLayout {
  readonly grows: number;
  readonly moves: readonly number[];
  /** How much larger the targets are; 1.5 and 4 where it is not said. */
  readonly times?: readonly number[];
}

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
    grows: 3,
    moves: [4],
  },
  {
    name: "Debian guided: root, and swap in an extended partition",
    sizeMib: 36,
    script: `label: dos
start=2048, size=26M, type=83, bootable
start=57342, size=8194, type=5
start=57344, size=8192, type=82`,
    fs: { 1: "ext4", 5: "swap" },
    grows: 1,
    moves: [2],
  },
  {
    name: "Ubuntu's cloud image: 14 and 15 before 1",
    sizeMib: 36,
    script: `label: gpt
14: start=2048, size=1M, type=21686148-6449-6E6F-744E-656564454649
15: size=4M, type=uefi
1: type=linux`,
    fs: { 15: "vfat", 1: "ext4" },
    grows: 1,
    moves: [],
  },
  {
    name: "dual boot: ESP, C:, Linux, swap",
    sizeMib: 60,
    script: `label: gpt
size=4M, type=uefi
size=25M, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7
size=20M, type=linux
size=4M, type=swap`,
    fs: { 1: "vfat", 2: "ntfs", 3: "ext4", 4: "swap" },
    grows: 2,
    moves: [4, 3],
  },
  {
    // The kernel makes no btrfs of less than 256 MiB.
    times: [4.5, 6],
    name: "btrfs with swap behind it",
    sizeMib: 64,
    script: `label: gpt
size=52M, type=linux
size=6M, type=swap`,
    fs: { 1: "btrfs", 2: "swap" },
    grows: 1,
    moves: [2],
  },
];

const namesOf = (steps: readonly StepView[] | undefined): string[] =>
  (steps ?? []).map(({ name, result }) => `${name}: ${result}`);

for (const layout of layouts) {
  test(layout.name, async () => {
    const { fs, grows, moves } = layout;
    const from = maker.disk(layout);
    const image = await captureInto(store, from);
    for (const times of layout.times ?? [1.5, 4]) {
      const to = randomDisk(join(folder, "to"), Math.floor(sizeOf(from) * 1.5) + 512);
      truncateSync(to, Math.floor(sizeOf(from) * times) + 512);
      const end = await restoreTo(to, image, store);
      assert.equal(end.outcome, "verified", `${end.reason} ${JSON.stringify(end.steps)}`);
      assert.deepEqual(
        namesOf(end.steps),
        [
          "partition table: done",
          ...moves.map((index) => `move of partition ${index}: done`),
          `growth of partition ${grows}: done`,
          `file system of partition ${grows}: done`,
        ],
        JSON.stringify(end.steps),
      );
      const [was, is] = [tableOf(from), tableOf(to)];
      assert.equal(is.id, was.id);
      const identity = ({ start, size, ...rest }: Entry) => rest;
      assert.deepEqual(is.entries.map(identity), was.entries.map(identity));
      for (const [at, entry] of is.entries.entries()) {
        const before = was.entries[at] as Entry;
        if (entry.index === grows)
          assert(entry.size - before.size > sizeOf(to) - sizeOf(from) - 2 * mib);
        else assert.equal(entry.size, before.size);
        const check = checks[fs[entry.index] ?? ""];
        lookAt(to, entry.start, entry.size, (part) => check?.(part, entry));
      }
      if (image.partitionTable === "gpt") {
        assert.match(tool("sgdisk", ["-v", to]), /No problems found/);
      }
      tool("sfdisk", ["--verify", "-q", to]);
      rmSync(to);
    }
  });
}

test("Debian guided with LVM: the volume group, root and its file system take the room", async () => {
  const disk = join(folder, "lvm");
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
    ["lvcreate", ...make, "-l", "36", "-n", "root", "debian-vg"],
    ["lvcreate", ...make, "-l", "8", "-n", "swap_1", "debian-vg"],
  ]);
  const at = place.start + mib;
  makeAt(disk, at, 36 * mib, (part) => makers.ext4?.(part, place));
  makeAt(disk, at + 36 * mib, 8 * mib, (part) => makers.swap?.(part, place));
  const image = await captureInto(store, disk);
  for (const times of [1.5, 4]) {
    const to = randomDisk(join(folder, "to"), 64 * mib * times);
    const end = await restoreTo(to, image, store);
    assert.equal(end.outcome, "verified", `${end.reason} ${JSON.stringify(end.steps)}`);
    assert.match(
      end.steps?.at(-1)?.detail ?? "",
      /debian-vg\/root grown from .* swap_1 moved to the end, with its ext4/,
    );
    const grown = tableOf(to).entries[2] as Entry;
    const fields = ["--noheadings", "--units", "b", "--nosuffix"];
    const said = await lvm(to, grown, [
      ["vgck", "debian-vg"],
      ["pvck", "PV"],
      ["pvs", ...fields, "-o", "pv_size,pv_free,dev_size"],
      ["lvs", ...fields, "-o", "lv_name,lv_size,seg_pe_ranges", "debian-vg"],
    ]);
    const extents = Math.floor((grown.size - mib) / mib);
    assert.deepEqual(
      (said[2] ?? "").trim().split(/\s+/),
      [extents * mib, 0, grown.size].map(String),
    );
    const lines = (said[3] ?? "").trim().split(/\s*\n\s*/);
    assert.match(lines[0] ?? "", new RegExp(`^root +${(extents - 8) * mib} .*:0-${extents - 9}$`));
    assert.match(
      lines[1] ?? "",
      new RegExp(`^swap_1 +${8 * mib} .*:${extents - 8}-${extents - 1}$`),
    );
    const root = { start: grown.start + mib, size: (extents - 8) * mib };
    const swap = { start: root.start + root.size, size: 8 * mib };
    lookAt(to, root.start, root.size, (part) => checks.ext4?.(part, root));
    lookAt(to, swap.start, swap.size, (part) => checks.swap?.(part, swap));
  }
});

test("a disk that was fitted is restored once more: it becomes the same", async () => {
  const layout = layouts[0] as Layout;
  const image = await captureInto(store, maker.disk(layout));
  const to = randomDisk(join(folder, "to"), 64 * mib);
  const places: unknown[] = [];
  for (const scan of [false, true]) {
    const end = await restoreTo(to, image, store, { scan });
    assert.equal(end.outcome, "verified", `${end.reason} ${JSON.stringify(end.steps)}`);
    places.push(tableOf(to));
    for (const entry of tableOf(to).entries) {
      const check = checks[layout.fs[entry.index] ?? ""];
      lookAt(to, entry.start, entry.size, (part) => check?.(part, entry));
    }
  }
  assert.deepEqual(places[1], places[0]);
});
