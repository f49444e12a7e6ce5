/** What the API says beside PCs, rooms, images and sessions: its live events, history, operators. */
import { type Static, Type } from "typebox";
import { CampusStatus } from "./campus.ts";
import { FitMode } from "./fit-size.ts";
import { RoomName } from "./names.ts";
import { nullable } from "./nullable.ts";
import { Afterwards, Personalise } from "./orders.ts";
import { RoomView } from "./rooms.ts";
import { RequestView } from "./trust.ts";
import { ImageView, PcView, SessionView } from "./views.ts";

/** How DHCP is answered, and why so. */
export const DhcpStatus = Type.Object({
  mode: Type.Union([Type.Literal("server"), Type.Literal("proxy"), Type.Literal("off")]),
  why: Type.String(),
  /** Addresses of DHCP servers on this network that are not this one. */
  otherServers: Type.Array(Type.String()),
});
export type DhcpStatus = Static<typeof DhcpStatus>;
export type DhcpMode = DhcpStatus["mode"];

/** One of the networks that the server serves. */
export const NetworkStatus = Type.Object({
  interface: Type.String(),
  /** The server's own there; null: the interface has had none since the server was started. */
  address: nullable(Type.String()),
  /** Why it is not served now, in words; null: it is. */
  trouble: nullable(Type.String()),
  /** Null while it is not served. */
  dhcp: nullable(DhcpStatus),
});
export type NetworkStatus = Static<typeof NetworkStatus>;

export const StatusView = Type.Object({
  version: Type.String(),
  url: Type.String(),
  startedAt: Type.String(),
  listeners: Type.Array(Type.String()),
  rooms: Type.Integer(),
  pcs: Type.Integer(),
  online: Type.Integer(),
  sessions: Type.Integer(),
  images: Type.Integer(),
  storedBytes: Type.Integer(),
  freeBytes: Type.Integer(),
  networks: Type.Array(NetworkStatus),
  /** Null: the server belongs to none. */
  campus: nullable(CampusStatus),
  /** What is wrong now, in words. */
  warnings: Type.Array(Type.String()),
});
export type StatusView = Static<typeof StatusView>;

/** What `doctor` has seen, one of each kind or more. */
export const Finding = Type.Object({
  check: Type.String(),
  level: Type.Union([Type.Literal("ok"), Type.Literal("warning"), Type.Literal("problem")]),
  text: Type.String(),
  /** What to do about it. */
  mend: nullable(Type.String()),
});
export type Finding = Static<typeof Finding>;

export const DoctorView = Type.Object({
  interfaces: Type.Array(Type.String()),
  /** Whether a server runs and was asked. */
  isServing: Type.Boolean(),
  /** No finding is a problem. */
  isWell: Type.Boolean(),
  findings: Type.Array(Finding),
});
export type DoctorView = Static<typeof DoctorView>;

/** An event of `/api/v1/events`, one JSON object each. The first ones describe the whole state; `ready` follows. */
export const ApiEvent = Type.Union([
  Type.Object({ type: Type.Literal("pc"), pc: PcView }),
  Type.Object({ type: Type.Literal("pc-gone"), id: Type.String() }),
  Type.Object({ type: Type.Literal("room"), room: RoomView }),
  Type.Object({ type: Type.Literal("room-gone"), name: Type.String() }),
  Type.Object({ type: Type.Literal("session"), session: SessionView }),
  Type.Object({ type: Type.Literal("image"), image: ImageView }),
  Type.Object({ type: Type.Literal("image-gone"), id: Type.String() }),
  Type.Object({ type: Type.Literal("request"), request: RequestView }),
  Type.Object({ type: Type.Literal("request-gone"), id: Type.String() }),
  Type.Object({ type: Type.Literal("note"), time: Type.String(), text: Type.String() }),
  Type.Object({ type: Type.Literal("warnings"), texts: Type.Array(Type.String()) }),
  Type.Object({ type: Type.Literal("ready") }),
]);
export type ApiEvent = Static<typeof ApiEvent>;

