/** What goes wrong while an image is made to fit: nothing of it stays, and the message says what to do. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fitImage } from "../../../client/transfer/fit-image.ts";
import { decodeDiskSize } from "../../../core/wire/fit-size.ts";
import type { ImageView } from "../../../core/wire/views.ts";
import {
  bytesAt,
  lookAt,
  makeAt,
  makeXfs,
  mib,
  mounted,
  placesOf,
  putBytes,
  tool,
  treeOf,
} from "../../imaging/capture/disks.ts";
import { openDiskMaker } from "../../imaging/fit/made-disks.ts";
import { requireTidy, runFit, workFolderOf } from "./fit-kills.ts";
import { openTransfers, type Transfers } from "./open-transfers.ts";

const maker = openDiskMaker("fit-faults");
let at: Transfers;
before(async () => {
  at = await openTransfers();
});
after(async () => {
  await at.close();
  maker[Symbol.dispose]();
});

interface FitHow {
  readonly workFolder?: string;
  readonly signal?: AbortSignal;
  begin?(doing: string): void;
  log?(text: string): void;
}

async function fit(image: string, bytes: number, how: FitHow = {}): Promise<ImageView> {
  const size = decodeDiskSize(String(bytes));
  assert(size.ok);
  const fitted = await fitImage({
    ...{ client: at.client, image, size: size.value },
    workFolder: workFolderOf(at),
    signal: new AbortController().signal,
    begin() {},
    progress() {},
    log() {},
    ...how,
  });
  return fitted.image;
}

const linux = (name: string, fs: Readonly<Record<number, string>>) => ({
  name,
  sizeMib: 40,
  script: "label: gpt\nsize=34M, type=linux\nsize=4M, type=swap",
  fs,
});

const windows = {
  name: "stopped",
  sizeMib: 40,
  script: `label: gpt
start=2048, size=2M, type=uefi
size=26M, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7
size=8M, type=DE94BBA4-06D1-4D40-A16A-BFD50179D6AC`,
  fs: { 1: "vfat", 2: "ntfs", 3: "ntfs" },
};

test("stopped by Ctrl+C it tidies up itself, and the next one succeeds", async () => {
  await at.import(maker.disk(windows), "stopped");
  const moment = async (): Promise<void> => {
    for (let tries = 0; tries < 600 && !hasDisk(); tries++) await sleep(20);
    await sleep(300);
  };
  const bytes = 32 * mib;
  const image = "stopped";
  const { status } = await runFit(at, { image, bytes }, { signal: "SIGINT", moment });
  assert.equal(status, 1);
  await requireTidy(at, "stopped");
  assert.equal(at.images.find(`stopped@1-fit-${bytes}`), undefined);
  assert.equal((await runFit(at, { image, bytes })).status, 0);
});

const hasDisk = (): boolean => {
  try {
    const folder = workFolderOf(at);
    return readdirSync(folder).some((name) => readdirSync(join(folder, name)).length > 0);
  } catch {
    return false;
  }
};

test("an abort in the middle ends it with its reason, and nothing is left", async () => {
  await at.import(maker.disk(linux("aborted", { 1: "ext4", 2: "swap" })), "aborted");
  for (const part of ["reading", "fitting", "storing"]) {
    const stop = new AbortController();
    const reason = new Error(`stopped while ${part}`);
    const begin = (doing: string): void => void (doing === part && stop.abort(reason));
    const target = 30 * mib;
    await assert.rejects(fit("aborted", target, { signal: stop.signal, begin }), reason);
    assert.deepEqual(readdirSync(workFolderOf(at)), []);
    assert.equal(at.images.find(`aborted@1-fit-${target}`), undefined);
  }
});

test("no space for the work: told beforehand with both numbers, and on the way", async () => {
  const origin = await at.import(maker.disk(linux("space", { 1: "ext4", 2: "swap" })), "space");
  const small = join(maker.folder, "small");
  mkdirSync(small);
  const inTmpfs = async (size: string, work: () => Promise<void>): Promise<void> => {
    tool("mount", ["-t", "tmpfs", "-o", `size=${size},mode=700`, "tmpfs", small]);
    try {
      await work();
      assert.deepEqual(readdirSync(small), []);
    } finally {
      tool("umount", [small]);
    }
  };
  await inTmpfs("8M", () =>
    assert.rejects(fit("space", 30 * mib, { workFolder: small }), {
      code: "no-space",
      message: /takes up to .* MB in .*, but only 8.4 MB are free/,
    }),
  );
  await inTmpfs("160M", async () => {
    const filler = join(small, "filler");
    const begin = (doing: string): void => {
      if (doing === "reading") writeFileSync(filler, Buffer.alloc(155 * mib));
    };
    const work = fit("space", 30 * mib, { workFolder: small, begin });
    await assert.rejects(work, { code: "no-space" });
    rmSync(filler);
  });
  assert.deepEqual(
    at.images.list().filter(({ fitOf }) => fitOf === origin.id),
    [],
  );
});

/** Runs `work` on the files of an NTFS at this place of the disk. */
function inNtfs<T>(
  disk: string,
  place: { start: number; size: number },
  work: (root: string) => T,
): T {
  const root = join(maker.folder, "ntfs");
  mkdirSync(root, { recursive: true });
  let result: T | undefined;
  makeAt(disk, place.start, place.size, (part) => {
    tool("ntfs-3g", ["-o", "loop", part, root]);
    try {
      result = work(root);
    } finally {
      tool("umount", [root]);
    }
  });
  return result as T;
}

