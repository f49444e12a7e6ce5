/** Keeps this server's leases of rooms, tells of its rooms, and looks at the others': what is done turn by turn. */
import { RoomLeases } from "../../core/campus/room-leases.ts";
import type { LeaseEvent, Standings } from "../../core/campus/room-standing.ts";
import { errorText } from "../../core/errors.ts";
import { millis } from "../../core/units/units.ts";
import type { PublishedRoom } from "../../core/wire/campus.ts";
import { foldedName } from "../../core/wire/names.ts";
import type { StoreFiles } from "../store/files.ts";
import { Nap } from "./nap.ts";
import { type CampusTime, isAway } from "./patience.ts";
import { RecordTeller } from "./record-teller.ts";
import { type MovingRooms, RoomMover } from "./room-mover.ts";
import { recordText } from "./room-record-text.ts";
import type { Namesake, RoomTables, ServerEntry, Unnamed } from "./room-tables.ts";
import { RoomTeller } from "./room-teller.ts";
import type { Seal } from "./seal.ts";
import { SeenRooms } from "./seen-rooms.ts";
import { type Kept, writeKept } from "./standings-file.ts";

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

export class RoomKeeping {
  readonly leases: RoomLeases;
  readonly mover: RoomMover;
  readonly seen = new SeenRooms();
  /** Of this process, made at random. */
  readonly instance: string;
  private readonly ports: CampusRoomsPorts;
  private readonly folder: string;
  private readonly subscription: Disposable;
  /** Rooms that are being made, by folded name. */
  private readonly claims = new Map<string, string>();
  /** Rooms that an operator wants here, by folded name, until the leases hear of it. */
  private readonly words = new Set<string>();
  /** Who waits until the database was asked. */
  private waiting: (() => void)[] = [];
  private readonly teller: RoomTeller;
  private readonly records: RecordTeller;
  private own: OwnRooms | null = null;
  private address: () => string | null = () => null;
  private other: Namesake | null = null;
  private fault: string | null = null;
  private isFirst = true;
  private isHinted = false;
  private isKept = true;
  private isLookDue = true;
  private lookAt = 0;
  private readonly nap: Nap;
  private isOver = false;
  private running: Promise<void> = Promise.resolve();

  constructor(ports: CampusRoomsPorts, { folder, standings }: Kept) {
    this.ports = ports;
    this.folder = folder;
    this.instance = ports.newId();
    this.leases = new RoomLeases(ports.server, standings);
    this.teller = new RoomTeller({
      ...{ tables: ports.tables, server: ports.server, steady: () => ports.steady() },
      names: () => this.names(),
      view: (name) => (this.own as OwnRooms).view(name),
      standings: () => this.leases.standings,
    });
    const { tables, server, seal } = ports;
    const base = { tables, server, steady: () => ports.steady() };
    const moving = (): MovingRooms => (this.own as OwnRooms).moves;
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

  /** Null: there is no lab yet. */
  get lab(): OwnRooms | null {
    return this.own;
  }

  /** A server that lives and has this one's name; null: none that is known. */
  get namesake(): Namesake | null {
    return this.other;
  }

  /** Why the last turn failed, in words; null: it did not, or the database is away. */
  get trouble(): string | null {
    return this.fault;
  }

  get isClosed(): boolean {
    return this.isOver;
  }

  /** Before anything else. Answers who has this server's name. Rejects with `away`. */
  async greet(): Promise<Namesake | null> {
    const { namesake } = await this.ports.tables.greet(this.entry());
    if (namesake === null) this.isFirst = false;
    return namesake;
  }

  /** `address`: of this server's API and page, as it is now. */
  begin(lab: OwnRooms, address: () => string): void {
    this.own = lab;
    this.address = address;
    this.teller.forgetAll();
    // So that the others hear the address.
    this.isHinted = true;
    this.running = this.run();
  }

  /** Something of this room has changed, or it came or went. */
  changed(room: string): void {
    this.teller.changed(room);
    this.nap.wake();
  }

  /** Something in this room has changed that goes with it to another server. */
  recordChanged(room: string): void {
    this.records.changed(room);
    this.nap.wake();
  }

  /** An operator wants a room here. */
  word(room: string): void {
    this.words.add(room);
    this.isHinted = true;
    this.nap.wake();
  }

  /** Of the rooms that are here, by folded name. */
  names(): Map<string, string> {
    return new Map((this.own?.names() ?? []).map((name) => [foldedName(name), name]));
  }

  /** Keeps the lease of a room that is not here yet. */
  async claiming<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.claims.set(foldedName(name), name);
    try {
      return await work();
    } finally {
      this.claims.delete(foldedName(name));
      this.nap.wake();
    }
  }

  /** Resolves when the database was asked again, whether it answered or not. */
  ask(): Promise<void> {
    return new Promise((asked) => {
      if (this.isOver) return asked();
      this.waiting.push(asked);
      this.isHinted = true;
      this.nap.wake();
    });
  }

  async close(): Promise<void> {
    this.isOver = true;
    this.subscription[Symbol.dispose]();
    this.nap.wake();
    await this.running;
    for (const asked of this.waiting) asked();
    this.mover.close();
  }

  private entry(): ServerEntry {
    const { folder, instance, isFirst } = this;
    const { server: name, version } = this.ports;
    return { name, folder, instance, isFirst, address: this.address(), version };
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      try {
        await this.turn();
        this.fault = null;
      } catch (error) {
        this.fault = isAway(error) ? null : errorText(error);
      }
      await this.nap.until(this.due());
    }
  }

  /** When there is something to do next, by the steady clock. */
  private due(): number {
    const isThere = this.ports.tables.away() === null;
    const mayTell = isThere && this.other === null;
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
    if (isThere && this.other === null) {
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
    { rooms, ...unnamed }: Unnamed & { readonly rooms: readonly string[] },
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
      const { namesake, leases } = await this.ports.tables.beat(this.entry(), named, unnamed);
      this.isFirst = false;
      this.isLookDue = true;
      if (namesake === null && this.other !== null) this.teller.forgetAll();
      this.other = namesake;
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