/**
 * The same as it comes to a client. `reset`: what is known from before the break counts no more, since not all that
 * happened in between is known; everything follows.
 */
export const LiveEvent = Type.Union([ApiEvent, Type.Object({ type: Type.Literal("reset") })]);
export type LiveEvent = Static<typeof LiveEvent>;

/** Something that happened, and to what; `pc` is an id, `pcName` its name now, `image` NAME@VERSION. */
export const HistoryEvent = Type.Object({
  at: Type.String(),
  session: nullable(Type.String()),
  pc: nullable(Type.String()),
  pcName: nullable(Type.String()),
  room: nullable(Type.String()),
  image: nullable(Type.String()),
  /** Who ordered it; null: it came about by itself. */
  operator: nullable(Type.String()),
  text: Type.String(),
  /** The server at which it happened; absent: this server belongs to no campus. */
  server: Type.Optional(Type.String()),
});
export type HistoryEvent = Static<typeof HistoryEvent>;

/** A viewer reads; an operator also works with PCs, rooms, images and sessions; an admin also with operators. */
export const Role = Type.Union([
  Type.Literal("viewer"),
  Type.Literal("operator"),
  Type.Literal("admin"),
]);
export type Role = Static<typeof Role>;

/** Who calls: an operator, or the page on the wall of a room, which only watches that. */
export const CallerRole = Type.Union([Role, Type.Literal("wall")]);
export type CallerRole = Static<typeof CallerRole>;

/** Who is logged in. */
export const LoginView = Type.Object({
  name: Type.String(),
  role: CallerRole,
  /** Of a wall; null: all rooms. */
  room: nullable(Type.String()),
  /** When the login by cookie ends unless it is used before; null: it is no such login. */
  until: nullable(Type.String()),
});
export type LoginView = Static<typeof LoginView>;

/** How one may log in. */
export const LoginWays = Type.Object({
  password: Type.Boolean(),
  /** By the site's own provider of identities: what its button says, and where it leads. */
  oidc: nullable(Type.Object({ label: Type.String(), url: Type.String() })),
});
export type LoginWays = Static<typeof LoginWays>;

/** Said once; only the hash of its secret is stored. */
export const WallLink = Type.Object({ url: Type.String() });
export type WallLink = Static<typeof WallLink>;

/** Who made the link to the wall of a room, and when. */
export const MadeWallLink = Type.Object({ by: Type.String(), createdAt: Type.String() });
export type MadeWallLink = Static<typeof MadeWallLink>;

export const OperatorView = Type.Object({
  name: Type.String(),
  role: Role,
  /** Whether it has one. */
  password: Type.Boolean(),
  /** The provider of identities that it is from; null: it was added here. */
  issuer: nullable(Type.String()),
  createdAt: Type.String(),
  lastSeen: nullable(Type.String()),
});
export type OperatorView = Static<typeof OperatorView>;

/** Said once, when the operator is added; it is stored nowhere. */
export const NewOperator = Type.Object({ ...OperatorView.properties, token: Type.String() });
export type NewOperator = Static<typeof NewOperator>;

/** Public SSH keys of administrators, stored by a name. */
export const SshKeyView = Type.Object({
  name: Type.String(),
  keys: Type.Array(
    Type.Object({ type: Type.String(), fingerprint: Type.String(), comment: Type.String() }),
  ),
  /** The admin who added them. */
  by: Type.String(),
  addedAt: Type.String(),
});
export type SshKeyView = Static<typeof SshKeyView>;

/** What a list made of a room's PCs. */
export const RoomImport = Type.Object({
  room: Type.String(),
  pcs: Type.Array(
    Type.Object({
      line: Type.Integer(),
      pc: Type.String(),
      name: Type.String(),
      /** `expected`: its MAC is not known yet, and it is the PC of this list once it comes. */
      result: Type.Union([Type.Literal("changed"), Type.Literal("same"), Type.Literal("expected")]),
    }),
  ),
});
export type RoomImport = Static<typeof RoomImport>;

