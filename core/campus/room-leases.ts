/**
 * Whose each room is, as one server of a campus knows it: a pure machine. The campus's database gives the leases; a
 * server acts for a room once it was told that it has the lease, and until it is told that another server has it.
 * While the database is away nothing is told, and so all stays as it is. A room moves by an operator's word at the
 * server that takes it: the other one stops acting for it first, and for good; then what is in it goes with the
 * lease, and only who has taken it acts. docs/campus.md argues why that is right.
 */
import { type Millis, millis } from "../units/units.ts";
import {
  beatEvery,
  type LeaseAction,
  type LeaseEvent,
  leaseFor,
  ownRoom,
  type RoomLease,
  type Standing,
  type Standings,
} from "./room-standing.ts";

export class RoomLeases {
  private readonly server: string;
  private known: Map<string, Standing>;
  /** The rooms that this server has something of. */
  private here: ReadonlySet<string> = new Set();
  /** When and for which rooms the question was asked that has no answer yet. */
  private asking: { readonly at: Millis; readonly rooms: ReadonlySet<string> } | null = null;
  private nextAsk = millis(0);
  /** Of rooms that come: since when the database knows of the word; null: it does not yet. */
  private readonly words = new Map<string, Millis | null>();
  /** What the last answer said; null: there was none since the start. */
  private told: ReadonlyMap<string, RoomLease> | null = null;
  /** The leases of this server of which nothing was taken, when it was last told. */
  private arriving = new Map<string, RoomLease>();
  /** By which move another server wants a room of this one. */
  private wanted = new Map<string, { readonly to: string; readonly move: number }>();

  /** `kept`: what was remembered before a restart. */
  constructor(server: string, kept: Standings) {
    this.server = server;
    this.known = new Map(kept);
  }

  get standings(): Standings {
    return this.known;
  }

  /** Rooms that this server was given, or has lost, and that nobody has told it to take. */
  get unasked(): readonly string[] {
    return [...this.arriving.keys()].filter((room) => {
      const standing = this.known.get(room);
      return standing === undefined || standing.name === "asked";
    });
  }

  /** Whether this server may begin anything in a room, by its folded name. */
  mayAct(room: string): boolean {
    return room === ownRoom || this.known.get(room)?.name === "owned";
  }

  /** Whether the database has no lease of the room, by its last answer. */
  isLost(room: string): boolean {
    return this.told?.has(room) === false;
  }

  /** When to `wake` it; null: it waits for an answer. */
  get deadline(): Millis | null {
    return this.asking === null ? this.nextAsk : null;
  }

  handle(event: LeaseEvent, now: Millis): LeaseAction[] {
    const before = this.known;
    const actions = this.react(event, now);
    if (!isSame(before, this.known)) actions.unshift({ type: "keep", standings: this.known });
    if (this.asking === null && now >= this.nextAsk) {
      const named = (...names: readonly Standing["name"][]): string[] =>
        [...this.known].flatMap(([room, { name }]) => (names.includes(name) ? [room] : [])).sort();
      const rooms = named("asked", "owned");
      this.asking = { at: now, rooms: new Set(rooms) };
      this.nextAsk = millis(now + beatEvery);
      actions.push({ type: "ask", rooms, held: named("giving"), removed: named("removed") });
    }
    return actions;
  }

  private react(event: LeaseEvent, now: Millis): LeaseAction[] {
    switch (event.type) {
      case "rooms":
        this.has(event.rooms, now);
        return [];
      case "word":
        return this.word(event.room);
      case "worded":
        if (this.words.has(event.room)) this.words.set(event.room, now);
        this.nextAsk = now;
        return [];
      case "considered":
        return event.may ? this.stop(event.room) : [];
      case "taken":
        return this.taken(event.room, event.epoch);
      case "hint":
        this.nextAsk = now;
        return [];
      case "wake":
        return [];
      case "answer":
        return this.answered(event.leases, now);
      case "no-answer":
        this.asking = null;
        return [];
    }
  }

  private stand(room: string, standing: Standing | null): void {
    const known = new Map(this.known);
    if (standing === null) known.delete(room);
    else known.set(room, standing);
    this.known = known;
  }

  private has(rooms: readonly string[], now: Millis): void {
    const before = this.here;
    this.here = new Set(rooms.filter((room) => room !== ownRoom));
    const known = new Map(this.known);
    for (const [room, { name }] of this.known) {
      if (this.here.has(room) || name === "coming" || name === "removed") continue;
      known.delete(room);
      // One that this process never had was lost: it may be on a disk that is no more.
      if (name === "owned" && before.has(room)) known.set(room, { name: "removed" });
    }
    for (const room of this.here)
      if ((known.get(room)?.name ?? "removed") === "removed") known.set(room, { name: "asked" });
    if (isSame(known, this.known)) return;
    this.known = known;
    this.nextAsk = now;
  }

  private word(room: string): LeaseAction[] {
    // Said to the database all the same, which may have heard another server's word.
    if (this.mayAct(room)) return [{ type: "want", room }];
    if (this.known.get(room)?.name === "giving") {
      // It may be given at any moment, but where the database has lost the lease.
      if (!this.isLost(room)) return [];
      this.stand(room, { name: "asked" });
      return [{ type: "take-back", room }];
    }
    this.words.set(room, null);
    this.stand(room, { name: "coming" });
    return [{ type: "want", room }];
  }

  private stop(room: string): LeaseAction[] {
    const standing = this.known.get(room);
    const order = this.wanted.get(room);
    if (standing?.name !== "owned" || order === undefined) return [];
    const { epoch } = standing;
    this.stand(room, { name: "giving", epoch, ...order });
    return [{ type: "give", room, epoch, ...order }];
  }

