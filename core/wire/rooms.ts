/**
 * A room: its PCs, its seats on the map, and what it is set to. To add a setting: a line in
 * `RoomSettings`, its default in `roomDefaults`, and its option in `client/cli/room-settings.ts`.
 * Rooms stored before it existed have the default.
 */
import { type Static, Type } from "typebox";
import { anyDisk, DiskPolicy } from "./disk-policy.ts";
import { domainPattern } from "./host-names.ts";
import { Ipv4 } from "./ipv4.ts";
import { Language } from "./language.ts";
import { KeyName, pcNameRule, SeatName } from "./names.ts";
import { nullable } from "./nullable.ts";
import { Pin } from "./trust.ts";

/** Of a PC's name that it may ask for itself. */
export const namePattern = pcNameRule.pattern;

/** The larger half of a map is a lecture hall; a longer list is a mistake. */
export const seatsLimit = 1000;

const closed = { additionalProperties: false };

/**
 * Which partition takes the room on a larger disk: `auto`, the largest of Windows' or Linux' own, and
 * small ones behind it move to the end; `last`, the last one if it can; `none`.
 */
export const GrowMode = Type.Union([
  Type.Literal("auto"),
  Type.Literal("last"),
  Type.Literal("none"),
]);
export type GrowMode = Static<typeof GrowMode>;

/**
 * Whose orders go out in a room. `on-order`: an operator's order that names a new PC places it;
 * `placed`: only a PC that an operator has placed gets orders; `proven`: of those, only one with a
 * lasting key.
 */
export const Admit = Type.Union([
  Type.Literal("on-order"),
  Type.Literal("placed"),
  Type.Literal("proven"),
]);
export type Admit = Static<typeof Admit>;

/**
 * Where the systems that are restored in a room have their addresses from. `dhcp`: whatever they are
 * given; `reserved`: each PC's own, by this server's DHCP; `static`: each PC's own, written on its disk.
 */
export const AddressMode = Type.Union([
  Type.Literal("dhcp"),
  Type.Literal("reserved"),
  Type.Literal("static"),
]);
export type AddressMode = Static<typeof AddressMode>;

/** Which PCs are given what only they may know: those with a lasting key, or all that are placed. */
export const Secrets = Type.Union([Type.Literal("proven"), Type.Literal("unproven")]);
export type Secrets = Static<typeof Secrets>;

/** What a room's PCs speak: `default`, as the server does. */
export const RoomLanguage = Type.Union([Type.Literal("default"), Language]);
export type RoomLanguage = Static<typeof RoomLanguage>;

/** Name servers of a network; a resolver asks three of them. */
export const dnsLimit = 8;
/** Names of stored SSH keys in one room. */
export const roomSshKeysLimit = 16;

/** What a room is set to; the same for all of its PCs. */
export const RoomSettings = Type.Object(
  {
    /** An operator may open a shell on its PCs. */
    shell: Type.Boolean(),
    /** Which partition, with its file system, takes the room of a larger disk after a restore. */
    grow: GrowMode,
    /** Which of a PC's disks its tasks take. */
    disk: DiskPolicy,
    /** What a PC is named when it takes a seat, `{seat}` being the seat's name; null: it keeps its name. */
    naming: nullable(
      Type.String({
        pattern: "^([A-Za-z0-9][A-Za-z0-9._-]*)?\\{seat\\}[A-Za-z0-9._-]*$",
        description:
          "{seat}, with letters, digits and . _ - before and after it, as in lab1-{seat}",
      }),
    ),
    /** What a PC with nothing to do starts when it boots from the network. */
    idleBoot: Type.Union([Type.Literal("agent"), Type.Literal("local-disk")]),
    /** Seconds in which a key stops a PC on its way to its own disk. */
    diskSeconds: Type.Integer({ minimum: 1, maximum: 300 }),
    /** Which PCs its orders go to. */
    admit: Admit,
    /** `approve`: what a PC's menu requests waits for an operator's yes, or needs a PIN; `free`: nobody is asked. */
    ask: Type.Union([Type.Literal("approve"), Type.Literal("free")]),
    /** The DNS domain of its PCs; null: none. */
    domain: nullable(
      Type.String({
        pattern: domainPattern,
        description: "a DNS domain, as in lab.example.org",
      }),
    ),
    address: AddressMode,
    /** Of its network, for `static`; null: as this server's DHCP has it. */
    gateway: nullable(Ipv4),
    dns: nullable(Type.Array(Ipv4, { maxItems: dnsLimit })),
    /** Bits of its network's prefix; null: as of this server's own address. */
    prefix: nullable(Type.Integer({ minimum: 8, maximum: 30 })),
    /** Names of stored SSH keys: who has one logs in as administrator of its PCs. */
    sshKeys: Type.Array(KeyName, { maxItems: roomSshKeysLimit, uniqueItems: true }),
    secrets: Secrets,
    /** What the firmware of its UEFI PCs starts first once they are restored. */
    bootFirst: Type.Union([Type.Literal("network"), Type.Literal("disk")]),
    /** In which its PCs' screens are. */
    language: RoomLanguage,
  },
  closed,
);
export type RoomSettings = Static<typeof RoomSettings>;

export const roomDefaults: RoomSettings = {
  shell: true,
  grow: "auto",
  idleBoot: "agent",
  diskSeconds: 5,
  admit: "placed",
  disk: anyDisk,
  naming: null,
  ask: "approve",
  domain: null,
  address: "dhcp",
  gateway: null,
  dns: null,
  prefix: null,
  sshKeys: [],
  secrets: "proven",
  bootFirst: "network",
  language: "default",
};

/** The language of a PC's screen; `server`: that of the server. */
export const languageIn = (
  { language }: Pick<RoomSettings, "language">,
  server: Language,
): Language => (language === "default" ? server : language);

/** What `PATCH /rooms/ROOM` takes. A PIN goes in and never comes out. */
export const RoomChange = Type.Object(
  {
    ...Type.Partial(RoomSettings).properties,
    pin: Type.Optional(nullable(Pin)),
    instructorPin: Type.Optional(nullable(Pin)),
  },
  closed,
);
export type RoomChange = Static<typeof RoomChange>;

/** A place where a PC stands. Columns and rows count from 0, left to right and front to back. */
export const Seat = Type.Object(
  {
    name: SeatName,
    column: Type.Integer({ minimum: 0, maximum: 199 }),
    row: Type.Integer({ minimum: 0, maximum: 199 }),
  },
  closed,
);
export type Seat = Static<typeof Seat>;

export const SeatView = Type.Object({
  ...Seat.properties,
  /** The id of the PC in it. */
  pc: nullable(Type.String()),
});
export type SeatView = Static<typeof SeatView>;

export const RoomView = Type.Object({
  name: Type.String(),
  pcs: Type.Integer(),
  online: Type.Integer(),
  session: nullable(Type.String()),
  settings: RoomSettings,
  /** Whether the PCs' menus ask for a PIN. */
  pin: Type.Boolean(),
  /** Whether there is a PIN that allows captures and casts, too. */
  instructorPin: Type.Boolean(),
  /** Until when its menus take no PIN, since too many were wrong; null: they do. */
  shutUntil: nullable(Type.String()),
  seats: Type.Array(SeatView),
  /** The room's PCs are being given their seats; `next` is the seat that the next one takes. */
  walk: nullable(Type.Object({ next: nullable(Type.String()) })),
});
export type RoomView = Static<typeof RoomView>;
