/** An image restored to a disk of this machine, as an agent does it; its chunks come by the API. */
import { basename } from "node:path";
import type { ChunkVerdict } from "../../core/cast/ends.ts";
import { assert, RoomcastError } from "../../core/errors.ts";
import { misfitOf } from "../../core/image/fit.ts";
import { rootHashOfContents } from "../../core/image/forms.ts";
import { encodeIndex } from "../../core/image/index-codec.ts";
import { imageName } from "../../core/image/manifest.ts";
import { bootCriticalEntryIndexes } from "../../core/image/plan.ts";
import { codec, type IndexEntry } from "../../core/image/types.ts";
import { writeSha256 } from "../../core/node/hash.ts";
import { diskLine } from "../../core/screen/disk.ts";
import { chooseTarget } from "../../core/session/target.ts";
import { chunkLengthAt } from "../../core/units/units.ts";
import type { DiskView, StepView } from "../../core/wire/views.ts";
import { describePath } from "../../imaging/disk/disks.ts";
import { usedBy } from "../../imaging/disk/in-use.ts";
import { systemRoots } from "../../imaging/disk/sysfs.ts";
import { fitDisk, fitsAsItIs } from "../../imaging/fit/fit-disk.ts";
import { closedUnlessHung } from "../../imaging/restore/disk-faults.ts";
import type { DiskRestore } from "../../imaging/restore/disk-restore.ts";
import { openTarget, restoreOnto } from "../../imaging/restore/onto-disk.ts";
import { otherSectorsOf } from "../../imaging/restore/other-sectors.ts";
import type { BeyondEnd } from "../../imaging/restore/short-disk.ts";
import type { ReadImage } from "./image-reader.ts";

export interface RestoreHereOptions {
  readonly path: string;
  /** Its reason is what the restore rejects with. */
  readonly signal: AbortSignal;
  /** As in `ExportOptions`. */
  confirm(what: readonly string[], word: string): Promise<void>;
  progress(done: number, total: number): void;
  log(text: string): void;
}

/** Chunks on their way to the disk at once: as many as `DiskRestore` works at. */
const deliveries = 6;
/** How often it is told how far it is, in milliseconds. */
const tellEvery = 200;

/**
 * Resolves when all of it was read back and is right, and the disk's table fits it. Rejects with a
 * RoomcastError; when something was written by then, the disk does not start.
 */
export async function restoreHere(image: ReadImage, options: RestoreHereOptions): Promise<void> {
  const { manifest } = image;
  const { path, signal, log } = options;
  const view = await requireTarget(image, path);
  await options.confirm(
    [`${imageName(manifest)} will overwrite this machine's`, `  ${diskLine(view)}`],
    basename(path),
  );
  const beyond: BeyondEnd = new Map();
  await write(image, view, beyond, options);
  if (fitsAsItIs(view, manifest)) return;
  const said = ({ name, result, detail }: StepView) => log(`${name}: ${result}, ${detail}`);
  try {
    const { entries } = image;
    await fitDisk({ path, manifest, entries, beyond, grow: "auto", signal, said });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof RoomcastError)) throw error;
    const what = `the disk was verified, but could not be made to fit: ${error.message}`;
    throw new RoomcastError("failed", what, error.next, { cause: error });
  }
}

