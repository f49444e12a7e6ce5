import { randomBytes } from "node:crypto";
import { RoomcastError } from "../../core/errors.ts";
import { recognise } from "../../core/session/identity.ts";
import { nextPlace } from "../../core/session/seats.ts";
import { parseMac } from "../../core/units/mac.ts";
import type { Hello } from "../../core/wire/control.ts";
import { foldedName } from "../../core/wire/names.ts";
import { namePattern } from "../../core/wire/rooms.ts";
import type { PcState, PcView } from "../../core/wire/views.ts";
import { newRoom, type PcRecord, type RoomRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";

/** The room of PCs that nobody placed. It cannot be deleted. */
export const defaultRoom = "default";

/** The PCs and rooms that the server knows, kept in step with the state store. */
export class Inventory {
  private readonly store: StateStore;
  private readonly records: Map<string, PcRecord>;
  private readonly roomRecords: Map<string, RoomRecord>;

  constructor(store: StateStore) {
    this.store = store;
    this.records = new Map(store.pcs().map((pc) => [pc.id, pc]));
    this.roomRecords = new Map(store.rooms().map((room) => [room.name, room]));
    for (const { room, seat } of this.records.values())
      if (seat !== null) this.drawSeat(room, seat);
  }

  pcs(): PcRecord[] {
    return [...this.records.values()].sort((a, b) =>
      a.name.localeCompare(b.name, "en", { numeric: true }),
    );
  }

  pcsOf(room: string): PcRecord[] {
    return this.pcs().filter((pc) => pc.room === room);
  }

  rooms(): string[] {
    return [...this.roomRecords.keys()].sort();
  }

  get(id: string): PcRecord | undefined {
    return this.records.get(id);
  }

  /** Several where a network card goes from PC to PC, as a dock's does. */
  withMac(mac: string): PcRecord[] {
    return this.pcs().filter((pc) => pc.macs.includes(mac));
  }

  /** By id, name or MAC; throws `not-found`, and `conflict` where it may be several. */
  find(reference: string): PcRecord {
    const mac = parseMac(reference);
    const known = this.records.get(reference) ?? this.pcs().find((pc) => pc.name === reference);
    if (known !== undefined) return known;
    const named = this.namesakes(reference);
    const fitting = named.length > 0 || mac === undefined ? named : this.withMac(mac);
    if (fitting.length > 1) {
      throw new RoomcastError(
        "conflict",
        `${reference} may be ${fitting.map(({ name, id }) => `${name} (${id})`).join(" or ")}`,
        "say which one by its name or id",
      );
    }
    const [found] = fitting;
    if (found !== undefined) return found;
    throw new RoomcastError(
      "not-found",
      `there is no PC ${JSON.stringify(reference)}`,
      "see `roomcast pc list` for ids, names and MACs",
    );
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

  saveRoom(room: RoomRecord): void {
    this.roomRecords.set(room.name, room);
    this.store.saveRoom(room);
  }

  /**
   * Finds or makes the record of a PC that connects, by all its marks (`core/session/identity.ts`). One
   * that may be several gets a record of its own, until an operator has said which it is.
   */
  register(hello: Hello, isOnline: (id: string) => boolean, isoTime: string): PcRecord {
    const { type: _, state: __, report: ___, ...described } = hello;
    const { uuid, serials } = hello.identity;
    const macs = [...new Set([hello.mac, ...hello.identity.macs])];
    const found = recognise(
      { uuid, serials, macs },
      this.pcs().map((pc) => ({
        id: pc.id,
        uuid: pc.hello.identity.uuid,
        serials: pc.hello.identity.serials,
        macs: pc.macs,
        isOnline: isOnline(pc.id),
      })),
    );
    const ids = found.kind === "new" ? [] : found.kind === "known" ? [found.id] : found.ids;
    const candidates = ids.flatMap((id) => this.records.get(id) ?? []);
    // Whoever is asked about already is not asked about under another name.
    const asked = candidates.find((pc) => pc.doubt !== undefined);
    const known = found.kind === "known" ? candidates[0] : asked;
    if (known !== undefined) {
      const seen = [...new Set([...macs, ...known.macs])];
      Object.assign(known, { hello: described, macs: seen, lastSeen: isoTime });
      this.save(known);
      return known;
    }
    const record: PcRecord = {
      id: `p-${randomBytes(4).toString("hex")}`,
      name: this.freeName(hello.name),
      room: defaultRoom,
      seat: null,
      hello: described,
      macs,
      lastSeen: isoTime,
      ...(found.kind === "doubt" ? { doubt: found.ids } : {}),
      nextBoot: "room",
    };
    this.save(record);
    return record;
  }

  /** The PCs that this one may be; none for one that is known. */
  candidates(pc: PcRecord): PcRecord[] {
    return (pc.doubt ?? []).flatMap((id) => this.records.get(id) ?? []);
  }

  /** Throws `refused` for a PC of which it is not known which one it is. */
  requireKnown(pc: PcRecord): void {
    if (pc.doubt === undefined) return;
    const names = this.candidates(pc).map(({ name }) => name);
    throw new RoomcastError(
      "refused",
      `${pc.name} is not known for sure: it may be ${names.join(" or ")}`,
      `say which with \`roomcast pc identify ${pc.name} --as PC\`, or --new`,
    );
  }

  /** An operator's word: the PC in doubt is `other`, whose name and place it gets; null: it is a new one. */
  settle(pc: PcRecord, other: PcRecord | null): PcRecord {
    if (other === null || other === pc) {
      delete pc.doubt;
      this.save(pc);
      return pc;
    }
    other.hello = pc.hello;
    other.macs = [...new Set([...pc.macs, ...other.macs])];
    other.lastSeen = pc.lastSeen;
    this.save(other);
    this.forget(pc.id);
    return other;
  }

  save(pc: PcRecord): void {
    this.records.set(pc.id, pc);
    this.store.savePc(pc);
  }

  forget(id: string): void {
    this.records.delete(id);
    this.store.removePc(id);
  }

  rename(pc: PcRecord, name: string): void {
    const holder = this.namesakes(name).find((other) => other !== pc);
    if (holder !== undefined) {
      throw new RoomcastError(
        "conflict",
        `another PC (${holder.id}, ${holder.hello.mac}) is named ${holder.name}`,
        "choose another name, or rename that PC first",
      );
    }
    pc.name = name;
    this.save(pc);
  }

  /** Whether no other PC than this one has the name. */
  isFreeName(name: string, pc: PcRecord): boolean {
    return !this.namesakes(name).some((other) => other !== pc);
  }

  /** Puts a seat of this name on the room's map, unless it is there. */
  drawSeat(roomName: string, name: string): void {
    const room = this.room(roomName);
    if (room.seats.some((seat) => seat.name === name)) return;
    room.seats.push({ ...nextPlace(room.seats), name });
    this.saveRoom(room);
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
    this.saveRoom(newRoom(name));
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
    for (const pc of this.pcsOf(name)) {
      pc.room = defaultRoom;
      pc.seat = null;
      this.save(pc);
    }
    this.roomRecords.delete(name);
    this.store.removeRoom(name);
  }

  /** The PCs whose name this is, without regard to capital letters: one, but in the states of older servers. */
  private namesakes(name: string): PcRecord[] {
    return this.pcs().filter((pc) => foldedName(pc.name) === foldedName(name));
  }

  private sameRoom(name: string): RoomRecord | undefined {
    return [...this.roomRecords.values()].find(
      (room) => foldedName(room.name) === foldedName(name),
    );
  }

  private freeName(wanted: string | null): string {
    const taken = new Set(this.pcs().map((pc) => foldedName(pc.name)));
    if (wanted !== null && new RegExp(namePattern).test(wanted) && !taken.has(foldedName(wanted)))
      return wanted;
    for (let number = 1; ; number++) {
      const name = `pc${number}`;
      if (!taken.has(name)) return name;
    }
  }
}

/**
 * The contract's view of a PC; `candidates`: those that it may be, while that is not known; `lastSeen`:
 * now, for one that is connected.
 */
export function pcView(
  pc: PcRecord,
  state: PcState,
  session: string | null,
  candidates: readonly PcRecord[],
  lastSeen: string,
): PcView {
  const { hello } = pc;
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
    agentVersion: hello.agentVersion,
    nic: hello.nic,
    // Of a PC that was last seen by an older server.
    disks: hello.disks.map((disk) => ({ ...disk, protection: disk.protection ?? null })),
    memoryBytes: hello.memoryBytes,
    session,
    lastSeen,
    doubt: pc.doubt === undefined ? null : candidates.map(({ id, name }) => ({ id, name })),
  };
}
