/** Servers and rooms of a campus in memory: several servers on one, whose clock and absence a test sets. */
import { leaseFor, ownRoom, type RoomLease } from "../../../core/campus/room-standing.ts";
import type {
  Beat,
  GivenRoom,
  Greeting,
  NamedRoom,
  NewView,
  Ordered,
  RoomTables,
  ServerEntry,
  StoredRecord,
  StoredView,
  Unnamed,
} from "../../../server/campus/room-tables.ts";
import { MayBeAway } from "./may-be-away.ts";

type Hint = (about: "leases" | "views") => void;
/** A lease, and the last order to move its room. */
interface Held {
  server: string;
  epoch: number;
  until: number;
  arriving: boolean;
  given: number | null;
  order: { move: number; by: string | null; at: number; refusal: string | null } | null;
}

export class MemoryRooms {
  /** In milliseconds. */
  now = 0;
  readonly servers = new Map<string, { entry: ServerEntry; since: number; heard: number }>();
  readonly leases = new Map<string, Held>();
  readonly records = new Map<string, StoredRecord & { readonly epoch: number }>();
  views: StoredView[] = [];
  private epoch = 0;
  private move = 0;
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

  beat(entry: ServerEntry, rooms: readonly NamedRoom[], { held, removed }: Unnamed): Beat {
    const { namesake } = this.greet(entry);
    if (namesake !== null) return { namesake, leases: [] };
    const before = JSON.stringify([...this.leases.keys()]);
    const wanted = new Set(rooms.map(({ room }) => room));
    for (const room of wanted) if (!this.leases.has(room)) this.lease(room, entry.name);
    for (const [room, lease] of this.leases) {
      if (lease.server !== entry.name) continue;
      lease.until = this.now + leaseFor;
      if (wanted.has(room) || held.includes(room) || lease.arriving) continue;
      if (!removed.includes(room) && this.records.get(room)?.epoch === lease.epoch) {
        lease.arriving = true;
        this.views = this.views.filter((view) => view.server !== entry.name || view.room !== room);
        continue;
      }
      this.leases.delete(room);
      this.records.delete(room);
    }
    this.views = this.views.filter(
      ({ server, room }) =>
        server !== entry.name || room === ownRoom || this.leases.get(room)?.server === server,
    );
    if (before !== JSON.stringify([...this.leases.keys()])) this.notify("leases");
    return { namesake, leases: this.told() };
  }

  private told(): RoomLease[] {
    return [...this.leases].map(([room, { server, epoch, arriving, given, order }]) => {
      const by = order !== null && order.at > this.now - leaseFor ? order.by : null;
      return {
        ...{ room, server, epoch, isArriving: arriving, given },
        order:
          order === null
            ? null
            : { move: order.move, by, refusal: by === null ? order.refusal : null },
      };
    });
  }

  want(server: string, { room }: NamedRoom): Ordered {
    const lease = this.leases.get(room);
    if (lease?.server === server) {
      if (lease.order !== null) lease.order.by = null;
      return { kind: "own" };
    }
    if (lease !== undefined && lease.until >= this.now) {
      const move = ++this.move;
      lease.order = { move, by: server, at: this.now, refusal: null };
      this.notify("leases");
      return { kind: "asked", from: lease.server, move };
    }
    this.hand(room, server, null);
    this.notify("leases");
    return { kind: "taken", from: lease?.server ?? null };
  }

  withdraw(server: string, room: string, move: number): void {
    const order = this.leases.get(room)?.order ?? null;
    if (order?.by === server && order.move === move) order.by = null;
    this.notify("leases");
  }

  refuse(server: string, room: string, { move, reason }: { move: number; reason: string }): void {
    const lease = this.leases.get(room);
    if (lease?.server !== server || lease.order?.move !== move) return;
    lease.order = { ...lease.order, by: null, refusal: reason };
    this.notify("leases");
  }

  give(server: string, { room, epoch, move, to, record }: GivenRoom): boolean {
    const lease = this.leases.get(room);
    const order = lease?.order ?? null;
    if (lease?.server !== server || lease.epoch !== epoch || order?.move !== move) return false;
    if (order.by !== to || order.at <= this.now - leaseFor) return false;
    this.hand(room, to, move);
    if (record !== null) this.write(server, { room, epoch: this.epoch, record });
    this.notify("leases");
    return true;
  }

  record(server: string, room: string): StoredRecord | null {
    const found = this.records.get(room);
    const lease = this.leases.get(room);
    return lease?.server === server && found?.epoch === lease.epoch ? found : null;
  }

  arrived(server: string, room: string, epoch: number): void {
    const lease = this.leases.get(room);
    if (lease?.server === server && lease.epoch === epoch) lease.arriving = false;
    this.notify("leases");
  }

  publishRecord(server: string, told: { room: string; epoch: number; record: string }): void {
    const lease = this.leases.get(told.room);
    if (lease?.server === server && lease.epoch === told.epoch && !lease.arriving)
      this.write(server, told);
  }

  private write(
    server: string,
    { room, epoch, record }: { room: string; epoch: number; record: string },
  ): void {
    this.records.set(room, { server, epoch, record, told: this.iso(this.now) });
  }

  /** To a server that has nothing of it yet; what was published before is what there is of it. */
  private hand(room: string, server: string, given: number | null): void {
    const before = this.leases.get(room);
    const found = this.records.get(room);
    this.lease(room, server);
    const lease = this.leases.get(room) as Held;
    Object.assign(lease, { arriving: true, given, order: before?.order ?? null });
    if (lease.order !== null) lease.order.by = null;
    if (found !== undefined && before !== undefined && found.epoch === before.epoch)
      this.records.set(room, { ...found, epoch: lease.epoch });
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

  private lease(room: string, server: string): void {
    const until = this.now + leaseFor;
    const fresh = { arriving: false, given: null, order: null };
    this.leases.set(room, { server, epoch: ++this.epoch, until, ...fresh });
  }
}

/** As one server has it. */
export class MemoryTables extends MayBeAway implements RoomTables {
  private readonly campus: MemoryRooms;

  constructor(campus: MemoryRooms) {
    super();
    this.campus = campus;
  }

  /** Null: it is there again. */
  setAway(reason: string | null): void {
    const since = this.campus.iso(this.campus.now);
    this.absence = reason === null ? null : { since, reason };
    if (reason === null) this.campus.notify("leases");
  }

  greet = (entry: ServerEntry) => this.step(() => this.campus.greet(entry));
  beat = (entry: ServerEntry, rooms: readonly NamedRoom[], unnamed: Unnamed) =>
    this.step(() => this.campus.beat(entry, rooms, unnamed));
  want = (server: string, room: NamedRoom) => this.step(() => this.campus.want(server, room));
  withdraw = (server: string, room: string, move: number) =>
    this.step(() => this.campus.withdraw(server, room, move));
  refuse = (server: string, room: string, answer: { move: number; reason: string }) =>
    this.step(() => this.campus.refuse(server, room, answer));
  give = (server: string, given: GivenRoom) => this.step(() => this.campus.give(server, given));
  record = (server: string, room: string) => this.step(() => this.campus.record(server, room));
  arrived = (server: string, room: string, epoch: number) =>
    this.step(() => this.campus.arrived(server, room, epoch));
  publishRecord = (server: string, told: { room: string; epoch: number; record: string }) =>
    this.step(() => this.campus.publishRecord(server, told));
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
}
