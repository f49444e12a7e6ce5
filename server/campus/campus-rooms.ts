/** This server's part in what its campus shares of servers and rooms: it keeps its leases, tells of its rooms, and sees the others'. */
import {
  type LeaseEvent,
  ownRoom,
  RoomLeases,
  type Standing,
  type Standings,
} from "../../core/campus/room-leases.ts";
import { errorText } from "../../core/errors.ts";
import { millis } from "../../core/units/units.ts";
import type {
  CampusRoomView,
  CampusStatus,
  MoveView,
  PublishedRoom,
} from "../../core/wire/campus.ts";
import { foldedName } from "../../core/wire/names.ts";
import type { StoreFiles } from "../store/files.ts";
import { Nap } from "./nap.ts";
import { type CampusTime, isAway } from "./patience.ts";
import { RecordTeller } from "./record-teller.ts";
import {
  hasNamesake,
  roomComes,
  roomElsewhere,
  roomLeaves,
  roomNotKnown,
  roomStays,
} from "./room-faults.ts";
import { type MovingRooms, RoomMover } from "./room-mover.ts";
import { recordText } from "./room-record-text.ts";
import type { Namesake, RoomTables, ServerEntry } from "./room-tables.ts";
import { RoomTeller } from "./room-teller.ts";
import type { Seal } from "./seal.ts";
import { orderKey, ownerOf, SeenRooms } from "./seen-rooms.ts";
import { type Kept, readKept, writeKept } from "./standings-file.ts";

/** Milliseconds between two looks at what the servers have told, when there is something to see. */
const lookEvery = 200;

export interface CampusRoomsPorts {
  readonly tables: RoomTables;
  /** This server's name. */
  readonly server: string;
  readonly version: string;
  /** Of what is in rooms, as it lies in the database; null: it lies open. */
  readonly seal: Seal | null;
  readonly time: Pick<CampusTime, "sleep">;
  /** A clock that nobody sets, in milliseconds. */
  steady(): number;
  readonly disk: Pick<StoreFiles, "read" | "writeDurably">;
  /** Of the file of what is remembered. */
  readonly path: string;
  newId(): string;
}

/** The rooms of this server, as the lab has them. */
export interface OwnRooms {
  names(): readonly string[];
  view(name: string): PublishedRoom;
  /** What is in them. */
  readonly moves: MovingRooms;
}

export class CampusRooms {
  private readonly ports: CampusRoomsPorts;
  private readonly leases: RoomLeases;
  private readonly folder: string;
  /** Of this process, made at random. */
  readonly instance: string;
  private readonly seen = new SeenRooms();
  private readonly subscription: Disposable;
  /** Rooms that are being made, by folded name. */
  private readonly claims = new Map<string, string>();
  /** Rooms that an operator wants here, by folded name, until the leases hear of it. */
  private readonly words = new Set<string>();
  /** Who waits until the database was asked. */
  private waiting: (() => void)[] = [];
  private readonly teller: RoomTeller;
  private readonly records: RecordTeller;
  private readonly mover: RoomMover;
  private lab: OwnRooms | null = null;
  private address: string | null = null;
  private namesake: Namesake | null = null;
  private trouble: string | null = null;
  private isFirst = true;
  private isHinted = false;
  private isKept = true;
  private isLookDue = true;
  private lookAt = 0;
  private readonly nap: Nap;
  private isClosed = false;
  private running: Promise<void> = Promise.resolve();

