/** Makes a fitted version of an image, for disks that are smaller than its own. */

import { readdirSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { leastDiskOf } from "../../core/image/fit.ts";
import { decodeIndex } from "../../core/image/index-codec.ts";
import { imageName } from "../../core/image/manifest.ts";
import { codec, type IndexEntry, type Manifest } from "../../core/image/types.ts";
import { hashKey } from "../../core/node/hash.ts";
import type { BlockDevice } from "../../core/ports.ts";
import { sizeText } from "../../core/screen/format.ts";
import { bytes, chunkBytes, chunkLengthAt } from "../../core/units/units.ts";
import type { DiskSize, FitPart } from "../../core/wire/fit-size.ts";
import type { ImageView } from "../../core/wire/views.ts";
import { captureMapped } from "../../imaging/capture/capture.ts";
import { mapDisk, plannedBytes } from "../../imaging/capture/disk-map.ts";
import type { Committed } from "../../imaging/capture/uplink.ts";
import { openDisk } from "../../imaging/disk/disk.ts";
import { letWindowsCheck, shrinkDisk } from "../../imaging/fit/shrink-disk.ts";
import type { ApiClient } from "../api/client.ts";
import { openUplink } from "./api-uplink.ts";
import { writeToFile } from "./export.ts";
import { type ReadImage, readImage } from "./image-reader.ts";
import { openWorkFolder } from "./work-folder.ts";

export interface FitImageOptions {
  readonly client: ApiClient;
  /** Of the origin. */
  readonly image: string;
  readonly size: DiskSize;
  /** For the disk's file, meanwhile. */
  readonly workFolder: string;
  readonly signal: AbortSignal;
  /** Begins a part of the work, whose progress follows. */
  begin(doing: FitPart): void;
  progress(done: number, total: number): void;
  log(text: string): void;
}

export interface Fitted {
  readonly image: ImageView;
  readonly origin: string;
  /** Of the fitted version's chunks, raw: what the origin has as well, and all. */
  readonly sharedBytes: number;
  readonly chunkedBytes: number;
}

/** Beside the disk's file: tables, and what tools need. */
const spareBytes = 64 * 1024 * 1024;

/**
 * Resolves when the server has committed it. Rejects with `refused` when the image cannot be made so small,
 * and says how small it can be; `usage`, `conflict`, `no-space`. Then nothing of it is stored.
 */
export async function fitImage(options: FitImageOptions): Promise<Fitted> {
  const { client, size, signal } = options;
  const origin = await readImage(client, options.image, signal);
  const { manifest } = origin;
  const targetBytes = size.bytes - (size.bytes % manifest.logicalSector);
  requireSmaller(manifest, targetBytes);
  const made = { fitOf: manifest.id, fitSize: size.text };
  await using uplink = await openUplink(client, made, signal);
  await using work = await openWorkFolder(options.workFolder);
  try {
    await work.requireSpace(workBytes(origin, targetBytes));
    const path = join(work.path, "disk.raw");
    options.begin("reading");
    await writeToFile(origin, { ...options, path });
    options.begin("fitting");
    const common = { path, manifest, signal, log: options.log };
    const resized = await shrinkDisk({
      ...common,
      targetBytes,
      progress: options.progress,
      leastFound: async (leastBytes) => {
        await client.put(`/images/${manifest.id}/least-disk`, { bytes: leastBytes });
      },
    });
    options.begin("storing");
    const { imageId } = await store(options, {
      ...{ path, manifest, uplink },
      mapped: () => letWindowsCheck(common, resized),
    });
    return await fittedView(options, origin, imageId);
  } catch (error) {
    // What was under way when the work was stopped fails in many ways.
    signal.throwIfAborted();
    throw error;
  }
}

/** This process, and what it starts, give way to whatever else the machine has to do. */
export function giveWay(): void {
  // setpriority(2): on Linux it is a thread's, and new ones have it from the one that makes them.
  for (const thread of readdirSync("/proc/self/task")) {
    try {
      setPriority(Number(thread), constants.priority.PRIORITY_LOW);
    } catch {
      // It has ended meanwhile.
    }
  }
}

function requireSmaller(manifest: Manifest, targetBytes: number): void {
  const { diskBytes } = manifest;
  const usedBytes = leastDiskOf({ ...manifest, leastDiskBytes: null });
  const name = imageName(manifest);
  if (targetBytes >= diskBytes) {
    const what = `${name} is of a disk of ${sizeText(diskBytes)}: it fits ${sizeText(targetBytes)} as it is`;
    throw new RoomcastError("usage", what, "restore it; a larger disk is fitted then");
  }
  if (usedBytes <= targetBytes) return;
  throw new RoomcastError(
    "refused",
    `${name} uses ${sizeText(usedBytes)}, and cannot be made to fit ${sizeText(targetBytes)}`,
    "choose a larger disk, or free space on the master and capture it again",
  );
}

/** What is written of the disk, and once more what has to find another place. */
function workBytes({ entries, manifest }: ReadImage, targetBytes: number): number {
  const held = entries.filter((entry) => entry.codec !== codec.zero);
  const beyond = held.filter(({ chunkIndex }) => (chunkIndex + 1) * chunkBytes > targetBytes);
  return sumOf([...held, ...beyond], manifest.diskBytes) + spareBytes;
}

const sumOf = (entries: readonly IndexEntry[], diskBytes: number): number =>
  entries.reduce((sum, { chunkIndex }) => sum + chunkLengthAt(chunkIndex, diskBytes), 0);

/** As an import of the file; `mapped` is called when it is known what goes into the image. */
async function store(
  { signal, log, progress }: FitImageOptions,
  made: {
    readonly path: string;
    readonly manifest: Manifest;
    readonly uplink: Awaited<ReturnType<typeof openUplink>>;
    mapped(): Promise<void>;
  },
): Promise<Committed> {
  const { path, manifest, uplink } = made;
  await using opened = await openDisk(path, { write: false });
  const disk: BlockDevice = {
    path,
    size: bytes(opened.size),
    logicalSector: manifest.logicalSector,
    read: (offset, into) => opened.read(offset, into),
    write: (offset, data) => opened.write(offset, data),
    flush: () => opened.flush(),
    [Symbol.asyncDispose]: async () => {},
  };
  const map = await mapDisk({ disk, raw: false, signal, log });
  await uplink.requireSpace(plannedBytes(map.plan, disk.size));
  await made.mapped();
  const warnings = [...new Set([...manifest.warnings, ...map.warnings])];
  const source = `${manifest.source}, as ${imageName(manifest)}`;
  return await captureMapped({ ...map, warnings }, { disk, source, uplink, signal, progress });
}

async function fittedView(
  { client, signal }: FitImageOptions,
  { manifest, entries }: ReadImage,
  imageId: string,
): Promise<Fitted> {
  const image = await client.get<ImageView>(`/images/${imageId}`);
  const index = await client.bytes("GET", `/images/${imageId}/index`, { signal });
  const read = decodeIndex(index, image.diskBytes);
  if (!read.ok) throw new RoomcastError("bad-input", read.reason, "run `roomcast image verify`");
  const known = new Set(entries.map(({ sha256 }) => hashKey(sha256)));
  const shared = read.value.filter(({ sha256 }) => known.has(hashKey(sha256)));
  return {
    image,
    origin: imageName(manifest),
    sharedBytes: sumOf(shared, image.diskBytes),
    chunkedBytes: sumOf(read.value, image.diskBytes),
  };
}
