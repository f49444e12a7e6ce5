/** Restores to disks of another size where something about sectors or tables is out of the ordinary. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { write } from "../../server/store/write-image.ts";
import { captureInto } from "../capture/captured.ts";
import {
  fill,
  inFolder,
  makeAt,
  mib,
  putBytes,
  someFiles,
  tool,
  withLoop,
} from "../capture/disks.ts";
import { randomDisk, restoreTo } from "./restored.ts";

const ext4 = (files: string) => (part: string) =>
  void tool("mke2fs", ["-q", "-F", "-t", "ext4", "-b", "4096", "-d", files, part]);

const sum = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

test("a disk of 4096-byte sectors: grown to a larger one", async () => {
  await inFolder(async (folder) => {
    await using store = await openImageStore(join(folder, "store"));
    const disk = join(folder, "disk");
    fill(disk, 40 * mib, 0x33);
    const files = someFiles(folder);
    const sectors = ["--sector-size", "4096"];
    const image = await withLoop(disk, sectors, async (device) => {
      tool("sgdisk", ["-n", "1:256:0", "-t", "1:8300", device]);
      makeAt(disk, mib, 38 * mib, ext4(files));
      return captureInto(store, device);
    });
    const to = randomDisk(join(folder, "to"), 71 * mib + 4096);
    await withLoop(to, sectors, async (device) => {
      const { outcome, reason, steps } = await restoreTo(device, image, store);
      assert.equal(outcome, "verified", `${reason} ${JSON.stringify(steps)}`);
      assert.equal(steps?.at(-1)?.result, "done");
      assert.match(tool("sgdisk", ["-v", device]), /No problems found/);
      assert.match(tool("sgdisk", ["-i", "1", device]), /Last sector: 17919 /);
    });
    const [start, end] = [mib, 17920 * 4096];
    const part = join(folder, "part");
    const places = ["iflag=skip_bytes,count_bytes", `skip=${start}`, `count=${end - start}`];
    tool("dd", [`if=${to}`, `of=${part}`, "bs=1M", ...places]);
    tool("e2fsck", ["-fn", part]);
    const blocks = /^Block count:\s+(\d+)$/m.exec(tool("dumpe2fs", ["-h", part]))?.[1];
    assert.equal(Number(blocks) * 4096, end - start);
  });
});

test("a GPT of which one copy is left, or whose backup is elsewhere, is whole on a larger disk", async () => {
  await inFolder(async (folder) => {
    await using store = await openImageStore(join(folder, "store"));
    const files = someFiles(folder);
    const harms: Readonly<Record<string, (disk: string) => void>> = {
      "the first": (disk) => putBytes(disk, 512, Buffer.alloc(512, 1)),
      "the backup": (disk) => putBytes(disk, 24 * mib - 512, Buffer.alloc(512, 1)),
      elsewhere: (disk) => truncateSync(disk, 31 * mib + 512),
    };
    for (const [name, harm] of Object.entries(harms)) {
      const disk = join(folder, "disk");
      fill(disk, 24 * mib, 0x33);
      tool("sfdisk", ["-q", disk], "label: gpt\nstart=2048, size=16M, type=linux\n");
      makeAt(disk, mib, 16 * mib, ext4(files));
      harm(disk);
      const image = await captureInto(store, disk);
      const to = randomDisk(join(folder, "to"), 50 * mib);
      const { outcome, reason, rootHash } = await restoreTo(to, image, store);
      assert.deepEqual([outcome, rootHash], ["verified", image.rootHash], `${name}: ${reason}`);
      assert.match(tool("sgdisk", ["-v", to]), /No problems found/, name);
      assert.match(tool("sgdisk", ["-i", "1", to]), /First sector: 2048 /);
    }
  });
});

test("a GPT of which only the backup is left, beyond the end of a smaller disk", async () => {
  await inFolder(async (folder) => {
    await using store = await openImageStore(join(folder, "store"));
    const disk = join(folder, "disk");
    fill(disk, 24 * mib, 0);
    tool("sfdisk", ["-q", disk], "label: gpt\nstart=2048, size=16M, type=linux\n");
    makeAt(disk, mib, 16 * mib, ext4(someFiles(folder)));
    putBytes(disk, 512, Buffer.alloc(512, 1));
    const image = await captureInto(store, disk);
    // Of the second the end lies within the backup's entries.
    for (const size of [20 * mib, 24 * mib - 4096]) {
      const to = randomDisk(join(folder, "to"), size);
      const { outcome, reason, steps } = await restoreTo(to, image, store);
      assert.equal(outcome, "verified", `${size}: ${reason}`);
      assert.match(
        steps?.[0]?.detail ?? "",
        /primary GPT was damaged or missing, and was made anew/,
      );
      assert.match(tool("sgdisk", ["-v", to]), /No problems found/);
      assert.match(tool("sgdisk", ["-i", "1", to]), /First sector: 2048 /);
    }
  });
});

test("a disk that is mounted, or held by another, is refused before a byte is written", async () => {
  await inFolder(async (folder) => {
    await using store = await openImageStore(join(folder, "store"));
    const disk = join(folder, "disk");
    fill(disk, 8 * mib, 0x33);
    const image = await captureInto(store, disk);
    const to = join(folder, "to");
    fill(to, 16 * mib, 0);
    tool("mke2fs", ["-q", "-F", "-t", "ext4", to]);
    const where = join(folder, "mnt");
    mkdirSync(where);
    await withLoop(to, [], async (device) => {
      tool("mount", ["-o", "ro", device, where]);
      const before = sum(to);
      try {
        const { outcome, reason } = await restoreTo(device, image, store);
        assert.deepEqual([outcome, /in use/.test(reason ?? "")], ["refused", true], String(reason));
      } finally {
        tool("umount", [where]);
      }
      assert.equal(sum(to), before);
    });
  });
});

test("an image of a file that was cut within a sector, as older versions stored it", async () => {
  await inFolder(async (folder) => {
    await using store = await openImageStore(join(folder, "store"));
    const chunks = [mib, mib, 100].map((length, at) => Buffer.alloc(length, at + 1));
    const image = await write(store, chunks, "cut", { diskBytes: 2 * mib + 100 });
    const to = randomDisk(join(folder, "to"), 16 * mib);
    await withLoop(to, [], async (device) => {
      const { outcome, reason, rootHash } = await restoreTo(device, image, store);
      assert.deepEqual([outcome, rootHash], ["verified", image.rootHash], String(reason));
    });
    const copy = readFileSync(to);
    assert(copy.subarray(0, 2 * mib + 100).equals(Buffer.concat(chunks)));
  });
});
