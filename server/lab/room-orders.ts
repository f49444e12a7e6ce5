import { RoomcastError } from "../../core/errors.ts";
import { freeSeats, nextPlace } from "../../core/session/seats.ts";
import { isAtLeast } from "../../core/trust/level.ts";
import type { WakeReport } from "../../core/wire/api.ts";
import type { Language } from "../../core/wire/language.ts";
import {
  languageIn,
  type RoomChange,
  type RoomView,
  type Seat,
  seatsLimit,
} from "../../core/wire/rooms.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { PcState } from "../../core/wire/views.ts";
import { defaultRoom, type PcRecord, type PinHash } from "../state/records.ts";
import { type Admissions, refusedFor } from "./admissions.ts";
import type { Announcer } from "./announcer.ts";
import type { Inventory } from "./inventory.ts";
import type { Menus } from "./menus.ts";
import type { Personals } from "./personals.ts";
import { hashPin } from "./pin.ts";
import type { Presence } from "./presence.ts";
import type { RoomOwners } from "./room-owners.ts";
import type { Sessions } from "./sessions.ts";
import { type WakesPorts, wakePcs } from "./wakes.ts";

export interface RoomOrdersPorts {
  readonly inventory: Inventory;
  readonly announcer: Announcer;
  readonly admissions: Admissions;
  readonly menus: Menus;
  isConnected(pc: string): boolean;
  send(pc: string, message: ServerMessage): void;
  readonly owners: RoomOwners;
  readonly personals: Pick<Personals, "requireSettings">;
  /** Of PCs whose room has none of its own. */
  readonly language: Language;
  readonly presence: Pick<Presence, "stateOf">;
  readonly sessions: Pick<Sessions, "restoreIn">;
  readonly timers: WakesPorts["timers"];
  /** Sends the magic packet on the lab's network. */
  wake(macs: readonly string[]): Promise<void>;
  /** A PC is in a room now, or its room is set otherwise: the session that is under way there hears of it. */
  joins(pc: PcRecord): void;
}

/** What operators do with rooms: their settings, their seats, and who sits where. */
export class RoomOrders {
  private readonly ports: RoomOrdersPorts;

  constructor(ports: RoomOrdersPorts) {
    this.ports = ports;
  }

  /** Throws `not-found`. */
  view(given: string): RoomView {
    const { inventory, menus, isConnected, sessions } = this.ports;
    const room = inventory.room(given);
    const { name } = room;
    const pcs = inventory.pcsOf(name);
    const bySeat = new Map(pcs.map(({ seat, id }) => [seat, id]));
    return {
      name,
      pcs: pcs.length,
      online: pcs.filter((pc) => isConnected(pc.id)).length,
      session: sessions.restoreIn(name),
      settings: room.settings,
      pin: room.pin !== null,
      instructorPin: room.instructorPin !== null,
      shutUntil: menus.shutUntil(name),
      seats: room.seats.map((seat) => ({
        ...seat,
        pc: bySeat.get(seat.name) ?? null,
      })),
      walk: room.walk === null ? null : { next: this.nextSeat(name)?.name ?? null },
    };
  }

  /** Rejects with `conflict` when there is one of the name, here or at another server of the campus. */
  create(name: string): Promise<RoomView> {
    return this.ports.owners.making(name, () => {
      this.ports.inventory.createRoom(name);
      return this.changed(name);
    });
  }

  delete(given: string): void {
    const { inventory, announcer, sessions, owners } = this.ports;
    const { name } = inventory.room(given);
    owners.requireSettled(name);
    const session = sessions.restoreIn(name);
    if (session !== null) {
      throw new RoomcastError(
        "conflict",
        `session ${session} is at work in room ${name}`,
        "wait for its end, or stop it",
      );
    }
    const moved = inventory.pcsOf(name);
    inventory.deleteRoom(name);
    announcer.feed.say({ type: "room-gone", name });
    for (const pc of moved) {
      this.tell(pc);
      announcer.pc(pc.id);
    }
    announcer.room(defaultRoom);
  }

