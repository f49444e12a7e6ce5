/** What an older system left in blocks that the image does not use is not found on the restored disk. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { oldSignaturesOf } from "../../../imaging/restore/old-signatures.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { captureInto } from "../capture/captured.ts";
import { randomDisk, restoreTo } from "./restored.ts";

const mib = 1 << 20;
const kib = 1024;
const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
const tool = (name: string, args: readonly string[], input = ""): string =>
  execFileSync(name, args, { input, stdio: "pipe", encoding: "utf8", env });

function put(path: string, offset: number, data: Uint8Array): void {
  const fd = openSync(path, "r+");
  writeSync(fd, data, 0, data.length, offset);
  closeSync(fd);
}

/** A superblock of md 0.90 (linux/raid/md_p.h), as far as scanners look at it. */
function md090(volumeBytes: number): Uint8Array {
  const block = Buffer.alloc(4096);
  const words = [0xa92b4efc, 0, 90, 0, 0, 0x12345678, 0, 1, volumeBytes / kib - 64, 2, 2, 0, 0];
  for (const [at, word] of words.entries()) block.writeUInt32LE(word >>> 0, 4 * at);
  return block;
}

/** The last 64 KiB that begin at a multiple of that. */
const md090At = (volumeBytes: number): number =>
  Math.floor(volumeBytes / (64 * kib)) * 64 * kib - 64 * kib;

/** The sector of a superblock of md 1.0: 8 KiB before the end, at a multiple of 4 KiB. */
const md10At = (volumeBytes: number): number => Math.floor((volumeBytes / 512 - 16) / 8) * 8 * 512;

function md10(volumeBytes: number): Uint8Array {
  const block = Buffer.alloc(4096);
  block.writeUInt32LE(0xa92b4efc, 0);
  block.writeUInt32LE(1, 4);
  block.fill(0x5a, 16, 32);
  block.writeBigUInt64LE(BigInt(md10At(volumeBytes) / 512), 144);
  return block;
}

const start = mib;
const size = 60 * mib;
const typeOf = (path: string): string =>
  tool("blkid", ["-p", "-O", String(start), "-S", String(size), "-s", "TYPE", "-o", "value", path]);
const signaturesOf = (path: string, place = { start, size }): string => {
  const part = `${path}.part`;
  const places = [`skip=${place.start / mib}`, `count=${place.size / mib}`];
  tool("dd", [`if=${path}`, `of=${part}`, "bs=1M", ...places]);
  const found = tool("wipefs", ["-n", "-i", "-O", "TYPE", part]);
  rmSync(part);
  return found.trim().split("\n").join(" ");
};

test("an old RAID's superblock in unused blocks is gone after a delta and a plain restore", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-old-"));
  const store = await openImageStore(join(folder, "store"));
  try {
    const master = randomDisk(join(folder, "master"), 70 * mib);
    tool("sfdisk", ["-q", "--wipe=always", master], `label: gpt\nstart=2048,size=60M,type=linux\n`);
    const part = randomDisk(join(folder, "part"), size);
    tool("mke2fs", ["-q", "-F", "-t", "ext4", "-O", "^has_journal", part]);
    put(master, start, readFileSync(part));
    const image = await captureInto(store, master);
    for (const [what, change, seen] of [
      [
        "md 0.90",
        (path: string) => put(path, start + md090At(size), md090(size)),
        /linux_raid_member/,
      ],
      [
        "md 1.0",
        (path: string) => put(path, start + md10At(size), md10(size)),
        /linux_raid_member/,
      ],
    ] as const) {
      for (const scan of [true, false]) {
        const to = join(folder, "to");
        if (scan) copyFileSync(master, to);
        else randomDisk(to, 70 * mib);
        if (!scan) put(to, start, readFileSync(part));
        change(to);
        assert.match(`${typeOfAny(to)} ${signaturesOf(to)}`, seen, `${what} is found before`);
        const end = await restoreTo(to, image, store, { scan });
        assert.equal(end.outcome, "verified", String(end.reason));
        assert.equal(typeOf(to).trim(), "ext4", what);
        assert.equal(signaturesOf(to), "ext4", what);
      }
    }
  } finally {
    await store[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  }
});

/** blkid ends with an error when it finds more than one. */
function typeOfAny(path: string): string {
  try {
    return typeOf(path);
  } catch {
    return "several";
  }
}

