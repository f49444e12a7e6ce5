import { RoomcastError } from "../../core/errors.ts";
import { printable } from "../../core/units/printable.ts";
import { fieldsLimit, type PcFields } from "../../core/wire/views.ts";
import type { PcRecord } from "../state/records.ts";
import type { Admissions, OrderedBy } from "./admissions.ts";
import type { Agents } from "./agents.ts";
import type { Announcer } from "./announcer.ts";
import type { Inventory } from "./inventory.ts";
import type { LookAt, Looks } from "./looks.ts";
import type { Personals } from "./personals.ts";
import type { RoomOrders } from "./room-orders.ts";
import type { RoomOwners } from "./room-owners.ts";
import type { Sessions } from "./sessions.ts";

export interface PcOrdersPorts {
  readonly inventory: Inventory;
  readonly announcer: Announcer;
  readonly admissions: Admissions;
  readonly agents: Agents;
  /** Sends the magic packet on the lab's network. */
  wake(macs: readonly string[]): Promise<void>;
  readonly looks: Pick<Looks, "look">;
  readonly personals: Pick<Personals, "addressFor" | "forget">;
  readonly owners: Pick<RoomOwners, "requireSettled">;
  readonly rooms: Pick<RoomOrders, "placed">;
  readonly sessions: Pick<Sessions, "requireFree" | "expel">;
}

/** What operators set of a PC; null: it has none any more. */
export interface PcChange {
  readonly name?: string;
  readonly room?: string;
  readonly seat?: string | null;
  /** ADDRESS/LEN */
  readonly address?: string | null;
  /** Those that change; an empty text takes one away. */
  readonly fields?: PcFields;
}

const fromDisk = { nextBoot: "local-disk", halfWritten: false } as const;

/** What operators do with single PCs. PCs are named by id, name or MAC. */
export class PcOrders {
  private readonly ports: PcOrdersPorts;

  constructor(ports: PcOrdersPorts) {
    this.ports = ports;
  }

  /** Throws `pc-unreachable`. */
  requireOnline(pc: PcRecord): void {
    if (this.ports.agents.isConnected(pc.id)) return;
    throw new RoomcastError(
      "pc-unreachable",
      `${pc.name} is not connected (last seen ${pc.lastSeen ?? "never"})`,
      "boot it from the network; see `roomcast pc list`",
    );
  }

  async power(
    reference: string,
    action: "wake" | "reboot" | "poweroff" | "boot-disk",
    by: OrderedBy,
  ): Promise<void> {
    const { inventory, admissions, agents, wake, sessions } = this.ports;
    const pc = inventory.find(reference);
    if (action === "wake") return wake(pc.macs);
    sessions.requireFree(pc);
    this.requireOnline(pc);
    admissions.requireOrder([pc], by);
    admissions.place(pc, by.operator);
    inventory.change(pc, action === "boot-disk" ? fromDisk : { nextBoot: "agent" });
    agents.send(pc.id, { type: "power", action });
  }

  /** The PC's next network boot leads to its own disk. No operator waits for that: a disk that does not take it is asked again. */
  startFromDisk(id: string): void {
    const { inventory } = this.ports;
    const pc = inventory.get(id);
    if (pc === undefined) return;
    try {
      inventory.change(pc, fromDisk);
    } catch {
      Object.assign(pc, fromDisk);
      inventory.save(pc, "soon");
    }
  }

  /** A restore may be writing to the PC's disk: no network boot leads there before `startFromDisk`. */
  keepFromDisk(id: string): void {
    const { inventory } = this.ports;
    const pc = inventory.get(id);
    if (pc === undefined || pc.halfWritten === true) return;
    pc.halfWritten = true;
    inventory.save(pc, "soon");
  }

  /** What is on the PC's screen now, or the end of its agent's log. */
  look(reference: string, at: LookAt): Promise<readonly string[]> {
    const { inventory, looks } = this.ports;
    const pc = inventory.find(reference);
    this.requireOnline(pc);
    return looks.look(pc.id, at);
  }

  /** Who is given a room or a seat is placed by that. */
  set(reference: string, change: PcChange, operator: string): PcRecord {
    const { inventory, admissions, announcer, rooms, personals } = this.ports;
    const pc = inventory.find(reference);
    const room = inventory.room(change.room ?? pc.room);
    this.requireSettled(pc, room);
    // A seat belongs to a room: who moves leaves it behind.
    const seat = change.seat === undefined ? (room.name === pc.room ? pc.seat : null) : change.seat;
    const given = change.address === undefined ? (pc.address ?? null) : change.address;
    const isChecked = given !== null && (change.address !== undefined || room.name !== pc.room);
    const address = isChecked ? personals.addressFor(pc, given, room.settings) : given;
    const fields = changedFields(pc.fields ?? {}, change.fields ?? {});
    const isSeated = seat !== null && (seat !== pc.seat || room.name !== pc.room);
    if (isSeated) this.requireSeat(pc, room.name, seat);
    if (change.name !== undefined) inventory.requireName(pc, change.name);
    const name = change.name ?? (isSeated ? inventory.nameAtSeat(pc, room, seat) : pc.name);
    if (change.room !== undefined || change.seat !== undefined) admissions.place(pc, operator);
    announcer.room(pc.room);
    inventory.change(pc, { name, seat, room: room.name, address, fields });
    rooms.placed(pc);
    announcer.pc(pc.id);
    announcer.room(pc.room);
    return pc;
  }

