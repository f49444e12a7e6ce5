/** The work that an order gives an agent, and what the agent reports of it. */
import { type Static, Type } from "typebox";
import { count, text } from "./fields.ts";
import { nullable } from "./nullable.ts";
import { StepView } from "./views.ts";
import { WipeProof } from "./wipe.ts";

/**
 * Which work an order is for, and which try at it: in every order, and in every word about it. A word
 * of another attempt than the one that is wanted now is late, and is left.
 */
export const Work = Type.Object({
  /** The session's id. */
  session: text(64),
  /** Counts up with each order of the session to this PC that begins anew. */
  attempt: Type.Integer({ minimum: 1, maximum: 0xffff_ffff }),
});
export type Work = Static<typeof Work>;

/** Counters of a PC's part in a session; totals since this PC joined it. Bytes are raw disk bytes unless named otherwise. */
export const Counters = Type.Object({
  /** Raw bytes of all chunks the PC has to hold at the end. */
  bytesWanted: count,
  /** Raw bytes of chunks that arrived whole and matched their hash. */
  bytesReceived: count,
  bytesWritten: count,
  bytesVerified: count,
  chunksKept: count,
  chunksWritten: count,
  /** Packets that came in the sender's name and were not sealed with its key. */
  forgedPackets: count,
  /** Packets lost on the wire as a fraction of those sent to us; null before any came. */
  lossRatio: nullable(Type.Number({ minimum: 0, maximum: 1 })),
  /** Bytes a second that the disk takes, lately. */
  writeBps: nullable(Type.Number({ minimum: 0 })),
  /** The fraction of the time, lately, in which the disk had something to do; absent from an older agent. */
  diskBusy: Type.Optional(nullable(Type.Number({ minimum: 0, maximum: 1 }))),
});
export type Counters = Static<typeof Counters>;
/** What of them is counted where the cast is heard. */
export type HeardCounters = Pick<Counters, "lossRatio" | "forgedPackets">;

/** How a piece of work ended. `failed` carries the reason, and what to do next, in words. */
export const End = Type.Object({
  outcome: Type.Union([
    Type.Literal("verified"),
    Type.Literal("done"),
    Type.Literal("failed"),
    Type.Literal("refused"),
    Type.Literal("stopped"),
  ]),
  reason: nullable(text(1024)),
  next: nullable(text(1024)),
  rootHash: nullable(text(64)),
  counters: nullable(Counters),
  steps: Type.Optional(Type.Array(StepView, { maxItems: 256 })),
  /** Of a wipe that was done. */
  wipe: Type.Optional(WipeProof),
});
export type End = Static<typeof End>;

/**
 * What the agent is at; the server holds it against what it wants. An end is reported until the server
 * cancels that attempt, by which it says that it knows the end.
 */
export const Report = Type.Object({
  ...Work.properties,
  phase: Type.Union([Type.Literal("working"), Type.Literal("stopping"), Type.Literal("done")]),
  /** Only of what is done. */
  end: nullable(End),
});
export type Report = Static<typeof Report>;
