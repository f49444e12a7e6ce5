/**
 * A disk that does next to nothing keeps its whole session, and so does a step that has no end: for how long each is waited
 * for, and in which words. A disk is judged by the bytes that it has read and written, and only while its PC finds it at
 * work: a PC that waits for packets, or for others, has a disk that is idle.
 */
import { type Millis, millis } from "../units/units.ts";
import type { Counters } from "../wire/work.ts";

/** Bytes a second: at this rate 10 GB take three hours. The slowest disk that is worth waiting for does ten times as much. */
const slowBps = 1e6;
/** A fraction of the time: a disk that has work for less is not what is waited for. */
const busyDisk = 0.9;
/** From then on it is said. A disk that empties its cache is slow for seconds. */
const saidAfter = millis(30_000);
/** So long a disk is waited for that does no more than that on the whole. */
export const slowDiskLimit = millis(600_000);
/** Between two totals that are kept: 61 of them are ten minutes. */
const keptEvery = millis(10_000);

/** What a PC does with its disk and counts no bytes of. */
const steps = {
  mapping: {
    still: (min: number) => `is still mapping its disk after ${min} min`,
    took: (min: number) => `mapping its disk took more than ${min} min`,
    next: "check the disk's health",
  },
  fitting: {
    still: (min: number) => `is still fitting its disk after ${min} min`,
    took: (min: number) => `fitting its disk took more than ${min} min`,
    next: "check the disk's health, or let the room's PCs not grow (`roomcast room set ROOM --grow none`)",
  },
  personalising: {
    still: (min: number) => `is still personalising its disk after ${min} min`,
    took: (min: number) => `personalising its disk took more than ${min} min`,
    next: "check the disk's health, or restore with `--personalise none`",
  },
} as const;
type Step = keyof typeof steps;
/** From then on it is said; the slowest that were measured take two minutes. */
const stepSaidAfter = millis(300_000);
/** The sixteen scripts that an image may have take up to 80 minutes, the tools up to 15 each. */
export const stepLimit = millis(7_200_000);

/** Why a PC is waited for no longer. */
export type Overdue =
  /** Its disk did next to nothing for too long. */
  { readonly code: "slow-disk" } | { readonly code: "slow-step"; readonly step: Step };

/** What a PC says of its work: as in `progress`. */
export interface WorkFigures {
  readonly phase: string;
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  readonly counters: Counters | null;
  /** The fraction of the time, lately, in which the disk had something to do; null: not known. */
  readonly diskBusy: number | null;
}

/** Totals since the work began. */
interface Total {
  readonly at: Millis;
  readonly bytes: number;
  readonly busyMs: number;
}

/** Watches the work of one PC, by what it says about once a second. */
export class SlowWork {
  /** What is waited for, in words; null: nothing, or not for long enough to be said. */
  text: string | null = null;
  overdue: Overdue | null = null;
  private work: string | null = null;
  private since: Millis = millis(0);
  private totals: Total[] = [];
  private newest: Total | null = null;

  note(figures: WorkFigures, now: Millis): void {
    const step = stepOf(figures);
    const work = step ?? (figures.phase === "verifying" ? "receiving" : figures.phase);
    if (work !== this.work) {
      this.reset();
      this.work = work;
      this.since = now;
    }
    if (step === null) this.noteDisk(figures, now);
    else this.noteStep(step, now);
  }

  /** What it said before is of no account: it begins anew, or was not heard for a while. */
  reset(): void {
    this.text = null;
    this.overdue = null;
    this.work = null;
    this.totals = [];
    this.newest = null;
  }

  private noteStep(step: Step, now: Millis): void {
    const elapsed = now - this.since;
    if (elapsed < stepSaidAfter) return;
    this.text = `${steps[step].still(minutes(elapsed))}: it is given up after ${minutes(stepLimit)} min`;
    if (elapsed >= stepLimit) this.overdue = { code: "slow-step", step };
  }

  private noteDisk(figures: WorkFigures, now: Millis): void {
    const before = this.newest;
    const busyMs = before === null ? 0 : before.busyMs + (now - before.at) * busyOf(figures);
    const newest: Total = { at: now, bytes: bytesOf(figures), busyMs };
    this.newest = newest;
    const { totals } = this;
    const last = totals.at(-1);
    if (last === undefined || now - last.at >= keptEvery) totals.push(newest);
    // One that is as old as the limit, and none before it.
    while (now - (totals[1]?.at ?? now) >= slowDiskLimit) totals.shift();
    const isSlowSince = ({ at, bytes, busyMs }: Total): boolean =>
      (newest.bytes - bytes) * 1000 < slowBps * (now - at) &&
      newest.busyMs - busyMs >= busyDisk * (now - at);
    const lately = totals.findLast(({ at }) => now - at >= saidAfter);
    const first = totals.find(isSlowSince);
    if (lately === undefined || first === undefined || !isSlowSince(lately)) {
      this.text = null;
      this.overdue = null;
      return;
    }
    const kbps = Math.round(Math.max(0, newest.bytes - lately.bytes) / (now - lately.at));
    const left = slowDiskLimit - (now - first.at);
    this.text = `waits for its disk, which does ${kbps} KB/s: it is given up in ${Math.max(1, Math.ceil(left / 60_000))} min unless the disk does more than ${slowBps / 1e6} MB/s`;
    this.overdue = left > 0 ? null : { code: "slow-disk" };
  }
}

/** Why it was given up. */
export function overdueText(overdue: Overdue): string {
  if (overdue.code === "slow-disk")
    return `its disk did less than ${slowBps / 1e6} MB/s for ${minutes(slowDiskLimit)} min: check its cable and health, or replace it`;
  const { took, next } = steps[overdue.step];
  return `${took(minutes(stepLimit))}: ${next}`;
}

const minutes = (ms: number): number => Math.floor(ms / 60_000);

function stepOf({ phase, bytesTotal }: WorkFigures): Step | null {
  if (phase === "growing") return "fitting";
  if (phase === "personalising") return phase;
  const reads = phase === "capturing" || phase === "sending";
  return reads && bytesTotal === null ? "mapping" : null;
}

/** What the disk has read and written; what is received is read back meanwhile. */
const bytesOf = ({ phase, bytesDone, counters }: WorkFigures): number =>
  counters === null || phase === "scanning"
    ? bytesDone
    : counters.bytesWritten + counters.bytesVerified;

/** An older agent does not say: what has come and is not written shows it. */
function busyOf({ phase, counters, diskBusy }: WorkFigures): number {
  if (diskBusy !== null) return diskBusy;
  if (phase !== "receiving" || counters === null) return 0;
  return counters.bytesReceived > counters.bytesWritten ? 1 : 0;
}
