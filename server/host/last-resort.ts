import type { Log } from "./log.ts";

/** An orderly end after an error that nobody foresaw takes no longer than this, in milliseconds. */
const endLimitMs = 10_000;
/** A service manager that restarts on failure takes it for one (`Restart=on-failure`). */
const failedStatus = 1;

export interface LastResort extends Disposable {
  /** Aborts at the first error outside of any handler: it is time to end in order. */
  readonly signal: AbortSignal;
}

/**
 * The one place for errors outside of any handler, unwatched promises too. After one of them nobody knows
 * what state the process is in: it is logged, and the process is to end in order; a second one, or an end
 * that takes too long, ends it at once.
 */
export function openLastResort(log: Log): LastResort {
  const over = new AbortController();
  const take = (err: Error, origin: string): void => {
    log.fatal(
      { err, origin },
      "an error that nobody foresaw: the server ends, to be started again",
    );
    if (over.signal.aborted) process.exit(failedStatus);
    setTimeout(() => process.exit(failedStatus), endLimitMs).unref();
    over.abort();
  };
  process.on("uncaughtException", take);
  return {
    signal: over.signal,
    [Symbol.dispose]: () => void process.off("uncaughtException", take),
  };
}
