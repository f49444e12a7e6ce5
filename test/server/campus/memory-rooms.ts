/** Servers and rooms of a campus in memory: several servers on one, whose clock and absence a test sets. */
import { leaseFor, ownRoom } from "../../../core/campus/room-leases.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { roomNotLapsed } from "../../../server/campus/room-faults.ts";
import type {
  Beat,
  Greeting,
  NamedRoom,
  NewView,
  RoomTables,
  ServerEntry,
  StoredView,
} from "../../../server/campus/room-tables.ts";

type Hint = (about: "leases" | "views") => void;
type Absence = { readonly since: string; readonly reason: string };

export class MemoryRooms {
  /** In milliseconds. */
  now = 0;
  readonly servers = new Map<string, { entry: ServerEntry; since: number; heard: number }>();
  readonly leases = new Map<string, { server: string; epoch: number; until: number }>();
  views: StoredView[] = [];
  private epoch = 0;
  private changes = 0;
  private readonly hints = new Set<{ readonly server: MemoryTables; readonly hint: Hint }>();

  tables(): MemoryTables {
    return new MemoryTables(this);
  }

  notify(about: "leases" | "views"): void {
    for (const { server, hint } of this.hints) if (server.away() === null) hint(about);
  }

  listen(server: MemoryTables, hint: Hint): Disposable {
    const listener = { server, hint };
    this.hints.add(listener);
    return { [Symbol.dispose]: () => void this.hints.delete(listener) };
  }

  iso(ms: number): string {
    return new Date(ms).toISOString();
  }

  greet(entry: ServerEntry): Greeting {
    const row = this.servers.get(entry.name);
    const isMine =
      row === undefined ||
      row.entry.instance === entry.instance ||
      (entry.isFirst && row.entry.folder === entry.folder) ||
      row.heard < this.now - leaseFor;
    if (row !== undefined && !isMine)
      return { namesake: { address: row.entry.address, heard: this.iso(row.heard) } };
    const since = row?.entry.instance === entry.instance ? row.since : this.now;
    this.servers.set(entry.name, { entry, since, heard: this.now });
    return { namesake: null };
  }

  beat(entry: ServerEntry, rooms: readonly NamedRoom[]): Beat {
    const { namesake } = this.greet(entry);
    if (namesake !== null) return { namesake, leases: [] };
    const before = JSON.stringify([...this.leases.keys()]);
    const wanted = new Set(rooms.map(({ room }) => room));
    for (const room of wanted) if (!this.leases.has(room)) this.give(room, entry.name);
    for (const [room, lease] of this.leases) {
      if (lease.server !== entry.name) continue;
      lease.until = this.now + leaseFor;
      if (!wanted.has(room)) this.leases.delete(room);
    }
    this.views = this.views.filter(
      ({ server, room }) =>
        server !== entry.name || room === ownRoom || this.leases.get(room)?.server === server,
    );
    if (before !== JSON.stringify([...this.leases.keys()])) this.notify("leases");
    const leases = [...this.leases].map(([room, { server, epoch }]) => ({ room, server, epoch }));
    return { namesake, leases };
  }

  takeOver(server: string, { room, name }: NamedRoom): void {
    const lease = this.leases.get(room);
    if (lease?.server === server) return;
    if (lease !== undefined && lease.until >= this.now) throw roomNotLapsed(name, lease.server);
    this.give(room, server);
    this.notify("leases");
  }

  publish(server: string, views: readonly NewView[]): void {
    const changed = ++this.changes;
    for (const { room, epoch, view } of views) {
      const lease = this.leases.get(room);
      if (epoch !== null && (lease?.server !== server || lease.epoch !== epoch)) continue;
      this.views = this.views.filter((each) => each.server !== server || each.room !== room);
      this.views.push({ server, room, view, changed });
    }
    this.notify("views");
  }

  private give(room: string, server: string): void {
    this.leases.set(room, { server, epoch: ++this.epoch, until: this.now + leaseFor });
  }
}

/** As one server has it. */
export class MemoryTables implements RoomTables {
  private readonly campus: MemoryRooms;
  private absence: Absence | null = null;

  constructor(campus: MemoryRooms) {
    this.campus = campus;
  }

  /** Null: it is there again. */
  setAway(reason: string | null): void {
    const since = this.campus.iso(this.campus.now);
    this.absence = reason === null ? null : { since, reason };
    if (reason === null) this.campus.notify("leases");
  }

  greet = (entry: ServerEntry) => this.step(() => this.campus.greet(entry));
  beat = (entry: ServerEntry, rooms: readonly NamedRoom[]) =>
    this.step(() => this.campus.beat(entry, rooms));
  takeOver = (server: string, room: NamedRoom) =>
    this.step(() => this.campus.takeOver(server, room));
  publish = (server: string, views: readonly NewView[]) =>
    this.step(() => this.campus.publish(server, views));

  look(since: number): ReturnType<RoomTables["look"]> {
    const { campus } = this;
    return this.step(() => ({
      servers: [...campus.servers.values()].map(({ entry, since: from, heard }) => ({
        ...{ name: entry.name, address: entry.address, version: entry.version },
        ...{
          since: campus.iso(from),
          away: heard < campus.now - 15_000 ? campus.iso(heard) : null,
        },
      })),
      views: campus.views.filter(({ changed }) => changed > since),
      count: campus.views.length,
      sum: campus.views.reduce((sum, { changed }) => sum + changed, 0),
    }));
  }

  onHint(hint: Hint): Disposable {
    return this.campus.listen(this, hint);
  }

  away(): Absence | null {
    return this.absence;
  }

  /** What is done at once, after others had their turn. */
  private async step<T>(work: () => T): Promise<T> {
    await Promise.resolve();
    if (this.absence !== null)
      throw new RoomcastError("away", `it is away: ${this.absence.reason}`, "start it");
    return work();
  }
}
