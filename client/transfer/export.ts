/** Writes an image's disk into a file, or onto a disk of this machine. */
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import { sizeText } from "../../core/screen/format.ts";
import { chunkBytes, chunkLengthAt } from "../../core/units/units.ts";
import type { ApiClient } from "../api/client.ts";
import { openFileSink } from "./file-sinks.ts";
import { type ReadImage, readImage } from "./image-reader.ts";
import { restoreHere } from "./restore-here.ts";

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
    if (found?.isBlockDevice()) await restoreHere(image, options);
    else {
      if (found !== null) {
        if (!found.isFile()) {
          throw new RoomcastError("usage", `${path} is not a file`, "name a file to write");
        }
        const what = `${name} will replace the file ${path} (${sizeText(found.size)}).`;
        await options.confirm([what], basename(path));
      }
      await writeToFile(image, options);
    }
  } catch (error) {
    // What was under way when the work was stopped fails in many ways.
    signal.throwIfAborted();
    throw error;
  }
  const { diskBytes, rootHash } = manifest;
  return { image: name, path, diskBytes, rootHash };
}

/** By the path's suffix. What was not finished when it rejects is not there. */
export async function writeToFile(
  image: ReadImage,
  options: Pick<ExportOptions, "path" | "signal" | "progress">,
): Promise<void> {
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
