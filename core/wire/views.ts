/**
 * The JSON that programs outside read: PCs, images, sessions. Bytes, seconds (floats), ISO 8601 UTC;
 * what is unknown is `null`, never absent. One source for the API's validation and for the types.
 */
import { type Static, Type } from "typebox";
import { KeyKind, KeyState, LinkLevel, PairingCode } from "./login.ts";
import { nullable } from "./nullable.ts";

const literals = <const T extends readonly string[]>(...values: T) =>
  Type.Union(values.map((value) => Type.Literal(value))) as unknown as ReturnType<
    typeof Type.Unsafe<T[number]>
  >;

export const DiskView = Type.Object({
  path: Type.String({ maxLength: 256 }),
  size: Type.Integer({ minimum: 0 }),
  logicalSector: Type.Integer({ minimum: 1 }),
  model: nullable(Type.String({ maxLength: 256 })),
  serial: nullable(Type.String({ maxLength: 256 })),
  wwn: nullable(Type.String({ maxLength: 256 })),
  transport: nullable(Type.String({ maxLength: 32 })),
  rotational: nullable(Type.Boolean()),
  /** `passed`, `failed`, either with a reason behind it; null where the disk does not say. */
  health: nullable(Type.String({ maxLength: 256 })),
  /** Why only a task that names it takes it: `USB`, `SD card`, `removable`, `write-protected`; else null. */
  protection: nullable(Type.String({ maxLength: 32 })),
  /** It can erase itself (`pc wipe --method secure-erase`). Null or absent: it was not asked, or is of an older agent. */
  secureErase: Type.Optional(nullable(Type.Boolean())),
});
export type DiskView = Static<typeof DiskView>;

export const PcState = literals(
  "offline",
  "booting",
  "idle",
  "waiting",
  "receiving",
  "verifying",
  "personalising",
  "capturing",
  "sending",
  "wiping",
  "failed",
);
export type PcState = Static<typeof PcState>;

/** By which key a PC is known, and what an operator has made of it. */
export const IdentityView = Type.Object({
  kind: KeyKind,
  state: KeyState,
  /** The six digits on its screen, while it is connected and nobody has placed it. */
  code: nullable(PairingCode),
  /** What it may do; null while it is not connected. */
  level: nullable(LinkLevel),
});
export type IdentityView = Static<typeof IdentityView>;

/** The most fields of one PC. */
export const fieldsLimit = 64;

/** Own steps have fields as variables, and so their names are such. */
export const fieldName = "[A-Za-z_][A-Za-z0-9_]{0,63}";
/** In characters. */
export const fieldValueLimit = 1024;

/** The owner's own facts of a PC. */
export const PcFields = Type.Record(
  Type.String({ pattern: `^${fieldName}$` }),
  Type.String({ maxLength: fieldValueLimit }),
  { additionalProperties: false },
);
export type PcFields = Static<typeof PcFields>;

export const PcView = Type.Object({
  id: Type.String(),
  mac: Type.String(),
  macs: Type.Array(Type.String()),
  name: Type.String(),
  room: Type.String(),
  seat: nullable(Type.String()),
  state: PcState,
  ip: nullable(Type.String()),
  firmware: nullable(literals("bios", "uefi")),
  secureBoot: nullable(Type.Boolean()),
  agentVersion: nullable(Type.String()),
  nic: Type.Object({
    driver: nullable(Type.String()),
    speedMbps: nullable(Type.Number()),
  }),
  disks: Type.Array(DiskView),
  memoryBytes: nullable(Type.Integer()),
  session: nullable(Type.String()),
  /** Null: it has never been here; an operator's list names it. */
  lastSeen: nullable(Type.String()),
  /** It is not known which of these PCs this is: an operator has to say. */
  doubt: nullable(Type.Array(Type.Object({ id: Type.String(), name: Type.String() }))),
  /** Null: it has proven no key since the server asks for one. */
  identity: nullable(IdentityView),
  /** The one that its seat has, as ADDRESS/LEN; null: none of its own. */
  address: nullable(Type.String()),
  fields: PcFields,
  /** How far its network boot came and what that means, as the rest of a sentence about it; null: nothing keeps it. */
  bootTrouble: nullable(Type.String()),
  /**
   * Its room is at another server of the campus, by its key or by a MAC, which proves nothing. Absent: nothing is
   * known of that.
   */
  moved: Type.Optional(Type.Object({ room: Type.String(), server: Type.String() })),
});
export type PcView = Static<typeof PcView>;

