/**
 * Whose each room is, as one server of a campus knows it: a pure machine. The campus's database gives the leases; a
 * server acts for a room once it was told that it has the lease, and until it is told that another server has it.
 * While the database is away nothing is told, and so all stays as it is. docs/campus.md argues why that is right.
 */
import { type Millis, millis } from "../units/units.ts";

/** The room of PCs that nobody placed: each server has one of its own, and it is never leased. */
export const ownRoom = "default";

/** Between two times that a server says that it lives. */
export const beatEvery = millis(5000);
/** A lease that was not renewed for so long has lapsed: twelve beats, so that a restart and a slow database are none. */
export const leaseFor = millis(60_000);

/** `asked`: nobody has told yet whose it is. `epoch` grows each time that a lease goes to another server. */
export type Standing =
  | { readonly name: "asked" }
  | { readonly name: "owned"; readonly epoch: number }
  | { readonly name: "elsewhere"; readonly server: string };

/** By the rooms' folded names. A standing that stays as it was is the same object. */
export type Standings = ReadonlyMap<string, Standing>;

/** A lease as the database has it. */
export interface RoomLease {
  /** The room's folded name. */
  readonly room: string;
  readonly server: string;
  readonly epoch: number;
}

export type LeaseEvent =
  /** The folded names of the rooms that this server has, all of them. */
  | { readonly type: "rooms"; readonly rooms: readonly string[] }
  /** An operator has said that this server shall have a room which another one had. */
  | { readonly type: "word"; readonly room: string }
  /** Something may have changed in the database, or it is there again. */
  | { readonly type: "hint" }
  | { readonly type: "wake" }
  /** What the database says after an `ask`; `namesake`: another server lives that has this one's name. */
  | { readonly type: "answer"; readonly leases: readonly RoomLease[] | "namesake" }
  | { readonly type: "no-answer" };

export type LeaseAction =
  /** Say that this server lives, take the leases of these rooms that nobody has, renew its own, and give back all others. */
  | { readonly type: "ask"; readonly rooms: readonly string[] }
  /** Remember this across a restart. */
  | { readonly type: "keep"; readonly standings: Standings };

export class RoomLeases {
  private readonly server: string;
  private known: Map<string, Standing>;
  /** When and for which rooms the question was asked that has no answer yet. */
  private asking: { readonly at: Millis; readonly rooms: ReadonlySet<string> } | null = null;
  private nextAsk = millis(0);

  /** `kept`: what was remembered before a restart. */
  constructor(server: string, kept: Standings) {
    this.server = server;
    this.known = new Map(kept);
  }

  get standings(): Standings {
    return this.known;
  }

  /** Whether this server may begin anything in a room, by its folded name. */
  mayAct(room: string): boolean {
    return room === ownRoom || this.known.get(room)?.name === "owned";
  }

  /** When to `wake` it; null: it waits for an answer. */
  get deadline(): Millis | null {
    return this.asking === null ? this.nextAsk : null;
  }

  handle(event: LeaseEvent, now: Millis): LeaseAction[] {
    const actions: LeaseAction[] = [];
    const before = this.known;
    switch (event.type) {
      case "rooms":
        this.has(event.rooms, now);
        break;
      case "word":
        if (this.known.has(event.room))
          this.known = new Map(this.known).set(event.room, { name: "asked" });
        this.nextAsk = now;
        break;
      case "hint":
        this.nextAsk = now;
        break;
      case "wake":
        break;
      case "answer":
        this.answered(event.leases, now);
        break;
      case "no-answer":
        this.asking = null;
        break;
    }
    if (!isSame(before, this.known)) actions.push({ type: "keep", standings: this.known });
    if (this.asking === null && now >= this.nextAsk) {
      const rooms = [...this.known.keys()].filter((room) => !this.isElsewhere(room)).sort();
      this.asking = { at: now, rooms: new Set(rooms) };
      this.nextAsk = millis(now + beatEvery);
      actions.push({ type: "ask", rooms });
    }
    return actions;
  }

  private has(rooms: readonly string[], now: Millis): void {
    const leased = rooms.filter((room) => room !== ownRoom);
    const isKnown = leased.every((room) => this.known.has(room));
    if (isKnown && leased.length === this.known.size) return;
    this.known = new Map(leased.map((room) => [room, this.known.get(room) ?? { name: "asked" }]));
    this.nextAsk = now;
  }

  private isElsewhere(room: string): boolean {
    return this.known.get(room)?.name === "elsewhere";
  }

  private answered(leases: readonly RoomLease[] | "namesake", now: Millis): void {
    const { asking } = this;
    this.asking = null;
    // What was so long on its way may not be so any more.
    if (asking === null || now - asking.at >= leaseFor) return;
    const told = new Map(leases === "namesake" ? [] : leases.map((lease) => [lease.room, lease]));
    const standingOf = (room: string, before: Standing): Standing => {
      // Leases in this server's name are the other one's.
      if (leases === "namesake") return { name: "asked" };
      const lease = told.get(room);
      // It came into being since; or another server had it, and the database may have lost that.
      if (lease === undefined) return asking.rooms.has(room) ? { name: "asked" } : before;
      const { server, epoch } = lease;
      return server === this.server ? { name: "owned", epoch } : { name: "elsewhere", server };
    };
    this.known = new Map(
      [...this.known].map(([room, before]) => {
        const standing = standingOf(room, before);
        return [room, JSON.stringify(standing) === JSON.stringify(before) ? before : standing];
      }),
    );
  }
}

const isSame = (one: Standings, other: Standings): boolean =>
  one.size === other.size && [...one].every(([room, standing]) => other.get(room) === standing);
