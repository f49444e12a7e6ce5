/** Disks for the tests, made by Debian's own tools, and what is on them. */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ByteSource } from "../../../core/image/byte-source.ts";

export const mib = 1 << 20;

const toolOptions = {
  encoding: "utf8",
  env: { ...process.env, LC_ALL: "C", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  maxBuffer: 64 * mib,
} as const;

/** Runs a tool; throws with what it said when it fails. */
export function tool(name: string, args: readonly string[], input?: string): string {
  const stdio = ["pipe", "pipe", "pipe"] as ["pipe", "pipe", "pipe"];
  return execFileSync(name, args, { ...toolOptions, stdio, input: input ?? "" });
}

/** As `tool`, beside others. */
export async function toolBeside(name: string, args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(name, args, toolOptions)).stdout;
}

/** A folder that is gone afterwards. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-disk-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A file of `size` bytes that all are `byte`. */
export function fill(path: string, size: number, byte: number): void {
  writeFileSync(path, Buffer.alloc(Math.min(size, mib), byte));
  const fd = openSync(path, "r+");
  const piece = Buffer.alloc(mib, byte);
  for (let at = 0; at < size; at += mib) writeSync(fd, piece, 0, Math.min(mib, size - at), at);
  closeSync(fd);
}

/** Bytes of `path`, from `offset` on. */
export function bytesAt(path: string, offset: number, length: number): Buffer {
  const into = Buffer.alloc(length);
  const fd = openSync(path, "r");
  for (let done = 0; done < length; ) {
    const read = readSync(fd, into, done, length - done, offset + done);
    if (read === 0) break;
    done += read;
  }
  closeSync(fd);
  return into;
}

/** The bytes of a file; who reads beyond its end fails. */
export function fileSource(path: string): ByteSource {
  const { size } = statSync(path);
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    assert(offset + length <= size);
    return bytesAt(path, offset, length);
  };
  return { size, read };
}

export function putBytes(path: string, offset: number, data: Uint8Array): void {
  const fd = openSync(path, "r+");
  writeSync(fd, data, 0, data.length, offset);
  closeSync(fd);
}

const piece = Buffer.alloc(mib);

/** Copies `size` bytes by the MiB: a whole part in memory would make each start of a tool slow, since that forks. */
function copyBytes(from: Place & { path: string }, to: { path: string; at: number }): void {
  const source = openSync(from.path, "r");
  const target = openSync(to.path, "r+");
  for (let done = 0; done < from.size; ) {
    const wanted = Math.min(mib, from.size - done);
    const read = readSync(source, piece, 0, wanted, from.start + done);
    // Beyond the end of a file there are zeros.
    if (read === 0) break;
    writeSync(target, piece, 0, read, to.at + done);
    done += read;
  }
  closeSync(source);
  closeSync(target);
}

/** A part of a file as a file of its own, `part`. */
export function copyPart(path: string, place: Place, part: string): void {
  writeFileSync(part, "");
  truncateSync(part, place.size);
  copyBytes({ ...place, path }, { path: part, at: 0 });
}

/** A part of a file as a file of its own, made by `make` on what is there. */
export function makeAt(
  path: string,
  start: number,
  size: number,
  make: (part: string) => void,
): void {
  const part = `${path}.part`;
  copyPart(path, { start, size }, part);
  make(part);
  truncateSync(part, size);
  copyBytes({ path: part, start: 0, size }, { path, at: start });
  rmSync(part);
}

/** The part of a file, for `look`. */
export function lookAt<T>(path: string, start: number, size: number, look: (part: string) => T): T {
  const part = `${path}.look`;
  copyPart(path, { start, size }, part);
  try {
    return look(part);
  } finally {
    rmSync(part);
  }
}

/** Runs `work` with a loop device over the file. */
export async function withLoop<T>(
  path: string,
  options: readonly string[],
  work: (device: string) => T | Promise<T>,
): Promise<T> {
  const device = tool("losetup", ["-f", "--show", ...options, path]).trim();
  try {
    return await work(device);
  } finally {
    tool("losetup", ["-d", device]);
  }
}

export interface Place {
  readonly start: number;
  readonly size: number;
}

/**
 * An XFS. mkfs.xfs makes none of less than 300 MB but for XFS's own tests, which it knows by these variables;
 * what is tried with it is the same in a smaller one.
 */
export function makeXfs(part: string, options: readonly string[] = []): void {
  const forTests = ["TEST_DIR=.", "TEST_DEV=.", "QA_CHECK_FS=."];
  tool("env", [...forTests, "mkfs.xfs", "-q", "-f", ...options, part]);
}

/** Where sfdisk sees partitions, in bytes. */
export function placesOf(disk: string): Place[] {
  const { partitiontable } = JSON.parse(tool("sfdisk", ["-J", disk]));
  return partitiontable.partitions.map(({ start, size }: Place) => ({
    start: start * partitiontable.sectorsize,
    size: size * partitiontable.sectorsize,
  }));
}

/** Runs LVM's tools on a part of a disk file, without a device mapper. `words`: a command each. */
export function lvm(disk: string, { start, size }: Place, words: readonly string[][]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-lvm-"));
  const place = ["-o", String(start), "--sizelimit", String(size)];
  const device = tool("losetup", ["-f", "--show", ...place, disk]).trim();
  try {
    const devices = `dir="/dev" scan=["/dev"] filter=["a|^${device}$|","r|.*|"] use_devicesfile=0`;
    writeFileSync(
      join(folder, "lvm.conf"),
      `devices { ${devices} obtain_device_list_from_udev=0 }
       activation { udev_sync=0 udev_rules=0 monitoring=0 }
       global { event_activation=0 locking_dir="${folder}" }
       backup { backup=0 archive=0 }`,
    );
    return words.map(([name = "", ...args]) => {
      const own = args.map((word) => (word === "PV" ? device : word));
      return tool("env", [`LVM_SYSTEM_DIR=${folder}`, name, "--driverloaded", "n", ...own]);
    });
  } finally {
    tool("losetup", ["-d", device]);
    rmSync(folder, { recursive: true });
  }
}

/** Mounts a file system that the kernel knows. */
export function mounted<T>(part: string, options: string, work: (root: string) => T): T {
  const root = mkdtempSync(join(tmpdir(), "roomcast-mount-"));
  tool("mount", ["-o", `loop,${options}`, part, root]);
  try {
    return work(root);
  } finally {
    tool("umount", [root]);
    rmSync(root, { recursive: true });
  }
}

/** A folder with some files, one of them of several MiB. */
export function someFiles(folder: string, name = "files"): string {
  const root = join(folder, name);
  mkdirSync(join(root, "sub"), { recursive: true });
  writeFileSync(join(root, "random"), randomBytes(3 * mib));
  writeFileSync(join(root, "zeros"), Buffer.alloc(300_000));
  writeFileSync(join(root, "text"), "roomcast ".repeat(30_000));
  for (let at = 0; at < 40; at++) writeFileSync(join(root, "sub", `file${at}`), `file ${at}\n`);
  copyFileSync("/bin/sh", join(root, "sub", "sh"));
  return root;
}

/** Path → SHA-256 of each file below `root`. */
export function treeOf(root: string, below = ""): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const name of readdirSync(join(root, below)).sort()) {
    const path = join(below, name);
    if (statSync(join(root, path)).isDirectory()) {
      if (name !== "lost+found") Object.assign(tree, treeOf(root, path));
    } else {
      const hash = createHash("sha256").update(readFileSync(join(root, path)));
      tree[path] = hash.digest("hex");
    }
  }
  return tree;
}
