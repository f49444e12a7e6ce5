/**
 * Disks that a restore, or a wipe, has left half done (docs/decisions/0003): what a PC starts from was emptied
 * first and would have been written last, so the disk's start is zeros while data lie behind it. A wipe that is
 * done, and does not know that the disk reads as zeros, has left a mark at its start.
 */
import { type FileHandle, open } from "node:fs/promises";
import { chunkBytes } from "../../../core/units/units.ts";
import type { DiskView } from "../../../core/wire/views.ts";
import { DiskAnswers } from "./disk-answers.ts";

/** What is read of each place. */
const sampleBytes = 4096;
/** The first chunks hold the first partition's start, of whatever was restored. */
const chunksAtStart = 64;
/** Further places, evenly over the disk: seconds on a disk that seeks, and once a disk. */
const placesBehind = 64;

/** What is known of the disks; each is looked at once, until `forget`. */
export class HalfWritten {
  /** Of a disk that cannot be read nothing is known, and it is left alone. */
  private readonly answers = new DiskAnswers((disk) => isHalfWritten(disk).catch(() => false));

  /** Whether it was found to be half written; false while it was not looked at. */
  has(disk: DiskView): boolean {
    return this.answers.of(disk) ?? false;
  }

  /** Looks at those that were not looked at yet. Never rejects. */
  look(disks: readonly DiskView[]): Promise<void> {
    return this.answers.ask(disks);
  }

  /** A task has written to it. */
  forget(disk: DiskView): void {
    this.answers.forget(disk);
  }
}

/** What the screen says of such a disk. */
export const halfWrittenText = (disk: DiskView): string =>
  `${disk.path} DOES NOT START: its start is empty, and there are data behind it. ` +
  "A restore or a wipe that did not finish leaves a disk like that. " +
  "Restore it, or wipe it again, before this PC is used.";

/** Whether the disk's first and last chunk are zeros, and something that lies between is not. Rejects when it cannot be read. */
export async function isHalfWritten({ path, size }: DiskView): Promise<boolean> {
  if (size < 3 * chunkBytes) return false;
  const handle = await open(path, "r");
  try {
    if (!(await isZero(handle, 0, chunkBytes))) return false;
    // A backup of the partition table lies at the very end.
    if (!(await isZero(handle, size - sampleBytes, sampleBytes))) return false;
    for (const offset of placesOf(size)) {
      if (!(await isZero(handle, offset, sampleBytes))) return true;
    }
    return false;
  } finally {
    await handle.close();
  }
}

/** Starts of chunks: file systems begin there, and what is restored is written in such pieces. */
function placesOf(size: number): number[] {
  const last = Math.floor(size / chunkBytes) - 2;
  const near = Array.from({ length: Math.min(chunksAtStart, last) }, (_, index) => index + 1);
  const far = Array.from({ length: placesBehind }, (_, index) =>
    Math.max(1, Math.floor((last * (index + 1)) / placesBehind)),
  );
  return [...new Set([...near, ...far])].map((chunk) => chunk * chunkBytes);
}

async function isZero(handle: FileHandle, offset: number, length: number): Promise<boolean> {
  const buffer = new Uint8Array(length);
  const { bytesRead } = await handle.read(buffer, 0, length, offset);
  return buffer.subarray(0, bytesRead).every((byte) => byte === 0);
}
