/**
 * Ordinary layouts made to fit smaller and larger disks: every file is there, checkers find no fault,
 * identities stay; what does not fit is refused with a number.
 */
import assert from "node:assert/strict";
import { closeSync, openSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bytesAt, lookAt, mib, placesOf, tool, withLoop } from "../../imaging/capture/disks.ts";
import { ordinaryLayouts } from "../../imaging/fit/layouts.ts";
import { type Entry, tableOf } from "../../imaging/fit/made-disks.ts";
import { restoreTo } from "../../imaging/restore/restored.ts";
import { type FitCells, openFitCells, type Target } from "./fit-cells.ts";

let cells: FitCells;
before(async () => {
  cells = await openFitCells("fit");
});
after(() => cells[Symbol.asyncDispose]());

/** One of each table, and of what a partition can be but a file system; `make test-fit` tries all with all. */
const tried: Readonly<Record<string, readonly Target[]>> = {
  windows: ["−1 sector", "−10 %", "the least", "below the least", "×1.5"],
  "debian-mbr": ["−10 %", "the least", "×1.5"],
  "debian-lvm": ["−10 %"],
  ten: ["−10 %"],
  btrfs: ["−10 %"],
};

for (const [name, targets] of Object.entries(tried)) {
  const layout = ordinaryLayouts.find((each) => each.name === name);
  assert(layout !== undefined, name);
  test(layout.title, async (t) => {
    using master = await cells.master(layout);
    for (const target of targets) {
      await t.test(target, async () => {
        await master.try(target);
      });
    }
  });
}

test("a disk that was fitted is restored once more: it becomes the same", async () => {
  const [layout] = ordinaryLayouts;
  assert(layout !== undefined);
  const origin = await cells.show(layout.name);
  const { disk } = await cells.restored(origin, 64 * mib);
  const once = tableOf(disk);
  const manifest = cells.at.images.find(origin.id);
  assert(manifest !== undefined);
  const end = await restoreTo(disk, manifest, cells.at.images, { scan: true });
  assert.equal(end.outcome, "verified", `${end.reason} ${JSON.stringify(end.steps)}`);
  assert.deepEqual(tableOf(disk), once);
  for (const entry of once.entries) {
    const check = cells.maker.checks[layout.fs[entry.index] ?? ""];
    lookAt(disk, entry.start, entry.size, (part) => check?.(part, entry));
  }
  rmSync(disk);
});

test("a fitted version on a disk that is larger than it was made for takes its room, too", async () => {
  const [layout] = ordinaryLayouts;
  assert(layout !== undefined);
  const origin = await cells.show(layout.name);
  const fitted = cells.at.images.list().find(({ fitOf }) => fitOf === origin.id);
  assert(fitted !== undefined);
  const { disk, steps } = await cells.restored(await cells.show(fitted.id), 50 * mib);
  assert.deepEqual(
    steps.map(({ name, result }) => `${name}: ${result}`),
    [
      "partition table: done",
      "move of partition 4: done",
      "growth of partition 3: done",
      "file system of partition 3: done",
    ],
  );
  for (const entry of tableOf(disk).entries) {
    const check = cells.maker.checks[layout.fs[entry.index] ?? ""];
    lookAt(disk, entry.start, entry.size, (part) => check?.(part, entry));
  }
  rmSync(disk);
});

/** A file with holes, partitions made by sfdisk, and each of them filled by its maker. */
async function sparseDisk(
  name: string,
  how: { sizeMib: number; script: string; sector: number },
  fill: (device: string, index: number) => void,
): Promise<string> {
  const { sizeMib, script, sector } = how;
  const disk = join(cells.maker.folder, name);
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
  const files = join(cells.maker.folder, "files");
  const disk = await sparseDisk("swap", { sizeMib: 1520, script, sector: 512 }, (device, index) => {
    if (index === 1) tool("mke2fs", ["-q", "-t", "ext4", "-d", files, device]);
    else tool("mkswap", ["-q", "-L", "rest", "-U", "7b9a3c1e-3d0f-4a53-9d60-0d4f8f0d8f11", device]);
  });
  const origin = await cells.at.import(disk, "swap");
  const { image } = await cells.fit("swap", 1100 * mib);
  const to = join(cells.maker.folder, "to.raw");
  await cells.at.export(image.id, to);
  const [root, swap] = tableOf(to).entries as [Entry, Entry];
  assert(swap.start + swap.size > 1098 * mib && swap.start + swap.size <= 1100 * mib);
  lookAt(to, root.start, root.size, (part) => cells.maker.checks.ext4?.(part, root));
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
  const least = cells.at.images.leastDiskBytes(origin.id) ?? 0;
  assert(least > 1024 * mib && least < 1050 * mib, `${least}`);
  rmSync(to);
});

test("a disk with sectors of 4096 bytes", async () => {
  const script = "label: gpt\nsize=30M, type=linux\nsize=4M, type=swap\n";
  const files = join(cells.maker.folder, "files");
  const disk = await sparseDisk("large", { sizeMib: 40, script, sector: 4096 }, (device, index) => {
    if (index === 1) tool("mke2fs", ["-q", "-t", "ext4", "-d", files, device]);
    else tool("mkswap", ["-q", device]);
  });
  const origin = await cells.at.import(disk, "large");
  assert.equal(origin.logicalSector, 4096);
  const { image } = await cells.fit("large", 30 * mib + 512);
  assert.deepEqual([image.logicalSector, image.diskBytes], [4096, 30 * mib]);
  const to = join(cells.maker.folder, "to.raw");
  await cells.at.export(image.id, to);
  const [root] = await withLoop(to, ["-b", "4096"], (device) => {
    tool("sfdisk", ["--verify", "-q", device]);
    return placesOf(device);
  });
  assert(root !== undefined && root.size < 30 * mib);
  lookAt(to, root.start, root.size, (part) => cells.maker.checks.ext4?.(part, root));
  rmSync(to);
});
