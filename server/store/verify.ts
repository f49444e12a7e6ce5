/** Re-hashes what images are made of, and names what is damaged and who suffers from it. */

import { assert, errorText, RoomcastError } from "../../core/errors.ts";
import { decodeEntry, hashAt } from "../../core/image/index-codec.ts";
import { imageName } from "../../core/image/manifest.ts";
import { codec, type IndexEntry, indexEntryBytes, type Manifest } from "../../core/image/types.ts";
import { inLanes } from "../../core/lanes.ts";
import { hashKey } from "../../core/node/hash.ts";
import { chunkLengthAt } from "../../core/units/units.ts";
import type { CheckJob, CheckResult } from "./check-jobs.ts";
import type { StoredChunk } from "./pack-job.ts";
import { recordHeader, recordHeaderBytes } from "./packs.ts";
import type { SeenChunks } from "./seen-chunks.ts";

export interface Damage {
  /** NAME@VERSION of the image that it was found in. */
  readonly image: string;
  /** null: the index itself. */
  readonly chunkIndex: number | null;
  readonly reason: string;
  /** The pack's file name, or null when the chunk is in none. */
  readonly pack: string | null;
  /** NAME@VERSION of every image that needs it. */
  readonly images: readonly string[];
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly damaged: readonly Damage[];
  /** Objects that the campus's storage had lost, and that were put there again from here. */
  readonly repaired?: readonly string[];
}

export interface VerifyPorts {
  /** All images of the store: any of them may suffer. */
  readonly all: readonly Manifest[];
  /** False from the moment on at which its deletion begins. */
  isHere(image: Manifest): boolean;
  /** As stored, past any cache; rejects when it is damaged. */
  index(image: Manifest): Promise<Uint8Array>;
  /**
   * The chunk in its form of now, its stored bytes with the record's header before them, unchecked; nothing of
   * `codec.zero`. Rejects with why there is none.
   */
  readRecord(entry: IndexEntry): Promise<StoredChunk>;
  check(job: CheckJob): Promise<CheckResult>;
  /** Of this verification. */
  readonly seen: Pick<SeenChunks, "firsts">;
  packOf(hash: Uint8Array): string | null;
}

export interface VerifyOptions {
  readonly signal: AbortSignal;
  /** Chunks done, of all. */
  onProgress(done: number, total: number): void;
  /** What the campus's storage has lost, and is here, is put there again. */
  readonly repair?: boolean;
}

/** Chunks read and inflated at once. */
const laneCount = 4;
/** Entries of an index that are looked up at once: a few milliseconds of another thread. */
const entriesAtOnce = 1024;

interface BadChunk {
  readonly hash: Uint8Array;
  readonly image: Manifest;
  readonly damage: Damage;
}

/** Where an image has a chunk, the first time. */
interface ChunkUser {
  readonly image: Manifest;
  readonly chunkIndex: number;
}

/**
 * `damagedHashes`: what was found of chunks. Nothing is said of images that are deleted meanwhile, and of what no other has:
 * that has gone. Rejects with `cancelled` when the signal aborts.
 */
export async function verifyImages(
  images: readonly Manifest[],
  ports: VerifyPorts,
  options: VerifyOptions,
): Promise<{ report: VerifyReport; damagedHashes: Uint8Array[] }> {
  const badIndexes: { readonly image: Manifest; readonly reason: string }[] = [];
  const badChunks = new Map<string, BadChunk>();
  const total = images.reduce((sum, { chunkCount }) => sum + chunkCount, 0);
  let done = 0;
  for (const image of images) {
    const index = await readIndexOf(image, ports);
    if (typeof index === "string") {
      badIndexes.push({ image, reason: index });
      done += image.chunkCount;
      continue;
    }
    await inLanes(entriesOf(index, image, ports), laneCount, async ({ entry, isFirst }) => {
      if (options.signal.aborted) throw cancelled();
      // Once, however many images share it.
      if (isFirst) {
        const reason = await faultOf(image, entry, ports);
        if (reason !== null) {
          const damage: Damage = {
            image: imageName(image),
            chunkIndex: entry.chunkIndex,
            reason,
            pack: ports.packOf(entry.sha256),
            images: [],
          };
          badChunks.set(hashKey(entry.sha256), { hash: entry.sha256, image, damage });
        }
      }
      options.onProgress(++done, total);
    });
  }
  const users = await usersOf(badChunks, ports);
  const damaged: Damage[] = badIndexes
    .filter(({ image }) => ports.isHere(image))
    .map(({ image, reason }) => {
      const name = imageName(image);
      return { image: name, chunkIndex: null, reason, pack: null, images: [name] };
    });
  const damagedHashes: Uint8Array[] = [];
  for (const [key, bad] of badChunks) {
    const damage = damageNow(bad, users.get(key) ?? [], ports);
    if (damage === null) continue;
    damaged.push(damage);
    damagedHashes.push(bad.hash);
  }
  return { report: { ok: damaged.length === 0, damaged }, damagedHashes };
}