  /**
   * Says which PC one in doubt is: `other`, whose name and place it gets, or null for one that is new
   * here. It connects once more, as that. Throws `conflict`.
   */
  identify(reference: string, other: string | null, operator: string): PcRecord {
    const { inventory, admissions, announcer } = this.ports;
    const pc = inventory.find(reference);
    const chosen = other === null ? null : inventory.find(other);
    this.requireSettled(pc, ...(chosen === null ? [] : [chosen]));
    if (pc.doubt === undefined) {
      const next = "see `roomcast pc show` for what it is known by";
      throw new RoomcastError("conflict", `${pc.name} is in no doubt`, next);
    }
    const settled = admissions.settle(pc, chosen, operator);
    announcer.room(pc.room);
    announcer.note({ pc: settled.id }, `it is ${settled.name}, an operator said`);
    this.settled(settled);
    return settled;
  }

  /**
   * Lets a PC have orders; one that may be a known PC is that from here on. `code`: the one that the
   * operator was shown; null: it was not. Throws `conflict`, also where the PC has another code by now.
   */
  admit(reference: string, code: string | null, operator: string): PcRecord {
    const { inventory, admissions, announcer } = this.ports;
    const pc = inventory.find(reference);
    this.requireSettled(pc);
    const now = admissions.standing(pc.id).code;
    if (code !== null && now !== null && code !== now) {
      throw new RoomcastError(
        "conflict",
        `${pc.name} has another code by now`,
        `compare the code on its screen with \`roomcast pc show ${pc.name}\` once more`,
      );
    }
    const admitted = admissions.admit(pc, operator);
    announcer.room(pc.room);
    announcer.note({ pc: admitted.id, operator }, `the key of ${admitted.name} is admitted`);
    this.settled(admitted);
    return admitted;
  }

  /**
   * The PC's key is worth nothing any more: its work and its connection end, and it comes back as
   * nobody.
   */
  revoke(reference: string, operator: string): PcRecord {
    const { inventory, admissions, agents, announcer } = this.ports;
    const pc = inventory.find(reference);
    this.requireSettled(pc);
    admissions.revoke(pc, operator);
    announcer.note({ pc: pc.id, operator }, `the key of ${pc.name} is revoked`);
    this.ports.sessions.expel(pc.id);
    agents.disconnect(pc.id);
    announcer.pc(pc.id);
    return pc;
  }

  /** What is changed in a room that is on its way to another server would be lost. */
  private requireSettled(
    ...places: readonly ({ readonly room: string } | { readonly name: string })[]
  ): void {
    for (const place of places)
      this.ports.owners.requireSettled("room" in place ? place.room : place.name);
  }

  private settled(pc: PcRecord): void {
    const { announcer, rooms } = this.ports;
    rooms.placed(pc);
    announcer.pc(pc.id);
    announcer.room(pc.room);
  }

  forget(reference: string): void {
    const { inventory, admissions, agents, announcer, sessions } = this.ports;
    const pc = inventory.find(reference);
    this.requireSettled(pc);
    sessions.requireFree(pc);
    if (agents.isConnected(pc.id)) {
      throw new RoomcastError(
        "conflict",
        `${pc.name} is connected`,
        "switch it off first; it would register again at once",
      );
    }
    admissions.forget(pc);
    this.ports.personals.forget(pc.id);
    announcer.feed.say({ type: "pc-gone", id: pc.id });
    announcer.room(pc.room);
  }

  /** A seat that the map does not have yet is drawn: throws `conflict` when another PC has it. */
  private requireSeat(pc: PcRecord, roomName: string, seat: string): void {
    const { inventory } = this.ports;
    const holder = inventory.pcsOf(roomName).find((other) => other.seat === seat);
    if (holder !== undefined && holder.id !== pc.id) {
      throw new RoomcastError(
        "conflict",
        `seat ${seat} of room ${roomName} is ${holder.name}'s`,
        `free it first with \`roomcast pc set ${holder.name} --seat none\``,
      );
    }
    inventory.drawSeat(roomName, seat);
  }
}

/** Throws `usage` for more fields than a PC may have, and for a value that is not a line of text. */
export function changedFields(before: PcFields, change: PcFields): PcFields {
  const odd = Object.entries(change).find(([, value]) => printable(value) !== value);
  if (odd !== undefined) {
    const what = `the field ${odd[0]} has characters that cannot be seen`;
    throw new RoomcastError("usage", what, "give it one line of text");
  }
  const after = Object.entries({ ...before, ...change }).filter(([, value]) => value !== "");
  if (after.length <= fieldsLimit) return Object.fromEntries(after);
  const what = `it would have ${after.length} fields, and ${fieldsLimit} are allowed`;
  throw new RoomcastError("usage", what, "take some away with --field NAME=");
}