const KeyView = { key: Type.String(), since: Type.String() };

/** The key by which PCs and operators know the server. */
export const TrustView = Type.Object({
  gate: Type.String(),
  ...KeyView,
  /** The one that takes its place, while it is rotated. */
  next: nullable(Type.Object(KeyView)),
  /**
   * The key that signs certificates, and the fingerprints of those before it, oldest first; and those of the other servers
   * of the campus, the earlier ones too, by server.
   */
  signing: Type.Object({
    ...{ ...KeyView, earlier: Type.Array(Type.String()) },
    campus: Type.Array(Type.Object({ server: Type.String(), key: Type.String() })),
  }),
  /** PCs by name: those that are connected, and so know all keys; and the others. */
  told: Type.Array(Type.String()),
  away: Type.Array(Type.String()),
});
export type TrustView = Static<typeof TrustView>;

/** Who came when a room was woken; PCs by name. `booting`: it asked for its boot files, and no more. */
export const WakeReport = Type.Object({
  alreadyOn: Type.Array(Type.String()),
  came: Type.Array(Type.String()),
  missing: Type.Array(
    Type.Object({
      pc: Type.String(),
      name: Type.String(),
      reached: Type.Union([Type.Literal("off"), Type.Literal("booting")]),
    }),
  ),
});
export type WakeReport = Static<typeof WakeReport>;

/** A restore by the clock, as an operator words it. */
export const ScheduleRequest = Type.Object({
  /** Five fields: minute, hour, day, month, day of the week. */
  cron: Type.String({ minLength: 9, maxLength: 128 }),
  /** As Europe/Berlin; null: the server's own. */
  timeZone: Type.Optional(
    nullable(
      Type.String({
        pattern: "^[A-Za-z0-9_+/-]{1,64}$",
        description: "a time zone, as in Europe/Berlin",
      }),
    ),
  ),
  room: RoomName,
  /** NAME is its newest version when the time comes. */
  image: Type.String({ minLength: 1, maxLength: 128 }),
  delta: Type.Optional(Type.Boolean()),
  /** Seconds to wait for the PCs that are woken. */
  wakeSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 900 })),
  /** What verified PCs do; `poweroff` unless it is said. */
  afterwards: Type.Optional(Afterwards),
  /** Of verified PCs; `auto` unless it is said. */
  personalise: Type.Optional(Personalise),
  /** For smaller disks; `auto` unless it is said. */
  fit: Type.Optional(FitMode),
});
export type ScheduleRequest = Static<typeof ScheduleRequest>;

/** The time that a run has begun for; absent: an earlier roomcast has begun it. */
const RunDueAt = Type.Optional(Type.String());

export const ScheduleView = Type.Object({
  id: Type.String(),
  cron: Type.String(),
  timeZone: nullable(Type.String()),
  room: Type.String(),
  image: Type.String(),
  delta: Type.Boolean(),
  wakeSeconds: Type.Integer(),
  afterwards: Afterwards,
  personalise: Personalise,
  fit: FitMode,
  /** Who added it. */
  operator: Type.String(),
  createdAt: Type.String(),
  dueAt: Type.String(),
  /** What it is at now. */
  run: nullable(
    Type.Union([
      /** A version of the image is made to fit the room's disks. */
      Type.Object({ stage: Type.Literal("fitting"), dueAt: RunDueAt }),
      Type.Object({ stage: Type.Literal("waking"), dueAt: RunDueAt }),
      Type.Object({ stage: Type.Literal("restoring"), session: Type.String() }),
    ]),
  ),
  last: nullable(
    Type.Object({ at: Type.String(), session: nullable(Type.String()), outcome: Type.String() }),
  ),
});
export type ScheduleView = Static<typeof ScheduleView>;

/** How every error leaves the API. */
export const ErrorView = Type.Object({
  code: Type.String(),
  message: Type.String(),
  next: Type.String(),
});
export type ErrorView = Static<typeof ErrorView>;