export const PartitionView = Type.Object({
  index: Type.Integer({ minimum: 0 }),
  type: Type.String({ maxLength: 64 }),
  fs: nullable(Type.String({ maxLength: 64 })),
  label: nullable(Type.String({ maxLength: 256 })),
  uuid: nullable(Type.String({ maxLength: 64 })),
  start: Type.Integer({ minimum: 0 }),
  size: Type.Integer({ minimum: 0 }),
  usedBytes: Type.Integer({ minimum: 0 }),
  mode: literals("used", "raw", "skipped"),
});

/** A script of the owner's that runs on each disk that the image was restored to. */
export const ImageStep = Type.Object({
  name: Type.String(),
  bytes: Type.Integer(),
  /** The admin who added it. */
  by: Type.String(),
  addedAt: Type.String(),
});
export type ImageStep = Static<typeof ImageStep>;

/** How far it is to pack an image's chunks anew, so that less of it goes over the wire. */
export const OptimiseView = Type.Object({
  /** `paused`: while a session has PCs that know how its chunks are stored. */
  state: literals("waiting", "working", "paused", "done", "failed"),
  /** Why it failed, or which session it waits for. */
  reason: nullable(Type.String()),
  chunksDone: Type.Integer(),
  chunksTotal: Type.Integer(),
  /** By which the image takes less than when it was captured. */
  savedBytes: Type.Integer(),
});
export type OptimiseView = Static<typeof OptimiseView>;

/** How an image of another server of the campus comes here. */
export const FetchView = Type.Object({
  state: literals("waiting", "fetching", "failed"),
  /** Why it waits, or has failed. */
  reason: nullable(Type.String()),
  chunksDone: Type.Integer(),
  chunksTotal: Type.Integer(),
});
export type FetchView = Static<typeof FetchView>;

export const ImageView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  version: Type.Integer(),
  capturedAt: Type.String(),
  source: Type.String(),
  diskBytes: Type.Integer(),
  logicalSector: Type.Integer(),
  usedBytes: Type.Integer(),
  /** As its chunks are stored now. */
  storedBytes: Type.Integer(),
  chunkBytes: Type.Integer(),
  chunks: Type.Integer(),
  partitionTable: literals("gpt", "mbr", "none"),
  partitions: Type.Array(PartitionView),
  rootHash: Type.String(),
  warnings: Type.Array(Type.String()),
  /** The id of the image that this one is a fitted version of, whose name and version it has. */
  fitOf: nullable(Type.String()),
  /** The size that it was fitted to, as somebody wrote it. */
  fitSize: nullable(Type.String()),
  /** The smallest disk that it can be made to fit; null: nobody has tried. */
  leastDiskBytes: nullable(Type.Integer()),
  /** Null: nobody has wanted it. */
  optimise: nullable(OptimiseView),
  /** All of it is on this server. */
  here: Type.Boolean(),
  /** The server of the campus that made it; null: no other server has it. */
  server: nullable(Type.String()),
  /** Null: it is here, or nobody wants it here. */
  fetch: nullable(FetchView),
  /** In the order in which they run. */
  steps: Type.Array(ImageStep),
  /** What staff wrote on it, in lines; empty: nothing. */
  notes: Type.String(),
});
export type ImageView = Static<typeof ImageView>;

export const SessionKind = literals("restore", "cast", "capture", "wipe");
export type SessionKind = Static<typeof SessionKind>;
export const SessionState = literals(
  "gathering",
  "casting",
  "repairing",
  "verifying",
  "done",
  "failed",
  "stopped",
);
export type SessionState = Static<typeof SessionState>;
export const MemberResult = literals("pending", "verified", "failed", "stopped");
export type MemberResult = Static<typeof MemberResult>;

/** Something done to a disk after it was verified: its table moved, its last file system grown… */
export const StepView = Type.Object({
  name: Type.String({ maxLength: 128 }),
  /** `left`: there was a reason not to. */
  result: literals("done", "left", "failed"),
  /** In words; of what failed the tool's own last lines. */
  detail: Type.String({ maxLength: 2048 }),
  /** Files that were changed or removed, as paths of the restored system. */
  files: Type.Array(Type.String({ maxLength: 512 }), { maxItems: 256 }),
});
export type StepView = Static<typeof StepView>;

