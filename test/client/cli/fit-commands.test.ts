/** What is said of disks that are smaller than an image's before a word is typed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ImageView } from "../../../core/wire/views.ts";
import { diskOf, imageOf, pcOf } from "../console/fake-lab.ts";
import { ran } from "./run-command.ts";

const gb = 1e9;
const image = imageOf(3, {
  ...{ name: "win11", diskBytes: 256 * gb, usedBytes: 60 * gb },
  partitions: [
    {
      ...{ index: 1, type: "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", fs: "ntfs", label: null },
      ...{ uuid: null, mode: "used", start: 2 ** 20, size: 250 * gb, usedBytes: 60 * gb },
    },
  ],
});
const withDisk = (number: number, size: number) =>
  pcOf(number, { disks: [{ ...diskOf(number), size }] });
const pcs = [withDisk(1, 240 * gb), withDisk(2, 500 * gb)];

const there = (versions: readonly ImageView[]) => ({
  ...{ "/pcs": pcs, "/images": versions, "/images/win11": versions[0] },
  ...{ "/pcs/pc01": pcs[0], "/pcs/pc02": pcs[1] },
});

test("restore says what it does first, and nothing with --fit never", async () => {
  const words = ["restore", "win11", "--room", "lab-1"];
  const { shown } = await ran(words, there([image]));
  assert(
    shown.includes(
      "1 of 2 disks is smaller than the image's (256.0 GB): the image will be fitted first, about 33 min; C: becomes about 240.0 GB",
    ),
    shown.join("\n"),
  );
  const never = await ran([...words, "--fit", "never"], there([image]));
  assert(never.shown.length > 0 && !never.shown.join().includes("smaller"), never.shown.join("\n"));
});

test("what is known to be impossible is refused before the word", async () => {
  const known = { ...image, leastDiskBytes: 245 * gb };
  const { error, shown } = await ran(["restore", "win11", "--room", "lab-1"], there([known]));
  assert.match(String(error), /the smallest this image can be is 245.0 GB, and the disk of pc01/);
  assert.deepEqual(shown, []);
  const larger = await ran(["restore", "win11", "--pc", "pc02"], there([known]));
  assert.match(String(larger.error), /nobody types it/);
});

test("cast says that it makes nothing fit", async () => {
  const { shown } = await ran(["cast", "pc02", "--room", "lab-1"], there([image]));
  assert.match(shown.join("\n"), /1 of 1 disk is smaller than the one that is cast \(500.0 GB\)/);
});
