/** Wiping a disk by one of the ways, and reading it back. */
import { RoomcastError } from "../../core/errors.ts";
import type { DiskView } from "../../core/wire/views.ts";
import type { WipeMethod, WipeRecord } from "../../core/wire/wipe.ts";
import { alignedBuffer } from "../disk/disk.ts";
import type { DiskFaults } from "../restore/disk-faults.ts";
import { type DriveCalls, type Erase, inspectDrive, secureErase } from "./drive.ts";
import {
  allPieces,
  type Piece,
  requireErased,
  requireZeros,
  samplePieces,
  tracesOf,
  unverifiable,
} from "./read-back.ts";

/** What is emptied in one call: some seconds of an old disk, so that progress is seen and a stop obeyed. */
const emptiedBytes = 256 * 1024 * 1024;
/** What makes a disk bootable. */
const edgeBytes = 1024 * 1024;

export interface WipePorts {
  readonly disk: Pick<DiskFaults, "write" | "zero" | "discard" | "flush" | "reads" | "isHung">;
  readonly size: number;
  readonly view: DiskView;
  readonly drive: DriveCalls;
  /** A random whole number from 0 to below the limit. */
  below(limit: number): number;
  /** Seconds of a clock that only goes forward. */
  now(): number;
  sleep(ms: number): Promise<void>;
  begin(phase: "scanning" | "wiping" | "verifying", bytesTotal: number): void;
  /** So many bytes more are done; it throws when the work is to be stopped. */
  step(length: number): void;
  /** A disk that erases itself is so far, from 0 to 1. */
  progress(fraction: number): void;
}

type Done = Omit<WipeRecord, "readBack">;

/** Rejects with `refused` before anything is written, where the disk has no such way; else with `failed`. */
export async function wipeDisk(method: WipeMethod, ports: WipePorts): Promise<WipeRecord> {
  const { view, drive, size, step } = ports;
  const { erase, zerosAfterDiscard } = await inspectDrive(view, drive);
  if (method === "secure-erase") {
    if (erase.kind !== "none") return eraseItself(erase, ports);
    throw new RoomcastError("refused", `no secure erase: ${erase.why}`, erase.next);
  }
  ports.begin("wiping", size);
  const done = await empty(method, ports);
  // What a disk that promises nothing reads as now, it may not read as tomorrow.
  if (done.way === "discard" && !zerosAfterDiscard) {
    await mark(ports);
    return { ...done, readBack: unverifiable(size, noPromise) };
  }
  const sample = done.way === "discard" ? samplePieces(size, ports.below) : null;
  ports.begin("verifying", sample === null ? size : lengthOf(sample));
  return { ...done, readBack: await requireZeros(wiped(ports), sample ?? allPieces(size), step) };
}

async function eraseItself(erase: Erase, ports: WipePorts): Promise<WipeRecord> {
  const { disk, size, drive: calls, now, sleep, progress, begin, step } = ports;
  const sample = samplePieces(size, ports.below);
  begin("scanning", lengthOf(sample));
  const traces = await tracesOf(wiped(ports), sample, step);
  begin("wiping", size);
  // A disk that loses its power meanwhile does not start.
  await zeroEdges(ports)
    .then(() => disk.flush())
    .catch((error: unknown) => {
      // One that takes no writes may still erase itself: locked by an erase that was cut off, or not formatted.
      if (disk.isHung) throw error;
    });
  const done = await secureErase(erase, { calls, now, sleep, progress });
  begin("verifying", lengthOf(sample));
  return { ...done, readBack: await requireErased(wiped(ports), sample, { traces, step }) };
}

const wiped = ({ disk, size }: WipePorts) => ({
  size,
  reads: (offset: number, into: Uint8Array) => disk.reads(offset, into),
});

async function zeroEdges({ disk, size }: WipePorts): Promise<void> {
  const edge = Math.min(edgeBytes, size);
  await disk.zero(0, edge);
  await disk.zero(size - edge, edge);
}

/** Between edges of zeros there may be anything, as after a restore that did not finish: the first sector says otherwise. */
async function mark({ disk, view }: WipePorts): Promise<void> {
  const sector = alignedBuffer(view.logicalSector);
  new TextEncoder().encodeInto("This disk was wiped by roomcast.\n", sector);
  await disk.write(0, sector);
  await disk.flush();
}

async function empty(method: "discard" | "zero", ports: WipePorts): Promise<Done> {
  const { disk, size, step } = ports;
  // A wipe that is cut off leaves nothing that starts.
  await zeroEdges(ports);
  if (method === "discard" && (await discard(ports))) {
    // What is discarded may read as what it was.
    await zeroEdges(ports);
    await disk.flush();
    const detail =
      "discarded (TRIM); the disk may still hold data that it does not show: neither clear nor purge";
    return { way: "discard", sanitization: null, detail };
  }
  for (const { offset, length } of allPieces(size, emptiedBytes)) {
    await disk.zero(offset, length);
    step(length);
  }
  await disk.flush();
  const why = method === "discard" ? " (the disk has no discard)" : "";
  return { way: "zero", sanitization: "clear", detail: `zeros written to every sector${why}` };
}

/** False when the disk has no discard: nothing was done then. */
async function discard({ disk, size, step }: WipePorts): Promise<boolean> {
  for (const { offset, length } of allPieces(size, emptiedBytes)) {
    if (!(await disk.discard(offset, length))) return false;
    step(length);
  }
  return true;
}

const noPromise =
  "the disk does not promise that what was discarded reads as zeros; --method zero is read back whole";

const lengthOf = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, { length }) => sum + length, 0);
