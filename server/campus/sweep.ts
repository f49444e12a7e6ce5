/**
 * Removes what no image names from shared storage, one server at a time. Why nothing that was committed is
 * ever taken: docs/campus.md, "The sweep".
 */
import { setTimeout as sleep } from "node:timers/promises";
import { RoomcastError } from "../../core/errors.ts";
import { packRecordLimit, packTargetBytes } from "./pack-object.ts";
import type { CampusPack, CampusPlace, ObjectStore } from "./ports.ts";

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
  /**
   * Looks at some packs, those behind `after` (null: from the first): which of them have been there for long, and are
   * more than half of bytes that nobody can need.
   */
  halfDead(after: string | null): Promise<HalfDead>;
  /**
   * The pack is in the storage: what is not being deleted of the packs `from`, and is in it, is there from now on. They go
   * later, as any pack of which nothing is left: who has been told of their places may still read them. False: the name
   * of the pack is not free.
   */
  move(pack: CampusPack, from: readonly string[]): Promise<boolean>;
  /** Nothing else. */
  renew(): Promise<void>;
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

/** A pack of which more than half is dead, and the places of what lives in it, in their order. */
export interface HalfDeadPack {
  readonly name: string;
  readonly places: readonly CampusPlace[];
}

export interface HalfDead {
  readonly packs: readonly HalfDeadPack[];
  /** What comes next is behind it; null: there is nothing more. */
  readonly next: string | null;
}

/** Puts what lives in packs into the storage in one new pack; of those that could not be read, nothing. */
export type PackAnew = (
  packs: readonly HalfDeadPack[],
  /** Called before each request to the storage. */
  step: () => Promise<void>,
) => Promise<{ readonly pack: CampusPack; readonly from: readonly string[] } | null>;

export interface SweepOptions {
  readonly tables: SweepTables;
  readonly objects: Pick<ObjectStore, "remove">;
  /** Of a pack, in the storage. */
  readonly objectName: (pack: string) => string;
  readonly packAnew: PackAnew;
  readonly signal?: AbortSignal;
}

/** What one sweep did. */
export interface SweepReport extends MarkedChunks {
  readonly packs: number;
  readonly freedBytes: number;
  /** Packs of which what lived was packed anew: they go with a later sweep. */
  readonly emptied: number;
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
  const sum = { candidates: 0, deleted: 0, packs: 0, freedBytes: 0, emptied: 0, left: 0 };
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
  for await (const packs of fullPacks(lease, signal)) {
    const anew = await options.packAnew(packs, () => lease.renew());
    if (anew === null) continue;
    const isMoved = await lease.move(anew.pack, anew.from);
    sum.emptied += isMoved ? anew.from.length : 0;
    sum.left += isMoved ? 0 : 1;
  }
  return sum;
}

/** Half-dead packs in groups, what lives in each of which goes into one pack. */
async function* fullPacks(
  lease: SweepLease,
  signal: AbortSignal | undefined,
): AsyncGenerator<HalfDeadPack[]> {
  let group: HalfDeadPack[] = [];
  let bytes = 0;
  let records = 0;
  let after: string | null = null;
  do {
    const found: HalfDead = await lease.halfDead(after);
    for (const pack of found.packs) {
      const own = pack.places.reduce((sum, { length }) => sum + length, 0);
      const isFull =
        bytes + own > packTargetBytes || records + pack.places.length > packRecordLimit;
      if (isFull && group.length > 0) {
        yield group;
        if (signal?.aborted === true) return;
        [group, bytes, records] = [[], 0, 0];
      }
      group.push(pack);
      bytes += own;
      records += pack.places.length;
    }
    after = found.next;
  } while (after !== null && signal?.aborted !== true);
  if (group.length > 0 && signal?.aborted !== true) yield group;
}

async function tried<T>(step: () => Promise<T | null>): Promise<T | null> {
  for (let left = tries; left > 0; left--) {
    const done = await step();
    if (done !== null) return done;
    await sleep(retryMs);
  }
  return null;
}
