/** A room that moves between servers of a campus, as far as the lab goes: all that is in it leaves, or comes. */
import { errorText } from "../../core/errors.ts";
import { recognise } from "../../core/trust/identity.ts";
import { fitted } from "../../core/wire/misfit.ts";
import { foldedName } from "../../core/wire/names.ts";
import {
  Described,
  type ReadRecord,
  type RecordedPc,
  type RoomRecordDocument,
  readRoomRecord,
  roomRecordVersion,
} from "../../core/wire/room-record.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import {
  type MovedRoom,
  newRoom,
  type PcRecord,
  type RoomMoveRecord,
  type RoomRecord,
} from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import type { Admissions } from "./admissions.ts";
import type { Agents, Login } from "./agents.ts";
import type { Announcer } from "./announcer.ts";
import type { Inventory } from "./inventory.ts";
import { expectedPc } from "./listed-pc.ts";
import type { Menus } from "./menus.ts";
import { type MovedPcs, movedPcs } from "./moved-pcs.ts";
import type { Personals } from "./personals.ts";
import type { Requests } from "./requests.ts";
import type { RoomOrders } from "./room-orders.ts";
import type { Schedule } from "./schedule.ts";
import type { Sessions } from "./sessions.ts";
import type { SshKeys } from "./ssh-keys.ts";

export interface RoomMovesPorts {
  readonly store: Pick<StateStore, "roomMoves" | "moveRoom" | "hostKeys">;
  readonly inventory: Inventory;
  readonly admissions: Admissions;
  readonly announcer: Announcer;
  readonly menus: Pick<Menus, "pinsChanged">;
  readonly personals: Pick<Personals, "addressFault">;
  readonly requests: Pick<Requests, "list">;
  readonly rooms: Pick<RoomOrders, "placed">;
  readonly schedule: Pick<Schedule, "of" | "arriving" | "moved">;
  readonly sessions: Pick<Sessions, "workIn">;
  readonly sshKeys: Pick<SshKeys, "list">;
  readonly agents: Pick<Agents, "disconnect">;
  send(pc: string, message: ServerMessage): void;
  isoTime(): string;
}

/** A room that is at another server. */
export interface Whereabouts {
  readonly room: string;
  readonly server: string;
}

type Went = Extract<RoomMoveRecord, { name: "went" }>;

export class RoomMoves {
  private readonly ports: RoomMovesPorts;
  private readonly moves: Map<string, RoomMoveRecord>;
  /** Where the PCs of rooms are that went. */
  private gone: Gone;

  constructor(ports: RoomMovesPorts) {
    this.ports = ports;
    this.moves = ports.store.roomMoves();
    this.gone = goneBy(this.moves);
  }

  /** Why a room may not leave now, in words; null: it may. Throws `not-found`. */
  refusal(given: string): string | null {
    const { inventory, sessions, requests, schedule } = this.ports;
    const { name, walk } = inventory.room(given);
    const session = sessions.workIn(name, new Set(inventory.pcsOf(name).map(({ id }) => id)));
    if (session !== null) return `session ${session} is at work in room ${name}`;
    const request = requests.list().find(({ room }) => room === name);
    if (request !== undefined)
      return `the request ${request.id} of ${request.name} in room ${name} waits for an answer`;
    const running = schedule.of(name).find(({ run }) => run !== null);
    if (running !== undefined) return `schedule ${running.id} of room ${name} is at work`;
    if (walk !== null) return `room ${name} is in its seat walk`;
    const read = readRoomRecord(JSON.stringify(this.record(name)));
    return read.ok ? null : `what is in room ${name} cannot be written down: ${read.reason}`;
  }