  async set(given: string, change: RoomChange): Promise<RoomView> {
    const { inventory, menus } = this.ports;
    inventory.room(given);
    const { pin: menuPin, instructorPin: otherPin, ...settings } = change;
    const [pin, instructorPin] = await Promise.all([hashOf(menuPin), hashOf(otherPin)]);
    // It may have been deleted meanwhile.
    const room = inventory.room(given);
    const { name } = room;
    this.ports.owners.requireSettled(name);
    const after = { ...room.settings, ...settings };
    this.ports.personals.requireSettings(name, after, settings);
    const pins = {
      ...(pin === undefined ? {} : { pin }),
      ...(instructorPin === undefined ? {} : { instructorPin }),
    };
    inventory.changeRoom(room, { settings: after, ...pins });
    if (pin !== undefined || instructorPin !== undefined) menus.pinsChanged(name);
    for (const pc of inventory.pcsOf(name)) this.placed(pc);
    return this.changed(name);
  }

  /** Opens the menus of a room, which too many wrong PINs have shut. */
  unlock(given: string): RoomView {
    const { name } = this.ports.inventory.room(given);
    this.ports.menus.open(name);
    return this.changed(name);
  }

  /** Replaces the room's map. PCs whose seat is gone stay in the room without one. */
  setSeats(given: string, seats: readonly Seat[]): RoomView {
    const { inventory, announcer } = this.ports;
    const room = inventory.room(given);
    const { name } = room;
    this.ports.owners.requireSettled(name);
    if (new Set(seats.map((seat) => seat.name)).size < seats.length) {
      throw new RoomcastError("usage", "two seats have the same name", "give each its own");
    }
    inventory.changeRoom(room, { seats: seats.map((seat) => ({ ...seat })) });
    for (const pc of inventory.pcsOf(name)) {
      if (pc.seat === null || seats.some((seat) => seat.name === pc.seat)) continue;
      inventory.change(pc, { seat: null });
      this.tell(pc);
      announcer.pc(pc.id);
    }
    return this.changed(name);
  }

  /**
   * Begins or ends the seat walk: from PC to PC, Enter at each, and it takes the next free seat. It
   * is for the PCs of the room and for those that nobody placed, so one room at a time walks. A room
   * without seats gets them on the way, numbered, ten to a row.
   */
  walk(given: string, isOn: boolean): RoomView {
    const { inventory } = this.ports;
    const room = inventory.room(given);
    const { name } = room;
    this.ports.owners.requireSettled(name);
    const other = this.walking();
    if (isOn && other !== null && other !== name) {
      throw new RoomcastError(
        "conflict",
        `room ${other} is in its seat walk`,
        `end it first with \`roomcast room walk ${other} --end\``,
      );
    }
    if (isOn && name === defaultRoom) {
      throw new RoomcastError(
        "refused",
        `room ${defaultRoom} is for PCs that nobody placed`,
        "make a room with `roomcast room create`, and walk that",
      );
    }
    const grows = room.walk?.grows ?? room.seats.length === 0;
    inventory.changeRoom(room, { walk: isOn ? { grows } : null });
    this.tellWalkers(name);
    return this.changed(name);
  }

