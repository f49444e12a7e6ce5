/**
 * Virtual disks of every kind that QEMU reads, as a raw file: qemu-storage-daemon shows them by FUSE, so
 * that loop devices and partclone work on them as on a disk, and nothing is stored twice.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { lstat, mkdtemp, open, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RoomcastError } from "../../core/errors.ts";
import { damagedSource } from "./byte-reader.ts";

export interface VirtualFormat {
  /** The file's suffix, and its name for people. */
  readonly name: string;
  /** QEMU's name of it. */
  readonly driver: string;
  readonly createOptions: readonly string[];
}

export const virtualFormats: readonly VirtualFormat[] = [
  { name: "qcow2", driver: "qcow2", createOptions: [] },
  { name: "vhdx", driver: "vhdx", createOptions: [] },
  { name: "vmdk", driver: "vmdk", createOptions: [] },
  // Without it QEMU rounds the disk up to cylinders.
  { name: "vhd", driver: "vpc", createOptions: ["-o", "force_size=on"] },
  { name: "vdi", driver: "vdi", createOptions: [] },
];

const formatNamed = (name: string): VirtualFormat | undefined =>
  virtualFormats.find((format) => format.name === name);

/** By the file's first bytes and its last 512; never by what QEMU guesses. */
export function virtualFormatOf(head: Buffer, tail: Buffer): VirtualFormat | undefined {
  const at = (text: string, offset: number, data = head): boolean =>
    data.toString("latin1", offset, offset + text.length) === text;
  if (at("QFI\xfb", 0)) return formatNamed("qcow2");
  if (at("vhdxfile", 0)) return formatNamed("vhdx");
  if (at("KDMV", 0) || at("# Disk DescriptorFile", 0)) return formatNamed("vmdk");
  if (at("conectix", 0) || at("conectix", 0, tail)) return formatNamed("vhd");
  if (at("\x7f\x10\xda\xbe", 64)) return formatNamed("vdi");
  return undefined;
}

export interface VirtualDisk extends AsyncDisposable {
  /** Of the raw file; only as long as this is not disposed of. */
  readonly path: string;
}

/** Milliseconds that the daemon may take to show the file. */
const startLimitMs = 20_000;
const outputLimitBytes = 1024 * 1024;
/** Milliseconds for a check, which reads all of the format's tables. */
const checkLimitMs = 10 * 60_000;

/** Rejects with `bad-input` when the file is cut or damaged, or needs others that are not part of it. */
export async function openVirtualDisk(
  path: string,
  format: VirtualFormat,
  signal: AbortSignal,
): Promise<VirtualDisk> {
  // QEMU takes a name that begins with `-` for an option, and one like `nbd:` for an address.
  const file = resolve(path);
  await requireOneFile(file, format);
  await requireSound(file, format, signal);
  return show(file, format, false, signal);
}

/** Makes the file, of a disk that reads as zeros. */
export async function createVirtualDisk(
  path: string,
  format: VirtualFormat,
  diskBytes: number,
  signal: AbortSignal,
): Promise<VirtualDisk> {
  const { driver, createOptions } = format;
  const { status, said } = await qemuImg(
    ["create", "-q", "-f", driver, ...createOptions, resolve(path), String(diskBytes)],
    signal,
  );
  if (status !== 0)
    throw new RoomcastError("failed", `qemu-img: ${said}`, "check the file and its folder");
  return show(path, format, true, signal);
}

/** Where a qcow2's first fields are: QEMU's docs/interop/qcow2.txt, "Header". */
const qcow2 = { backingOffset: 8, backingLength: 16, incompatible: 72, externalData: 1n << 2n };
/** Where a sparse VMDK's are, in little endian and sectors: "Virtual Disk Format 1.1", "Hosted Sparse Extent Header". */
const vmdk = { capacity: 12, descriptorOffset: 28, descriptorLength: 36 };
const vmdkDescriptorLimit = 1024 * 1024;

/**
 * Refuses a file that names others, before QEMU reads it: it would open them, wherever on this machine or
 * in the network they are. The extents of a VMDK may lie in its own folder.
 */
async function requireOneFile(path: string, { name }: VirtualFormat): Promise<void> {
  await using handle = await open(path, "r");
  const { size } = await handle.stat();
  const at = async (offset: number, length: number): Promise<Buffer> => {
    const buffer = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
    return buffer.subarray(0, bytesRead);
  };
  const head = await at(0, 512);
  if (head.length < 80) return;
  if (name === "qcow2") {
    const isData = (head.readBigUInt64BE(qcow2.incompatible) & qcow2.externalData) !== 0n;
    const version = head.readUInt32BE(4);
    if (version >= 3 && isData) throw onlyPart(path, "another file");
    const offset = Number(head.readBigUInt64BE(qcow2.backingOffset));
    if (offset === 0) return;
    const backing = await at(offset, Math.min(head.readUInt32BE(qcow2.backingLength), 1023));
    throw onlyPart(path, backing.toString());
  }
  if (name !== "vmdk") return;
  const isText = head.toString("latin1", 0, 4) !== "KDMV";
  const sectors = (field: number): number => Number(head.readBigUInt64LE(field));
  // A sparse VMDK with content of its own has the rest for show.
  if (!isText && sectors(vmdk.capacity) > 0) return;
  const from = isText ? 0 : sectors(vmdk.descriptorOffset) * 512;
  const length = isText ? size : sectors(vmdk.descriptorLength) * 512;
  const text = await at(from, Math.min(length, vmdkDescriptorLimit));
  for (const extent of extentsOf(text.toString("latin1"))) {
    const isPlain = !/[/\\:]/.test(extent) && extent !== "";
    const found = isPlain ? await lstat(join(dirname(path), extent)).catch(() => null) : null;
    if (found?.isFile() !== true) throw onlyPart(path, extent);
  }
}