  /** All that is in a room. Throws `not-found`. */
  record(given: string): RoomRecordDocument {
    const { inventory, schedule } = this.ports;
    const { name, settings, pin, instructorPin, seats } = inventory.room(given);
    const pcs = inventory.pcsOf(name).filter(({ unplaced }) => unplaced === undefined);
    return {
      version: roomRecordVersion,
      ...{ name, settings, pin, instructorPin, seats },
      pcs: pcs.map((pc) => this.recorded(pc)),
      schedules: schedule
        .of(name)
        .map(({ id: _, room: __, dueAt: ___, run: ____, ...recorded }) => recorded),
      lacksHostKeys: false,
    };
  }

  /** What was stored when the room came by the lease of this epoch is this server's, if it is still there. */
  hasTaken(folded: string, epoch: number): boolean {
    const move = this.moves.get(folded);
    const isHere = this.ports.inventory.rooms().some((each) => foldedName(each) === folded);
    return isHere && move?.name === "came" && move.epoch === epoch;
  }

  /** Takes what another server has published of a room; null: nothing. Answers what is not as it was there, in sentences. */
  take(read: ReadRecord | null, name: string, epoch: number): readonly string[] {
    const { inventory, store, admissions, schedule, menus } = this.ports;
    const before = inventory.rooms().find((each) => foldedName(each) === foldedName(name));
    const own = before === undefined ? null : inventory.room(before);
    const arrival = read === null ? nothingComes(own ?? newRoom(name)) : this.arrival(read, own);
    const { told, ...coming } = arrival;
    const move: RoomMoveRecord = { name: "came", epoch };
    const moved: MovedRoom = { folded: foldedName(name), move, ...coming };
    inventory.requireRoom(
      moved.saved.pcs.filter(({ id }) => inventory.get(id) === undefined).length,
    );
    store.moveRoom(moved);
    this.remember(moved.folded, move);
    inventory.moved(moved);
    admissions.moved(moved);
    schedule.moved(moved);
    const room = own?.name ?? read?.record.name ?? name;
    menus.pinsChanged(room);
    this.arrived(moved, room);
    const { announcer } = this.ports;
    announcer.note(
      { room },
      `it came from another server of the campus, with ${moved.saved.pcs.length} PCs`,
    );
    for (const text of told) announcer.note({ room }, text);
    return told;
  }

  /** The lease is another server's: nothing of the room stays here but where it went. */
  leave(given: string, to: string): void {
    const { inventory, store, admissions, announcer, schedule, agents, send } = this.ports;
    const { name } = inventory.room(given);
    const pcs = [...inventory.pcsOf(name)];
    const keyOf = (pc: PcRecord): string | null => admissions.keyOf(pc.id)?.fingerprint ?? null;
    const move: RoomMoveRecord = {
      ...{ name: "went", room: name, to, at: this.ports.isoTime() },
      pcs: pcs.map((pc) => ({ name: pc.name, fingerprint: keyOf(pc), macs: pc.macs })),
    };
    const moved: MovedRoom = {
      ...{ folded: foldedName(name), move, saved: nothingSaved },
      removed: {
        room: name,
        pcs: pcs.map(({ id }) => id),
        keys: pcs.flatMap((pc) => keyOf(pc) ?? []),
        schedules: schedule.of(name).map(({ id }) => id),
      },
    };
    store.moveRoom(moved);
    this.remember(moved.folded, move);
    for (const { id } of pcs) send(id, { type: "notice", text: goneText(move.room, to) });
    inventory.moved(moved);
    admissions.moved(moved);
    schedule.moved(moved);
    announcer.note({ room: name }, `it is at the server ${to} now, with its ${pcs.length} PCs`);
    announcer.feed.say({ type: "room-gone", name });
    for (const { id } of pcs) {
      announcer.feed.say({ type: "pc-gone", id });
      agents.disconnect(id);
    }
  }

  /** Where the room of a PC is that nobody has placed here: known by its key, or else by a MAC, which proves nothing. */
  whereIs({ id, macs, unplaced }: PcRecord): Whereabouts | null {
    if (unplaced === undefined) return null;
    const fingerprint = this.ports.admissions.keyOf(id)?.fingerprint ?? "";
    const { keys, macs: byMac } = this.gone;
    const mac = macs.find((each) => byMac.has(each)) ?? "";
    const found = keys.get(fingerprint) ?? byMac.get(mac);
    return found === undefined ? null : { room: found.room, server: found.to };
  }

