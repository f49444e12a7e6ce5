/** Makes an image of a disk that is kept in a file, a folder, or on a device of this machine. */
import { open, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { partcloneMagic } from "../../core/image/partclone.ts";
import { readPartitionTable } from "../../core/image/partition-table.ts";
import { planCapture } from "../../core/image/plan.ts";
import type { BlockDevice } from "../../core/ports.ts";
import { bytes, chunkBytes, wholeSectors } from "../../core/units/units.ts";
import { captureMapped } from "../../imaging/capture/capture.ts";
import { type DiskMap, mapDisk, plannedBytes } from "../../imaging/capture/disk-map.ts";
import type { Committed } from "../../imaging/capture/uplink.ts";
import { openDisk } from "../../imaging/disk/disk.ts";
import { changedBy } from "../../imaging/disk/in-use.ts";
import { systemRoots } from "../../imaging/disk/sysfs.ts";
import type { ApiClient } from "../api/client.ts";
import { type ApiUplink, openUplink } from "./api-uplink.ts";
import { ByteReader, damagedSource } from "./byte-reader.ts";
import { isClonezilla, readClonezilla } from "./clonezilla.ts";
import { compressionOf } from "./compression.ts";
import { logicalSectorOf } from "./disk-head.ts";
import { isFog, readFog } from "./fog.ts";
import {
  doubtsOf,
  emptyTable,
  openFolderDisk,
  openStream,
  requireNoDiskSize,
} from "./folder-disk.ts";
import { ForwardDisk } from "./forward-disk.ts";
import { openPartclone, type PartcloneVolume } from "./partclone-volume.ts";
import { captureStream } from "./stream-capture.ts";
import { requireWhole } from "./streamed-table.ts";
import { openVirtualDisk, virtualFormatOf } from "./virtual-disk.ts";

export interface ImportOptions {
  readonly client: ApiClient;
  readonly path: string;
  readonly name: string;
  /** Takes every block of a disk file, used or not, also of one that is cut. */
  readonly raw: boolean;
  /** Which disk of a folder that has several, or null. */
  readonly disk: string | null;
  /** Partitions of a folder that stay empty, there or not. */
  readonly without: readonly number[];
  /** Bytes of the disk that a folder does not tell the size of, or null. */
  readonly diskSize: number | null;
  readonly signal: AbortSignal;
  progress(done: number, total: number): void;
  /** What is worth telling, in words. */
  log(text: string): void;
}

/** What is looked at of a file to know its kind. */
const headBytes = chunkBytes;
/** The footer of a VHD. */
const tailBytes = 512;

/**
 * Resolves when the server has committed the image. Rejects with `bad-input` when the source is cut or
 * damaged, `refused` when an image of it would be wrong, `no-space`; then nothing of it is stored.
 */
export async function importImage(options: ImportOptions): Promise<Committed> {
  const { path } = options;
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const next = "check its name, and that you may read it";
    throw new RoomcastError("bad-input", `${path} cannot be read: ${cause.code}`, next, { cause });
  });
  await using uplink = await openUplink(options.client, { name: options.name }, options.signal);
  try {
    if (found.isDirectory()) return await importFolder(options, uplink);
    if (options.without.length > 0) {
      const next = "leave out --without";
      throw new RoomcastError("usage", `${path} is no folder with partitions apart`, next);
    }
    requireNoDiskSize(options.diskSize, path);
    const inUse = changedBy(path, systemRoots);
    if (inUse !== null) throw inMotion(path, inUse);
    if (found.isBlockDevice()) {
      return await importDisk(options, uplink, path, path);
    }
    if (!found.isFile()) throw notKnown(path, "it is neither a file, a folder nor a disk");
    return await importFile(options, uplink, found.size);
  } catch (error) {
    // What was under way when the work was stopped fails in many ways.
    options.signal.throwIfAborted();
    throw error;
  }
}

const inMotion = (path: string, inUse: string): RoomcastError =>
  new RoomcastError("refused", `${path} is in use: ${inUse}`, "unmount it, and import it again");

const notKnown = (path: string, why: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `${path} cannot be imported: ${why}`,
    "name a raw disk (compressed or not), qcow2, vhdx, vmdk, vhd, or a folder of Clonezilla or FOG",
  );

async function importFile(
  options: ImportOptions,
  uplink: ApiUplink,
  fileBytes: number,
): Promise<Committed> {
  const { path, raw, signal } = options;
  const { head, tail } = await endsOf(path, fileBytes);
  const format = virtualFormatOf(head, tail);
  if (format !== undefined) {
    await using virtual = await openVirtualDisk(path, format, signal);
    return await importDisk(options, uplink, virtual.path, path);
  }
  const isPartclone = head.toString("latin1", 0, partcloneMagic.length) === partcloneMagic;
  if (!isPartclone && compressionOf(head) === undefined) {
    return importDisk(options, uplink, path, path);
  }
  // What a compressed disk takes in the store is about what it takes in the file.
  await uplink.requireSpace(2 * fileBytes);
  let bytesRead = 0;
  const { reader, hasSum } = await openStream([path], path, (count) => {
    bytesRead += count;
    options.progress(bytesRead, fileBytes);
  });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => reader.close());
  const source = basename(path);
  const begin = (await reader.peek(partcloneMagic.length)).toString("latin1");
  if (begin !== partcloneMagic) return await captureStream({ reader, source, raw, uplink, signal });
  const volume = await openPartclone(reader, path);
  if (volume.header.fs === "raw") {
    // partclone.imager, of a whole disk.
    const disk = new ByteReader(bytesOf(volume), path);
    return await captureStream({ reader: disk, source, raw, uplink, signal });
  }
  const warnings = doubtsOf(volume.header, hasSum);
  for (const warning of warnings) options.log(warning);
  return await importPartition(volume, warnings, options, uplink);
}

