/** All that a server says to an agent; each is told apart by `type`. */
import { type Static, Type } from "typebox";
import type { Decoded } from "../errors.ts";
import { checkStepsLimit } from "./check.ts";
import { decodeControl } from "./control.ts";
import { count, text } from "./fields.ts";
import { GrantAnswer } from "./grant.ts";
import { Language } from "./language.ts";
import { Challenge, LinkLevel, PairingCode } from "./login.ts";
import { nullable } from "./nullable.ts";
import { CaptureOrder, CastOrder, RestoreOrder, WipeOrder } from "./orders.ts";
import { SentRun } from "./sent-run.ts";
import { ShellOrder } from "./shell.ts";
import { MenuState, Waiting } from "./trust.ts";
import { Work } from "./work.ts";

export const Welcome = Type.Object({
  type: Type.Literal("welcome"),
  serverVersion: text(),
  pc: text(64),
  name: text(64),
  room: text(64),
  time: text(40),
  /** What the PC may do. */
  level: LinkLevel,
  /** The six digits that the console shows for it; null once it is placed. */
  code: nullable(PairingCode),
});

/** Where the PC is and what its room allows: said after the welcome, and at each change. */
export const Placed = Type.Object({
  type: Type.Literal("placed"),
  name: text(64),
  room: text(64),
  seat: nullable(text(32)),
  /** The room lets operators open a shell here. */
  shell: Type.Boolean(),
  /** The seat walk is on for this PC: `ask` with `take-seat` takes seat `next` of `room`; null: none is left. */
  walk: nullable(Type.Object({ room: text(64), next: nullable(text(32)) })),
  /** What the PC may do. */
  level: LinkLevel,
  /** In which its screen is; absent from an older server: as it started. */
  language: Type.Optional(Language),
});
export type Placed = Static<typeof Placed>;

export const ServerMessage = Type.Union([
  Challenge,
  Welcome,
  RestoreOrder,
  CaptureOrder,
  CastOrder,
  /** The sender of a live cast: the receivers have the entries before this one. */
  Type.Object({ type: Type.Literal("told"), ...Work.properties, entryCount: count }),
  /** The same: everyone has everything, the cast is over. */
  Type.Object({ type: Type.Literal("finish"), ...Work.properties }),
  WipeOrder,
  Type.Object({
    type: Type.Literal("power"),
    action: Type.Union([
      Type.Literal("reboot"),
      Type.Literal("poweroff"),
      Type.Literal("boot-disk"),
    ]),
  }),
  /**
   * Nothing is wanted of the agent there: one that works stops, one that is done has been understood.
   */
  Type.Object({ type: Type.Literal("cancel"), ...Work.properties, reason: text() }),
  Type.Object({ type: Type.Literal("alive") }),
  GrantAnswer,
  /** An operator wants to see what is on the PC's screen, or its log: answered by `seen`. */
  Type.Object({
    type: Type.Literal("look"),
    request: text(32),
    at: Type.Union([Type.Literal("screen"), Type.Literal("log")]),
  }),
  /** A check of the room's network begins: bursts with the nonces from this one on, one a rate. */
  Type.Object({
    type: Type.Literal("listen"),
    request: text(32),
    port: Type.Integer({ minimum: 1024, maximum: 65535 }),
    nonce: Type.Integer({ minimum: 0, maximum: 0xffff_ffff }),
    steps: Type.Integer({ minimum: 1, maximum: checkStepsLimit }),
  }),
  /** All of them were sent: answered by `heard`. */
  Type.Object({ type: Type.Literal("listen-end"), request: text(32) }),
  /** All keys that the server may show from now on: `sha256:…` each. */
  Type.Object({
    type: Type.Literal("keys"),
    keys: Type.Array(text(64), { minItems: 1, maxItems: 2 }),
  }),
  /** An `ask` that could not be done, or a line for the person at the PC. */
  Type.Object({ type: Type.Literal("notice"), text: text(1024) }),
  /** How the room is doing, for the PC's own screen, about once a second. */
  Type.Object({
    type: Type.Literal("room"),
    session: text(64),
    room: Type.Object({
      members: count,
      verified: count,
      failed: count,
      /** 0…1 over all members. */
      progress: Type.Number({ minimum: 0, maximum: 1 }),
      rateBps: nullable(Type.Number()),
      secondsLeft: nullable(Type.Number()),
    }),
    /** What this PC must have heard of by now; null or absent: too little was sent to it for that. */
    sent: Type.Optional(nullable(SentRun)),
  }),
  Placed,
  MenuState,
  Waiting,
  ...ShellOrder.anyOf,
]);
export type ServerMessage = Static<typeof ServerMessage>;

/** Reads a text frame from the server. All text in it is printable from here on (`core/units/printable.ts`). */
export const decodeServerMessage = (frame: string): Decoded<ServerMessage> =>
  decodeControl(ServerMessage, frame);
