import { randomBytes } from "node:crypto";
import { RoomcastError } from "../../core/errors.ts";
import { nextPlace } from "../../core/session/seats.ts";
import { parseMac } from "../../core/units/mac.ts";
import type { Hello } from "../../core/wire/control.ts";
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

  byMac(mac: string): PcRecord | undefined {
    return this.pcs().find((pc) => pc.macs.includes(mac));
  }

  /** By id, name or MAC; throws `not-found`. */
  find(reference: string): PcRecord {
    const mac = parseMac(reference);
    const found =
      this.records.get(reference) ??
      this.pcs().find((pc) => pc.name === reference) ??
      (mac === undefined ? undefined : this.byMac(mac));
    if (found !== undefined) return found;
    throw new RoomcastError(
      "not-found",
      `there is no PC ${JSON.stringify(reference)}`,
      "see `roomcast pc list` for ids, names and MACs",
    );
  }

  /** Throws `not-found`. */
  room(name: string): RoomRecord {
    const found = this.roomRecords.get(name);
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
   * Finds or makes the record of a PC that connects. Its boot MAC decides; a PC with a new network
   * card is known again by its SMBIOS UUID, unless two PCs claim the same one.
   */
  register(hello: Hello, isOnline: (id: string) => boolean, isoTime: string): PcRecord {
    const { type: _, state: __, task: ___, ...described } = hello;
    const known = this.byMac(hello.mac) ?? this.byUuid(hello.identity.uuid, isOnline);
    const macs = [...new Set([hello.mac, ...hello.identity.macs, ...(known?.macs ?? [])])];
    const record: PcRecord =
      known === undefined
        ? {
            id: `p-${randomBytes(4).toString("hex")}`,
            name: this.freeName(hello.name),
            room: defaultRoom,
            seat: null,
            hello: described,
            macs,
            lastSeen: isoTime,
            nextBoot: "room",
          }
        : Object.assign(known, { hello: described, macs, lastSeen: isoTime });
    this.save(record);
    return record;
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
    const holder = this.pcs().find((other) => other.name === name);
    if (holder !== undefined && holder !== pc) {
      throw new RoomcastError(
        "conflict",
        `another PC (${holder.id}, ${holder.hello.mac}) is named ${name}`,
        "choose another name, or rename that PC first",
      );
    }
    pc.name = name;
    this.save(pc);
  }

  /** Whether no other PC than this one has the name. */
  isFreeName(name: string, pc: PcRecord): boolean {
    return !this.pcs().some((other) => other.name === name && other !== pc);
  }

  /** Puts a seat of this name on the room's map, unless it is there. */
  drawSeat(roomName: string, name: string): void {
    const room = this.room(roomName);
    if (room.seats.some((seat) => seat.name === name)) return;
    room.seats.push({ ...nextPlace(room.seats), name });
    this.saveRoom(room);
  }

  createRoom(name: string): void {
    if (this.roomRecords.has(name)) {
      throw new RoomcastError("conflict", `room ${name} exists already`, "choose another name");
    }
    this.saveRoom(newRoom(name));
  }

  /** Its PCs go back to the default room. */
  deleteRoom(name: string): void {
    this.room(name);
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

  private byUuid(uuid: string | null, isOnline: (id: string) => boolean): PcRecord | undefined {
    if (uuid === null) return undefined;
    const candidates = this.pcs().filter((pc) => pc.hello.identity.uuid === uuid);
    const [only] = candidates;
    if (candidates.length !== 1 || only === undefined || isOnline(only.id)) return undefined;
    return only;
  }

  private freeName(wished: string | null): string {
    const taken = new Set(this.pcs().map((pc) => pc.name));
    if (wished !== null && new RegExp(namePattern).test(wished) && !taken.has(wished))
      return wished;
    for (let number = 1; ; number++) {
      const name = `pc${number}`;
      if (!taken.has(name)) return name;
    }
  }
}

/** The contract's view of a PC. */
export function pcView(pc: PcRecord, state: PcState, session: string | null): PcView {
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
    lastSeen: pc.lastSeen,
  };
}