  /** What a PC that came is told on its screen: only its key says that it is the one. */
  noticeFor({ key }: Pick<Login, "key">): string | null {
    const found = this.gone.keys.get(key.fingerprint);
    return found === undefined ? null : goneText(found.room, found.to);
  }

  private remember(folded: string, move: RoomMoveRecord): void {
    // Anew, so that it is the last.
    this.moves.delete(folded);
    this.moves.set(folded, move);
    this.gone = goneBy(this.moves);
  }

  private recorded(pc: PcRecord): RecordedPc {
    const { admissions, store } = this.ports;
    const { id, name, seat, hello, macs, lastSeen, bootUuid, nextBoot, address, fields } = pc;
    const { halfWritten } = pc;
    const key = admissions.keyOf(id);
    const hostKeys = store.hostKeys(id);
    return {
      ...{ id, name, seat, macs, lastSeen, nextBoot },
      // Of one that was last seen by a much older server, what it is known by.
      hello: fitted(Described, hello, "it").ok
        ? hello
        : expectedPc(id, hello.mac, hello.identity.uuid).hello,
      ...(bootUuid === undefined ? {} : { bootUuid }),
      ...(halfWritten === undefined ? {} : { halfWritten }),
      ...(address === undefined ? {} : { address }),
      ...(fields === undefined ? {} : { fields }),
      key: key === null ? null : keyParts(key),
      ...(hostKeys === null ? {} : { hostKeys }),
    };
  }

  private arrival({ record, unknownSettings }: ReadRecord, own: RoomRecord | null): Arrival {
    const { inventory, sshKeys, schedule } = this.ports;
    const name = own?.name ?? record.name;
    const moved = movedPcs(record.pcs, name, this.ports);
    const known = new Set(sshKeys.list().map((key) => key.name));
    const lacking = record.settings.sshKeys.filter((key) => !known.has(key));
    const { seats, pin, instructorPin } = record;
    const settings = {
      ...record.settings,
      sshKeys: record.settings.sshKeys.filter((key) => known.has(key)),
    };
    const room: RoomRecord = { name, settings, pin, instructorPin, seats, walk: null };
    const stay = own === null ? [] : this.staying(room, moved.pcs);
    const { schedules, faults } = this.schedules(record, name);
    return {
      removed: {
        room: null,
        pcs: [],
        keys: [],
        schedules: own === null ? [] : schedule.of(own.name).map(({ id }) => id),
      },
      saved: {
        ...{ room, schedules, keys: moved.keys, hostKeys: moved.hostKeys },
        pcs: [...moved.pcs, ...stay],
      },
      told: [
        ...moved.told,
        ...faults,
        ...this.addressFaults(moved, settings),
        ...lacking.map(
          (key) => `the SSH key ${key} is not stored on this server: the room does without it`,
        ),
        ...unknownSettings.map(
          (setting) => `this roomcast does not know the setting ${setting}, which the room had`,
        ),
        ...(record.lacksHostKeys
          ? [
              "private SSH host keys do not move in a campus without a seal: its PCs get new ones with their next restore",
            ]
          : []),
        ...(own === null
          ? []
          : [
              `this server had a room ${name} of its own: ${inventory.pcsOf(name).length - moved.pcs.filter(({ id }) => inventory.get(id)?.room === name).length} PCs of that stay in it`,
            ]),
      ],
    };
  }

  /** PCs of a copy of the room that do not come with it stay, on a seat that is free. */
  private staying(room: RoomRecord, coming: readonly PcRecord[]): PcRecord[] {
    const ids = new Set(coming.map(({ id }) => id));
    const taken = new Set(coming.flatMap(({ seat }) => seat ?? []));
    const isFree = (seat: string): boolean =>
      !taken.has(seat) && room.seats.some((each) => each.name === seat);
    return this.ports.inventory
      .pcsOf(room.name)
      .filter(({ id, seat, unplaced }) => !ids.has(id) && unplaced === undefined && seat !== null)
      .map((pc) => ({ ...pc, seat: pc.seat !== null && isFree(pc.seat) ? pc.seat : null }));
  }

