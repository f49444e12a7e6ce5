/** What a store of images has of the machine that it is on. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Manifest } from "../../core/image/types.ts";
import { systemClock } from "../../core/node/clock.ts";
import { type CatalogueFile, catalogueIn } from "./catalogue.ts";
import { type Checker, Checkers } from "./checkers.ts";
import { nodeFiles, type StoreFiles } from "./files.ts";
import { seenBeside } from "./seen-beside.ts";
import type { SeenChunks } from "./seen-chunks.ts";
import type { SweepStep } from "./sweep.ts";
import { findDeadBeside } from "./sweep-beside.ts";

export interface StorePorts {
  readonly disk: StoreFiles;
  readonly catalogue: CatalogueFile;
  /**
   * What none of these images needs, whose indexes are in `folder`. Rejects with `bad-input` where one cannot be read,
   * and once `signal` aborts.
   */
  findDead(
    folder: string,
    images: readonly Manifest[],
    signal: AbortSignal,
  ): AsyncIterable<SweepStep>;
  /** Nothing is seen yet. */
  openSeen(): SeenChunks;
  /** Closed with the store. */
  readonly checker: Checker;
  /** An id that no image has had, and the time. */
  newImage(): Pick<Manifest, "id" | "capturedAt">;
  /** Of a server that belongs to a campus: an image that is not in the folder may be elsewhere. */
  readonly campus?: FolderInCampus;
}

/** What a campus does for one of its folders. */
export interface FolderInCampus {
  /** Makes room for so many bytes, as far as what is here is elsewhere too. */
  makeRoom(bytes: number): Promise<void>;
  /** There is one image more in the folder. */
  committed(): void;
}

export const nodePorts = (directory: string): StorePorts => ({
  disk: nodeFiles,
  catalogue: catalogueIn(directory),
  findDead: (folder, images, signal) =>
    findDeadBeside({ catalogue: join(directory, "catalogue.db"), folder, images }, signal),
  openSeen: seenBeside,
  checker: new Checkers(),
  newImage: () => ({ id: randomBytes(8).toString("hex"), capturedAt: systemClock.isoTime() }),
});
