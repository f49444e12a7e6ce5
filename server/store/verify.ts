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

/** `damagedHashes`: what was found of chunks. Rejects with `cancelled` when the signal aborts. */
export async function verifyImages(
  images: readonly Manifest[],
  ports: VerifyPorts,
  options: VerifyOptions,
): Promise<{ report: VerifyReport; damagedHashes: Uint8Array[] }> {
  const damaged: Damage[] = [];
  const badChunks = new Map<string, { hash: Uint8Array; damage: Damage }>();
  const total = images.reduce((sum, { chunkCount }) => sum + chunkCount, 0);
  let done = 0;
  for (const image of images) {
    const index = await readIndexOf(image, ports);
    if (typeof index === "string") {
      const name = imageName(image);
      damaged.push({ image: name, chunkIndex: null, reason: index, pack: null, images: [name] });
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
          badChunks.set(hashKey(entry.sha256), { hash: entry.sha256, damage });
        }
      }
      options.onProgress(++done, total);
    });
  }
  const sufferers = await usersOf(new Set(badChunks.keys()), ports);
  for (const [key, { damage }] of badChunks) {
    damaged.push({ ...damage, images: sufferers.get(key) ?? [damage.image] });
  }
  return {
    report: { ok: damaged.length === 0, damaged },
    damagedHashes: [...badChunks.values()].map(({ hash }) => hash),
  };
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
      const decoded = decodeEntry(entries, at * indexEntryBytes);
      assert(decoded.ok, "an index that was read was looked into");
      yield { entry: decoded.value, isFirst: first === 1 };
    }
  }
}

/** Which images need these chunks; one whose index is damaged is named for that already. */
async function usersOf(
  hashes: ReadonlySet<string>,
  ports: VerifyPorts,
): Promise<Map<string, string[]>> {
  const users = new Map<string, string[]>();
  if (hashes.size === 0) return users;
  for (const image of ports.all) {
    const index = await ports.index(image).catch(() => new Uint8Array());
    const seen = new Set<string>();
    for (let at = 0; at < index.length; at += indexEntryBytes) {
      const key = hashKey(hashAt(index, at));
      if (hashes.has(key)) seen.add(key);
    }
    for (const key of seen) users.set(key, [...(users.get(key) ?? []), imageName(image)]);
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
