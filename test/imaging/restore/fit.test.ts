/**
 * Disks made by their own tools, captured, and restored to larger and smaller ones full of random
 * bytes: table, partitions and files are right, and the tools find no fault.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TablePartition } from "../../../core/image/found-table.ts";
import { readPartitionTable } from "../../../core/image/partition-table.ts";
import type { Manifest } from "../../../core/image/types.ts";
import type { StepView } from "../../../core/wire/views.ts";
import { growers } from "../../../imaging/fit/file-system.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { captureInto } from "../capture/captured.ts";
import { makeXfs } from "../capture/disks.ts";
import { randomDisk, restoreTo, sizeOf } from "./restored.ts";

const mib = 1 << 20;
const toolPath = "/usr/sbin:/usr/bin:/sbin:/bin";

const tool = (name: string, ...args: string[]): string =>
  execFileSync(name, args, { stdio: "pipe", encoding: "utf8", env: { PATH: toolPath } });

let folder = "";
let store: ImageStore;
const files = (): string => join(folder, "files");
const secret = randomBytes(3 * mib);

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-fit-"));
  mkdirSync(files());
  writeFileSync(join(files(), "secret"), secret);
  store = await openImageStore(join(folder, "store"));
});
after(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** A disk with this sfdisk script; each `put` makes the file system of a partition, in a file of its own. */
function makeDisk(
  name: string,
  sizeMib: number,
  script: string,
  put: Readonly<Record<number, (part: string) => void>>,
): string {
  const path = randomDisk(join(folder, name), sizeMib * mib);
  const table = script.replaceAll(";", "\n");
  execFileSync("sfdisk", ["-q", "--wipe=always", path], {
    input: `${table}\n`,
    env: { PATH: toolPath },
  });
  const { partitiontable } = JSON.parse(tool("sfdisk", "-J", path)) as {
    partitiontable: { partitions: { node: string; start: number; size: number }[] };
  };
  for (const [number, make] of Object.entries(put)) {
    const found = partitiontable.partitions.find(({ node }) => node === `${path}${number}`);
    assert(found !== undefined, `partition ${number}`);
    const part = randomDisk(`${path}.part`, found.size * 512);
    make(part);
    tool(
      "dd",
      `if=${part}`,
      `of=${path}`,
      "bs=64k",
      "conv=notrunc",
      "oflag=seek_bytes",
      `seek=${found.start * 512}`,
    );
    rmSync(part);
  }
  return path;
}

const ext4 = (part: string): void => {
  tool("mke2fs", "-q", "-F", "-t", "ext4", "-d", files(), part);
};
const xfs = (part: string): void => {
  const prototype = join(folder, "prototype");
  writeFileSync(prototype, `/\n0 0\nd--755 0 0\nsecret ---644 0 0 ${files()}/secret\n$\n`);
  makeXfs(part, ["-p", prototype]);
};
const ntfs = (part: string): void => {
  tool("mkntfs", "-q", "-F", "-f", "-p", "2048", "-H", "16", "-S", "63", "-s", "512", part);
  tool("ntfscp", "-q", part, join(files(), "secret"), "secret");
};

async function tableOf(path: string): Promise<readonly TablePartition[]> {
  const fd = openSync(path, "r");
  try {
    const { partitions, warnings } = await readPartitionTable({
      diskBytes: sizeOf(path),
      logicalSector: 512,
      async read(offset, length) {
        const data = new Uint8Array(length);
        readSync(fd, data, 0, length, offset);
        return data;
      },
    });
    assert.deepEqual(warnings, []);
    return partitions;
  } finally {
    closeSync(fd);
  }
}

/** The partition in a file of its own. */
function cutOut(path: string, { start, size }: TablePartition): string {
  const part = `${path}.cut`;
  tool(
    "dd",
    `if=${path}`,
    `of=${part}`,
    "bs=1M",
    "iflag=skip_bytes,count_bytes",
    `skip=${start}`,
    `count=${size}`,
  );
  return part;
}