/** Null: no image that is there has it. */
function damageNow(
  { image, damage }: BadChunk,
  users: readonly ChunkUser[],
  { isHere }: VerifyPorts,
): Damage | null {
  const left = users.filter((user) => isHere(user.image));
  const images = left.map((user) => imageName(user.image));
  // Its index may have become unreadable since.
  if (isHere(image)) return { ...damage, images: images.length > 0 ? images : [damage.image] };
  const [first] = left;
  if (first === undefined) return null;
  return { ...damage, image: imageName(first.image), chunkIndex: first.chunkIndex, images };
}

/** The index, or what is wrong with it. */
async function readIndexOf(image: Manifest, ports: VerifyPorts): Promise<Uint8Array | string> {
  try {
    return await ports.index(image);
  } catch (error) {
    if (error instanceof RoomcastError && error.code === "cancelled") throw error;
    return errorText(error);
  }
}

async function* entriesOf(
  index: Uint8Array,
  { diskBytes }: Manifest,
  { seen }: VerifyPorts,
): AsyncGenerator<{ entry: IndexEntry; isFirst: boolean }> {
  const stepBytes = entriesAtOnce * indexEntryBytes;
  for (let start = 0; start < index.length; start += stepBytes) {
    const entries = index.subarray(start, start + stepBytes);
    const firsts = await seen.firsts(entries, diskBytes);
    for (const [at, first] of firsts.entries()) {
      yield { entry: entryAt(entries, at * indexEntryBytes), isFirst: first === 1 };
    }
  }
}

function entryAt(index: Uint8Array, offset: number): IndexEntry {
  const decoded = decodeEntry(index, offset);
  assert(decoded.ok, "an index that was read was looked into");
  return decoded.value;
}

/** Which images need these chunks, by `hashKey`; one whose index is damaged is named for that already. */
async function usersOf(
  hashes: ReadonlyMap<string, unknown>,
  ports: VerifyPorts,
): Promise<Map<string, ChunkUser[]>> {
  const users = new Map<string, ChunkUser[]>();
  if (hashes.size === 0) return users;
  for (const image of ports.all) {
    const index = await ports.index(image).catch(() => new Uint8Array());
    for (let at = 0; at < index.length; at += indexEntryBytes) {
      const key = hashKey(hashAt(index, at));
      if (!hashes.has(key)) continue;
      const known = users.get(key) ?? [];
      const { chunkIndex } = entryAt(index, at);
      if (known.at(-1)?.image !== image) known.push({ image, chunkIndex });
      users.set(key, known);
    }
  }
  return users;
}

async function faultOf(
  image: Manifest,
  entry: IndexEntry,
  ports: VerifyPorts,
): Promise<string | null> {
  const length = chunkLengthAt(entry.chunkIndex, image.diskBytes);
  let found: StoredChunk;
  try {
    found = await ports.readRecord(entry);
  } catch (error) {
    return errorText(error);
  }
  const { entry: form, stored: record } = found;
  const stored = record.subarray(recordHeaderBytes);
  // That it could not be checked is no fault of the chunk's, and ends the verification.
  const { fault } = await ports.check({ type: "chunk", entry: form, stored, length });
  if (fault !== null || form.codec === codec.zero) return fault;
  const isFound = Buffer.compare(record.subarray(0, recordHeaderBytes), recordHeader(form)) === 0;
  return isFound ? null : badHeader;
}

/** Whoever has the catalogue reads the chunk all the same. */
const badHeader =
  "the header of its record is damaged: the chunk is right, and will be lost with the catalogue";

const cancelled = (): RoomcastError =>
  new RoomcastError("cancelled", "the verification was stopped", "start it again at any time");
