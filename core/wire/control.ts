/**
 * What an agent and its server say to each other over the WebSocket `/gate/v2/link` once the login of
 * `login.ts` is over: one JSON object a text frame, told apart by `type`; and binary frames for the
 * cast (`bulkKind`).
 * Either side closes the connection when it has heard nothing for `silenceLimit`.
 */
import { type Static, Type } from "typebox";
import type { Decoded } from "../errors.ts";
import { isPlain, printableIn } from "../units/printable.ts";
import { millis } from "../units/units.ts";
import { base64Of } from "./base64.ts";
import { checkStepsLimit } from "./check.ts";
import { DiskPolicy, TargetRule } from "./disk-policy.ts";
import { Language } from "./language.ts";
import { Challenge, LinkLevel, PairingCode } from "./login.ts";
import { fitted } from "./misfit.ts";
import { ImageName } from "./names.ts";
import { nullable } from "./nullable.ts";
import { GrowMode } from "./rooms.ts";
import { ShellEnded, ShellOrder } from "./shell.ts";
import { MenuState, Unlock, Waiting } from "./trust.ts";
import { DiskView, ImageView, PcState, StepView } from "./views.ts";
import { WipeMethod, WipeProof } from "./wipe.ts";

/** Each side says something at least this often. */
export const aliveEvery = millis(1000);
/** Nine missed signs of life: the other side is gone. A PC that is busy to the last core may miss five. */
export const silenceLimit = millis(10_000);
/** A longer text frame is refused: the largest is `hello` of a PC with dozens of disks. */
export const controlFrameLimit = 256 * 1024;

const text = (maxLength = 256) => Type.String({ maxLength });
/** Addresses are put into advice that a person may copy into a shell. */
const mac = Type.String({
  pattern: "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$",
  description: "a MAC address, as in 52:54:00:00:00:01",
});
const ip = Type.String({
  pattern: "^(\\d{1,3}(\\.\\d{1,3}){3}|[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f.]{0,15}){2,8})$",
  description: "an IP address",
});
const count = Type.Integer({ minimum: 0 });

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

/**
 * Which work an order is for, and which try at it: in every order, and in every word about it. A word
 * of another attempt than the one that is wanted now is late, and is left.
 */
const work = {
  /** The session's id. */
  session: text(64),
  /** Counts up with each order of the session to this PC that begins anew. */
  attempt: Type.Integer({ minimum: 1, maximum: 0xffff_ffff }),
};
export const Work = Type.Object(work);
export type Work = Static<typeof Work>;

/** Goes with each request over HTTP that the order leads to: `authorization: Bearer GRANT`. */
const grant = text(512);

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
  ...work,
  phase: Type.Union([Type.Literal("working"), Type.Literal("stopping"), Type.Literal("done")]),
  /** Only of what is done. */
  end: nullable(End),
});
export type Report = Static<typeof Report>;

export const Hello = Type.Object({
  type: Type.Literal("hello"),
  agentVersion: text(),
  /** Random for each start of an agent: tells a reconnect from a reboot. */
  instance: text(64),
  /** The name asked for with `--name`; the server's own name for the PC wins. */
  name: nullable(text(64)),
  identity: Type.Object({
    uuid: nullable(text(64)),
    serials: Type.Array(text(), { maxItems: 8 }),
    macs: Type.Array(mac, { maxItems: 64 }),
    /** As SMBIOS names them, for drivers; an older agent says nothing of them. */
    vendor: Type.Optional(nullable(text())),
    model: Type.Optional(nullable(text())),
  }),
  /** The MAC the PC booted from, else of the interface that reaches the server. */
  mac,
  ip: nullable(ip),
  firmware: nullable(Type.Union([Type.Literal("bios"), Type.Literal("uefi")])),
  secureBoot: nullable(Type.Boolean()),
  nic: Type.Object({ driver: nullable(text()), speedMbps: nullable(Type.Number()) }),
  disks: Type.Array(DiskView, { maxItems: 128 }),
  memoryBytes: nullable(count),
  state: PcState,
  /** What the agent is at, after a reconnect; null: nothing. */
  report: nullable(Report),
});
export type Hello = Static<typeof Hello>;

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
  ...work,
  disk: DiskView,
  counters: Counters,
});

export const Progress = Type.Object({
  type: Type.Literal("progress"),
  ...work,
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
  /** The disk does not answer, in words; null or absent while it does. */
  trouble: Type.Optional(nullable(text(512))),
});

/** By which way the PC gets its chunks now; said when that changes, and after each `ready`. */
export const Delivery = Type.Object({
  type: Type.Literal("delivery"),
  ...work,
  way: Type.Union([Type.Literal("multicast"), Type.Literal("http")]),
  /** Why not by multicast, in words. */
  reason: nullable(text(512)),
});

/**
 * Packets of a cast that went out one after another without a pause, from this sequence of this generation on: who
 * has listened all the while and heard none of them does not hear the sender.
 */
