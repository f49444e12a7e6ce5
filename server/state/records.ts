/** What the server remembers of PCs and sessions: plain data, stored as JSON as it stands. */

import type { Salted } from "../../core/node/salted.ts";
import type { Role, ScheduleView } from "../../core/wire/api.ts";
import type { Hello } from "../../core/wire/hello.ts";
import type { KeyKind, KeyState } from "../../core/wire/login.ts";
import type { HostKey } from "../../core/wire/personal.ts";
import { type RoomSettings, roomDefaults, type Seat } from "../../core/wire/rooms.ts";
import type { PcFields } from "../../core/wire/views.ts";

/** A PIN as it is stored, with N 16384, r 8, p 1. */
export type PinHash = Salted;

/** The room of PCs that nobody placed. It cannot be deleted. */
export const defaultRoom = "default";

export interface RoomRecord {
  readonly name: string;
  settings: RoomSettings;
  /** What the menus of its PCs ask for before anything else. */
  pin: PinHash | null;
  /** The PIN that allows captures and casts, too. */
  instructorPin: PinHash | null;
  /** In the order in which a seat walk fills them. */
  seats: Seat[];
  /** The seat walk is on; `grows`: it makes the seats as it goes. */
  walk: { readonly grows: boolean } | null;
}

export const newRoom = (name: string): RoomRecord => ({
  name,
  // In the first hour nothing is placed yet, and orders go to the room as it stands.
  settings: { ...roomDefaults, ...(name === defaultRoom ? { admit: "on-order" } : {}) },
  pin: null,
  instructorPin: null,
  seats: [],
  walk: null,
});

export interface PcRecord {
  readonly id: string;
  name: string;
  room: string;
  seat: string | null;
  /** What its agent said of itself when it last connected. */
  hello: Omit<Hello, "type" | "state" | "report">;
  /** All addresses it was ever seen with. */
  macs: string[];
  /** Null: it was never here, and an operator's list names it. It has no key, and gets no orders. */
  lastSeen: string | null;
  /** What its firmware called itself when it last booted from here; absent: it did not say. */
  bootUuid?: string;
  /** Ids of known PCs that it may be: an operator has been asked which. */
  doubt?: readonly string[];
  /** Nobody has placed it: it is not stored, and forgotten when it is away for an hour. */
  unplaced?: true;
  /**
   * What a network boot leads to when no session wants the PC: what its room is set to, unless ordered
   * otherwise. `agent` holds until the agent is there. A verified restore sets `local-disk`.
   */
  nextBoot: "room" | "agent" | "local-disk";
  /**
   * A restore may have written to its disk, and none has verified it since: a network boot leads to the agent, until
   * one does or somebody has the PC start from that disk all the same.
   */
  halfWritten?: boolean;
  /** Its own address, as ADDRESS/LEN; absent: it has none. */
  address?: string;
  /** The owner's own; absent: none. */
  fields?: PcFields;
}

/** Public SSH keys of administrators, by a name. */
export interface SshKeyRecord {
  readonly name: string;
  /** Lines of `authorized_keys`. */
  readonly lines: readonly string[];
  /** The admin who added it, and when. */
  readonly by: string;
  readonly addedAt: string;
}

/** A script that is stored with an image. */
export interface ImageStepRecord {
  readonly name: string;
  readonly script: string;
  readonly by: string;
  readonly addedAt: string;
}

/** A PC's key. A PC has at most one. */
export interface KeyRecord {
  /** `sha256:` and BASE64 of the SHA-256 of `spki`. */
  readonly fingerprint: string;
  readonly kind: KeyKind;
  /** SubjectPublicKeyInfo, DER, in base64. */
  readonly spki: string;
  /** The id of the PC that it is; null: of a PC that was forgotten, whose key is revoked. */
  pc: string | null;
  state: KeyState;
  /** When it came into this state, ISO 8601 UTC. */
  since: string;
  /** The operator who brought it there; null: it came about by itself. */
  by: string | null;
  /** Of a TPM, the digest of the PCRs in its quote when it was placed, hexadecimal. */
  pcrDigest: string | null;
}

/** What this server remembers of a room's move from one server of its campus to another, by the room's folded name. */
export type RoomMoveRecord =
  /** All that was in the room came with the lease of this epoch. */
  | { readonly name: "came"; readonly epoch: number }
  | {
      readonly name: "went";
      readonly room: string;
      readonly to: string;
      readonly at: string;
      /** Its PCs, so that they are told where their room is. */
      readonly pcs: readonly {
        readonly name: string;
        readonly fingerprint: string | null;
        readonly macs: readonly string[];
      }[];
    };

/** What a room's move changes at one of the two servers: all of it, or nothing. */
export interface MovedRoom {
  /** Its folded name. */
  readonly folded: string;
  readonly move: RoomMoveRecord;
  readonly removed: {
    readonly room: string | null;
    /** With their host keys. */
    readonly pcs: readonly string[];
    /** Fingerprints. */
    readonly keys: readonly string[];
    readonly schedules: readonly string[];
  };
  readonly saved: {
    readonly room: RoomRecord | null;
    readonly pcs: readonly PcRecord[];
    readonly keys: readonly KeyRecord[];
    readonly hostKeys: readonly { readonly pc: string; readonly keys: readonly HostKey[] }[];
    readonly schedules: readonly ScheduleRecord[];
  };
}

export interface OperatorRecord {
  readonly name: string;
  readonly role: Role;
  /** scrypt of the token's secret; hexadecimal. Absent: no token. */
  readonly salt?: string;
  readonly hash?: string;
  /** For the page; absent: none. */
  readonly password?: PasswordHash;
  /** Who it is at the site's provider of identities; absent: it is known here alone. */
  readonly provider?: { readonly issuer: string; readonly subject: string };
  readonly createdAt: string;
  lastSeen: string | null;
}

/** A password as it is stored, with N 32768, r 8, p 1. */
export type PasswordHash = Salted;

/** A browser that is logged in. */
export interface LoginRecord {
  /** SHA-256 of what its cookie has; hexadecimal. */
  readonly hash: string;
  /** An operator, by name and since when it is one; or the wall of a room, by the link that it came with. */
  readonly who:
    | { readonly operator: string; readonly since: string }
    | { readonly room: string; readonly link: string };
  readonly openedAt: string;
  usedAt: string;
}

/** What lets a page on a wall watch a room; a room has one at most. */
export interface WallLinkRecord {
  readonly room: string;
  /** SHA-256 of its secret; hexadecimal. */
  readonly hash: string;
  /** The operator who made it, and when. */
  readonly by: string;
  readonly createdAt: string;
}

export type ScheduleRecord = ScheduleView;

/** Something that happened, and to what. Images as NAME@VERSION. */
export interface EventRecord {
  readonly at: string;
  readonly session: string | null;
  readonly pc: string | null;
  readonly room: string | null;
  readonly image: string | null;
  /** Who ordered it; null: it came about by itself. */
  readonly operator: string | null;
  readonly text: string;
}

/** Which events are read back: those that have every subject that is named, the newest `limit`. */
export interface EventFilter extends Partial<Omit<EventRecord, "at" | "text">> {
  readonly limit: number;
}
