/**
 * What has gone out without a pause, as the sender itself has sent it: who heard nothing of that does not hear the
 * sender. What it meant to send, and had no processor for, is nobody's fault but its own.
 */
import { type Millis, millis } from "../units/units.ts";

/** Packets further apart are of two runs. A sender with receivers says something every 200 ms. */
const pauseMost = millis(500);
/** The run is remembered by a packet in each of these. */
const markEvery = millis(100);
/** Older marks are forgotten; nobody asks for more. */
const rememberFor = millis(2000);

interface Mark {
  readonly sequence: number;
  readonly at: Millis;
}

export class SentRuns {
  private marks: Mark[] = [];
  private last: Mark | null = null;

  /** The packet with this sequence goes out. */
  note(sequence: number, now: Millis): void {
    const { last } = this;
    if (last !== null && now - last.at > pauseMost) this.marks = [];
    this.last = { sequence, at: now };
    const newest = this.marks.at(-1);
    if (newest !== undefined && now - newest.at < markEvery) return;
    this.marks.push(this.last);
    while ((this.marks[1]?.at ?? now) < now - rememberFor) this.marks.shift();
  }

  /** The packets are numbered anew. */
  clear(): void {
    this.marks = [];
    this.last = null;
  }

  /**
   * The sequence from which on packets have gone out for `ms` or longer without a pause, the last of such; null:
   * they have not. It stays true whatever the sender does from then on.
   */
  from(ms: Millis): number | null {
    const { last } = this;
    if (last === null) return null;
    return this.marks.findLast(({ at }) => last.at - at >= ms)?.sequence ?? null;
  }
}
