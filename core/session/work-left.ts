/**
 * How long one PC still takes until its disk is written and read back, as one number that people can plan by. What is
 * written is read back meanwhile, as far as the disk has time for it; what it had none for is read after the last write.
 */
import { chunkBytes, type Millis } from "../units/units.ts";
import type { Counters } from "../wire/work.ts";

/** A pace is a mean over about this long, in milliseconds: a disk's cache and a burst of loss are shorter. */
const paceMs = 10_000;
/** A total that grows in steps is measured from step to step, in milliseconds at most: 16 chunks are read back in one run. */
const stepMs = 5000;
/** A pace is one only after so long, in milliseconds. */
const knownAfterMs = 3000;
/** What has not grown for so long, in milliseconds, is measured anew once it does: who waits for others has no pace. */
const stillMs = 30_000;
/** The number nears a new estimate by at most this much for each second that passes, beside the second itself. */
const nearsBy = 2;
/** Milliseconds between two looks: between nearer ones nothing has happened. */
const lookEveryMs = 500;

/** What a PC says of its part in a session. */
export type WorkDone = Pick<
  Counters,
  "bytesWanted" | "bytesReceived" | "bytesWritten" | "chunksKept"
> & {
  /** Null: nothing is read back. */
  readonly bytesVerified: number | null;
  /** All is written but what makes the disk bootable: what is left is read back. */
  readonly isWritten: boolean;
};

export class WorkLeft {
  /** Null: it is not known. */
  seconds: number | null = null;
  private at: Millis | null = null;
  private paces = new Paces();
  private bytesWritten = 0;

  /** Looks at what it has done; several times a second are as good as one. */
  note(work: WorkDone, now: Millis): void {
    if (this.at !== null && now - this.at < lookEveryMs) return;
    const elapsedSeconds = this.at === null ? 0 : (now - this.at) / 1000;
    this.at = now;
    if (work.bytesWritten < this.bytesWritten) {
      // It began anew.
      this.paces = new Paces();
      this.seconds = null;
    }
    this.bytesWritten = work.bytesWritten;
    const { readingAlone } = this.paces;
    const wasKnown = readingAlone.isKnown;
    const estimate = this.paces.estimate(work, now);
    // How fast it only reads was a guess until now.
    if (this.seconds === null || estimate === null || (!wasKnown && readingAlone.isKnown)) {
      this.seconds = estimate;
      return;
    }
    const expected = this.seconds - elapsedSeconds;
    const most = nearsBy * elapsedSeconds;
    const nearer = expected + Math.min(most, Math.max(-most, estimate - expected));
    this.seconds = Math.max(0, nearer);
  }
}

/** How fast a PC does each kind of its work. */
class Paces {
  readonly writing = new Pace();
  /** Reading back while it writes, and once all is written. */
  readonly readingBeside = new Pace();
  readonly readingAlone = new Pace();

  /** Takes note of what was done, and answers the seconds that it still takes; null: not known. */
  estimate(work: WorkDone, now: Millis): number | null {
    const { writing, readingBeside, readingAlone } = this;
    const { bytesWanted, bytesReceived, bytesWritten, bytesVerified, isWritten } = work;
    const bytesKept = work.chunksKept * chunkBytes;
    const toVerify = bytesVerified === null ? 0 : Math.max(0, bytesWanted - bytesVerified);
    // What was there already was read before anything was written.
    const bytesReadBack = Math.max(0, (bytesVerified ?? 0) - bytesKept);
    if (isWritten) {
      readingAlone.note(bytesReadBack, now);
      return secondsAt(toVerify, readingAlone.isKnown ? readingAlone.bps : this.bothBps);
    }
    // Places that are empty in the image are written before the cast begins.
    if (bytesReceived === 0) return null;
    writing.note(bytesWritten, now);
    readingBeside.note(bytesReadBack, now);
    const toWrite = Math.max(0, bytesWanted - bytesWritten - bytesKept);
    const write = writing.isKnown ? secondsAt(toWrite, writing.bps) : null;
    if (write === null) return null;
    const verify = secondsAt(Math.max(0, toVerify - write * readingBeside.bps), this.bothBps);
    return verify === null ? null : write + verify;
  }

  /** Before it is known how fast the PC only reads, it is taken to do as much then as it writes and reads now. */
  private get bothBps(): number {
    return this.writing.bps + this.readingBeside.bps;
  }
}

/** Null: nothing moves, so there is no end to be seen. */
const secondsAt = (bytes: number, bps: number): number | null =>
  bytes === 0 ? 0 : bps === 0 ? null : bytes / bps;

/** How fast a total grows lately, measured from when it first grows. */
class Pace {
  /** Bytes a second. */
  bps = 0;
  private since: number | null = null;
  private at = 0;
  private grewAt = 0;
  private bytes = 0;

  get isKnown(): boolean {
    return this.since !== null && this.at - this.since >= knownAfterMs;
  }

  note(bytes: number, now: Millis): void {
    const isStill = bytes === this.bytes;
    if (this.since === null || (isStill && (this.bps === 0 || now - this.grewAt >= stillMs))) {
      this.since = now;
      this.bps = 0;
    } else {
      const elapsed = now - this.at;
      if (isStill && elapsed < stepMs) return;
      const rate = ((bytes - this.bytes) * 1000) / elapsed;
      this.bps += (rate - this.bps) * Math.min(1, elapsed / Math.min(paceMs, now - this.since));
    }
    if (!isStill) this.grewAt = now;
    this.at = now;
    this.bytes = bytes;
  }
}