async function* bytesOf(volume: PartcloneVolume): AsyncGenerator<Buffer> {
  for await (const { data } of volume.pieces()) yield Buffer.from(data);
}

/** One partition's image: the file system fills the disk, without a table. */
async function importPartition(
  volume: PartcloneVolume,
  warnings: readonly string[],
  { path, signal }: ImportOptions,
  uplink: ApiUplink,
): Promise<Committed> {
  const { deviceBytes, fs } = volume.header;
  const logicalSector = 512;
  const size = wholeSectors(deviceBytes, logicalSector);
  const used = volume.used ?? [];
  await using disk = new ForwardDisk({
    path,
    size,
    logicalSector,
    volumes: [{ ...volume, start: 0, size }],
  });
  const plan = planCapture(size, [{ start: 0, size, used }]);
  const usedBytes = used.reduce((sum, { length }) => sum + length, 0);
  const named = { index: 0, type: "none", fs: fs.toLowerCase(), label: null, uuid: null };
  const map: DiskMap = {
    plan,
    table: emptyTable("none"),
    partitions: [{ ...named, start: 0, size, usedBytes, mode: "used" }],
    warnings,
  };
  const source = basename(path);
  return await captureMapped(map, { disk, source, uplink, signal, progress: () => {} });
}

async function importFolder(options: ImportOptions, uplink: ApiUplink): Promise<Committed> {
  const { path, signal, disk: wanted, diskSize } = options;
  const names = new Set(await plainFiles(path));
  const read = isFog(names) ? readFog : isClonezilla(names) ? readClonezilla : null;
  if (read === null) throw notKnown(path, "the folder is neither Clonezilla's nor FOG's");
  const folder = await read(path, names, wanted, new Set(options.without), diskSize);
  await using opened = await openFolderDisk(folder);
  const { disk, map } = opened;
  for (const warning of map.warnings) options.log(warning);
  await uplink.requireSpace(plannedBytes(map.plan, disk.size));
  const { source } = folder;
  const { progress } = options;
  return await captureMapped(map, { disk, source, uplink, signal, progress });
}

/**
 * The names of the files in a folder that may be somebody else's: a link could lead to any file of this
 * machine, a device node to a disk, and a pipe to nowhere.
 */
async function plainFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const odd = entries.find((entry) => !entry.isFile() && !entry.isDirectory());
  if (odd !== undefined) {
    const what = `${join(folder, odd.name)} is a link, a device or a pipe, and no file`;
    const next = "copy the saved disk with its files themselves: cp -rL";
    throw new RoomcastError("refused", what, next);
  }
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

/** A disk that can be read anywhere: a capture, by the used blocks of its file systems. */
async function importDisk(
  options: ImportOptions,
  uplink: ApiUplink,
  diskPath: string,
  path: string,
): Promise<Committed> {
  const { raw, signal, log, progress } = options;
  await using opened = await openDisk(diskPath, { write: false });
  requireSectors(path, opened.size, raw);
  const { head } = await endsOf(diskPath, opened.size);
  const isBlock = (await stat(diskPath)).isBlockDevice();
  const logicalSector = isBlock ? opened.logicalSector : logicalSectorOf(head);
  const disk: BlockDevice = {
    path: opened.path,
    size: bytes(wholeSectors(opened.size, logicalSector)),
    logicalSector,
    async read(offset, into) {
      const there = into.subarray(0, Math.max(0, opened.size - offset));
      into.fill(0, there.length);
      if (there.length === 0) return;
      await opened.read(offset, there).catch((error: RoomcastError) => {
        throw damagedSource(path, error.message, error);
      });
    },
    write: (offset, data) => opened.write(offset, data),
    flush: () => opened.flush(),
    [Symbol.asyncDispose]: async () => {},
  };
  if (!raw) await requireWholeDisk(disk, head, opened.size, path);
  const map = await mapDisk({ disk, raw, signal, log });
  await uplink.requireSpace(plannedBytes(map.plan, disk.size));
  const source = basename(path);
  return await captureMapped(map, { disk, source, uplink, signal, progress });
}

/** Most files that are no disk have a length that no disk has; of `raw` ones only an empty file. */
function requireSectors(path: string, size: number, raw: boolean): void {
  if (size > 0 && (raw || size % 512 === 0)) return;
  const why = size === 0 ? "it is empty" : `${size} bytes are no whole number of sectors`;
  throw notKnown(path, why);
}

/** A cut file still has its table; what the table names beyond the end reads as zeros here. */
async function requireWholeDisk(
  disk: BlockDevice,
  head: Buffer,
  fileBytes: number,
  path: string,
): Promise<void> {
  const table = await readPartitionTable({
    diskBytes: Number.MAX_SAFE_INTEGER - chunkBytes,
    logicalSector: disk.logicalSector,
    async read(offset, length) {
      const into = new Uint8Array(length);
      const there = Math.max(0, Math.min(length, disk.size - offset));
      if (there > 0) await disk.read(offset, into.subarray(0, there));
      return into;
    },
  });
  requireWhole(table, head, fileBytes, path);
}

async function endsOf(path: string, size: number): Promise<{ head: Buffer; tail: Buffer }> {
  await using handle = await open(path, "r").catch((cause: NodeJS.ErrnoException) => {
    const next = "check that you may read it";
    throw new RoomcastError("bad-input", `${path} cannot be read: ${cause.code}`, next, { cause });
  });
  const at = async (offset: number, length: number): Promise<Buffer> => {
    const buffer = Buffer.alloc(Math.min(length, size - offset));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
    return buffer.subarray(0, bytesRead);
  };
  return { head: await at(0, headBytes), tail: await at(Math.max(0, size - tailBytes), tailBytes) };
}
