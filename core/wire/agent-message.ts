/** All that an agent says to its server once its hello was taken; each is told apart by `type`. */
import { type Static, Type } from "typebox";
import type { Decoded } from "../errors.ts";
import { checkStepsLimit } from "./check.ts";
import { decodeControl } from "./control.ts";
import { count, text } from "./fields.ts";
import { GrantRequest } from "./grant.ts";
import { ImageName } from "./names.ts";
import { nullable } from "./nullable.ts";
import { SentRun } from "./sent-run.ts";
import { ShellEnded } from "./shell.ts";
import { Unlock } from "./trust.ts";
import { DiskView, PcState } from "./views.ts";
import { WipeMethod } from "./wipe.ts";
import { Counters, Report, Work } from "./work.ts";

/** Said every `aliveEvery` and at each change of state or report. */
export const Alive = Type.Object({
  type: Type.Literal("alive"),
  state: PcState,
  report: nullable(Report),
});
export type Alive = Static<typeof Alive>;

/**
 * The disk is chosen and the wants are known (a `wants` frame went before): count this PC in. Said
 * again after each reconnect while it receives.
 */
export const Ready = Type.Object({
  type: Type.Literal("ready"),
  ...Work.properties,
  disk: DiskView,
  counters: Counters,
});

export const Progress = Type.Object({
  type: Type.Literal("progress"),
  ...Work.properties,
  phase: Type.Union([
    Type.Literal("scanning"),
    Type.Literal("receiving"),
    Type.Literal("verifying"),
    /** Of table and file system, to the disk's end. */
    Type.Literal("growing"),
    /** Of the systems on it, which become this PC's own. */
    Type.Literal("personalising"),
    Type.Literal("capturing"),
    Type.Literal("sending"),
    Type.Literal("wiping"),
  ]),
  /** Of this phase, in bytes; `bytesTotal` is null until it is known. */
  bytesDone: count,
  bytesTotal: nullable(count),
  counters: nullable(Counters),
  /** As in `Counters`, of work that has none: a disk that is read into an image or a cast. */
  diskBusy: Type.Optional(nullable(Type.Number({ minimum: 0, maximum: 1 }))),
  /** The disk does not answer, in words; null or absent while it does. */
  trouble: Type.Optional(nullable(text(512))),
});

/** By which way the PC gets its chunks now; said when that changes, and after each `ready`. */
export const Delivery = Type.Object({
  type: Type.Literal("delivery"),
  ...Work.properties,
  way: Type.Union([Type.Literal("multicast"), Type.Literal("http")]),
  /** Why not by multicast, in words. */
  reason: nullable(text(512)),
});

/** What the sender of a live cast says of it, four times a second; numbers as in `CastSenderStats`. */
export const CastStats = Type.Object({
  type: Type.Literal("cast-stats"),
  ...Work.properties,
  stats: Type.Object({
    rateBps: Type.Number({ minimum: 0 }),
    bytesSent: count,
    parityBytes: count,
    repairBytes: count,
    passes: count,
    entriesOpen: count,
    framesIgnored: count,
    receivers: Type.Array(
      Type.Object({
        receiver: count,
        /** Why the others do not wait for it, in words; null: they do. */
        straggling: nullable(text(256)),
        /** What its figures show to make it slow, in words; null or absent: nothing. */
        slow: Type.Optional(nullable(text(256))),
        /** As in `room`. */
        sent: Type.Optional(nullable(SentRun)),
      }),
      { maxItems: 4096 },
    ),
  }),
});
export type CastStats = Static<typeof CastStats>;

/** What the person at the PC's menu wants the server to start, confirmed there. The server decides. */
export const Ask = Type.Object({
  type: Type.Literal("ask"),
  want: Type.Union([
    Type.Object({ action: Type.Literal("restore"), image: text(), disk: text() }),
    Type.Object({ action: Type.Literal("capture"), name: ImageName, disk: text() }),
    /** This PC's disk to all others of `room`, which is its own: the word that was typed. */
    Type.Object({
      action: Type.Literal("cast"),
      room: text(64),
      saveAs: nullable(ImageName),
      disk: text(),
    }),
    Type.Object({ action: Type.Literal("wipe"), method: WipeMethod, disk: text() }),
    Type.Object({ action: Type.Literal("stop"), session: text(64) }),
    /** The PC is about to restart: its network boot leads to its own disk. */
    Type.Object({ action: Type.Literal("boot-disk") }),
    /** Enter, in a seat walk. */
    Type.Object({ action: Type.Literal("take-seat") }),
    /** What waits for an operator is wanted no more. */
    Type.Object({ action: Type.Literal("withdraw") }),
  ]),
});

/** More lines, or longer ones, are left out. */
export const lookLines = 400;
export const lookColumns = 400;

/** The answer to `look`: the PC's screen as text, or the end of its log. */
export const Seen = Type.Object({
  type: Type.Literal("seen"),
  request: text(32),
  lines: Type.Array(text(lookColumns), { maxItems: lookLines }),
});

/** The answer to `listen-end`: what came of a check of the room's network. */
export const Heard = Type.Object({
  type: Type.Literal("heard"),
  request: text(32),
  /** Packets that came, by rate. */
  received: Type.Array(count, { maxItems: checkStepsLimit }),
  /** Packets that its own socket had no room for. */
  dropped: count,
  speedMbps: nullable(Type.Number()),
  duplex: nullable(Type.Union([Type.Literal("full"), Type.Literal("half")])),
  /** Damaged frames that its adapter counted meanwhile; null: it does not count. */
  errors: nullable(count),
  /** Why nothing could be heard, in words; null: it listened. */
  reason: nullable(text(512)),
});

export const AgentMessage = Type.Union([
  Alive,
  Ready,
  Progress,
  Delivery,
  CastStats,
  Ask,
  Unlock,
  GrantRequest,
  Seen,
  Heard,
  ShellEnded,
]);
export type AgentMessage = Static<typeof AgentMessage>;

/** Reads a text frame from an agent whose key is proven. All text in it is printable from here on (`core/units/printable.ts`). */
export const decodeAgentMessage = (frame: string): Decoded<AgentMessage> =>
  decodeControl(AgentMessage, frame);