/** The file system is clean, reaches the partition's end, and has the file. */
const check: Readonly<Record<string, (part: string, size: number) => void>> = {
  ext4(part, size) {
    tool("e2fsck", "-fn", part);
    const said = tool("dumpe2fs", "-h", part);
    const blocks = Number(/^Block count:\s+(\d+)$/m.exec(said)?.[1]);
    const blockBytes = Number(/^Block size:\s+(\d+)$/m.exec(said)?.[1]);
    assert(size - blocks * blockBytes < mib, `${blocks} blocks of ${blockBytes} in ${size}`);
    const back = execFileSync("debugfs", ["-R", "cat /secret", part], {
      maxBuffer: 8 * mib,
      stdio: ["ignore", "pipe", "ignore"],
      env: { PATH: toolPath },
    });
    assert(back.equals(secret));
  },
  ntfs(part, size) {
    tool("ntfsresize", "--info", "--force", part);
    const said = tool("ntfsinfo", "-m", "-f", part);
    const cluster = Number(/Cluster Size: (\d+)/.exec(said)?.[1]);
    const clusters = Number(/Volume Size in Clusters: (\d+)/.exec(said)?.[1]);
    assert(size - cluster * clusters < mib, `${clusters} clusters of ${cluster} in ${size}`);
    const back = execFileSync("ntfscat", ["-f", part, "secret"], {
      maxBuffer: 8 * mib,
      env: { PATH: toolPath },
    });
    assert(back.equals(secret));
  },
  xfs(part, size) {
    tool("xfs_repair", "-n", "-f", part);
    const said = tool("xfs_db", "-f", "-r", "-c", "sb 0", "-c", "p dblocks blocksize", part);
    const [blocks = 0, blockBytes = 0] = [...said.matchAll(/= (\d+)/g)].map(([, text]) =>
      Number(text),
    );
    assert(size - blocks * blockBytes < mib, `${blocks} blocks of ${blockBytes} in ${size}`);
    const places = readFileSync(part).includes(secret.subarray(0, mib));
    assert(places, "the file's first piece");
  },
};

const wasDone = (steps: readonly StepView[] | undefined): string[] =>
  (steps ?? []).map(({ name, result }) => `${name}: ${result}`);

const larger: readonly {
  readonly name: string;
  readonly script: string;
  readonly sizeMib: number;
  readonly put: Readonly<Record<number, (part: string) => void>>;
  readonly fs: "ext4" | "xfs" | "ntfs";
}[] = [
  {
    name: "GPT, ext4 last",
    script: "label: gpt;start=2048,size=8M,type=uefi;start=20480,type=linux",
    sizeMib: 60,
    put: { 2: ext4 },
    fs: "ext4",
  },
  {
    name: "GPT, XFS last, though it is the table's first",
    script: "label: gpt;2:start=2048,size=8M,type=uefi;1:start=20480,type=linux",
    sizeMib: 80,
    put: { 1: xfs },
    fs: "xfs",
  },
  {
    name: "MBR, NTFS last",
    script: "label: dos;start=2048,size=8M,type=83;start=20480,type=7,bootable",
    sizeMib: 50,
    put: { 2: ntfs },
    fs: "ntfs",
  },
  {
    name: "MBR, a logical ext4 last",
    script:
      "label: dos;start=2048,size=8M,type=83;start=20480,type=f;start=22528,size=4M,type=83;start=34816,type=83",
    sizeMib: 60,
    put: { 6: ext4 },
    fs: "ext4",
  },
];

