/** A disk that takes next to nothing keeps its whole session: for how long it is waited for, and in which words. */
import { millis } from "../units/units.ts";
import type { Counters } from "../wire/work.ts";
import type { LabTime } from "./kind.ts";

/** Bytes a second: at this rate 10 GB take three hours. The slowest disk that is worth waiting for writes ten times as fast. */
const slowBps = 1e6;
/** A fraction of the time: a disk that has work for less is not what is waited for. */
const busyDisk = 0.9;
/** From then on it is said. A disk that empties its cache is slow for seconds. */
const saidAfter = millis(30_000);
/** So long a disk is waited for that does not get faster. */
export const slowDiskLimit = millis(600_000);

/** Whether the disk has work all the time, and does little of it. */
export function isSlow(phase: string, counters: Counters | null): boolean {
  if (phase !== "receiving" || counters === null) return false;
  const { writeBps, bytesReceived, bytesWritten, diskBusy = null } = counters;
  if (writeBps === null || writeBps >= slowBps) return false;
  return diskBusy === null ? bytesReceived > bytesWritten : diskBusy >= busyDisk;
}

/** What is waited for, and until when; null: not for long enough to be said. */
export function slowDiskText(since: LabTime, now: LabTime, writeBps: number | null): string | null {
  if (now - since < saidAfter) return null;
  const minutes = Math.max(1, Math.ceil((slowDiskLimit - (now - since)) / 60_000));
  return `waits for its disk, which takes ${Math.round((writeBps ?? 0) / 1000)} KB/s: it is given up in ${minutes} min unless the disk takes more than ${slowBps / 1e6} MB/s`;
}

/** Why it was given up. */
export const slowDiskCause = `its disk took less than ${slowBps / 1e6} MB/s for ${slowDiskLimit / 60_000} min: check its cable and health, or replace it`;