  /** The PC at which someone pressed Enter takes the next seat; throws `conflict` and `refused`. */
  takeSeat(pc: PcRecord): void {
    const { inventory, admissions, announcer, joins } = this.ports;
    const state = admissions.identity(pc.id)?.state;
    const verdict = admissions.verdict(pc);
    // The walk is an operator's, who stands in the room: it places who waits, and settles no doubt.
    if (verdict.kind === "may-not" && (state === "doubt" || state === "revoked"))
      throw refusedFor([verdict]);
    const name = this.walking();
    if (name === null || (pc.room !== name && pc.room !== defaultRoom)) {
      throw new RoomcastError(
        "conflict",
        "no seat walk is on for this PC",
        "begin one with `roomcast room walk ROOM`",
      );
    }
    if (pc.room === name && pc.seat !== null) {
      throw new RoomcastError(
        "conflict",
        `this PC has seat ${pc.seat} already`,
        `to give it another: roomcast pc set ${pc.name} --seat none, then Enter again`,
      );
    }
    const seat = this.nextSeat(name);
    if (seat === null) {
      throw new RoomcastError(
        "refused",
        `room ${name} has no free seat left`,
        `add one with \`roomcast seat add ${name} SEAT\``,
      );
    }
    const room = inventory.room(name);
    if (!room.seats.some((each) => each.name === seat.name))
      inventory.changeRoom(room, { seats: [...room.seats, seat] });
    const from = pc.room;
    admissions.place(pc, "seat walk");
    const named = inventory.nameAtSeat(pc, room, seat.name);
    inventory.change(pc, { room: name, seat: seat.name, name: named });
    announcer.room(from);
    announcer.note({ pc: pc.id }, `took seat ${seat.name} of room ${name}`);
    joins(pc);
    announcer.pc(pc.id);
    this.tellWalkers(name);
    this.changed(name);
  }

  /** Wakes the room's PCs; see `wakePcs`. */
  async wake(given: string, timeoutMs: number, signal: AbortSignal): Promise<WakeReport> {
    const { inventory, presence, wake, owners } = this.ports;
    const { name } = inventory.room(given);
    owners.requireOwn(name);
    const pcs = inventory.pcsOf(name);
    const stateOf = (pc: string): PcState => presence.stateOf(pc);
    return wakePcs({ ...this.ports, stateOf, send: wake }, pcs, timeoutMs, signal);
  }

  /** The PC's name, room or seat has changed, or what its room is set to. */
  placed(pc: PcRecord): void {
    this.tell(pc);
    this.ports.joins(pc);
  }

  /** Says to a PC where it is and what its room allows; to one that nobody placed, no more than it needs. */
  tell(pc: PcRecord): void {
    const { inventory, admissions, menus, send } = this.ports;
    const { settings } = inventory.room(pc.room);
    const { level } = admissions.standing(pc.id);
    const isPlaced = isAtLeast(level, "unproven");
    const walking = this.walking();
    const isWalker =
      walking !== null &&
      pc.doubt === undefined &&
      (pc.room === walking || pc.room === defaultRoom);
    send(pc.id, {
      type: "placed",
      name: pc.name,
      room: pc.room,
      seat: pc.seat,
      shell: isPlaced && settings.shell,
      walk: isWalker ? { room: walking, next: this.nextSeat(walking)?.name ?? null } : null,
      level,
      language: languageIn(settings, this.ports.language),
    });
    menus.tell(pc);
  }

  private tellWalkers(name: string): void {
    const { inventory } = this.ports;
    for (const pc of [...inventory.pcsOf(name), ...inventory.pcsOf(defaultRoom)]) this.tell(pc);
  }

  private walking(): string | null {
    const { inventory } = this.ports;
    return inventory.rooms().find((name) => inventory.room(name).walk !== null) ?? null;
  }

  private nextSeat(name: string): Seat | null {
    const { inventory } = this.ports;
    const { seats, walk } = inventory.room(name);
    const taken = inventory.pcsOf(name).map((pc) => pc.seat);
    const [free] = freeSeats(seats, taken);
    if (free !== undefined) return free;
    return walk?.grows === true && seats.length < seatsLimit ? nextPlace(seats) : null;
  }

  private changed(name: string): RoomView {
    this.ports.announcer.room(name);
    return this.view(name);
  }
}

/** Undefined: it stays as it is; null: there is none. */
const hashOf = async (pin: string | null | undefined): Promise<PinHash | null | undefined> =>
  pin === undefined || pin === null ? pin : hashPin(pin);
