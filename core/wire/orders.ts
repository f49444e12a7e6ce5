/** The orders that give an agent work. */
import { type Static, Type } from "typebox";
import { CastAddress } from "./cast-address.ts";
import { DiskPolicy, TargetRule } from "./disk-policy.ts";
import { text } from "./fields.ts";
import { Grant } from "./grant.ts";
import { MeantDisk } from "./meant-disk.ts";
import { nullable } from "./nullable.ts";
import { GrowMode } from "./rooms.ts";
import { WipeMethod } from "./wipe.ts";
import { Work } from "./work.ts";

export const Afterwards = Type.Union([
  Type.Literal("stay"),
  Type.Literal("reboot"),
  Type.Literal("poweroff"),
  Type.Literal("boot-disk"),
]);
export type Afterwards = Static<typeof Afterwards>;

export const Personalise = Type.Union([Type.Literal("auto"), Type.Literal("none")]);
export type Personalise = Static<typeof Personalise>;

/** How long a session may wait for its PCs before it starts without them: a week, in seconds. */
export const startTimeoutLimit = 604_800;

/** No other disk is taken, whatever the order names; null: none is known yet. Absent from older servers. */
const meant = Type.Optional(nullable(MeantDisk));

export const RestoreOrder = Type.Object({
  type: Type.Literal("restore"),
  ...Work.properties,
  grant: Grant,
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
  meant,
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
  personal: nullable(Grant),
});
export type RestoreOrder = Static<typeof RestoreOrder>;

/** Sends the PC's own disk to the room: a live cast. */
export const CastOrder = Type.Object({
  type: Type.Literal("cast"),
  ...Work.properties,
  grant: Grant,
  /** What it will be called, for the screen. */
  image: text(),
  /** The disk to read, else null: the agent's policy chooses. */
  disk: nullable(text()),
  meant,
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
  ...Work.properties,
  grant: Grant,
  name: text(64),
  disk: nullable(text()),
  meant,
  policy: DiskPolicy,
  raw: Type.Boolean(),
});
export type CaptureOrder = Static<typeof CaptureOrder>;

export const WipeOrder = Type.Object({
  type: Type.Literal("wipe"),
  ...Work.properties,
  disk: nullable(text()),
  meant,
  rule: TargetRule,
  method: WipeMethod,
});
export type WipeOrder = Static<typeof WipeOrder>;
