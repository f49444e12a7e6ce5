/** Writes an image's disk into a file, or onto a disk of this machine. */

import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import { bootCriticalEntryIndexes } from "../../core/image/plan.ts";
import { hashKey, sha256 } from "../../core/node/hash.ts";
import { diskLine } from "../../core/screen/disk.ts";
import { sizeText } from "../../core/screen/format.ts";
import { chooseTarget } from "../../core/session/target.ts";
import { chunkBytes, chunkLengthAt } from "../../core/units/units.ts";
import type { DiskView } from "../../core/wire/views.ts";
import { type Disk, openDisk } from "../../imaging/disk/disk.ts";
import { describePath } from "../../imaging/disk/disks.ts";
import { usedBy } from "../../imaging/disk/in-use.ts";
import { systemRoots } from "../../imaging/disk/sysfs.ts";
import { bootAreaOf } from "../../imaging/restore/boot-area.ts";
import type { ApiClient } from "../api/client.ts";
import { openFileSink } from "./file-sinks.ts";
import { type ReadImage, readImage } from "./image-reader.ts";

export interface ExportOptions {
  readonly client: ApiClient;
  readonly image: string;
  readonly path: string;
  readonly signal: AbortSignal;
  /** Has the word typed that names what will be overwritten; rejects with `refused` when it is not. */
  confirm(what: readonly string[], word: string): Promise<void>;
  progress(done: number, total: number): void;
  log(text: string): void;
}

export interface Exported {
  readonly image: string;
  readonly path: string;
  readonly diskBytes: number;
  /** Hex; of what was written to a disk and read back from it, else of what was written. */
  readonly rootHash: string;
}

/** Rejects with `bad-input` when the image is damaged; then, or when it is stopped, a file is not there. */
export async function exportImage(options: ExportOptions): Promise<Exported> {
  const { client, path, signal } = options;
  const image = await readImage(client, options.image, signal);
  const { manifest } = image;
  const name = imageName(manifest);
  const found = await stat(path).catch(() => null);
  try {
    if (found?.isBlockDevice()) await ontoDisk(image, options);
    else {
      if (found !== null) {
        if (!found.isFile()) {
          throw new RoomcastError("usage", `${path} is not a file`, "name a file to write");
        }
        const what = `${name} will replace the file ${path} (${sizeText(found.size)}).`;
        await options.confirm([what], basename(path));
      }
      await intoFile(image, options);
    }
  } catch (error) {
    // What was under way when the work was stopped fails in many ways.
    signal.throwIfAborted();
    throw error;
  }
  const { diskBytes, rootHash } = manifest;
  return { image: name, path, diskBytes, rootHash };
}

async function intoFile(image: ReadImage, options: ExportOptions): Promise<void> {
  const { path, signal, progress } = options;
  const { diskBytes } = image.manifest;
  await using sink = await openFileSink(path, diskBytes, signal);
  const all = image.entries.map((_, entryIndex) => entryIndex);
  progress(0, diskBytes);
  for await (const { entry, data } of image.chunks(all)) {
    signal.throwIfAborted();
    const offset = entry.chunkIndex * chunkBytes;
    if (data !== null) await sink.write(offset, data);
    progress(offset + chunkLengthAt(entry.chunkIndex, diskBytes), diskBytes);
  }
  await sink.finish();
  progress(diskBytes, diskBytes);
}

/** As any restore: not bootable before all of it was read back and is right. */
async function ontoDisk(image: ReadImage, options: ExportOptions): Promise<void> {
  const { manifest, entries } = image;
  const { path, signal, progress } = options;
  const { diskBytes, logicalSector } = manifest;
  const view = requireTarget(image, path);
  await options.confirm(
    [`${imageName(manifest)} will overwrite this machine's`, `  ${diskLine(view)}`],
    basename(path),
  );
  await using disk = await openDisk(path, { write: true });
  const critical = bootCriticalEntryIndexes(manifest, entries);
  const bootArea = bootAreaOf({
    entries,
    critical,
    diskBytes,
    targetBytes: disk.size,
    logicalSector,
  });
  for (const { offset, length } of bootArea.ranges) await disk.zero(offset, length);
  await disk.flush();

  const total = 2 * entries.length;
  let done = 0;
  const step = (): void => progress(++done * chunkBytes, total * chunkBytes);
  const put = async (entryIndexes: readonly number[]): Promise<void> => {
    for await (const { entry, data } of image.chunks(entryIndexes)) {
      signal.throwIfAborted();
      const offset = entry.chunkIndex * chunkBytes;
      if (data === null)
        await disk.zero(offset, chunkLengthAt(entry.chunkIndex, manifest.diskBytes));
      else await disk.write(offset, data);
      step();
    }
    await disk.flush();
    for (const entryIndex of entryIndexes) {
      signal.throwIfAborted();
      await requireRight(image, disk, entryIndex);
      step();
    }
  };
  const all = entries.map((_, entryIndex) => entryIndex);
  await put(all.filter((entryIndex) => !bootArea.entryIndexes.has(entryIndex)));
  await put(all.filter((entryIndex) => bootArea.entryIndexes.has(entryIndex)));
  if (disk.size > manifest.diskBytes && manifest.partitionTable === "gpt") {
    options.log(
      `${path} is larger than the image's disk: sgdisk -e ${path} moves the GPT's backup`,
    );
  }
}

/** The rules of a restore. A disk that is named may be a USB disk; a smaller one would not be an exact copy. */
function requireTarget({ manifest }: ReadImage, path: string): DiskView {
  const view = describePath(path, systemRoots);
  if (view === null) {
    throw new RoomcastError("not-found", `${path} cannot be opened`, "check its name (`lsblk`)");
  }
  const { diskBytes, logicalSector } = manifest;
  const misfit = (targetBytes: number): string | null =>
    targetBytes >= diskBytes ? null : `the image's disk has ${diskBytes}`;
  const candidate = { disk: view, inUse: usedBy(path, systemRoots) };
  const choice = chooseTarget([candidate], path, { misfit, logicalSector });
  if (choice.kind === "refused") throw new RoomcastError("refused", choice.reason, choice.next);
  return view;
}

async function requireRight(image: ReadImage, disk: Disk, entryIndex: number): Promise<void> {
  const { chunkIndex, sha256: expected } = image.entries[
    entryIndex
  ] as ReadImage["entries"][number];
  const data = Buffer.alloc(chunkLengthAt(chunkIndex, image.manifest.diskBytes));
  await disk.read(chunkIndex * chunkBytes, data);
  if (hashKey(sha256(data)) === hashKey(expected)) return;
  throw new RoomcastError(
    "failed",
    `${disk.path} at ${sizeText(chunkIndex * chunkBytes)} does not read back what was written`,
    "check the disk's cable and health; the disk was left unbootable",
  );
}
