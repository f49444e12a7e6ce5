import { randomBytes } from "node:crypto";
import { RoomcastError } from "../../core/errors.ts";
import { nextPlace } from "../../core/session/seats.ts";
import { macsKept, pcsLimit } from "../../core/trust/admission.ts";
import { parseMac } from "../../core/units/mac.ts";
import type { Hello } from "../../core/wire/hello.ts";
import { foldedName, nameFault, pcNameRule } from "../../core/wire/names.ts";
import { namePattern } from "../../core/wire/rooms.ts";
import type { IdentityView, PcFields, PcState, PcView } from "../../core/wire/views.ts";
import {
  defaultRoom,
  type MovedRoom,
  newRoom,
  type PcRecord,
  type RoomRecord,
} from "../state/records.ts";
import type { StateStore, WriteTime } from "../state/state-store.ts";
import { expectedPc, type ListedPc } from "./listed-pc.ts";
import { PcIndex, type PcMarks } from "./pc-index.ts";

/** What of the state store is PCs and rooms. */
export type InventoryStore = Pick<
  StateStore,
  "pcs" | "savePc" | "savePcs" | "removePc" | "rooms" | "saveRoom" | "removeRoom"
>;

type OptionalField = "address" | "fields" | "unplaced";

/** Null, and no fields: it has none any more. */
interface Left {
  readonly address?: string | null;
  readonly fields?: PcFields;
  readonly unplaced?: null;
}

const randomId = (): string => `p-${randomBytes(4).toString("hex")}`;

/** The PCs and rooms that the server knows, kept in step with the state store. */
export class Inventory {
  private readonly store: InventoryStore;
  private readonly newId: () => string;
  private readonly records: Map<string, PcRecord>;
  private readonly roomRecords: Map<string, RoomRecord>;
  private readonly index = new PcIndex();
  /** In order; null: since they were sorted, one has come or gone. */
  private roomNames: readonly string[] | null = null;

  constructor(store: InventoryStore, newId = randomId) {
    this.store = store;
    this.newId = newId;
    this.records = new Map(store.pcs().map((pc) => [pc.id, pc]));
    this.roomRecords = new Map(store.rooms().map((room) => [room.name, room]));
    for (const pc of this.records.values()) {
      this.index.put(pc);
      if (pc.seat !== null) this.drawSeat(pc.room, pc.seat);
    }
  }

  /** By name. The list stays as it is when PCs come, go or move. */
  pcs(): readonly PcRecord[] {
    return this.index.all();
  }

  /** As `pcs`, of this room. */
  pcsOf(room: string): readonly PcRecord[] {
    return this.index.inRoom(room);
  }

  /** Those that have the UUID, a serial or a MAC of these. */
  alike(marks: PcMarks): readonly PcRecord[] {
    return this.index.alike(marks);
  }

  /** How many PCs nobody has placed. */
  get unplacedCount(): number {
    return this.index.unplacedCount;
  }

  rooms(): readonly string[] {
    this.roomNames ??= [...this.roomRecords.keys()].sort();
    return this.roomNames;
  }

  hasRoom(name: string): boolean {
    return this.roomRecords.has(name);
  }

  get(id: string): PcRecord | undefined {
    return this.records.get(id);
  }

  /**
   * Several where a network card goes from PC to PC, as a dock's does. A PC that nobody has placed
   * is not among them beside one that somebody has: what it says of itself changes nothing for others.
   */
  withMac(mac: string): readonly PcRecord[] {
    const placed = this.placedWithMac(mac);
    return placed.length > 0 ? placed : this.index.withMac(mac);
  }

  /** The same, of those that somebody has placed alone. */
  placedWithMac(mac: string): readonly PcRecord[] {
    return this.index.withMac(mac).filter(({ unplaced }) => unplaced === undefined);
  }

  /** The PC whose own address this is. */
  withAddress(address: string): PcRecord | null {
    return this.index.withAddress(address);
  }