/** Whether its own system was seen on the network once it was restored. Evidence: anyone can send in its name. */
export const BootView = Type.Object({
  state: literals("pending", "up", "missing"),
  /** From its leaving roomcast to the first sign of its system; of a missing one, how long it was waited for. */
  seconds: nullable(Type.Number()),
  /** As it calls itself to DHCP servers. */
  name: nullable(Type.String({ maxLength: 64 })),
  /** What it looks like: `Debian`, `Windows`. */
  system: nullable(Type.String({ maxLength: 64 })),
  /** What was seen, or why it was not: in words. */
  evidence: nullable(Type.String({ maxLength: 512 })),
});
export type BootView = Static<typeof BootView>;

export const MemberView = Type.Object({
  pc: Type.String(),
  name: Type.String(),
  state: PcState,
  result: MemberResult,
  /** Why it failed or was stopped; while it is pending, that its disk does not answer, what is waited for, or `laneReason`. */
  reason: nullable(Type.String()),
  /** How it is served: with the room, after it, or with a copy of its own. Null while it is not, but for `http`. */
  lane: nullable(literals("main", "catch-up", "http")),
  /** Why it is not served with the room: `disk writes 18 MB/s`. */
  laneReason: nullable(Type.String()),
  /** What its own figures have shown for a second of the last two to make it slow, in any lane: `disk writes 18 MB/s`. */
  slowReason: nullable(Type.String()),
  /** It failed because a safety rule refused it: nothing was written. */
  refused: Type.Boolean(),
  disk: nullable(DiskView),
  bytesWanted: nullable(Type.Integer()),
  bytesReceived: Type.Integer(),
  bytesWritten: Type.Integer(),
  /** Read back and right, those that were there before included; null where nothing is read back. */
  bytesVerified: nullable(Type.Integer()),
  chunksKept: Type.Integer(),
  chunksWritten: Type.Integer(),
  /** Packets that came to it in the sender's name and were not sealed with its key. */
  forgedPackets: Type.Integer(),
  lossRatio: nullable(Type.Number()),
  writeBps: nullable(Type.Number()),
  startedAt: nullable(Type.String()),
  endedAt: nullable(Type.String()),
  rootHash: nullable(Type.String()),
  /** What was done to the disk once it was verified. */
  steps: Type.Array(StepView),
  /** Null: nobody waits for it to come up, or not yet. */
  boot: nullable(BootView),
});
export type MemberView = Static<typeof MemberView>;

/** The version of its image that a restore waits for, because some of its disks are smaller. */
export const FitView = Type.Object({
  /** `failed`: the session ended without it, for whatever reason. */
  state: literals("fitting", "fitted", "failed"),
  /** The smallest of the disks. */
  diskBytes: Type.Integer(),
  /** 0…1, and how long it still takes; null until it is known, and once it is over. */
  fraction: nullable(Type.Number()),
  secondsLeft: nullable(Type.Number()),
});
export type FitView = Static<typeof FitView>;

export const SessionView = Type.Object({
  id: Type.String(),
  kind: SessionKind,
  image: nullable(Type.String()),
  room: nullable(Type.String()),
  sender: nullable(Type.String()),
  /** The disk that its order names on every PC, and of a capture the one that is read; null: as each PC's room chooses. */
  disk: nullable(Type.String()),
  /** Those that its order takes although they say that they fail, by serial number or path. */
  failingDisks: Type.Array(Type.String()),
  state: SessionState,
  startedAt: Type.String(),
  endedAt: nullable(Type.String()),
  rateBps: nullable(Type.Number()),
  bytesSent: Type.Integer(),
  parityBytes: Type.Integer(),
  repairBytes: Type.Integer(),
  passes: Type.Integer(),
  /** The most that one member has heard. */
  forgedPackets: Type.Integer(),
  /** What the operator has to know of the session as a whole. */
  notices: Type.Array(Type.String()),
  /** Null: nothing had to be made. */
  fit: nullable(FitView),
  /** Until the PC in the middle is written and read back; null while that is not known. */
  secondsLeft: nullable(Type.Number()),
  members: Type.Array(MemberView),
});
export type SessionView = Static<typeof SessionView>;