for (const { name, script, sizeMib, put, fs } of larger) {
  test(`to a larger disk: ${name}`, async () => {
    const from = makeDisk("from", sizeMib, script, put);
    const image = await captureInto(store, from);
    const to = randomDisk(join(folder, "to"), sizeMib * mib + 77 * mib + 512);
    const end = await restoreTo(to, image, store);
    assert.equal(end.outcome, "verified", `${end.reason} ${JSON.stringify(end.steps)}`);
    assert.equal(end.rootHash, image.rootHash);
    const last = image.partitions.toSorted((a, b) => a.start - b.start).at(-1);
    assert.deepEqual(wasDone(end.steps), [
      "partition table: done",
      `growth of partition ${last?.index}: done`,
      `file system of partition ${last?.index}: done`,
    ]);
    const [before, after] = [await tableOf(from), await tableOf(to)];
    const grown = after.find(({ index }) => index === last?.index) as TablePartition;
    assert(sizeOf(to) - (grown.start + grown.size) < 2 * mib, "up to the disk's end");
    assert.deepEqual(
      after.map((each) => (each === grown ? { ...each, size: last?.size } : each)),
      before,
      "the others are as they were",
    );
    if (image.partitionTable === "gpt") assert.match(tool("sgdisk", "-v", to), /No problems found/);
    tool("sfdisk", "--verify", "-q", to);
    const part = cutOut(to, grown);
    check[fs]?.(part, grown.size);
  });
}

/** The used part of one disk, as the image has it, is on the other. */
async function assertSamePartition(from: string, to: string, index: number): Promise<void> {
  const hash = async (path: string): Promise<string> => {
    const partition = (await tableOf(path)).find((each) => each.index === index);
    const part = cutOut(path, partition as TablePartition);
    tool("e2fsck", "-fn", part);
    return createHash("sha256")
      .update(tool("debugfs", "-R", "ls -l /", part))
      .digest("hex");
  };
  assert.equal(await hash(from), await hash(to));
}

test("to a larger disk of a room that says no: the backup GPT moves, nothing grows", async () => {
  const from = makeDisk("from", 40, "label: gpt;start=2048,type=linux", { 1: ext4 });
  const image = await captureInto(store, from);
  const to = randomDisk(join(folder, "to"), 90 * mib);
  const end = await restoreTo(to, image, store, { grow: "none" });
  assert.deepEqual(wasDone(end.steps), ["partition table: done", "growth: left"]);
  assert.match(end.steps?.[1]?.detail ?? "", /the room says/);
  assert.deepEqual(await tableOf(to), await tableOf(from));
  assert.match(tool("sgdisk", "-v", to), /No problems found/);
  await assertSamePartition(from, to, 1);
});

test("to a larger disk of a room that grows the last partition: swap there is left, and said", async () => {
  const script = "label: gpt;start=2048,size=24M,type=linux;size=8M,type=swap";
  const swap = (part: string): void => void tool("mkswap", part);
  const from = makeDisk("from", 40, script, { 1: ext4, 2: swap });
  const image = await captureInto(store, from);
  const to = randomDisk(join(folder, "to"), 60 * mib);
  const end = await restoreTo(to, image, store, { grow: "last" });
  assert.equal(end.outcome, "verified", String(end.reason));
  assert.match(end.steps?.[1]?.detail ?? "", /swap, which is left/);
  assert.deepEqual(await tableOf(to), await tableOf(from));
});

/** The last partition's file system keeps its size: the PC is verified, and the step says why. */
async function assertLeft(from: string, image: Manifest, reason: RegExp): Promise<void> {
  const to = randomDisk(join(folder, "to"), sizeOf(from) + 20 * mib);
  const end = await restoreTo(to, image, store);
  assert.equal(end.outcome, "verified", `${end.reason} ${JSON.stringify(end.steps)}`);
  assert.equal(end.rootHash, image.rootHash);
  assert.equal(end.steps?.at(-1)?.result, "left", JSON.stringify(end.steps));
  assert.match(end.steps?.at(-1)?.detail ?? "", reason);
}

test("a file system that its tool does not grow is left at its size, with the tool's words", async () => {
  const script = "label: gpt;start=2048,type=linux";
  const from = makeDisk("from", 40, script, { 1: ext4 });
  const [{ start = 0 } = {}] = await tableOf(from);
  const spoil = (offset: number, data: Uint8Array): void => {
    const fd = openSync(from, "r+");
    writeSync(fd, data, 0, data.length, start + offset);
    closeSync(fd);
  };
  // Beyond what `e2fsck -p` mends by itself: an inode table that lies elsewhere.
  spoil(4096, randomBytes(4096));
  await assertLeft(from, await captureInto(store, from, { raw: true }), /e2fsck ended with/);

  makeDisk("from", 40, script, { 1: ext4 });
  // s_feature_incompat of the superblock (ext4's disk layout): a bit that nobody knows.
  spoil(1024 + 0x60, Uint8Array.of(0, 0, 0, 0x40));
  await assertLeft(from, await captureInto(store, from, { raw: true }), /e2fsck ended with/);

  makeDisk("from", 40, script, {
    1: (part) => {
      tool("mke2fs", "-q", "-F", "-t", "ext4", "-O", "bigalloc,^resize_inode", part);
    },
  });
  const to = randomDisk(join(folder, "to"), 60 * mib);
  const end = await restoreTo(to, await captureInto(store, from), store);
  assert.equal(end.outcome, "verified", `${end.reason} ${JSON.stringify(end.steps)}`);
});