  /** By id, name or MAC; throws `not-found`, and `conflict` where it may be several. */
  find(reference: string): PcRecord {
    const found = this.known(reference);
    if (found !== undefined) return found;
    throw new RoomcastError(
      "not-found",
      `there is no PC ${JSON.stringify(reference)}`,
      "see `roomcast pc list` for ids, names and MACs",
    );
  }

  /** The id of a PC that is named; the name itself when there is none (any more). Throws `conflict`. */
  idOf(reference: string): string {
    return this.known(reference)?.id ?? reference;
  }

  /** The same for a call that was refused since it may mean several: then the name itself. */
  idIfOne(reference: string): string {
    const [first, ...more] = this.fitting(reference);
    return first === undefined || more.length > 0 ? reference : first.id;
  }

  private known(reference: string): PcRecord | undefined {
    const fitting = this.fitting(reference);
    if (fitting.length > 1) {
      throw new RoomcastError(
        "conflict",
        `${reference} may be ${fitting.map(({ name, id }) => `${name} (${id})`).join(" or ")}`,
        "say which one by its name or id",
      );
    }
    return fitting[0];
  }

  private fitting(reference: string): readonly PcRecord[] {
    const mac = parseMac(reference);
    const named = this.index.named(reference);
    const known = this.records.get(reference) ?? named.find(({ name }) => name === reference);
    if (known !== undefined) return [known];
    return named.length > 0 || mac === undefined ? named : this.withMac(mac);
  }

  /** In any spelling of its name; its own is in the record. Throws `not-found`. */
  room(name: string): RoomRecord {
    const found = this.roomRecords.get(name) ?? this.sameRoom(name);
    if (found !== undefined) return found;
    throw new RoomcastError(
      "not-found",
      `there is no room ${JSON.stringify(name)}`,
      "see `roomcast room list`, or make it with `roomcast room create`",
    );
  }

  /** Where the store does not take it, the room is as it was. */
  changeRoom(room: RoomRecord, change: Partial<Omit<RoomRecord, "name">>): void {
    this.store.saveRoom({ ...room, ...change });
    Object.assign(room, change);
  }

  /**
   * A new PC in the default room, which nobody has placed; `doubt`: the known ones that it may be. Throws
   * `too-many`.
   */
  create(hello: Hello, isoTime: string, doubt: readonly string[] | null): PcRecord {
    this.requireRoom(1);
    const record: PcRecord = {
      id: this.newId(),
      name: this.freeName(hello.name),
      room: defaultRoom,
      seat: null,
      hello: describedBy(hello),
      macs: macsOf(hello),
      lastSeen: isoTime,
      ...(doubt === null ? {} : { doubt }),
      unplaced: true,
      nextBoot: "room",
    };
    this.save(record);
    return record;
  }

  /** Takes what a PC says of itself. It says so again when it next connects, and so is written soon. */
  describe(pc: PcRecord, hello: Hello, isoTime: string): void {
    pc.hello = describedBy(hello);
    pc.macs = joinedMacs(macsOf(hello), pc.macs);
    pc.lastSeen = isoTime;
    this.save(pc, "soon");
  }

  /** The PCs that this one may be; none for one that is known. */
  candidates(pc: PcRecord): PcRecord[] {
    return (pc.doubt ?? []).flatMap((id) => this.records.get(id) ?? []);
  }

  /** What nobody has placed is kept in memory alone: no stranger fills the disk. */
  save(pc: PcRecord, when: WriteTime = "now"): void {
    this.records.set(pc.id, pc);
    this.index.put(pc);
    if (pc.unplaced === undefined) this.store.savePc(pc, when);
  }