  private constructor(ports: CampusRoomsPorts, { folder, standings }: Kept) {
    this.ports = ports;
    this.folder = folder;
    this.instance = ports.newId();
    this.leases = new RoomLeases(ports.server, standings);
    this.teller = new RoomTeller({
      ...{ tables: ports.tables, server: ports.server, steady: () => ports.steady() },
      names: () => this.names(),
      view: (name) => (this.lab as OwnRooms).view(name),
      standings: () => this.leases.standings,
    });
    const { tables, server, seal } = ports;
    const base = { tables, server, steady: () => ports.steady() };
    const moving = (): MovingRooms => (this.lab as OwnRooms).moves;
    this.records = new RecordTeller({
      ...{ ...base, standings: () => this.leases.standings },
      record: (room) => {
        const name = this.names().get(room);
        return name === undefined ? null : recordText(moving().record(name), room, seal);
      },
    });
    this.mover = new RoomMover({ ...base, seal, moving, names: () => this.names() });
    this.nap = new Nap(ports.time, () => ports.steady());
    this.subscription = ports.tables.onHint((about) => {
      this.isLookDue = true;
      this.isHinted ||= about === "leases";
      this.nap.wake();
    });
  }

  /** Rejects with `conflict` when another server lives that has this one's name; not while the database is away. */
  static async open(ports: CampusRoomsPorts): Promise<CampusRooms> {
    const kept = await readKept(ports.path, ports.disk, () => ports.newId());
    await writeKept(ports.path, ports.disk, kept);
    const rooms = new CampusRooms(ports, kept);
    try {
      const { namesake } = await ports.tables.greet(rooms.entry());
      if (namesake !== null) throw hasNamesake(ports.server, namesake.address);
      rooms.isFirst = false;
    } catch (error) {
      if (isAway(error)) return rooms;
      await rooms.close();
      throw error;
    }
    return rooms;
  }

  /** This server's name. */
  get server(): string {
    return this.ports.server;
  }

  /** `address`: of this server's API and page. */
  begin(lab: OwnRooms, address: string): void {
    this.lab = lab;
    this.address = address;
    this.teller.forgetAll();
    // So that the others hear the address.
    this.isHinted = true;
    this.running = this.run();
  }

  /** Something of this room has changed, or it came or went. */
  changed(name: string): void {
    this.teller.changed(foldedName(name));
    this.nap.wake();
  }

  /** Something in this room has changed that goes with it to another server. */
  recordChanged(name: string): void {
    this.records.changed(foldedName(name));
    this.nap.wake();
  }

  /** Throws `conflict` for a room that is another server's, and `away` for one of which that is not known yet. */
  requireOwn(name: string): void {
    const { leases, ports, namesake } = this;
    const room = foldedName(name);
    if (leases.mayAct(room)) return;
    if (namesake !== null) throw hasNamesake(ports.server, namesake.address);
    this.refuseElsewhere(name);
    this.requireSettled(name);
    throw roomNotKnown(name);
  }

  /** Throws `conflict` for a room that is on its way from one server to another: what is changed now would be lost. */
  requireSettled(name: string): void {
    const standing = this.leases.standings.get(foldedName(name));
    if (standing?.name === "giving") throw roomLeaves(name, standing.to);
    if (standing?.name === "coming") throw roomComes(name);
  }

  /** Makes a room once it is this server's, or while that cannot be asked. Rejects with `conflict` for another server's. */
  async making<T>(name: string, make: () => T): Promise<T> {
    if (this.names().has(foldedName(name))) return make();
    return this.claiming(name, async () => {
      await this.ask();
      this.refuseElsewhere(name);
      return make();
    });
  }

  /**
   * An operator's word that this server shall have a room: with all that is in it, or, where its server is off for
   * good, with what that has published last. Rejects with `conflict` where its server keeps it, with `away`, and with
   * `refused` for one that never moves.
   */
  async move(name: string): Promise<MoveView> {
    const { ports, namesake, isClosed } = this;
    if (foldedName(name) === ownRoom) throw roomStays(name);
    if (namesake !== null) throw hasNamesake(ports.server, namesake.address);
    const standing = this.leases.standings.get(foldedName(name));
    if (standing?.name === "giving") throw roomLeaves(name, standing.to);
    if (isClosed) throw roomNotKnown(name);
    const over = this.mover.order(name);
    this.words.add(foldedName(name));
    this.isHinted = true;
    this.nap.wake();
    return over;
  }