test("a partition that no tool takes is left by each, untouched", async () => {
  const part = randomDisk(join(folder, "part"), 20 * mib);
  const before = readFileSync(part);
  const device = tool("losetup", "-f", "--show", part).trim();
  try {
    for (const [fs, reason] of [
      ["ext4", /e2fsck ended with 8/],
      ["ntfs", /ntfsresize ended with/],
      ["xfs", /mount ended with/],
    ] as const) {
      const said = await growers[fs]?.(device, new AbortController().signal);
      assert.match(said ?? "grown", reason);
    }
  } finally {
    tool("losetup", "-d", device);
  }
  assert(readFileSync(part).equals(before));
});

test("a tool that breaks while it changes the file system is a failed PC", async () => {
  const small = join(folder, "small");
  mkdirSync(small);
  tool("mount", "-t", "tmpfs", "-o", "size=24m", "none", small);
  const file = join(small, "part");
  let device = "";
  try {
    writeFileSync(file, "");
    truncateSync(file, 16 * mib);
    tool("mke2fs", "-q", "-F", "-t", "ext4", "-b", "1024", "-E", "lazy_itable_init=0", file);
    truncateSync(file, 400 * mib);
    device = tool("losetup", "-f", "--show", file).trim();
    // What it has to write beyond the old end finds no room.
    writeFileSync(join(small, "filler"), "");
    assert.throws(() => tool("dd", "if=/dev/zero", `of=${join(small, "filler")}`, "bs=64k"));
    const { signal } = new AbortController();
    await assert.rejects(growers.ext4?.(device, signal) ?? Promise.resolve(), { code: "failed" });
  } finally {
    if (device !== "") tool("losetup", "-d", device);
    tool("umount", small);
  }
});

/** Changes bytes of a disk file. */
function patch(path: string, offset: number, data: Uint8Array): void {
  const fd = openSync(path, "r+");
  writeSync(fd, data, 0, data.length, offset);
  closeSync(fd);
}

for (const { what, script, change, partition, table } of [
  {
    what: "a hybrid MBR",
    script: "label: gpt;start=2048,size=20M,type=linux",
    // The first record ends where a second one begins: 0x83 from sector 2048 on.
    change: (path: string) => {
      patch(path, 446 + 12, Uint8Array.of(0xff, 7, 0, 0));
      patch(path, 462, Uint8Array.of(0, 0, 2, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 160, 0, 0));
    },
    partition: ["left", /hybrid/],
    table: /the backup GPT is at the end/,
  },
  {
    what: "partitions that overlap",
    script: "label: dos;start=2048,size=20M,type=83;start=65536,size=8M,type=83",
    // The first one ends within the second.
    change: (path: string) => patch(path, 446 + 12, Uint8Array.of(0, 0, 1, 0)),
    partition: ["left", /partition 2 lies over another/],
    table: /nothing to change/,
  },
  {
    what: "a protective MBR of another size",
    script: "label: gpt;start=2048,size=20M,type=linux",
    change: (path: string) => patch(path, 446 + 12, Uint8Array.of(0, 1, 0, 0)),
    partition: ["done", /ext4 from/],
    table: /protective MBR covered 256 sectors instead of 81919/,
  },
  {
    what: "no primary GPT",
    script: "label: gpt;start=2048,size=20M,type=linux",
    change: (path: string) => patch(path, 512, new Uint8Array(512)),
    partition: ["done", /ext4 from/],
    table: /the primary GPT was damaged or missing/,
  },
  {
    what: "no backup GPT",
    script: "label: gpt;start=2048,size=20M,type=linux",
    change: (path: string) => patch(path, 40 * mib - 512, new Uint8Array(512)),
    partition: ["done", /ext4 from/],
    table: /the backup GPT was damaged or missing/,
  },
] as const) {
  test(`a table in doubt is made sound or left, and told: ${what}`, async () => {
    const from = makeDisk("from", 40, script, script.includes("dos") ? { 2: ext4 } : { 1: ext4 });
    change(from);
    const image = await captureInto(store, from, { raw: true });
    const to = randomDisk(join(folder, "to"), 60 * mib);
    const end = await restoreTo(to, image, store, { grow: "last" });
    assert.equal(end.outcome, "verified", `${end.reason} ${JSON.stringify(end.steps)}`);
    const [first, last] = end.steps ?? [];
    assert.equal(last?.result, partition[0], JSON.stringify(end.steps));
    assert.match(last?.detail ?? "", partition[1]);
    assert.match(first?.detail ?? "", table);
    if (!table.source.includes("nothing")) assert.match(tool("sgdisk", "-v", to), /No problems/);
  });
}