export const SentRun = Type.Object({
  generation: Type.Integer({ minimum: 0, maximum: 0xffff }),
  from: Type.Integer({ minimum: 0, maximum: 0xffff_ffff }),
});
export type SentRun = Static<typeof SentRun>;

/** What the sender of a live cast says of it, four times a second; numbers as in `CastSenderStats`. */
export const CastStats = Type.Object({
  type: Type.Literal("cast-stats"),
  ...work,
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

/** What a person looks at on the PC's screen: the images, the disks of its room, the network check. */
const view = Type.Union([Type.Literal("list"), Type.Literal("targets"), Type.Literal("check")]);

/** The PC asks for what is no part of an order; answered by `grant`. */
export const GrantRequest = Type.Object({ type: Type.Literal("grant-request"), view });

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

const place = {
  /** Random for each session: packets that carry another are not ours. */
  tag: Type.Integer({ minimum: 0, maximum: 0xffff_ffff }),
  group: text(15),
  port: Type.Integer({ minimum: 1, maximum: 65535 }),
};
export const CastPlace = Type.Object(place);
export type CastPlace = Static<typeof CastPlace>;

/** What a cast is kept from strangers with, in base64; never written down. */
export const CastKeys = Type.Object({
  /** 32 bytes: chunks are encrypted with it. */
  chunk: base64Of(32),
  /** 8 bytes: packets are sealed with it. */
  packet: base64Of(8),
});
export type CastKeys = Static<typeof CastKeys>;

/** The keys of an order that comes again, for work that is under way, take the place of those before. */
export const CastAddress = Type.Object({ ...place, keys: CastKeys });
export type CastAddress = Static<typeof CastAddress>;

export const Afterwards = Type.Union([
  Type.Literal("stay"),
  Type.Literal("reboot"),
  Type.Literal("poweroff"),
  Type.Literal("boot-disk"),
]);
export type Afterwards = Static<typeof Afterwards>;

export const Personalise = Type.Union([Type.Literal("auto"), Type.Literal("none")]);
export type Personalise = Static<typeof Personalise>;

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

export const RestoreOrder = Type.Object({
  type: Type.Literal("restore"),
  ...work,
  grant,
  /** The image's id, for `/gate/v2/images/ID/…`. */
  imageId: text(64),
  /** NAME@VERSION, for the screen. */
  image: text(),
  cast: CastAddress,
  verify: Type.Union([Type.Literal("written"), Type.Literal("read-back")]),
  /** What to do once verified. */
  afterwards: Afterwards,
  /** A disk that the operator named, else null: the rule's policy chooses. */
  disk: nullable(text()),
  rule: TargetRule,
  /** Which partition, with its file system, takes the room of a larger disk. */
  grow: GrowMode,
  /** Hash the disk first and want only what differs (`--delta`, and whoever comes back). */
  scan: Type.Boolean(),
  /**
   * The image is read while it is cast: its plan is at `/gate/v2/casts/SESSION/plan`, its entries come
   * in `entries` frames after this order, and its chunks are at `/gate/v2/casts/SESSION/chunks/ENTRY`.
   * `delta`: with `scan`, all entries are waited for and looked for on the disk before it is `ready`.
   */
  live: Type.Union([Type.Literal("no"), Type.Literal("yes"), Type.Literal("delta")]),
  /** The grant for `/gate/v2/personal/SESSION`, what this PC alone is given; null: the disk stays as cast. */
  personal: nullable(grant),
});
export type RestoreOrder = Static<typeof RestoreOrder>;

/** Sends the PC's own disk to the room: a live cast. */
export const CastOrder = Type.Object({
  type: Type.Literal("cast"),
  ...work,
  grant,
  /** What it will be called, for the screen. */
  image: text(),
  /** The disk to read, else null: the agent's policy chooses. */
  disk: nullable(text()),
  raw: Type.Boolean(),
  cast: CastAddress,
  /** The operator's cap, in bits a second. */
  rateLimitBps: nullable(Type.Number({ exclusiveMinimum: 0 })),
  /** The receivers look first what they have: little of what is read will be cast. */
  delta: Type.Boolean(),
});
export type CastOrder = Static<typeof CastOrder>;

export const CaptureOrder = Type.Object({
  type: Type.Literal("capture"),
  ...work,
  grant,
  name: text(64),
  disk: nullable(text()),
  policy: DiskPolicy,
  raw: Type.Boolean(),
});
export type CaptureOrder = Static<typeof CaptureOrder>;

export const WipeOrder = Type.Object({
  type: Type.Literal("wipe"),
  ...work,
  disk: nullable(text()),
  rule: TargetRule,
  method: WipeMethod,
});
export type WipeOrder = Static<typeof WipeOrder>;

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

/** The answer to `grant-request`: a grant for some minutes, or in words why there is none. */
export const GrantAnswer = Type.Object({
  type: Type.Literal("grant"),
  view,
  grant: nullable(grant),
  reason: nullable(text(512)),
});
export type GrantAnswer = Static<typeof GrantAnswer>;

export const ServerMessage = Type.Union([
  Challenge,
  Welcome,
  RestoreOrder,
  CaptureOrder,
  CastOrder,
  /** The sender of a live cast: the receivers have the entries before this one. */
  Type.Object({ type: Type.Literal("told"), ...work, entryCount: count }),
  /** The same: everyone has everything, the cast is over. */
  Type.Object({ type: Type.Literal("finish"), ...work }),
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
  Type.Object({ type: Type.Literal("cancel"), ...work, reason: text() }),
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

export const ImageList = Type.Array(ImageView);

/** A PC of a room, and in words the disk that a cast to the room would overwrite there. */
export const RoomTarget = Type.Object({ name: text(64), disk: text(1024) });
export type RoomTarget = Static<typeof RoomTarget>;
export const RoomTargets = Type.Array(RoomTarget, { maxItems: 10_000 });

/**
 * Binary frames: offset 0, u8, kind; offset 4, u32 LE, the cast's tag; offset 8, the payload.
 * `wants`: a bitmap over the image's index entries, bit `i & 7` of byte `i >> 3`, 1 = wanted. It
 * replaces what the server knew. `report`: what `core/cast` makes of its state (docs/protocol.md).
 * `shell`, both ways: what is typed and shown; the tag is the number of the shell.
 *
 * Of a live cast, the payload begins with a u32 LE. `entries`: the number of the first entry, then
 * index entries of 48 bytes; from the sender to the server, and on to the receivers. From the server
 * to the sender, beginning with a receiver's number: `join` (then its wants), `feedback` (then its
 * report), `leave`. `upload`: the number of an entry that the server wants over HTTP.
 */
export const bulkKind = {
  wants: 1,
  report: 2,
  shell: 3,
  entries: 4,
  join: 5,
  feedback: 6,
  leave: 7,
  upload: 8,
} as const;
export const bulkHeaderBytes = 8;

export interface BulkFrame {
  readonly kind: number;
  readonly tag: number;
  readonly payload: Uint8Array;
}

export function encodeBulk(kind: number, tag: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(bulkHeaderBytes + payload.length);
  frame[0] = kind;
  for (let index = 0; index < 4; index++) frame[4 + index] = (tag >>> (8 * index)) & 0xff;
  frame.set(payload, bulkHeaderBytes);
  return frame;
}

export function decodeBulk(frame: Uint8Array): Decoded<BulkFrame> {
  if (frame.length < bulkHeaderBytes) return { ok: false, reason: "truncated" };
  const kind = frame[0] as number;
  if (kind < bulkKind.wants || kind > bulkKind.upload)
    return { ok: false, reason: `unknown kind ${kind}` };
  let tag = 0;
  for (let index = 3; index >= 0; index--) tag = tag * 256 + (frame[4 + index] as number);
  return { ok: true, value: { kind, tag, payload: frame.subarray(bulkHeaderBytes) } };
}

/** The payload of a frame of a live cast. */
export function encodeNumbered(number: number, rest: Uint8Array): Uint8Array {
  const payload = new Uint8Array(4 + rest.length);
  for (let index = 0; index < 4; index++) payload[index] = (number >>> (8 * index)) & 0xff;
  payload.set(rest, 4);
  return payload;
}

export function decodeNumbered(
  payload: Uint8Array,
): Decoded<{ readonly number: number; readonly rest: Uint8Array }> {
  if (payload.length < 4) return { ok: false, reason: "truncated" };
  let number = 0;
  for (let index = 3; index >= 0; index--) number = number * 256 + (payload[index] as number);
  return { ok: true, value: { number, rest: payload.subarray(4) } };
}

function decode<T extends typeof AgentMessage | typeof ServerMessage>(
  schema: T,
  frame: string,
): Decoded<Static<T>> {
  if (frame.length > controlFrameLimit) return { ok: false, reason: "too long" };
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    return { ok: false, reason: "not JSON" };
  }
  // Most frames are plain, and a JSON escape makes of plain text what is not.
  if (!isPlain(frame) || frame.includes("\\")) value = printableIn(value);
  const type = (value as { type?: unknown } | null)?.type;
  // A building says thousands of them a second: each is held against the one schema that it names.
  const meant = schema.anyOf.filter(({ properties }) => properties.type.const === type);
  const [only, other] = meant;
  const part = only === undefined || other !== undefined ? schema : only;
  const fit = fitted(part, value, "the message") as Decoded<Static<T>>;
  return fit.ok || only === undefined ? fit : { ok: false, reason: `${type}: ${fit.reason}` };
}

/** Reads the hello in a proof; all text in it is printable from here on, too. */
export function decodeHello(text: string): Decoded<Hello> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, reason: "not JSON" };
  }
  return fitted(Hello, printableIn(value), "the hello");
}

/** Reads a text frame from an agent whose key is proven. All text in it is printable from here on (`core/units/printable.ts`). */
export const decodeAgentMessage = (frame: string): Decoded<AgentMessage> =>
  decode(AgentMessage, frame);
/** Reads a text frame from the server; as above. */
export const decodeServerMessage = (frame: string): Decoded<ServerMessage> =>
  decode(ServerMessage, frame);
