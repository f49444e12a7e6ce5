/** Doing a thing again while what it needs is away: storage, database, or what lies between. */
import { RoomcastError } from "../../core/errors.ts";

/** The pause between two tries, in milliseconds: it doubles. */
const pauseFirst = 500;
const pauseMost = 30_000;

/** Time, as far as the campus needs it. */
export interface CampusTime {
  /** Wall-clock time in milliseconds since 1970. */
  now(): number;
  /** Resolves after so many milliseconds, or at once when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const isAway = (error: unknown): error is RoomcastError =>
  error instanceof RoomcastError && error.code === "away";

/**
 * What fails without being away, as a database whose disk is full, may be mended as well: for what must not be given up,
 * and for what can be done without it.
 */
export const mayBeMended = (error: unknown): error is RoomcastError =>
  error instanceof RoomcastError && ["away", "no-space", "failed"].includes(error.code);

/** What was to be read is lost or damaged. */
export const isDamage = (error: unknown): boolean =>
  error instanceof RoomcastError && (error.code === "not-found" || error.code === "bad-input");

export interface PatientWork<T> {
  readonly time: CampusTime;
  readonly signal: AbortSignal;
  work(): Promise<T>;
  /** What it waits for the end of; by default what is away. */
  isPassing?(error: unknown): error is RoomcastError;
  /** Why it waits, in words; null: not any more. */
  waits(reason: string | null): void;
}

/** Repeats `work` while it rejects with what passes. Rejects with its first other error, or with the reason of the signal. */
export async function patiently<T>(patient: PatientWork<T>): Promise<T> {
  const { time, signal, work, waits, isPassing = isAway } = patient;
  let isWaiting = false;
  try {
    for (let pause = pauseFirst; ; pause = Math.min(pause * 2, pauseMost)) {
      signal.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        signal.throwIfAborted();
        if (!isPassing(error)) throw error;
        isWaiting = true;
        waits(error.message);
      }
      await time.sleep(pause, signal);
    }
  } finally {
    if (isWaiting) waits(null);
  }
}