/** `RW 4192256 SPARSE "disk-s001.vmdk"`, as QEMU reads it: over the ends of lines as well. */
const extentsOf = (descriptor: string): string[] =>
  [...descriptor.matchAll(/\S+\s+-?\d+\s+\S+\s+"([^"\r\n]*)/g)].map(([, name = ""]) => name);

const onlyPart = (path: string, other: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `${path} is only a part of a disk: the rest is in ${other}`,
    `convert it to one file first: qemu-img convert -O qcow2 ${path} whole.qcow2`,
  );

async function requireSound(path: string, format: VirtualFormat, signal: AbortSignal) {
  const { driver, name } = format;
  const info = await qemuImg(["info", "--output=json", "-f", driver, path], signal);
  if (info.status !== 0) throw damagedSource(path, info.said);
  const told = JSON.parse(info.output) as {
    "backing-filename"?: string;
    encrypted?: boolean;
  };
  const other = told["backing-filename"];
  if (other !== undefined) throw onlyPart(path, other);
  if (told.encrypted === true) {
    const next = `decrypt it first: qemu-img convert -O qcow2 ${path} whole.qcow2`;
    throw new RoomcastError("bad-input", `${path} is encrypted`, next);
  }
  if (driver === "vpc") {
    // QEMU cannot check these; a footer at the very end is what a cut one lacks.
    await using handle = await open(path, "r");
    const { size } = await handle.stat();
    const footer = Buffer.alloc(8);
    await handle.read(footer, 0, 8, Math.max(0, size - 512));
    if (footer.toString("latin1") !== "conectix") throw damagedSource(path, "it has no end");
    return;
  }
  const check = await qemuImg(["check", "-q", "-f", driver, path], signal);
  // qemu-img(1): 2 corrupt, 3 clusters that nothing uses, 63 checks are not supported.
  if (![0, 3, 63].includes(check.status)) throw damagedSource(`${path} (${name})`, check.said);
}

async function show(
  path: string,
  { driver }: VirtualFormat,
  writable: boolean,
  signal: AbortSignal,
): Promise<VirtualDisk> {
  await using cleanup = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "roomcast-fuse-"));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const mountpoint = join(folder, "disk.raw");
  await writeFile(mountpoint, "");
  const backing = driver === "qcow2" ? { backing: null } : {};
  const file = { driver: "file", filename: path };
  const node = { driver, file, "node-name": "disk", "read-only": !writable, ...backing };
  const daemon = spawn(
    // Should we be killed, so is it.
    "setpriv",
    [
      ...["--pdeathsig", "TERM", "qemu-storage-daemon"],
      ...["--blockdev", JSON.stringify({ ...node, discard: "unmap" })],
      ...[
        "--export",
        `type=fuse,id=disk,node-name=disk,mountpoint=${mountpoint},writable=${writable ? "on" : "off"}`,
      ],
    ],
    // A group of its own: Ctrl-C at the terminal is ours to handle.
    { stdio: ["ignore", "ignore", "pipe"], detached: true },
  );
  const ended = endOf(daemon);
  cleanup.defer(async () => {
    daemon.kill("SIGTERM");
    await ended;
  });
  const before = (await stat(folder)).dev;
  const giveUpAt = performance.now() + startLimitMs;
  while ((await stat(mountpoint).catch(() => null))?.dev === before) {
    signal.throwIfAborted();
    const over = await Promise.race([ended, sleep(20)]);
    if (over === undefined && performance.now() < giveUpAt) continue;
    const why = over?.trim().split("\n").at(-1) ?? "it does not begin";
    const hint = `is /dev/fuse there (modprobe fuse)? apt-get install qemu-utils qemu-system-common fuse3`;
    throw new RoomcastError("failed", `${path} cannot be opened: ${why}`, hint);
  }
  const owned = cleanup.move();
  return { path: mountpoint, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** What it said, when it is over. */
function endOf(child: ChildProcess): Promise<string> {
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-4000);
  });
  return new Promise((resolve) => {
    child.on("error", ({ message }) => resolve(message));
    child.on("close", () => resolve(said));
  });
}

function qemuImg(
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ status: number; output: string; said: string }> {
  signal.throwIfAborted();
  const options = { signal, timeout: checkLimitMs, maxBuffer: outputLimitBytes };
  return new Promise((resolve, reject) => {
    execFile("qemu-img", args, options, (error, output, stderr) => {
      if (signal.aborted) return reject(signal.reason);
      if (error?.code === "ENOENT") {
        const next = "install it: apt-get install qemu-utils qemu-system-common fuse3";
        return reject(new RoomcastError("failed", "qemu-img is not installed", next));
      }
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      const line = stderr.trim().split("\n").at(-1) ?? "";
      resolve({ status, output, said: line.replace(/^qemu-img: /, "") });
    });
  });
}
