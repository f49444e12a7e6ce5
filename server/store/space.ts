/** Whether what is to come will fit: asked before a capture or an import begins, and while it goes on. */
import { statfs } from "node:fs/promises";
import { RoomcastError } from "../../core/errors.ts";
import type { Manifest } from "../../core/image/types.ts";
import { sizeText } from "../../core/screen/format.ts";

/** Bytes left for the server's own state, but at most this part of a small disk. */
const reserveBytes = 64 * 1024 * 1024;
const reservePart = 0.02;
/** The part of a disk's used bytes that a first version is expected to take: system disks took 0.40. */
const expectedPart = 0.5;
/** The part of a version's stored bytes that the next one adds: 0.13 after installing 313 MB of packages. */
const addedPart = 0.25;

export interface Space {
  readonly totalBytes: number;
  /** What images may take, the reserve not counted. */
  readonly freeBytes: number;
}

export async function spaceAt(directory: string): Promise<Space> {
  const { bavail, blocks, bsize } = await statfs(directory);
  const totalBytes = blocks * bsize;
  const reserve = Math.min(reserveBytes, totalBytes * reservePart);
  return { totalBytes, freeBytes: Math.max(0, Math.floor(bavail * bsize - reserve)) };
}

/**
 * What a new version of which `usedBytes` will be read is expected to take. A version before it tells
 * how well the disk compresses, and shares most chunks. Too little for a disk that was installed anew:
 * then the store fills up on the way, which costs that capture alone.
 */
export function expectedBytes(usedBytes: number, before: Manifest | undefined): number {
  const part =
    before === undefined || before.usedBytes === 0
      ? expectedPart
      : Math.min(1, before.storedBytes / before.usedBytes) * addedPart;
  return Math.ceil(usedBytes * part);
}

/** Throws `no-space` that says what is needed and what is there. */
export function requireSpace(
  { freeBytes }: Space,
  name: string,
  usedBytes: number,
  before: Manifest | undefined,
): void {
  const needed = expectedBytes(usedBytes, before);
  if (needed <= freeBytes) return;
  throw new RoomcastError(
    "no-space",
    `${name} would take about ${sizeText(needed)} of the image store (${sizeText(usedBytes)} used on the disk), but only ${sizeText(freeBytes)} are free`,
    "delete images that are not needed (`roomcast image delete`), or give the data folder more space",
  );
}
