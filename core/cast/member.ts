import { bitmapBytes } from "../units/bits.ts";
import { type Millis, millis } from "../units/units.ts";
import { CauseWatch, leastBehind } from "./causes.ts";
import type { ReceiverId, ReceiverStanding, StragglerReason } from "./ends.ts";
import { Measure } from "./measure.ts";
import type { SentRuns } from "./sent-runs.ts";
import { Wait } from "./wait.ts";

/** What a receiver has reported: packets received, the highest sequence, and when that came. */
export interface Heard {
  readonly packets: number;
  readonly sequence: number;
  readonly at: Millis;
}

/** A receiver as the sender knows it. */
export interface Member {
  readonly id: ReceiverId;
  /** Entries that it wants and does not have in hand. */
  readonly wants: Uint8Array;
  wantCount: number;
  /** `catchUp`: the others do not wait for it, and it is served when they want nothing more. */
  lane: "main" | "catchUp";
  /** Its wants are served: it reports, hears the sender, and is in the main lane. */
  isServed: boolean;
  /** Number of its newest report; null before the first since it joined. */
  reportNumber: number | null;
  reportedAt: Millis;
  /** The last sequence before its first report: it cannot have heard what was sent until then. */
  joinedAfter: number;
  /** The highest sequence that its newest report reflects; −1: nothing heard of this sender. */
  sequence: number;
  /** When a report last spoke of more than the one before it: something of this sender came. */
  heardAt: Millis;
  /** How long ago the newest packet that it has taken was sent, as of that report, in milliseconds; 0: not known. */
  ageMs: number;
  freeSlots: number;
  slotCount: number;
  /** First sequences of the entries that were begun for it. Those above `sequence` have yet to take a slot. */
  begun: number[];
  /** By entry of which it has a part: the symbols that it lacks. */
  assembling: Map<number, Uint16Array>;
  /** At the start of the present stretch. */
  stretchStart: Heard | null;
  packets: number;
  /** When it was counted in a stretch last; null: it has not been. */
  counted: Heard | null;
  /** What it has lost of the last stretches, a fraction each, the newest first; none since the rate went down. */
  losses: number[];
  readonly measure: Measure;
  readonly wait: Wait;
  /** How many of the wanted entries it has in hand or on the disk. */
  finished: number;
  /** It was moved to the catch-up lane, and has not recovered. */
  isStraggler: boolean;
  /** What its figures show. */
  readonly causes: CauseWatch;
  /** Milliseconds for which it has lost far more than the others, less those for which it has not. */
  straggledFor: number;
  demotedAt: Millis;
  demotions: number;
}

export const newMember = (id: ReceiverId, entryCount: number, now: Millis): Member => ({
  id,
  wants: new Uint8Array(bitmapBytes(entryCount)),
  wantCount: 0,
  lane: "main",
  isServed: false,
  reportNumber: null,
  reportedAt: now,
  joinedAfter: 0,
  sequence: -1,
  heardAt: millis(Number.NEGATIVE_INFINITY),
  ageMs: 0,
  freeSlots: 0,
  slotCount: 1,
  begun: [],
  assembling: new Map(),
  stretchStart: null,
  packets: 0,
  counted: null,
  losses: [],
  measure: new Measure(),
  wait: new Wait(),
  finished: 0,
  isStraggler: false,
  causes: new CauseWatch(),
  straggledFor: 0,
  demotedAt: now,
  demotions: 0,
});

/** Multicast does not reach a receiver that has heard nothing of what was sent for this long: seven sync packets. */
const deafAfter = millis(1500);
/** So long a run is told to a receiver, which knows better what has come to it by now: four sync packets. */
const toldRun = millis(800);
/** A receiver that has not reported for this long is not served: it may have died. */
export const silentAfter = millis(3000);

/** How many chunks it holds that its disk has yet to take. */
export const inHandCount = ({ slotCount, freeSlots, assembling }: Member): number =>
  slotCount - freeSlots - assembling.size;

/** Of a report: the total of its socket's drops, and how old the newest packet was that it took; 0: not known. */
export interface Taken {
  readonly dropped: number;
  readonly ageMs: number;
}

/** Counts what has come to the member, after its report. */
export function measure(member: Member, { dropped, ageMs }: Taken, now: Millis): void {
  const { sequence, packets, finished } = member;
  const inHand = inHandCount(member);
  const written = finished - inHand;
  const backlogRatio = inHand / member.slotCount;
  const isNew = member.measure.note(
    { sequence, packets, dropped, written, backlogRatio, ageMs },
    now,
  );
  if (isNew && member.measure.figures !== null) member.causes.note(member.measure.figures);
}

/** Figures may take so long to show a cause; then it is said that they do not. */
const unclearAfter = millis(5000);

function reasonOf(member: Member, now: Millis): StragglerReason | null {
  if (!member.isStraggler) return null;
  const isUnclear = now - member.demotedAt >= unclearAfter;
  return member.causes.reason ?? (isUnclear ? { cause: "unclear" } : null);
}

/** What was sent without a pause for so long, all of it since the receiver's first report; null: nothing was. */
function runFor({ joinedAfter, reportNumber }: Member, runs: SentRuns, ms: Millis): number | null {
  const from = runs.from(ms);
  return from === null || reportNumber === null || from <= joinedAfter ? null : from;
}

/**
 * It reports, and has heard nothing of what was sent to it for long enough. Who still takes older packets hears the
 * sender: they have waited in its socket's buffer for a processor.
 */
export function isDeaf(member: Member, runs: SentRuns, now: Millis): boolean {
  if (now - member.heardAt < deafAfter) return false;
  const from = runFor(member, runs, deafAfter);
  return from !== null && member.sequence < from;
}

/** What was sent waits in its socket: it will have taken more of it before it takes what is sent now. */
export const isBehind = ({ heardAt, ageMs }: Member, now: Millis): boolean =>
  ageMs >= leastBehind && now - heardAt < deafAfter;

/** What has been sent, and by which generation of the sender. */
export interface SentSoFar {
  readonly runs: SentRuns;
  readonly generation: number;
}

export function standingOf(
  member: Member,
  { runs, generation }: SentSoFar,
  now: Millis,
): ReceiverStanding {
  const { id, lane, isStraggler, sequence, reportedAt, wantCount } = member;
  const { figures } = member.measure;
  const hearing = (): ReceiverStanding["hearing"] => {
    if (now - reportedAt > silentAfter) return "silent";
    if (isDeaf(member, runs, now)) return "deaf";
    return sequence < 0 ? "unknown" : "hears";
  };
  const from = runFor(member, runs, toldRun);
  return {
    receiver: id,
    // Stragglers move to the main lane when the others have everything, and still are stragglers.
    lane: isStraggler ? "catchUp" : lane,
    reason: reasonOf(member, now),
    shown: member.causes.reason,
    hearing: hearing(),
    sent: from === null ? null : { generation, from: from >>> 0 },
    lossRatio: figures?.lossRatio ?? null,
    entriesWanted: wantCount,
  };
}

/** How many entries may be begun for it: its free slots less the entries on their way to take one. */
export const creditOf = (member: Member): number => member.freeSlots - member.begun.length;