  private schedules(record: RoomRecordDocument, room: string) {
    const faults: string[] = [];
    const schedules = record.schedules.flatMap((recorded) => {
      try {
        this.ports.schedule.arriving(room, [recorded]);
        return [recorded];
      } catch (error) {
        faults.push(`the schedule "${recorded.cron}" does not come along: ${errorText(error)}`);
        return [];
      }
    });
    return { faults, schedules: this.ports.schedule.arriving(room, schedules) };
  }

  private addressFaults({ pcs }: MovedPcs, settings: RoomRecord["settings"]): string[] {
    if (settings.address === "dhcp") return [];
    const faulty = pcs.flatMap(({ name, address, macs }) => {
      if (address === undefined) return [];
      const why = this.ports.personals.addressFault(address, macs, settings);
      return why === null ? [] : [`the address ${address} of ${name} ${why}`];
    });
    const [first, ...more] = faulty;
    if (first === undefined) return [];
    return [
      more.length === 0 ? first : `${first}; and ${more.length} more: see \`roomcast room show\``,
    ];
  }

  /** Those who are there hear of it, and visitors who may be one of those that came are asked about. */
  private arrived({ saved }: MovedRoom, room: string): void {
    const { inventory, admissions, announcer, rooms } = this.ports;
    for (const { id, hello, macs } of saved.pcs) {
      const pc = inventory.get(id);
      if (pc === undefined) continue;
      const { uuid, serials } = hello.identity;
      const marks = { uuid, serials, macs };
      const visitors = inventory.alike(marks).filter((each) => each.unplaced === true);
      for (const visitor of visitors) {
        const { identity } = visitor.hello;
        const own = { id, isOnline: false, ...{ uuid, serials, macs } };
        const seen = { uuid: identity.uuid, serials: identity.serials, macs: visitor.macs };
        if (recognise(seen, [own]).kind !== "new") admissions.doubted(visitor, id);
      }
      rooms.placed(pc);
      announcer.pc(id);
    }
    announcer.room(room);
  }
}

/** By the PCs' keys, and by their MACs. */
interface Gone {
  readonly keys: ReadonlyMap<string, Went>;
  readonly macs: ReadonlyMap<string, Went>;
}

/** A room that went last counts for a PC that was in two. */
function goneBy(moves: ReadonlyMap<string, RoomMoveRecord>): Gone {
  const keys = new Map<string, Went>();
  const macs = new Map<string, Went>();
  for (const move of moves.values()) {
    if (move.name !== "went") continue;
    for (const pc of move.pcs) {
      if (pc.fingerprint !== null) keys.set(pc.fingerprint, move);
      for (const mac of pc.macs) macs.set(mac, move);
    }
  }
  return { keys, macs };
}

type Arrival = Pick<MovedRoom, "removed" | "saved"> & { readonly told: readonly string[] };

const nothingSaved: MovedRoom["saved"] = {
  room: null,
  pcs: [],
  keys: [],
  hostKeys: [],
  schedules: [],
};

const nothingComes = (room: RoomRecord): Arrival => ({
  removed: { room: null, pcs: [], keys: [], schedules: [] },
  saved: { ...nothingSaved, room },
  told: ["nothing of what was in it was ever published: see `roomcast room import`"],
});

const keyParts = ({
  kind,
  spki,
  state,
  since,
  by,
  pcrDigest,
}: NonNullable<ReturnType<Admissions["keyOf"]>>) => ({
  ...{ kind, spki, state, since, by, pcrDigest },
});

const goneText = (room: string, server: string): string =>
  `Room ${room} of this PC is at the server ${server} now. If this PC is to be used here, an operator of this server has to place it.`;
