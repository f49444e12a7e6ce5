import { type Millis, millis } from "../units/units.ts";
import { bitmapBytes } from "./bits.ts";
import type { ReceiverId } from "./handles.ts";

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
  /** What has come to it lately, in packets a millisecond; null until that is known. */
  packetsPerMs: number | null;
  /** Its packets, and when, at the start of the present measurement of that. */
  measured: { readonly packets: number; readonly at: Millis };
  /** For how long, of late, it has lost far more than the others. */
  outlierFor: number;
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
  packetsPerMs: null,
  measured: { packets: 0, at: now },
  outlierFor: 0,
  demotedAt: now,
  demotions: 0,
});

/** What comes to a member is counted over so long. */
const measureFor = millis(250);

/** Notes what has come to the member, after its report. */
export function measure(member: Member, now: Millis): void {
  const { packets, measured } = member;
  const elapsed = now - measured.at;
  if (elapsed < measureFor) return;
  // Fewer than before: it was started anew, or hears another sender.
  if (packets >= measured.packets && measured.packets > 0)
    member.packetsPerMs = (packets - measured.packets) / elapsed;
  member.measured = { packets, at: now };
}

/** Entries that may be begun for it: its free slots less what is on its way to take one. */
export const creditOf = (member: Member): number => member.freeSlots - member.begun.length;