  /**
   * Gives many PCs another place, all of them or none; what is not known yet (`pc` null) becomes a PC that
   * was never here. Answers the records, in that order. Throws `too-many`.
   */
  saveList(list: readonly ListedPc[]): PcRecord[] {
    this.requireRoom(list.filter(({ pc }) => pc === null).length);
    const changed = list.map(({ pc, place, mac, uuid }): PcRecord => {
      // What is stored is remembered: whoever calls says so of the record in memory, too.
      const {
        address: _,
        fields: __,
        unplaced: ___,
        ...before
      } = pc ?? expectedPc(this.newId(), mac, uuid);
      const { address, fields, ...rest } = place;
      return {
        ...{ ...before, ...rest },
        ...(address === null ? {} : { address }),
        ...(Object.keys(fields).length === 0 ? {} : { fields }),
      };
    });
    this.store.savePcs(changed);
    return changed.map((after, number) => {
      const pc = list[number]?.pc ?? after;
      if (pc !== after) {
        delete pc.address;
        delete pc.fields;
        Object.assign(pc, after);
      }
      this.records.set(pc.id, pc);
      this.index.put(pc);
      if (pc.seat !== null) this.drawSeat(pc.room, pc.seat);
      return pc;
    });
  }

  /** Where the store does not take it, the PC is as it was. */
  change(pc: PcRecord, change: Partial<Omit<PcRecord, "id" | OptionalField>> & Left): void {
    const { address, fields, unplaced, ...rest } = change;
    const after: PcRecord = { ...pc, ...rest };
    if (address === null) delete after.address;
    else if (address !== undefined) after.address = address;
    if (fields !== undefined) after.fields = fields;
    if (Object.keys(after.fields ?? {}).length === 0) delete after.fields;
    if (unplaced === null) delete after.unplaced;
    if (after.unplaced === undefined) this.store.savePc(after);
    this.replace(pc, after);
  }

  forget(id: string): void {
    if (this.records.get(id)?.unplaced === undefined) this.store.removePc(id);
    this.records.delete(id);
    this.index.remove(id);
  }

  /** Throws `conflict` for a name that another PC has. */
  requireName(pc: PcRecord, name: string): void {
    const holder = this.index.named(name).find((other) => other !== pc);
    if (holder !== undefined) {
      throw new RoomcastError(
        "conflict",
        `another PC (${holder.id}, ${holder.hello.mac}) is named ${holder.name}`,
        "choose another name, or rename that PC first",
      );
    }
  }

  /** Whether no other PC than this one has the name. */
  isFreeName(name: string, pc: PcRecord | null): boolean {
    return !this.index.named(name).some((other) => other !== pc);
  }

  /** What the room calls a PC that takes this seat: its own name, unless the room says otherwise and no other has that. */
  nameAtSeat(pc: PcRecord, room: RoomRecord, seat: string): string {
    const wanted = room.settings.naming?.replace("{seat}", seat) ?? pc.name;
    return nameFault(pcNameRule, wanted) === null && this.isFreeName(wanted, pc) ? wanted : pc.name;
  }

  /** Puts a seat of this name on the room's map, unless it is there. */
  drawSeat(roomName: string, name: string): void {
    const room = this.room(roomName);
    if (room.seats.some((seat) => seat.name === name)) return;
    this.changeRoom(room, { seats: [...room.seats, { ...nextPlace(room.seats), name }] });
  }

  createRoom(name: string): void {
    const same = this.sameRoom(name);
    if (same !== undefined) {
      throw new RoomcastError(
        "conflict",
        `room ${same.name} exists already`,
        "choose another name",
      );
    }
    const room = newRoom(name);
    this.store.saveRoom(room);
    this.roomRecords.set(name, room);
    this.roomNames = null;
  }

  /** Its PCs go back to the default room. */
  deleteRoom(given: string): void {
    const { name } = this.room(given);
    if (name === defaultRoom) {
      throw new RoomcastError(
        "refused",
        `room ${defaultRoom} takes the PCs that nobody placed`,
        "move its PCs to another room instead",
      );
    }
    const pcs = [...this.pcsOf(name)];
    const after = pcs.map((pc): PcRecord => ({ ...pc, room: defaultRoom, seat: null }));
    this.store.savePcs(after.filter(({ unplaced }) => unplaced === undefined));
    for (const [number, each] of after.entries()) this.replace(pcs[number] ?? each, each);
    this.store.removeRoom(name);
    this.roomRecords.delete(name);
    this.roomNames = null;
  }