test("what is emptied: both ends of disk and partitions and btrfs' copies, but for what the image has", () => {
  const image = {
    diskBytes: 200 * mib,
    partitions: [{ start: 10 * mib, size: 100 * mib }] as never,
  };
  const held = [0, 11, 108].map((chunkIndex) => ({ chunkIndex }));
  const found = oldSignaturesOf({ image, entries: held, targetBytes: 300 * mib + 512 });
  assert.deepEqual(
    found.map(({ offset, length }) => [offset, length]),
    [
      [mib, 4 * mib],
      [10 * mib, mib],
      [12 * mib, 3 * mib],
      [74 * mib, 4096],
      [109 * mib, mib],
      [296 * mib + 512, 4 * mib],
    ],
  );
  const short = oldSignaturesOf({ image, entries: [], targetBytes: 109 * mib });
  const last = short.at(-1);
  assert.equal((last?.offset ?? 0) + (last?.length ?? 0), 109 * mib);
});

/** A superblock of md 1.2 (linux/raid/md_p.h): 4 KiB from the start; `events` counts what happened to it. */
function md12(events: number): Uint8Array {
  const block = Buffer.alloc(4096);
  block.writeUInt32LE(0xa92b4efc, 0);
  block.writeUInt32LE(1, 4);
  block.fill(0x5a, 16, 32);
  block.writeBigUInt64LE(8n, 144);
  block.writeBigUInt64LE(BigInt(events), 200);
  return block;
}

/** As far as scanners look at one: where it says it lies, and its magic. */
function btrfsBlock(at: number): Uint8Array {
  const block = Buffer.alloc(4096);
  block.writeBigUInt64LE(BigInt(at), 48);
  block.write("_BHRfS_M", 64);
  return block;
}

test("on a larger disk: nothing old where partitions grow, move, and where the disk ends", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-old-"));
  const store = await openImageStore(join(folder, "store"));
  try {
    const master = randomDisk(join(folder, "master"), 58 * mib);
    const script =
      "label: gpt\nstart=2048,size=40M,type=linux\nsize=8M,type=swap\nsize=6M,type=linux\n";
    tool("sfdisk", ["-q", "--wipe=always", master], script);
    const part = randomDisk(join(folder, "part"), 40 * mib);
    tool("mke2fs", ["-q", "-F", "-t", "ext4", "-O", "^has_journal", part]);
    put(master, mib, readFileSync(part));
    const swap = randomDisk(join(folder, "swap"), 8 * mib);
    tool("mkswap", [swap]);
    put(master, 41 * mib, readFileSync(swap));
    const small = randomDisk(join(folder, "small"), 6 * mib);
    tool("mke2fs", ["-q", "-F", "-t", "ext2", small]);
    put(master, 49 * mib, readFileSync(small));
    const image = await captureInto(store, master);

    // Where they are once the disk is fitted, and where the old swap was.
    const root = { start: mib, size: 144 * mib };
    const moved = { start: 145 * mib, size: 8 * mib };
    const to = randomDisk(join(folder, "to"), 160 * mib);
    tool("sgdisk", ["--clear", "-n", "1:0:0", to]);
    put(to, md090At(160 * mib), md090(160 * mib));
    put(to, root.start + md090At(root.size), md090(root.size));
    put(to, root.start + md10At(root.size), md10(root.size));
    put(to, root.start + 64 * mib, btrfsBlock(64 * mib));
    put(to, moved.start + 4096, md12(17));
    put(to, moved.start + 64 * kib, btrfsBlock(64 * kib));
    put(to, moved.start + md10At(moved.size), md10(moved.size));
    const member = randomDisk(join(folder, "member"), 8 * mib);
    put(member, 4096, md12(17));
    assert.match(signaturesOf(to, root), /linux_raid_member.*linux_raid_member/);
    assert.match(signaturesOf(to, moved), /linux_raid_member.*linux_raid_member/);

    const beside = tool("losetup", ["-f", "--show", member]).trim();
    try {
      const end = await restoreTo(to, image, store, { scan: true });
      assert.equal(end.outcome, "verified", String(end.reason));
    } finally {
      tool("losetup", ["-d", beside]);
    }
    assert.equal(signaturesOf(to, root), "ext4");
    assert.equal(signaturesOf(to, moved), "swap");
    assert(
      !readFileSync(to)
        .subarray(41 * mib, 49 * mib)
        .includes("SWAPSPACE2"),
      "it is let go",
    );
    const found = tool("wipefs", ["-n", "-i", "-O", "TYPE,OFFSET", to]).trim().split("\n").sort();
    const ends = ["0x1fe", "0x200", `0x${(160 * mib - 512).toString(16)}`];
    const last = (line: string): string => line.split(/\s+/).at(-1) ?? "";
    assert.deepEqual(found.map(last).sort(), ends.sort(), "the image's own table, and no other");
    assert.equal(readFileSync(member).readBigUInt64LE(4096 + 200), 17n, "events of another disk");
    assert.match(tool("sgdisk", ["-v", to]), /No problems found/);
  } finally {
    await store[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  }
});
