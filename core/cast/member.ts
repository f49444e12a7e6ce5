import { type Millis, millis } from "../units/units.ts";
import { bitmapBytes } from "./bits.ts";
import type { ReceiverId, ReceiverStanding } from "./ends.ts";
import { Measure } from "./measure.ts";
import { reasonOf, type StragglerCause } from "./reason.ts";
import { Wait } from "./wait.ts";

/** A receiver as the sender knows it. */
export interface Member {
  readonly id: ReceiverId;
  /** Entries that it wants and does not have in hand. */
  readonly wants: Uint8Array;
  wantCount: number;
  /** `catchUp`: the others do not wait for it; it is served when they want nothing more. */
  lane: "main" | "catchUp";
  /** It reports and hears the sender, and is in the main lane: its wants are served. */
  isServed: boolean;
  /** Number of its newest report; null before the first since it joined. */
  reportNumber: number | null;
  reportedAt: Millis;
  /** When the sequence that it has heard last went up. */
  heardAt: Millis;
  /** The highest sequence that its newest report reflects; −1: nothing heard of this sender. */
  sequence: number;
  freeSlots: number;
  slotCount: number;
  /** First sequences of the entries that were begun for it; those above `sequence` are yet to take a slot. */
  begun: number[];
  /** Entries that it has a part of: the symbols that it lacks. */
  assembling: Map<number, Uint16Array>;
  /** Packets received, and the sequence then, at the start of the present stretch. */
  stretchStart: { readonly packets: number; readonly sequence: number } | null;
  packets: number;
  readonly measure: Measure;
  readonly wait: Wait;
  /** Entries that it has in hand or on the disk, of those that it wanted. */
  finished: number;
  /** Why it was put aside; null once it has recovered. */
  cause: StragglerCause | null;
  /** For how long, of late, it has lost far more than the others. */
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
  heardAt: now,
  sequence: -1,
  freeSlots: 0,
  slotCount: 1,
  begun: [],
  assembling: new Map(),
  stretchStart: null,
  packets: 0,
  measure: new Measure(),
  wait: new Wait(),
  finished: 0,
  cause: null,
  straggledFor: 0,
  demotedAt: now,
  demotions: 0,
});

/** Whoever reports, but for so long has heard nothing new, is not reached by the multicast. */
export const deafAfter = millis(1500);
/** Who has not reported for so long is not served. */
export const silentAfter = millis(3000);

/** What it holds that its disk has yet to take. */
export const inHandCount = ({ slotCount, freeSlots, assembling }: Member): number =>
  slotCount - freeSlots - assembling.size;

/** Notes what has come to the member, after its report; `dropped`: by its socket, in all. */
export function measure(member: Member, dropped: number, now: Millis): void {
  const { sequence, packets, finished } = member;
  const written = finished - inHandCount(member);
  member.measure.note({ sequence, packets, dropped, written }, now);
}

export const isDeaf = ({ heardAt }: Member, now: Millis): boolean => now - heardAt >= deafAfter;

export function standingOf(member: Member, now: Millis): ReceiverStanding {
  const { id, lane, cause, sequence, reportedAt, wantCount } = member;
  const { figures } = member.measure;
  const hearing = (): ReceiverStanding["hearing"] => {
    if (now - reportedAt > silentAfter) return "silent";
    if (isDeaf(member, now)) return "deaf";
    return sequence < 0 ? "unknown" : "hears";
  };
  return {
    receiver: id,
    // Those who were put aside are a room of their own when the others have all.
    lane: cause === null ? lane : "catchUp",
    reason: cause === null || figures === null ? null : reasonOf(cause, figures),
    hearing: hearing(),
    lossRatio: figures?.lossRatio ?? null,
    entriesWanted: wantCount,
  };
}

/** Entries that may be begun for it: its free slots less what is on its way to take one. */
export const creditOf = (member: Member): number => member.freeSlots - member.begun.length;