test("an NTFS whose free space is scattered: every file is there", async () => {
  const disk = maker.disk({ ...windows, name: "scattered" });
  const place = placesOf(disk)[1] as { start: number; size: number };
  const tree = inNtfs(disk, place, (root) => {
    // In turns, until it is full; then every other one goes.
    let count = 0;
    try {
      for (; count < 1000; count++) writeFileSync(join(root, `f${count}`), randomBytes(60_000));
    } catch {
      rmSync(join(root, `f${count}`), { force: true });
    }
    assert(count > 150, `${count} files`);
    for (let gone = 0; gone < count; gone++) if (gone % 3 !== 0) rmSync(join(root, `f${gone}`));
    return treeOf(root);
  });
  const origin = await at.import(disk, "scattered");
  const target = origin.diskBytes - 8 * mib;
  for (const bytes of [target, 0]) {
    const least = at.images.leastDiskBytes(origin.id) ?? 0;
    const fitted = await fit("scattered", bytes === 0 ? least : bytes);
    const to = join(maker.folder, "scattered.raw");
    await at.export(fitted.id, to);
    const [, moved] = placesOf(to);
    assert(moved !== undefined && moved.size <= place.size - 5 * mib);
    assert.deepEqual(inNtfs(to, moved, treeOf), tree);
    lookAt(to, moved.start, moved.size, (part) => maker.checks.ntfs?.(part, moved));
    rmSync(to);
  }
});

test("a btrfs that does not become as small as what it uses: its smallest size is found, and does", async () => {
  const files = join(maker.folder, "many");
  mkdirSync(files);
  for (let count = 0; count < 54; count++) {
    writeFileSync(join(files, `f${count}`), Buffer.alloc(5 * mib, count + 1));
  }
  const script = "label: gpt\nsize=460M, type=linux";
  const disk = maker.disk({ name: "btrfs", sizeMib: 464, script, fs: {} });
  const [place] = placesOf(disk);
  assert(place !== undefined);
  makeAt(disk, place.start, place.size, (part) => {
    tool("mkfs.btrfs", ["-q", "-f", "--rootdir", files, part]);
  });
  const origin = await at.import(disk, "btrfs");
  const said: string[] = [];
  const log = (text: string): void => void said.push(text);
  const tight = Math.floor((origin.usedBytes * 1.05) / mib) * mib;
  await assert.rejects(fit("btrfs", tight, { log }), /the smallest this image can be is/);
  assert.match(said.join("; "), /partition 1: looking for the smallest size/);
  const least = at.images.leastDiskBytes(origin.id) ?? 0;
  assert(least > tight && least < origin.diskBytes, `${tight} ${least}`);
  const fitted = await fit("btrfs", least);
  const to = join(maker.folder, "btrfs.raw");
  await at.export(fitted.id, to);
  const [is] = placesOf(to);
  assert(is !== undefined);
  lookAt(to, is.start, is.size, (part) => {
    tool("btrfs", ["check", "--readonly", part]);
    assert.deepEqual(mounted(part, "ro", treeOf), treeOf(files));
  });
  rmSync(to);
});