  private taken(room: string, epoch: number): LeaseAction[] {
    if (this.arriving.get(room)?.epoch !== epoch || this.known.get(room)?.name === "giving")
      return [];
    this.words.delete(room);
    this.stand(room, { name: "owned", epoch });
    return [{ type: "confirm", room, epoch }];
  }

  private answered(leases: readonly RoomLease[] | "namesake", now: Millis): LeaseAction[] {
    const { asking } = this;
    this.asking = null;
    // What was so long on its way may not be so any more.
    if (asking === null || now - asking.at >= leaseFor) return [];
    if (leases === "namesake") return this.meetNamesake();
    const told = new Map(leases.map((lease) => [lease.room, lease]));
    this.told = told;
    const own = leases.filter(({ server }) => server === this.server);
    this.arriving = new Map(
      own.filter(({ isArriving }) => isArriving).map((lease) => [lease.room, lease]),
    );
    this.wanted = new Map(own.flatMap((lease) => this.wantedOf(lease)));
    const known = new Map<string, Standing>();
    for (const [room, before] of this.known) {
      const standing = this.standingOf(room, before, { lease: told.get(room), asking });
      if (standing === null) continue;
      known.set(room, JSON.stringify(standing) === JSON.stringify(before) ? before : standing);
    }
    for (const room of this.words.keys())
      if (known.get(room)?.name !== "coming") this.words.delete(room);
    this.known = known;
    const rooms = new Set([...known.keys(), ...this.arriving.keys()]);
    return [...rooms].flatMap((room) => this.next(room, told.get(room)));
  }

  private wantedOf({ room, order }: RoomLease): [string, { to: string; move: number }][] {
    if (order === null || order.by === null || order.by === this.server) return [];
    return [[room, { to: order.by, move: order.move }]];
  }

  /** Leases in this server's name are the other one's. What is on its way stays so. */
  private meetNamesake(): LeaseAction[] {
    this.arriving = new Map();
    this.wanted = new Map();
    this.known = new Map(
      [...this.known].map(([room, standing]) => {
        const { name } = standing;
        const stays = name === "giving" || name === "coming" || name === "asked";
        return [room, stays ? standing : { name: "asked" }];
      }),
    );
    return [];
  }

  /** What the room is by this lease; null: nothing that is of any concern here. */
  private standingOf(
    room: string,
    before: Standing,
    {
      lease,
      asking,
    }: { lease: RoomLease | undefined; asking: { at: Millis; rooms: ReadonlySet<string> } },
  ): Standing | null {
    const isOwn = lease?.server === this.server;
    if (before.name === "giving") return this.whileGiving(before, lease);
    if (before.name === "removed") return isOwn && !lease.isArriving ? before : null;
    if (before.name === "coming" && !(isOwn && !lease.isArriving))
      return this.whileComing(room, before, { lease, at: asking.at });
    // It came into being since; or another server had it, and the database may have lost that.
    if (lease === undefined) return asking.rooms.has(room) ? { name: "asked" } : before;
    const { server, epoch } = lease;
    if (!isOwn) return { name: "elsewhere", server };
    const isTaken = before.name === "owned" && before.epoch === epoch;
    return lease.isArriving && !isTaken ? { name: "asked" } : { name: "owned", epoch };
  }

  private whileGiving(
    before: Standing & { name: "giving" },
    lease: RoomLease | undefined,
  ): Standing {
    // The database has lost it: it may have been given by then.
    if (lease === undefined) return before;
    const { server, epoch } = lease;
    if (server !== this.server) {
      // Who took it over while this server was silent knows less of it than is here.
      return lease.given === before.move ? before : { name: "elsewhere", server };
    }
    const isWanted = this.wanted.get(lease.room)?.move === before.move;
    if (isWanted && epoch === before.epoch) return before;
    return lease.isArriving ? { name: "asked" } : { name: "owned", epoch };
  }

  private whileComing(
    room: string,
    before: Standing,
    { lease, at }: { readonly lease: RoomLease | undefined; readonly at: Millis },
  ): Standing | null {
    const since = this.words.get(room);
    // The database may not have known of the word when it was asked.
    if (since === null || (since !== undefined && at < since)) return before;
    if (lease?.server === this.server || lease?.order?.by === this.server) return before;
    if (!this.here.has(room)) return null;
    return lease === undefined ? { name: "asked" } : { name: "elsewhere", server: lease.server };
  }

  /** What is to be done for a room, as it stands now. */
  private next(room: string, lease: RoomLease | undefined): LeaseAction[] {
    const standing = this.known.get(room);
    if (standing?.name === "giving") {
      const { epoch, to, move } = standing;
      if (lease === undefined) return [];
      if (lease.server !== this.server) return [{ type: "let-go", room, to: lease.server }];
      return [{ type: "give", room, epoch, to, move }];
    }
    if (lease?.server !== this.server) return [];
    const { epoch } = lease;
    const wanted = this.wanted.get(room);
    if (standing?.name === "owned") {
      const confirm: LeaseAction[] = lease.isArriving ? [{ type: "confirm", room, epoch }] : [];
      return wanted === undefined ? confirm : [...confirm, { type: "consider", room, ...wanted }];
    }
    if (!lease.isArriving) return [];
    if (wanted !== undefined) return [{ type: "pass", room, epoch, ...wanted }];
    return standing?.name === "coming" ? [{ type: "take", room, epoch }] : [];
  }
}

const isSame = (one: Standings, other: Standings): boolean =>
  one.size === other.size && [...one].every(([room, standing]) => other.get(room) === standing);
