import { RoomcastError } from "../../core/errors.ts";
import {
  barText,
  byteRateText,
  durationText,
  percentText,
  sizeText,
} from "../../core/screen/format.ts";
import { printable } from "../../core/units/printable.ts";
import type { CliContext } from "./context.ts";

/** Milliseconds over which the rate is averaged. */
const rateWindowMs = 10_000;
/** Milliseconds between two updates of the terminal's line, or two lines of JSON. */
const showEveryMs = 200;

export interface ProgressLines extends Disposable {
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  /** In bytes. */
  readonly show: (done: number, total: number) => void;
  /** A line for people, on stderr. */
  readonly note: (text: string) => void;
  /** Another part of the work, whose progress follows. */
  readonly begin: (doing: string) => void;
  /** Clears the terminal's line. */
  end(): void;
}

/**
 * Shows the progress of long work: on a terminal a bar, the rate and the time left; with `--json` an
 * event per line; nothing when the output is a file, or with `--plain`. `next`: what to do after Ctrl-C.
 */
export function progressLines(
  context: CliContext,
  firstDoing: string,
  next = "start it again: nothing of it was kept",
): ProgressLines {
  let doing = firstDoing;
  const live = !context.json && !context.plain && process.stderr.isTTY;
  const stop = new AbortController();
  const interrupt = (): void => stop.abort(new RoomcastError("cancelled", "it was stopped", next));
  // `disconnect`: it was started by a server, which is gone.
  const ends = ["SIGINT", "SIGTERM", "SIGHUP", "disconnect"] as const;
  for (const each of ends) process.once(each, interrupt);
  const past: { at: number; done: number }[] = [{ at: performance.now(), done: 0 }];
  let shownAt = Number.NEGATIVE_INFINITY;
  const end = (): void => void (live && process.stderr.write("\r\x1b[K"));
  return {
    signal: stop.signal,
    begin(next) {
      doing = next;
      past.splice(0, past.length, { at: performance.now(), done: 0 });
      shownAt = Number.NEGATIVE_INFINITY;
    },
    show(done, total) {
      const at = performance.now();
      if (at - shownAt < showEveryMs || stop.signal.aborted) return;
      shownAt = at;
      past.push({ at, done });
      while (past.length > 2 && at - (past[0]?.at ?? at) > rateWindowMs) past.shift();
      const first = past[0] ?? { at, done };
      const rate = at > first.at ? ((done - first.done) * 1000) / (at - first.at) : 0;
      const secondsLeft = rate > 0 ? (total - done) / rate : null;
      context.document({ event: "progress", doing, done, total, rate, secondsLeft });
      if (!live) return;
      const line = printable(progressText({ doing, done, total, rate, secondsLeft }));
      process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    },
    note(text) {
      end();
      process.stderr.write(`roomcast: ${printable(text)}\n`);
    },
    end,
    [Symbol.dispose]() {
      for (const each of ends) process.off(each, interrupt);
      end();
    },
  };
}

/** `importing [####------]  43 %  1.2 GB of 2.8 GB  98.2 MB/s  16 s left` */
export function progressText(now: {
  readonly doing: string;
  readonly done: number;
  readonly total: number;
  readonly rate: number;
  readonly secondsLeft: number | null;
}): string {
  const fraction = now.total > 0 ? now.done / now.total : 0;
  const parts = [
    `${now.doing} ${barText(fraction, 16)} ${percentText(fraction).padStart(5)}`,
    `${sizeText(now.done)} of ${sizeText(now.total)}`,
    byteRateText(now.rate),
    ...(now.secondsLeft === null ? [] : [`${durationText(now.secondsLeft)} left`]),
  ];
  return parts.join("  ");
}
