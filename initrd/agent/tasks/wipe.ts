import { randomInt } from "node:crypto";
import type { TaskProgress } from "../../../core/agent/state.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { diskIdentity } from "../../../core/screen/disk.ts";
import { chooseTarget } from "../../../core/session/target.ts";
import type { End, WipeOrder } from "../../../core/wire/control.ts";
import type { DiskView } from "../../../core/wire/views.ts";
import type { WipeRecord } from "../../../core/wire/wipe.ts";
import { openDisk } from "../../../imaging/disk/disk.ts";
import { closedUnlessHung, DiskFaults } from "../../../imaging/restore/disk-faults.ts";
import {
  allPieces,
  type Piece,
  requireZeros,
  samplePieces,
  unverifiable,
} from "../../../imaging/wipe/read-back.ts";
import { doneEnd, endOf, stoppedError, type Task, type TaskPorts } from "./task.ts";

/** What is emptied in one call: some seconds of an old disk, so that progress is seen and a stop obeyed. */
const pieceBytes = 256 * 1024 * 1024;
/** What makes a disk bootable. */
const edgeBytes = 1024 * 1024;

/** Empties the disk that is named, or the one that a restore would take, and reads it back. */
export function startWipe(order: WipeOrder, ports: TaskPorts): Task {
  let disk: DiskView | null = null;
  let faults: DiskFaults | null = null;
  let at: Pick<TaskProgress, "phase" | "bytesDone" | "bytesTotal"> | null = null;
  const stop = new AbortController();
  const begin = (phase: "wiping" | "verifying", bytesTotal: number): void => {
    at = { phase, bytesDone: 0, bytesTotal };
  };
  const step = (length: number): void => {
    if (at !== null) at = { ...at, bytesDone: at.bytesDone + length };
    if (stop.signal.aborted) throw stoppedError(String(stop.signal.reason));
  };

  const run = async (): Promise<End> => {
    const choice = chooseTarget(ports.candidates(), order.disk, null, order.rule);
    if (choice.kind === "refused") {
      throw new RoomcastError("refused", choice.reason, choice.next);
    }
    const taken = choice.disk;
    disk = taken;
    const open = await openDisk(taken.path, { write: true });
    const guarded = new DiskFaults({
      disk: open,
      diskName: `${taken.path}, ${diskIdentity(taken)}`,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    });
    faults = guarded;
    await using _ = closedUnlessHung(open, () => guarded.isHung);
    ports.log(`wiping ${diskIdentity(taken)} (${order.method})`);
    const { size } = open;
    begin("wiping", size);
    const done = await empty(guarded, { size, method: order.method, step });
    const sample = done.way === "discard" ? samplePieces(size, randomInt) : null;
    begin("verifying", sample === null ? size : lengthOf(sample));
    const wiped = { size, reads: (from: number, into: Uint8Array) => guarded.reads(from, into) };
    // What a disk that promises nothing reads as now, it may not read as tomorrow.
    const readBack =
      sample !== null && !promisesZeros(taken)
        ? unverifiable(size)
        : await requireZeros(wiped, sample ?? allPieces(size), step);
    ports.log(`${done.detail}; ${readBack.detail}`);
    return { ...doneEnd, wipe: { ...done, readBack, disk: taken } };
  };

  return {
    get trouble() {
      return faults?.trouble ?? null;
    },
    get disk() {
      return disk;
    },
    progress: () =>
      at === null ? null : { ...at, counters: null, trouble: faults?.trouble ?? null },
    stop: (reason) => stop.abort(reason),
    ended: run().catch((error: unknown) => endOf(error, null)),
  };
}

type Done = Omit<WipeRecord, "readBack">;

interface Emptying {
  readonly size: number;
  readonly method: WipeOrder["method"];
  /** Hears of what is done, and throws when the work is to be stopped. */
  step(length: number): void;
}

async function empty(disk: DiskFaults, { size, method, step }: Emptying): Promise<Done> {
  const edge = Math.min(edgeBytes, size);
  const zeroEdges = async (): Promise<void> => {
    await disk.zero(0, edge);
    await disk.zero(size - edge, edge);
  };
  // A wipe that is cut off leaves nothing that starts.
  await zeroEdges();
  const isDiscarded = method === "discard" && (await discard(disk, size, step));
  if (isDiscarded) {
    // What is discarded may read as what it was.
    await zeroEdges();
    await disk.flush();
    const detail =
      "discarded (TRIM); the disk may still hold data that it does not show: neither clear nor purge";
    return { way: "discard", sanitization: null, detail };
  }
  for (const { offset, length } of allPieces(size, pieceBytes)) {
    await disk.zero(offset, length);
    step(length);
  }
  await disk.flush();
  const why = method === "discard" ? " (the disk has no discard)" : "";
  return { way: "zero", sanitization: "clear", detail: `zeros written to every sector${why}` };
}

/** False when the disk has no discard: nothing was done then. */
async function discard(
  disk: DiskFaults,
  size: number,
  step: (length: number) => void,
): Promise<boolean> {
  for (const { offset, length } of allPieces(size, pieceBytes)) {
    if (!(await disk.discard(offset, length))) return false;
    step(length);
  }
  return true;
}

const lengthOf = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, { length }) => sum + length, 0);

/** A hole of a file reads as zeros. */
const promisesZeros = ({ transport }: DiskView): boolean => transport === "file";