test("to a smaller disk that has room for all that is stored", async () => {
  for (const [label, space] of [
    ["gpt", 40],
    ["dos", 33],
  ] as const) {
    const from = makeDisk("from", 70, `label: ${label};start=2048,size=32M,type=linux`, {
      1: ext4,
    });
    // What is beyond the last partition is kept as well: it has to be empty.
    zero(from, 33 * mib, 70 * mib - (label === "gpt" ? 33 * 512 : 0));
    const image = await captureInto(store, from);
    const to = randomDisk(join(folder, "to"), space * mib);
    const end = await restoreTo(to, image, store);
    assert.equal(end.outcome, "verified", `${end.reason} ${JSON.stringify(end.steps)}`);
    assert.equal(end.rootHash, image.rootHash);
    assert.deepEqual(await tableOf(to), await tableOf(from));
    if (label === "gpt") assert.match(tool("sgdisk", "-v", to), /No problems found/);
    await assertSamePartition(from, to, 1);
  }
});

test("a smaller disk that has not is refused before a byte is written", async () => {
  const from = makeDisk("from", 70, "label: gpt;start=2048,size=32M,type=linux", { 1: ext4 });
  const image = await captureInto(store, from);
  zero(from, 33 * mib, 70 * mib - 33 * 512);
  const bare = await captureInto(store, from);
  for (const [what, size, reason] of [
    [image, 40 * mib, /data ends at/],
    [bare, 33 * mib, /partition 1 of the image ends at 34603008/],
    [bare, 32 * mib, /partition 1/],
  ] as const) {
    const to = randomDisk(join(folder, "to"), size);
    const sum = createHash("sha256").update(readFileSync(to)).digest("hex");
    const end = await restoreTo(to, what, store);
    assert.equal(end.outcome, "refused");
    assert.match(end.reason ?? "", reason);
    assert.equal(createHash("sha256").update(readFileSync(to)).digest("hex"), sum);
  }
});

function zero(path: string, from: number, to: number): void {
  tool(
    "dd",
    "if=/dev/zero",
    `of=${path}`,
    "bs=64k",
    "conv=notrunc",
    "oflag=seek_bytes",
    "iflag=count_bytes",
    `seek=${from}`,
    `count=${to - from}`,
  );
}

test("--raw is the same to the last bit, on a disk that is no multiple of 1 MiB", async () => {
  const from = makeDisk("from", 40, "label: dos;start=2048,size=8M,type=83;start=20480,type=7", {});
  truncateSync(from, 39 * mib + 7 * 512);
  const image = await captureInto(store, from, { raw: true });
  const to = randomDisk(join(folder, "to"), sizeOf(from));
  const end = await restoreTo(to, image, store);
  assert.deepEqual([end.outcome, end.steps], ["verified", []]);
  assert(readFileSync(to).equals(readFileSync(from)));
});
