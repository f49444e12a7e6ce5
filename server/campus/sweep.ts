/**
 * Removes what no image names from shared storage, one server at a time. Why nothing that was committed is
 * ever taken: docs/campus.md, "The sweep".
 */
import { setTimeout as sleep } from "node:timers/promises";
import { RoomcastError } from "../../core/errors.ts";
import type { ObjectStore } from "./ports.ts";

/** Chunks are swept in so many parts, by the first byte of their hash: no step holds up others for long. */
export const sweepParts = 256;

/** How long things are left alone, in milliseconds of the registry's own clock. */
export interface SweepTimes {
  /** A chunk is a candidate for so long before it is deleted, and was unused for so long before that. */
  readonly graceMs: number;
  /** A writer is dropped when nothing was heard of it for so long. */
  readonly writerMs: number;
  /** The name of a deleted pack is not taken again for so long: longer than any request to the storage lives. */
  readonly nameMs: number;
  /** A lease that was not renewed for so long is given to another server. */
  readonly leaseMs: number;
}

const hourMs = 3_600_000;
/** A restore that began before its image was deleted has long ended after a day. */
export const usualTimes: SweepTimes = {
  graceMs: 24 * hourMs,
  writerMs: 24 * hourMs,
  nameMs: hourMs,
  // Several times what the storage may take for one removal.
  leaseMs: 300_000,
};

/** The registry, as the sweep sees it. */
export interface SweepTables {
  /** Null: another server sweeps. */
  takeLease(): Promise<SweepLease | null>;
}

/**
 * The right to sweep. Each call is one step that is done whole or not at all, renews the lease, and rejects
 * with `conflict` when the lease was lost.
 */
export interface SweepLease {
  /** Drops writers of which nothing was heard, and names of packs that were deleted long ago. */
  dropOld(): Promise<void>;
  /**
   * In one part of the chunks: what no image names becomes a candidate, and a candidate that waited long
   * enough is deleted from then on. Null: writers are busy, nothing was done.
   */
  mark(part: number): Promise<MarkedChunks | null>;
  /** Packs of which nothing is left but deleted chunks, at most `limit`: they cannot be added any more. Null: as of `mark`. */
  condemn(limit: number): Promise<CondemnedPack[] | null>;
  /** The pack is gone from the storage. */
  forget(pack: string): Promise<void>;
  /** Lets another server sweep at once. */
  end(): Promise<void>;
}

export interface MarkedChunks {
  readonly candidates: number;
  readonly deleted: number;
}

export interface CondemnedPack {
  readonly name: string;
  readonly bytes: number;
}

export interface SweepOptions {
  readonly tables: SweepTables;
  readonly objects: Pick<ObjectStore, "remove">;
  /** Of a pack, in the storage. */
  readonly objectName: (pack: string) => string;
  readonly signal?: AbortSignal;
}

/** What one sweep did. */
export interface SweepReport extends MarkedChunks {
  readonly packs: number;
  readonly freedBytes: number;
  /** Steps that were left to the next sweep, since writers were busy. */
  readonly left: number;
}

/** Packs that are condemned in one step. */
const condemnLimit = 64;
/** A step is tried so often while writers are busy, with so many milliseconds in between. */
const tries = 5;
const retryMs = 200;

/** One sweep. Null: another server sweeps, or took over meanwhile. Rejects with `away` and what the storage says. */
export async function sweepCampus(options: SweepOptions): Promise<SweepReport | null> {
  const lease = await options.tables.takeLease();
  if (lease === null) return null;
  try {
    const report = await sweepWith(lease, options);
    await lease.end();
    return report;
  } catch (error) {
    if (error instanceof RoomcastError && error.code === "conflict") return null;
    // What became of the sweep is told; a lease that cannot be given back ends by itself.
    await lease.end().catch(() => {});
    throw error;
  }
}

async function sweepWith(lease: SweepLease, options: SweepOptions): Promise<SweepReport> {
  const { objects, objectName, signal } = options;
  const sum = { candidates: 0, deleted: 0, packs: 0, freedBytes: 0, left: 0 };
  await lease.dropOld();
  for (let part = 0; part < sweepParts && signal?.aborted !== true; part++) {
    const marked = await tried(() => lease.mark(part));
    sum.candidates += marked?.candidates ?? 0;
    sum.deleted += marked?.deleted ?? 0;
    if (marked === null) sum.left++;
  }
  while (signal?.aborted !== true) {
    const condemned = await tried(() => lease.condemn(condemnLimit));
    if (condemned === null) sum.left++;
    for (const { name, bytes } of condemned ?? []) {
      await objects.remove(objectName(name));
      await lease.forget(name);
      sum.packs++;
      sum.freedBytes += bytes;
    }
    if ((condemned?.length ?? 0) < condemnLimit) break;
  }
  return sum;
}

async function tried<T>(step: () => Promise<T | null>): Promise<T | null> {
  for (let left = tries; left > 0; left--) {
    const done = await step();
    if (done !== null) return done;
    await sleep(retryMs);
  }
  return null;
}
