/**
 * The record of a room: all that is in it, as it goes to another server of the campus (docs/campus.md). It comes
 * from a database that others may write to, and is read as anything that comes from outside.
 */
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import type { Decoded } from "../errors.ts";
import { printableIn } from "../units/printable.ts";
import { base64Of } from "./base64.ts";
import { FitMode } from "./fit-size.ts";
import { Hello } from "./hello.ts";
import { KeyKind, KeyState, spkiBytes } from "./login.ts";
import { fitted } from "./misfit.ts";
import { PcName, RoomName, SeatName } from "./names.ts";
import { nullable } from "./nullable.ts";
import { Afterwards, Personalise } from "./orders.ts";
import { HostKey } from "./personal.ts";
import { RoomSettings, roomDefaults, Seat, seatsLimit } from "./rooms.ts";
import { PcFields } from "./views.ts";

/** Raised when a server that knows the version before would misread it. */
export const roomRecordVersion = 1;
/** Of its text, in bytes: two thousand PCs with many disks. */
export const roomRecordLimit = 32 * 1024 * 1024;
/** More PCs than seats, for those who have none. */
const pcsLimit = 2 * seatsLimit;
const schedulesLimit = 256;

const line = (maxLength: number) => Type.String({ maxLength });
const Time = Type.String({ pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,12}Z$" });
const MacText = Type.String({ pattern: "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$" });
const hex = (bytes: number) => Type.String({ pattern: `^[0-9a-f]{${2 * bytes}}$` });

/** Its hash alone: what was typed cannot be read from it, and four digits can be tried. */
const PinHash = Type.Object({ salt: hex(16), hash: hex(32) });

const { type: _type, state: _state, report: _report, ...described } = Hello.properties;

/** What a PC said of itself when it last connected. */
export const Described = Type.Object(described);

/** A PC's key, and what operators have made of it. */
const RecordedKey = Type.Object({
  kind: KeyKind,
  spki: base64Of(spkiBytes),
  state: KeyState,
  since: Time,
  by: nullable(line(256)),
  /** Of a TPM that was placed. */
  pcrDigest: nullable(Type.String({ pattern: "^[0-9a-f]{0,128}$" })),
});
export type RecordedKey = Static<typeof RecordedKey>;

const RecordedPc = Type.Object({
  id: Type.String({ pattern: "^[A-Za-z0-9-]{1,32}$" }),
  name: PcName,
  seat: nullable(SeatName),
  hello: Described,
  macs: Type.Array(MacText, { maxItems: 128 }),
  lastSeen: nullable(Time),
  bootUuid: Type.Optional(line(64)),
  nextBoot: Type.Union([Type.Literal("room"), Type.Literal("agent"), Type.Literal("local-disk")]),
  /** No network boot leads to its disk. */
  halfWritten: Type.Optional(Type.Boolean()),
  address: Type.Optional(Type.String({ pattern: "^[0-9.]{7,15}(/[0-9]{1,2})?$" })),
  fields: Type.Optional(PcFields),
  /** Null: it has proven none yet. */
  key: nullable(RecordedKey),
  /** Private: only in a record that is sealed. */
  hostKeys: Type.Optional(Type.Array(HostKey, { maxItems: 3 })),
});
export type RecordedPc = Static<typeof RecordedPc>;

const RecordedSchedule = Type.Object({
  cron: line(128),
  timeZone: nullable(line(64)),
  image: line(256),
  delta: Type.Boolean(),
  wakeSeconds: Type.Integer({ minimum: 0, maximum: 3600 }),
  afterwards: Afterwards,
  personalise: Personalise,
  fit: FitMode,
  operator: line(256),
  createdAt: Time,
  last: nullable(Type.Object({ at: Time, session: nullable(line(64)), outcome: line(64 * 1024) })),
});
export type RecordedSchedule = Static<typeof RecordedSchedule>;

export const RoomRecordDocument = Type.Object({
  version: Type.Literal(roomRecordVersion),
  name: RoomName,
  settings: RoomSettings,
  pin: nullable(PinHash),
  instructorPin: nullable(PinHash),
  seats: Type.Array(Seat, { maxItems: seatsLimit }),
  pcs: Type.Array(RecordedPc, { maxItems: pcsLimit }),
  schedules: Type.Array(RecordedSchedule, { maxItems: schedulesLimit }),
  /** Private host keys were left out, since the campus has no seal. */
  lacksHostKeys: Type.Boolean(),
});
export type RoomRecordDocument = Static<typeof RoomRecordDocument>;

/** As it may be written where others can read it. */
export function withoutHostKeys(record: RoomRecordDocument): RoomRecordDocument {
  const pcs = record.pcs.map(({ hostKeys: _, ...pc }) => pc);
  return { ...record, pcs, lacksHostKeys: record.pcs.some((pc) => pc.hostKeys !== undefined) };
}

/** A record, and the settings in it that this version does not know. */
export interface ReadRecord {
  readonly record: RoomRecordDocument;
  readonly unknownSettings: readonly string[];
}

/** Any text; what a newer roomcast has added is left out, and what an older one lacked is as in a new room. */
export function readRoomRecord(text: string): Decoded<ReadRecord> {
  if (text.length > roomRecordLimit) return { ok: false, reason: "it is too long" };
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return { ok: false, reason: "it is no JSON" };
  }
  if (typeof found !== "object" || found === null) return { ok: false, reason: "it is no record" };
  const { version, settings } = found as Record<string, unknown>;
  if (version !== roomRecordVersion)
    return {
      ok: false,
      reason: `it is of version ${shown(version)}, and this roomcast reads ${roomRecordVersion}`,
    };
  const own = typeof settings === "object" && settings !== null ? settings : {};
  const unknownSettings = Object.keys(own).filter((name) => !Object.hasOwn(roomDefaults, name));
  const whole = printed({ ...found, settings: { ...roomDefaults, ...own } });
  const read = fitted(RoomRecordDocument, Value.Clean(RoomRecordDocument, whole), "the record");
  if (!read.ok) return read;
  const double = doubled(read.value);
  if (double !== null) return { ok: false, reason: double };
  return { ok: true, value: { record: read.value, unknownSettings: unknownSettings.slice(0, 64) } };
}

/** All text is printable from here on, but for private keys, which have lines. */
function printed({ pcs, ...rest }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (!Array.isArray(pcs)) return { ...printableIn(rest), pcs };
  return { ...printableIn(rest), pcs: pcs.map(printedPc) };
}

function printedPc(pc: unknown): unknown {
  if (typeof pc !== "object" || pc === null) return pc;
  const { hostKeys, ...rest } = pc as Record<string, unknown>;
  return { ...printableIn(rest), ...(hostKeys === undefined ? {} : { hostKeys }) };
}

/** What may be there once alone. */
function doubled({ pcs, seats }: RoomRecordDocument): string | null {
  const lists = {
    "two PCs have one id": pcs.map(({ id }) => id),
    "two PCs have one name": pcs.map(({ name }) => name.toLowerCase()),
    "two PCs have one key": pcs.flatMap(({ key }) => key?.spki ?? []),
    "two PCs have one seat": pcs.flatMap(({ seat }) => seat ?? []),
    "two seats have one name": seats.map(({ name }) => name),
  };
  for (const [what, list] of Object.entries(lists))
    if (new Set(list).size < list.length) return what;
  return null;
}

const shown = (version: unknown): string => JSON.stringify(version)?.slice(0, 32) ?? "none";
