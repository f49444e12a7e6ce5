/** Which version of an image a room gets, and what is said of it before anybody types the word. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cannotFitText, fitLines, fittingText, unfittedLines } from "../../../core/screen/fit.ts";
import { type FitPlan, fits, planFit } from "../../../core/session/fit-plan.ts";
import type { ImageView } from "../../../core/wire/views.ts";
import { imageOf } from "../../client/console/fake-lab.ts";

const gb = 1e9;
const mib = 2 ** 20;

type PartitionView = ImageView["partitions"][number];

const partition = (index: number, startMib: number, sizeMib: number, more = {}): PartitionView => ({
  ...{ index, type: "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", fs: "ntfs", label: null, uuid: null },
  ...{ start: startMib * mib, size: sizeMib * mib, usedBytes: 10 * mib, mode: "used" as const },
  ...more,
});

/** A usual Windows of 256 GB, in MiB: 60 GB in use, recovery behind it. */
const windows = imageOf(3, {
  name: "win11",
  diskBytes: 256_060_514_304,
  usedBytes: 60 * gb,
  partitions: [
    partition(1, 1, 100, { fs: "vfat", type: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" }),
    partition(3, 101, 243_000, { usedBytes: 60 * gb }),
    partition(4, 243_101, 700, { type: "de94bba4-06d1-4d40-a16a-bfd50179d6ac" }),
  ],
});
const fittedTo = (size: string, diskBytes: number): ImageView => ({
  ...windows,
  ...{ id: `fit ${size}`, fitOf: windows.id, fitSize: size, diskBytes },
  partitions: [partition(3, 101, Math.floor(diskBytes / mib) - 102)],
});
/** With so much in use on C: alone, and a disk of zeros behind it. */
const using = (usedBytes: number, leastDiskBytes: number | null = null): ImageView => ({
  ...windows,
  ...{ usedBytes: 250 * gb, leastDiskBytes },
  partitions: windows.partitions.map((each) => ({
    ...each,
    usedBytes: each.index === 3 ? usedBytes : 0,
  })),
});
const pcs = (...sizes: number[]) => sizes.map((bytes, at) => ({ name: `pc${at + 1}`, bytes }));
const made = (plan: FitPlan): readonly [string, number] => {
  assert(plan.kind === "make", plan.kind);
  return [plan.size.text, plan.diskBytes];
};

test("larger disks, disks of its size, and those that hold all its partitions get it as it is", () => {
  const end = 243_801 * mib;
  for (const bytes of [500 * gb, windows.diskBytes, windows.diskBytes - 512, end + 17_000])
    assert.equal(planFit(windows, [windows], pcs(500 * gb, bytes)).kind, "as-is", `${bytes}`);
  assert.equal(planFit(windows, [windows], []).kind, "as-is", "no disk is known yet");
  assert.equal(planFit(windows, [windows], pcs(end)).kind, "make", "the backup GPT needs room");
});

test("the smallest disk decides, and its class names the version", () => {
  const plan = planFit(windows, [windows], pcs(500 * gb, 240_057_409_536, 250 * gb));
  assert.deepEqual(made(plan), ["240GB", 240_057_409_536]);
  const tight = { ...windows, leastDiskBytes: 240_020_000_000 };
  assert.deepEqual(made(planFit(tight, [tight], pcs(240_057_409_536))), [
    "240057409536",
    240_057_409_536,
  ]);
});

test("a version that fits is used again: the largest that does", () => {
  const versions = [
    windows,
    fittedTo("128GB", 128 * gb),
    fittedTo("200GB", 200 * gb),
    fittedTo("250GB", 250 * gb),
  ];
  const plan = planFit(windows, versions, pcs(240 * gb, 500 * gb));
  assert(plan.kind === "reuse");
  assert.equal(plan.image.fitSize, "200GB");
  const asked = versions[3] as ImageView;
  assert.equal(planFit(asked, versions, pcs(250 * gb)).kind, "as-is");
  const other = planFit(asked, versions, pcs(130 * gb));
  assert(other.kind === "reuse");
  assert.equal(other.image.fitSize, "128GB", "what it was made of has others");
});

test("what is known to be impossible is refused, with the number and the PC", () => {
  for (const [image, said] of [
    [using(60 * gb, 118 * gb), /^the smallest this image can be is 118.0 GB, and the disk of pc2/],
    [using(70 * gb), /^win11@3 uses 70.0 GB, and the disk of pc2 has 64.0 GB$/],
  ] as const) {
    const plan = planFit(image, [image], pcs(500 * gb, 64 * gb));
    assert(plan.kind === "cannot");
    assert.match(cannotFitText(plan).what, said);
    assert.match(cannotFitText(plan).next, /leave pc2 out, or restore with --fit never/);
  }
});

test("what lies between partitions and behind them keeps no disk from being large enough", () => {
  assert.deepEqual(made(planFit(using(60 * gb), [], pcs(128 * gb))), ["128GB", 128 * gb]);
  // A try has found that it can be smaller than what the disk had in use.
  assert.equal(planFit(using(60 * gb, 64 * gb), [], pcs(65 * gb)).kind, "make");
  // Where partitions overlap, or there are none, the disk tells.
  const alone = { ...windows, usedBytes: 20 * gb };
  assert.equal(planFit(alone, [], pcs(21 * gb)).kind, "make");
  const none = { ...windows, usedBytes: 20 * gb, partitions: [] };
  assert.equal(planFit(none, [], pcs(19 * gb)).kind, "as-is");
});

test("what is planned fits, is no larger than the smallest disk, and wants nothing that cannot be", () => {
  const size = fc.integer({ min: 1, max: 300 }).map((number) => number * gb + 57_409_536);
  fc.assert(
    fc.property(fc.array(size, { minLength: 1 }), size, fc.option(size), (sizes, used, least) => {
      const image = using(used, least);
      const needed = least ?? Math.min(used, 250 * gb);
      const plan = planFit(image, [image], pcs(...sizes));
      const smallest = Math.min(...sizes);
      if (plan.kind === "as-is") assert(fits(image, { bytes: smallest }));
      if (plan.kind === "cannot") assert(needed > smallest);
      if (plan.kind !== "make") return;
      assert(plan.size.bytes <= smallest && plan.size.bytes >= needed);
    }),
  );
});

test("before the word: how many disks, how long, and what becomes of C:", () => {
  const disks = pcs(240 * gb, 240 * gb, 500 * gb);
  const lines = (plan: FitPlan): string[] => {
    assert(plan.kind !== "cannot");
    return fitLines(plan, disks);
  };
  assert.deepEqual(lines(planFit(windows, [windows], pcs(500 * gb))), []);
  assert.deepEqual(lines(planFit(windows, [windows], disks)), [
    "2 of 3 disks are smaller than the image's (256.1 GB): the image will be fitted first, about 33 min; C: becomes about 239.2 GB",
  ]);
  const mbr = { ...windows, partitionTable: "mbr" as const, usedBytes: 600e6 };
  assert.match(lines(planFit(mbr, [mbr], disks))[0] ?? "", /fitted first, about 20 s$/);
  assert.deepEqual(lines(planFit(windows, [windows, fittedTo("240GB", 240 * gb)], disks)), [
    "2 of 3 disks are smaller than the image's (256.1 GB): all PCs get win11@3-fit-240GB, which fits",
  ]);
});

test("a live cast says that it is not made to fit, where that matters", () => {
  assert.deepEqual(unfittedLines(256 * gb, pcs(256 * gb, 500 * gb)), []);
  assert.match(
    unfittedLines(256 * gb, pcs(240 * gb, 500 * gb))[0] ?? "",
    /^1 of 2 disks is smaller than the one that is cast \(256.0 GB\), and a live cast does not fit it/,
  );
});

test("while it is made: how far, and how long it still takes", () => {
  const fit = { state: "fitting" as const, diskBytes: 1, fraction: null, secondsLeft: null };
  assert.equal(fittingText({ fit }), "fitting");
  const known = { ...fit, fraction: 0.342, secondsLeft: 131 };
  assert.equal(fittingText({ fit: known }), "fitting 34 %, about 2 min left");
  assert.equal(fittingText({ fit: { ...fit, state: "fitted" } }), null);
  assert.equal(fittingText({ fit: null }), null);
});