  /** Of all servers, by name; another server's as it was last told. */
  views(): CampusRoomView[] {
    const { lab, seen, ports, leases } = this;
    const { server } = ports;
    if (lab === null) return [];
    const all = seen.othersOf(server, ports.tables.away()?.since ?? null);
    for (const name of lab.names()) {
      const room = foldedName(name);
      const owner = room === ownRoom ? server : ownerOf(leases.standings.get(room), server);
      all.push([orderKey(room, server), { ...lab.view(name), server, owner, since: null }]);
    }
    all.sort(([one], [other]) => (one < other ? -1 : 1));
    return all.map(([, view]) => view);
  }

  roomsElsewhere(sshKey: string): { name: string; server: string }[] {
    const away = this.ports.tables.away()?.since ?? null;
    return this.seen
      .othersOf(this.server, away)
      .map(([, view]) => view)
      .filter(({ since, settings }) => since === null && settings.sshKeys.includes(sshKey))
      .map(({ name, owner }) => ({ name, server: owner ?? this.server }));
  }

  status(): CampusStatus {
    return { server: this.server, away: this.ports.tables.away(), servers: [...this.seen.servers] };
  }

  /** In words. */
  get warnings(): string[] {
    const { namesake, ports, trouble } = this;
    if (namesake !== null) {
      const { message, next } = hasNamesake(ports.server, namesake.address);
      return [`${message}: no session begins in a room of this one; ${next}`];
    }
    const names = this.names();
    const odd = [...this.leases.standings].flatMap(([room, standing]) =>
      warningOf(names.get(room) ?? room, standing),
    );
    const unasked = this.leases.unasked.map(
      (room) =>
        `the room ${room} was given to this server, and waits for a word: \`roomcast room move ${room} --server ${ports.server}\``,
    );
    const troubles = trouble === null ? [] : [`rooms of the campus: ${trouble}`];
    return [...odd, ...unasked, ...this.mover.warnings, ...troubles];
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.subscription[Symbol.dispose]();
    this.nap.wake();
    await this.running;
    for (const asked of this.waiting) asked();
    this.mover.close();
  }

  private entry(): ServerEntry {
    const { address, folder, instance, isFirst } = this;
    const { server: name, version } = this.ports;
    return { name, folder, instance, isFirst, address, version };
  }

  /** Of the rooms that are here, by folded name. */
  private names(): Map<string, string> {
    return new Map((this.lab?.names() ?? []).map((name) => [foldedName(name), name]));
  }

