/**
 * A partition, or a volume, moved to another place of its disk. Whenever the power is cut, the place that
 * the table names is whole: the old one until the new one was read back, and the new one from then on.
 */
import { RoomcastError } from "../../core/errors.ts";
import { type Extent, without } from "../../core/image/extents.ts";
import type { TableWrite } from "../../core/image/table-write.ts";
import { alignedBuffer, type Disk } from "../disk/disk.ts";
import { signaturePlaces } from "../restore/old-signatures.ts";

export interface MoveOptions {
  readonly disk: Disk;
  /** In bytes; the two places do not overlap. */
  readonly from: number;
  readonly to: number;
  readonly size: number;
  /** What is in use of the old place, as extents of the disk, in order and apart. */
  readonly used: readonly Extent[];
  /** Partitions or volumes in it, at their old places: where a scanner would look. */
  readonly inside: readonly { readonly start: number; readonly size: number }[];
  readonly signal: AbortSignal;
  /** What the copy has to say otherwise than the original. */
  amend(): Promise<readonly TableWrite[]>;
  /** Makes the table name the new place, and has it on the disk. */
  point(): Promise<void>;
}

/** What is copied in one call. */
const pieceBytes = 1 << 20;

export async function moveTo(options: MoveOptions): Promise<void> {
  const { disk, from, to, size, inside, signal } = options;
  const by = to - from;
  const used = options.used.map(({ start, length }) => ({ start: start + by, length }));
  for (const part of inside) {
    const places = signaturePlaces(part.start + by, part.size);
    await emptyPlaces(disk, without(places, used));
  }
  for (const piece of piecesIn(used)) {
    signal.throwIfAborted();
    const data = alignedBuffer(piece.length);
    await disk.read(piece.start - by, data);
    await disk.write(piece.start, data);
  }
  await disk.flush();
  for (const piece of piecesIn(used)) {
    signal.throwIfAborted();
    const [one, other] = [alignedBuffer(piece.length), alignedBuffer(piece.length)];
    await disk.read(piece.start - by, one);
    await disk.read(piece.start, other);
    if (Buffer.compare(one, other) !== 0) throw readsWrong(disk, piece.start);
  }
  await put(disk, await options.amend());
  await options.point();
  // From here on only the new place counts.
  await disk.discard(from, size);
  for (const part of inside) await emptyPlaces(disk, signaturePlaces(part.start, part.size));
}

/** Writes, has it on the disk, and reads it back. */
export async function put(disk: Disk, writes: readonly TableWrite[]): Promise<void> {
  for (const { offset, data } of writes) {
    await disk.write(offset, data);
    // What comes first is whole before what comes next is changed.
    await disk.flush();
    const back = alignedBuffer(data.length);
    await disk.read(offset, back);
    if (Buffer.compare(data, back) !== 0) throw readsWrong(disk, offset);
  }
}

/** What is empty already is only read. */
export async function emptyPlaces(disk: Disk, places: readonly Extent[]): Promise<void> {
  let hasWritten = false;
  for (const { start, length } of piecesIn(places)) {
    const data = alignedBuffer(length);
    await disk.read(start, data);
    if (isEmpty(data)) continue;
    await disk.zero(start, length);
    hasWritten = true;
    await disk.read(start, data);
    if (!isEmpty(data)) throw readsWrong(disk, start);
  }
  if (hasWritten) await disk.flush();
}

const zeros = new Uint8Array(pieceBytes);
const isEmpty = (data: Uint8Array): boolean =>
  Buffer.compare(data, zeros.subarray(0, data.length)) === 0;

function* piecesIn(extents: readonly Extent[]): Generator<Extent> {
  for (const { start, length } of extents) {
    for (let at = 0; at < length; at += pieceBytes) {
      yield { start: start + at, length: Math.min(pieceBytes, length - at) };
    }
  }
}

const readsWrong = (disk: Disk, offset: number): RoomcastError =>
  new RoomcastError(
    "failed",
    `${disk.path} gives back something else than was written at byte ${offset}`,
    "check the disk's cable and health; replace the disk if it happens again",
  );