test("a file system with errors is refused, and the message says which and what to do", async () => {
  const disk = maker.disk(linux("ext-errors", { 1: "ext4", 2: "swap" }));
  const [root] = placesOf(disk);
  assert(root !== undefined);
  makeAt(disk, root.start, root.size, (part) => {
    // lost+found is a file all at once, which e2fsck does not mend by itself.
    tool("debugfs", ["-w", "-R", "sif <11> mode 0100644", part]);
  });
  await at.import(disk, "ext-errors");
  await assert.rejects(fit("ext-errors", 30 * mib), {
    code: "refused",
    message: /^partition 1 \(ext4\) has errors, and is not made smaller: e2fsck ended with 4/,
    next: /e2fsck -f/,
  });

  const other = maker.disk({ ...windows, name: "ntfs-errors" });
  const place = placesOf(other)[1] as { start: number; size: number };
  makeAt(other, place.start, place.size, (part) => {
    // $Bitmap, record 6: where its data lies, by the runs that ntfsinfo lists.
    const said = tool("ntfsinfo", ["-f", "-v", "-i", "6", part]);
    const [, lcn = ""] = /VCN\s+LCN\s+Length\s*\n\s*0x0\s+(0x[0-9a-f]+)/i.exec(said) ?? [];
    assert.notEqual(lcn, "", said);
    const bitmap = Number(lcn) * 4096;
    const bytes = bytesAt(part, bitmap, 64).map((byte) => byte ^ 0x5a);
    putBytes(part, bitmap, bytes);
  });
  await at.import(other, "ntfs-errors");
  await assert.rejects(fit("ntfs-errors", 32 * mib), {
    code: "refused",
    message: /the smallest this image can be is .*partition 2 \(ntfs\) has errors: .*chkdsk \/f/s,
  });
});

/** Runs what follows without resize2fs, in a mount namespace of its own. */
const withoutTool = `
whole=$(mktemp -d) && some=$(mktemp -d) && mount --bind /usr/sbin "$whole" || exit
cp -as "$whole/." "$some" && rm "$some/resize2fs" && mount --bind "$some" /usr/sbin || exit
"$@"; status=$?
umount /usr/sbin "$whole" && rm -r "$whole" "$some"; exit $status`;

test("a tool that is missing is named with its package, and says nothing of the image", async () => {
  const origin = await at.import(maker.disk(linux("tools", { 1: "ext4", 2: "swap" })), "tools");
  const main = join(import.meta.dirname, "../../../bin/roomcast.js");
  const words = ["--data", at.folder, "image", "fit", "tools", "--disk-size", `${30 * mib}`];
  const child = spawn("unshare", [
    ...["--mount", "/bin/sh", "-c", withoutTool, "sh", process.execPath, main, ...words],
  ]);
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  assert.equal((await once(child, "close"))[0], 1, said);
  assert.match(said, /resize2fs is not there; install it .*: apt-get install e2fsprogs\n/);
  assert.equal(at.images.leastDiskBytes(origin.id), null);
});

test("XFS, and what is not known, keep their sizes: told, with what can be done", async () => {
  const disk = maker.disk({
    name: "xfs",
    sizeMib: 80,
    script: "label: gpt\nsize=68M, type=linux\nsize=4M, type=linux",
    fs: {},
  });
  const [place] = placesOf(disk);
  assert(place !== undefined);
  makeAt(disk, place.start, place.size, makeXfs);
  const origin = await at.import(disk, "xfs");
  await assert.rejects(fit("xfs", 70 * mib), (error: Error) => {
    assert.match(error.message, /the smallest this image can be is 7\d\.\d MB, \d+ bytes/);
    assert.match(error.message, /XFS, which cannot be made smaller: .*xfsdump.*xfsrestore/);
    return true;
  });
  assert(origin.diskBytes > (at.images.leastDiskBytes(origin.id) ?? 0));
  const script = "label: gpt\nsize=30M, type=linux\nsize=4M, type=linux";
  await at.import(
    maker.disk({ name: "unknown", sizeMib: 40, script, fs: { 1: "ext4" } }),
    "unknown",
  );
  await assert.rejects(fit("unknown", 32 * mib), {
    code: "refused",
    message: /partition 2 holds what is not known, and keeps its place/,
  });
});

test("sizes that make no sense are refused before anything is read", async () => {
  const origin = await at.import(maker.disk(linux("sizes", { 1: "ext4", 2: "swap" })), "sizes");
  const none = (): void => assert.fail("something was read");
  for (const [bytes, code] of [
    [origin.diskBytes, "usage"],
    [2 * origin.diskBytes, "usage"],
    [mib, "refused"],
  ] as const) {
    await assert.rejects(fit("sizes", bytes, { begin: none }), { code });
  }
  await fit("sizes", 30 * mib);
  await assert.rejects(fit("sizes", 30 * mib, { begin: none }), { code: "conflict" });
  await assert.rejects(fit(`sizes@1-fit-${30 * mib}`, 29 * mib, { begin: none }), {
    code: "usage",
  });
});