  /** Keeps the lease of a room that is not here yet. */
  private async claiming<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.claims.set(foldedName(name), name);
    try {
      return await work();
    } finally {
      this.claims.delete(foldedName(name));
      this.nap.wake();
    }
  }

  /** Resolves when the database was asked again, whether it answered or not. */
  private ask(): Promise<void> {
    return new Promise((asked) => {
      if (this.isClosed) return asked();
      this.waiting.push(asked);
      this.isHinted = true;
      this.nap.wake();
    });
  }

  private refuseElsewhere(name: string): void {
    const standing = this.leases.standings.get(foldedName(name));
    if (standing?.name !== "elsewhere") return;
    throw roomElsewhere(name, standing.server, this.ports.server);
  }

  private async run(): Promise<void> {
    while (!this.isClosed) {
      try {
        await this.turn();
        this.trouble = null;
      } catch (error) {
        this.trouble = isAway(error) ? null : errorText(error);
      }
      await this.nap.until(this.due());
    }
  }

  /** When there is something to do next, by the steady clock. */
  private due(): number {
    const isThere = this.ports.tables.away() === null;
    const mayTell = isThere && this.namesake === null;
    return Math.min(
      this.leases.deadline ?? Infinity,
      mayTell ? this.teller.due : Infinity,
      mayTell ? this.records.due : Infinity,
      isThere && this.isLookDue ? this.lookAt : Infinity,
      this.mover.due,
    );
  }

  private async turn(): Promise<void> {
    const names = this.names();
    for (const [room, name] of this.claims) names.set(room, name);
    const { isHinted } = this;
    this.isHinted = false;
    try {
      await this.feed({ type: "rooms", rooms: [...names.keys()] }, names);
      for (const room of this.words) {
        this.words.delete(room);
        await this.feed({ type: "word", room }, names);
      }
      if (await this.mover.expire()) this.isHinted = true;
      if (isHinted) await this.feed({ type: "hint" }, names);
      await this.feed({ type: "wake" }, names);
    } finally {
      await this.keep();
    }
    const isThere = this.ports.tables.away() === null;
    if (isThere && this.namesake === null) {
      await this.teller.tell();
      await this.records.tell();
    }
    if (isThere) await this.look();
  }

  private async feed(event: LeaseEvent, names: ReadonlyMap<string, string>): Promise<void> {
    const before = this.leases.standings;
    for (const action of this.leases.handle(event, millis(this.ports.steady()))) {
      if (action.type === "keep") this.stand(before, action.standings);
      else if (action.type === "ask") await this.beat(action, names);
      else if (action.type === "consider") await this.consider(action, names);
      else {
        await this.keep();
        for (const next of await this.mover.perform(action)) await this.feed(next, names);
      }
    }
  }

  /** Nothing happens between the look and what follows from it. */
  private async consider(
    { room, move }: { readonly room: string; readonly move: number },
    names: ReadonlyMap<string, string>,
  ): Promise<void> {
    const refusal = this.mover.refusal(room);
    await this.feed({ type: "considered", room, may: refusal === null }, names);
    if (refusal !== null) await this.mover.refuse(room, move, refusal);
  }

  private async beat(
    { rooms, held }: { readonly rooms: readonly string[]; readonly held: readonly string[] },
    names: ReadonlyMap<string, string>,
  ): Promise<void> {
    const { waiting } = this;
    this.waiting = [];
    // With those that are being made: their leases are not to be given back.
    const named = [...new Set([...rooms, ...this.claims.keys()])].map((room) => ({
      room,
      name: names.get(room) ?? room,
    }));
    try {
      const { namesake, leases } = await this.ports.tables.beat(this.entry(), named, held);
      this.isFirst = false;
      this.isLookDue = true;
      if (namesake === null && this.namesake !== null) this.teller.forgetAll();
      this.namesake = namesake;
      await this.feed({ type: "answer", leases: namesake === null ? leases : "namesake" }, names);
      this.mover.settle(this.leases.standings, leases);
    } catch (error) {
      await this.feed({ type: "no-answer" }, names);
      throw error;
    } finally {
      for (const asked of waiting) asked();
    }
  }

  private stand(before: Standings, after: Standings): void {
    this.isKept = false;
    for (const room of new Set([...before.keys(), ...after.keys()])) {
      if (before.get(room) === after.get(room)) continue;
      this.teller.forget(room);
      this.records.forget(room);
    }
  }

  private async keep(): Promise<void> {
    if (this.isKept) return;
    const { folder, leases, ports } = this;
    await writeKept(ports.path, ports.disk, { folder, standings: leases.standings });
    this.isKept = true;
  }

  private async look(): Promise<void> {
    const { seen, ports } = this;
    const now = ports.steady();
    if (!this.isLookDue || now < this.lookAt) return;
    this.lookAt = now + lookEvery;
    this.isLookDue = false;
    if (!seen.take(await ports.tables.look(seen.changed))) this.isLookDue = true;
  }
}

/** What is odd about a room, in words. */
function warningOf(name: string, standing: Standing): string[] {
  switch (standing.name) {
    case "elsewhere":
      return [
        `the room ${name} is of the server ${standing.server}: no session begins here in this server's copy of it`,
      ];
    case "giving":
      return [
        `the room ${name} is on its way to the server ${standing.to}: no session begins in it here`,
      ];
    case "coming":
      return [
        `the room ${name} is on its way here: no session begins in it until all of it is here`,
      ];
    default:
      return [];
  }
}