/** The disk is closed again when it ends. */
async function write(
  image: ReadImage,
  view: DiskView,
  beyond: BeyondEnd,
  { signal, progress, log }: RestoreHereOptions,
): Promise<void> {
  const { manifest } = image;
  const entries = rawEntries(image);
  const opened = await openTarget(view);
  const work = restoreOnto({
    ...{ opened, view, manifest, entries, beyond },
    critical: bootCriticalEntryIndexes(manifest, entries),
    how: { verify: "read-back", discard: true },
    fetch: (entryIndex) => rawChunk(image, entryIndex),
  });
  await using _ = closedUnlessHung(opened, () => work.diskHangs);
  const stop = (): void => work.stop(stopReason(signal.reason));
  signal.addEventListener("abort", stop, { once: true });
  let trouble: string | null = null;
  const tell = setInterval(() => {
    const { bytesWritten, bytesVerified, bytesWanted } = work.counters;
    progress(bytesWritten + bytesVerified, 2 * bytesWanted);
    if (work.trouble !== null && work.trouble !== trouble) log(work.trouble);
    trouble = work.trouble;
  }, tellEvery);
  try {
    signal.throwIfAborted();
    await work.begin();
    deliver(image, work).catch((error: unknown) => work.stop(stopReason(error)));
    const index = encodeIndex(image.entries);
    const verified = rootHashOfContents(index, await work.ended, writeSha256);
    assert(verified === manifest.rootHash, "what was verified is the image");
    const { bytesWanted } = work.counters;
    progress(2 * bytesWanted, 2 * bytesWanted);
  } finally {
    clearInterval(tell);
    signal.removeEventListener("abort", stop);
  }
}

/** Brings all that is wanted; ends early when the restore does. */
async function deliver(image: ReadImage, restore: DiskRestore): Promise<void> {
  let isOver = false;
  const end = restore.ended.then(
    () => {
      isOver = true;
    },
    () => {
      isOver = true;
    },
  );
  const all = image.entries.map((_, entryIndex) => entryIndex);
  const chunks = image.chunks(all.filter((entryIndex) => restore.isWanted(entryIndex)));
  const lane = async (): Promise<void> => {
    while (!isOver) {
      const { value, done } = await chunks.next();
      if (done === true) return;
      const { entryIndex } = value;
      let raw = value.data ?? new Uint8Array();
      for (;;) {
        const { promise, resolve } = Promise.withResolvers<ChunkVerdict>();
        restore.deliver(entryIndex, raw, resolve);
        // A chunk that the disk does not take is never settled.
        await Promise.race([promise, end]);
        // Comes again, until the restore has had enough of it.
        if (isOver || (await promise) === "taken") break;
        raw = await rawChunk(image, entryIndex);
      }
    }
  };
  await Promise.all(Array.from({ length: deliveries }, lane));
}

async function rawChunk(image: ReadImage, entryIndex: number): Promise<Uint8Array> {
  for await (const { data } of image.chunks([entryIndex])) return data ?? new Uint8Array();
  throw new Error(`entry ${entryIndex} is none`);
}

/** Its entries as its chunks come: raw, whatever form the server has them in. */
const rawEntries = ({ manifest, entries }: ReadImage): IndexEntry[] =>
  entries.map((entry) => {
    if (entry.codec === codec.zero) return entry;
    const storedLength = chunkLengthAt(entry.chunkIndex, manifest.diskBytes);
    return { ...entry, codec: codec.raw, storedLength, crc32c: 0 };
  });

const stopReason = (reason: unknown): RoomcastError =>
  reason instanceof RoomcastError
    ? reason
    : new RoomcastError("failed", String(reason), "try again");

/** The rules of a restore; a disk that is named may be a USB disk. */
async function requireTarget(image: ReadImage, path: string): Promise<DiskView> {
  const { manifest } = image;
  const entries = rawEntries(image);
  const view = describePath(path, systemRoots);
  if (view === null) {
    throw new RoomcastError("not-found", `${path} cannot be opened`, "check its name (`lsblk`)");
  }
  const candidate = { disk: view, inUse: usedBy(path, systemRoots) };
  const choice = chooseTarget([candidate], path, {
    misfit: (targetBytes) => misfitOf(manifest, entries, targetBytes, "export"),
    logicalSector: manifest.logicalSector,
    otherSectors: await otherSectorsOf([view], manifest, {
      ...{ entries, isLive: false },
      fetch: (entryIndex) => rawChunk(image, entryIndex),
    }),
  });
  if (choice.kind === "refused") throw new RoomcastError("refused", choice.reason, choice.next);
  return view;
}
