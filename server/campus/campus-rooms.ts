/** This server's part in what its campus shares of servers and rooms, as the lab and the API ask it. */
import type { RoomLeases } from "../../core/campus/room-leases.ts";
import { ownRoom, type Standing } from "../../core/campus/room-standing.ts";
import type { RoomcastError } from "../../core/errors.ts";
import type { CampusRoomView, CampusStatus, MoveView } from "../../core/wire/campus.ts";
import { foldedName } from "../../core/wire/names.ts";
import { mayBeMended } from "./patience.ts";
import {
  hasNamesake,
  roomComes,
  roomElsewhere,
  roomLeaves,
  roomLostOnItsWay,
  roomNotKnown,
  roomStays,
  roomWaits,
} from "./room-faults.ts";
import { type CampusRoomsPorts, type OwnRooms, RoomKeeping } from "./room-keeping.ts";
import { orderKey, ownerOf } from "./seen-rooms.ts";
import { readKept, writeKept } from "./standings-file.ts";

export class CampusRooms {
  private readonly ports: CampusRoomsPorts;
  private readonly keeping: RoomKeeping;

  private constructor(ports: CampusRoomsPorts, keeping: RoomKeeping) {
    this.ports = ports;
    this.keeping = keeping;
  }

  /** Rejects with `conflict` when another server lives that has this one's name; not while the database is away, or fails. */
  static async open(ports: CampusRoomsPorts): Promise<CampusRooms> {
    const kept = await readKept(ports.path, ports.disk, () => ports.newId());
    await writeKept(ports.path, ports.disk, kept);
    const keeping = new RoomKeeping(ports, kept);
    const rooms = new CampusRooms(ports, keeping);
    try {
      const namesake = await keeping.greet();
      if (namesake !== null) throw hasNamesake(ports.server, namesake.address);
    } catch (error) {
      if (mayBeMended(error)) return rooms;
      await rooms.close();
      throw error;
    }
    return rooms;
  }

  /** This server's name. */
  get server(): string {
    return this.ports.server;
  }

  /** Of this process, made at random. */
  get instance(): string {
    return this.keeping.instance;
  }

  /** `address`: of this server's API and page, as it is now. */
  begin(lab: OwnRooms, address: () => string): void {
    this.keeping.begin(lab, address);
  }

  /** Something of this room has changed, or it came or went. */
  changed(name: string): void {
    this.keeping.changed(foldedName(name));
  }

  /** Something in this room has changed that goes with it to another server. */
  recordChanged(name: string): void {
    this.keeping.recordChanged(foldedName(name));
  }

  /** Throws `conflict` for a room that is another server's, and `away` for one of which that is not known yet. */
  requireOwn(name: string): void {
    const { ports, leases } = this;
    const { namesake } = this.keeping;
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
    if (standing?.name === "giving") throw this.leaving(name, standing.to);
    if (standing?.name === "coming") throw roomComes(name);
  }

  /**
   * Makes a room once it is this server's, or while that cannot be asked. Rejects with `conflict` for another server's,
   * and for one that is still to come here.
   */
  async making<T>(name: string, make: () => T): Promise<T> {
    const { keeping } = this;
    if (keeping.names().has(foldedName(name))) return make();
    return keeping.claiming(name, async () => {
      await keeping.ask();
      this.refuseElsewhere(name);
      if (this.leases.unasked.includes(foldedName(name))) throw roomWaits(name, this.server);
      return make();
    });
  }

  /**
   * An operator's word that this server shall have a room: with all that is in it, or, where its server is off for
   * good, with what that has published last. Rejects with `conflict` where its server keeps it, with `away`, and with
   * `refused` for one that never moves.
   */
  async move(name: string): Promise<MoveView> {
    const { ports, keeping } = this;
    const { namesake, isClosed } = keeping;
    if (foldedName(name) === ownRoom) throw roomStays(name);
    if (namesake !== null) throw hasNamesake(ports.server, namesake.address);
    const room = foldedName(name);
    const standing = this.leases.standings.get(room);
    if (standing?.name === "giving" && !this.leases.isLost(room))
      throw roomLeaves(name, standing.to);
    if (isClosed) throw roomNotKnown(name);
    const over = keeping.mover.order(name);
    keeping.word(room);
    return over;
  }

  /** Of all servers, by name; another server's as it was last told. */
  views(): CampusRoomView[] {
    const { ports, leases } = this;
    const { lab, seen } = this.keeping;
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
    return this.keeping.seen
      .othersOf(this.server, away)
      .map(([, view]) => view)
      .filter(({ since, settings }) => since === null && settings.sshKeys.includes(sshKey))
      .map(({ name, owner }) => ({ name, server: owner ?? this.server }));
  }

  status(): CampusStatus {
    const { servers } = this.keeping.seen;
    return { server: this.server, away: this.ports.tables.away(), servers: [...servers] };
  }

  /** In words. */
  get warnings(): string[] {
    const { ports, keeping } = this;
    const { namesake, trouble } = keeping;
    if (namesake !== null) {
      const { message, next } = hasNamesake(ports.server, namesake.address);
      return [`${message}: no session begins in a room of this one; ${next}`];
    }
    const names = keeping.names();
    const odd = [...this.leases.standings].flatMap(([room, standing]) =>
      this.warningOf(names.get(room) ?? room, standing),
    );
    const unasked = this.leases.unasked.map(
      (room) =>
        `the room ${room} is this server's, and what is in it has not come here: \`roomcast room move ${room} --server ${ports.server}\` takes what was told of it last`,
    );
    const troubles = trouble === null ? [] : [`rooms of the campus: ${trouble}`];
    const unseen = keeping.seen.warningsOf(ports.server);
    return [...odd, ...unasked, ...keeping.mover.warnings, ...unseen, ...troubles];
  }

  close(): Promise<void> {
    return this.keeping.close();
  }

  private get leases(): RoomLeases {
    return this.keeping.leases;
  }

  private leaving(name: string, to: string): RoomcastError {
    if (!this.leases.isLost(foldedName(name))) return roomLeaves(name, to);
    return roomLostOnItsWay(name, to, this.server);
  }

  /** What is odd about a room, in words. */
  private warningOf(name: string, standing: Standing): string[] {
    switch (standing.name) {
      case "elsewhere":
        return [
          `the room ${name} is of the server ${standing.server}: no session begins here in this server's copy of it`,
        ];
      case "giving": {
        const { message, next } = this.leaving(name, standing.to);
        const more = this.leases.isLost(foldedName(name)) ? `; ${next}` : "";
        return [`${message}: no session begins in it here${more}`];
      }
      case "coming":
        return [
          `the room ${name} is on its way here: no session begins in it until all of it is here`,
        ];
      default:
        return [];
    }
  }

  private refuseElsewhere(name: string): void {
    const standing = this.leases.standings.get(foldedName(name));
    if (standing?.name !== "elsewhere") return;
    throw roomElsewhere(name, standing.server, this.ports.server);
  }
}