  /** A room that moved, with its PCs, as the store has them already. */
  moved({ removed, saved }: MovedRoom): void {
    for (const id of removed.pcs) {
      this.records.delete(id);
      this.index.remove(id);
    }
    if (removed.room !== null) this.roomRecords.delete(removed.room);
    if (saved.room !== null) this.roomRecords.set(saved.room.name, saved.room);
    this.roomNames = null;
    for (const after of saved.pcs) this.replace(this.records.get(after.id) ?? after, after);
  }

  /** The record in memory becomes what is stored; whoever has it has it still. */
  private replace(pc: PcRecord, after: PcRecord): void {
    if (pc !== after) {
      delete pc.address;
      delete pc.fields;
      delete pc.doubt;
      delete pc.unplaced;
      delete pc.bootUuid;
      delete pc.halfWritten;
      Object.assign(pc, after);
    }
    this.records.set(pc.id, pc);
    this.index.put(pc);
  }

  /** For so many more PCs. */
  requireRoom(count: number): void {
    if (this.records.size + count <= pcsLimit) return;
    throw new RoomcastError(
      "too-many",
      `the server knows ${this.records.size} PCs, and ${pcsLimit} are the most`,
      "remove those that are gone for good with `roomcast pc forget PC`: see `roomcast pc list`",
    );
  }

  private sameRoom(name: string): RoomRecord | undefined {
    return [...this.roomRecords.values()].find(
      (room) => foldedName(room.name) === foldedName(name),
    );
  }

  private freeName(wanted: string | null): string {
    const isFit = wanted !== null && new RegExp(namePattern).test(wanted);
    return isFit && this.index.named(wanted).length === 0 ? wanted : this.index.freeName();
  }
}

function describedBy(hello: Hello): PcRecord["hello"] {
  const { type: _, state: __, report: ___, ...described } = hello;
  return described;
}

/** Of all that a PC was ever seen with, the newest. */
export const joinedMacs = (newer: readonly string[], older: readonly string[]): string[] =>
  [...new Set([...newer, ...older])].slice(0, macsKept);

/** All addresses that a PC says it has, the one that it booted from first. */
export const macsOf = ({ mac, identity }: Pick<Hello, "mac" | "identity">): string[] => [
  ...new Set([mac, ...identity.macs]),
];

/**
 * The contract's view of a PC; `candidates`: those that it may be, while that is not known; `lastSeen`:
 * now, for one that is connected.
 */
export function pcView(
  pc: PcRecord,
  now: {
    readonly state: PcState;
    readonly session: string | null;
    readonly candidates: readonly PcRecord[];
    readonly lastSeen: string | null;
    readonly identity: IdentityView | null;
    readonly bootTrouble: string | null;
    readonly moved: PcView["moved"] | null;
  },
): PcView {
  const { hello } = pc;
  const { state, session, candidates, lastSeen, identity, bootTrouble, moved } = now;
  return {
    id: pc.id,
    mac: hello.mac,
    macs: pc.macs,
    name: pc.name,
    room: pc.room,
    seat: pc.seat,
    state,
    ip: hello.ip,
    firmware: hello.firmware,
    secureBoot: hello.secureBoot,
    agentVersion: lastSeen === null ? null : hello.agentVersion,
    nic: hello.nic,
    // Of a PC that was last seen by an older server.
    disks: hello.disks.map((disk) => ({ ...disk, protection: disk.protection ?? null })),
    memoryBytes: hello.memoryBytes,
    session,
    lastSeen,
    doubt: pc.doubt === undefined ? null : candidates.map(({ id, name }) => ({ id, name })),
    identity,
    address: pc.address ?? null,
    fields: pc.fields ?? {},
    bootTrouble,
    ...(moved == null ? {} : { moved }),
  };
}
