/** What is said of a disk that an image does not fit on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FitWay, misfitOf } from "../../../core/image/fit.ts";
import type { PartitionRecord } from "../../../core/image/types.ts";

const gib = 2 ** 30;
const partition = (
  index: number,
  start: number,
  size: number,
  usedBytes: number,
  more: Partial<PartitionRecord> = {},
): PartitionRecord => ({
  ...{ index, type: "", fs: "ntfs", label: null, uuid: null, start, size, usedBytes, mode: "used" },
  ...more,
});

/** A usual Windows: C:, and the recovery partition behind it. */
const windows = {
  diskBytes: 100 * gib,
  logicalSector: 512,
  partitionTable: "gpt" as const,
  partitions: [
    partition(1, 2 ** 20, gib / 4, 2 ** 25, { fs: "vfat" }),
    partition(3, gib, 98 * gib, 30 * gib, { label: "Windows" }),
    partition(4, 99 * gib, gib / 2, gib / 3),
  ],
};

/** What is said of a disk of this size: why it does not do, and what can be done but for a larger one. */
function said(shape: typeof windows | typeof mbr, targetBytes: number, way: FitWay = "export") {
  const found = misfitOf(shape, [], targetBytes, way);
  assert(found !== null);
  return { why: found.why, instead: found.instead ?? "nothing" };
}
const mbr = { ...windows, partitionTable: "mbr" as const };

test("a disk that lacks one sector is told what does not fit on it: the backup GPT", () => {
  const end = 99.5 * gib;
  const needed = end + 16 * 1024 + 512;
  assert.equal(misfitOf(windows, [], needed, "export"), null);
  const { why, instead } = said(windows, needed - 512);
  assert.match(why, new RegExp(`partition 4 of the image ends at ${end}, and the backup GPT`));
  assert.match(why, new RegExp(`takes 16896: ${needed} bytes are needed`));
  assert.match(instead, new RegExp(`image fit IMAGE --disk-size ${needed - 512}\``));
  assert.match(instead, /; or shrink partition 3 by 512 bytes/);
});

test("the partition that is to be shrunk is the one with room, not the last one", () => {
  const { why, instead } = said(windows, 60 * gib);
  assert.match(why, /partition 4 of the image ends at .* \(partition 3 does not fit either\)/);
  assert.match(why, /partition 3 \(ntfs "Windows"\) uses 32212254720 of its 105226698752 bytes$/);
  assert.match(instead, /^make .*; or shrink partition 3 by \d+ bytes or more on the master/);
  assert.match(instead, /and move partition 4 up to it$/);
});

test("where no partition has so much room, that is said", () => {
  const { why, instead } = said(windows, 20 * gib);
  assert.match(why, /no partition has the 85362491904 free bytes/);
  assert.equal(instead, "nothing");
  assert.match(
    said(mbr, 99.5 * gib - 512).why,
    /ends at \d+; partition 3/,
    "no backup GPT in an MBR",
  );
});

test("what can be done depends on how the image comes: a cast of a PC's own disk is not made to fit", () => {
  const { instead } = said(windows, 60 * gib, "restore");
  assert.match(instead, /a session of its own, which makes .* fits first \(not with `--fit/);
  assert.match(instead, /image fit IMAGE --disk-size 64424509440`; or shrink partition 3 by/);
  const live = said(windows, 60 * gib, "live cast").instead;
  assert.match(live, /capture the disk and restore the image, which is fitted first .*; or shrink/);
  assert.doesNotMatch(live, /image fit/);
});
