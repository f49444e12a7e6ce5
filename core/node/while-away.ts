import { setTimeout as sleep } from "node:timers/promises";
import { RoomcastError } from "../errors.ts";

/** A server that is upgraded, or whose host is started anew with a test of its memory, is back within this many milliseconds. */
const awayLimit = 600_000;
/** The pause between two tries, in milliseconds: it doubles. */
const pauseFirst = 500;
const pauseMost = 4000;

/** The pause before a commit that waits is asked after again, in milliseconds. */
const commitPause = 2000;

/**
 * Asks after a commit again for as long as it rejects with `away`: a server of a campus waits with it for the campus's
 * database, and says itself when it gives up. Rejects with its last error, or with the reason of `signal`.
 */
export async function whileItWaits<T>(
  signal: AbortSignal,
  ask: () => Promise<T>,
  pause = commitPause,
): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RoomcastError) || error.code !== "away") throw error;
    }
    await sleep(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/**
 * Asks a server again while it is away: `ask` is repeated for ten minutes while it rejects with
 * `unreachable`. Rejects with its last error, or with the reason of `signal`.
 */
export async function whileAway<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + awayLimit;
  for (let pause = pauseFirst; ; pause = Math.min(pause * 2, pauseMost)) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      signal.throwIfAborted();
      const isAway = error instanceof RoomcastError && error.code === "unreachable";
      if (!isAway || performance.now() > giveUpAt) throw error;
    }
    await sleep(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
