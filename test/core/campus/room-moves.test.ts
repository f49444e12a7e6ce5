/** Rooms that move between three servers, which are cut off and killed between any two steps: never at two, never lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RoomLeases } from "../../../core/campus/room-leases.ts";
import {
  type LeaseAction,
  type LeaseEvent,
  leaseFor,
  type Standings,
} from "../../../core/campus/room-standing.ts";
import { millis } from "../../../core/units/units.ts";
import { MemoryRooms } from "../../server/campus/memory-rooms.ts";
import { seeded } from "../../sim/random.ts";

/** Milliseconds of a step, of what is done at random, and of the quiet after it. */
const stepMs = 250;
const stormMs = 240_000;
const quietMs = 150_000;

/** What is done in its turn: `first` at the disk or the database; `heard` is what the server does when it hears of that. */
interface Task {
  first(): unknown;
  heard?(answer: unknown): void;
  readonly isRemote: boolean;
  lost?(): void;
}

class Campus {
  readonly database = new MemoryRooms();
  readonly servers: Server[];
  /** What is in each room, by the last change that counts. */
  readonly latest = new Map([
    ["lab1", 0],
    ["lab2", 0],
  ]);
  /** When an operator had a room taken over from a server that was silent. */
  readonly takenOver = new Map<string, { readonly at: number; readonly epoch: number }>();
  readonly counts = { moves: 0, takeOvers: 0, kills: 0, lost: 0 };
  private changes = 0;

  constructor(random: () => number) {
    this.servers = ["a", "b", "c"].map((name) => new Server(name, this, random));
  }

  get now(): number {
    return this.database.now;
  }

  change(server: Server, room: string): void {
    const before = server.rooms.get(room);
    if (!this.takenOver.has(room))
      assert.equal(before, this.latest.get(room), `${server.name} acts on an old ${room}`);
    const content = ++this.changes;
    server.rooms.set(room, content);
    // What a server does that has not heard of its end does not count.
    if (server.epochOf(room) === this.database.leases.get(room)?.epoch)
      this.latest.set(room, content);
  }

  check(): void {
    for (const [room, content] of this.latest) {
      const acting = this.servers.filter((server) => server.acts(room));
      if (acting.length > 1) this.checkBoth(room, acting);
      if (this.takenOver.has(room)) continue;
      const lease = this.database.leases.get(room);
      const record = this.database.records.get(room);
      const isOnItsWay = lease?.arriving === true && record?.epoch === lease.epoch;
      const has = this.servers.some((server) => server.rooms.get(room) === content);
      assert(has || (isOnItsWay && record?.record === `${content}`), `${room} is lost`);
    }
  }

  private checkBoth(room: string, acting: readonly Server[]): void {
    const word = this.takenOver.get(room);
    assert(word !== undefined, `${acting.map(({ name }) => name)} act for ${room}`);
    const older = acting.filter((server) => server.epochOf(room) < word.epoch);
    for (const server of older)
      assert(server.heardAt < word.at, `${server.name} acts for ${room}, and has heard`);
    assert(acting.length - older.length <= 1);
  }
}

class Server {
  readonly name: string;
  readonly rooms = new Map<string, number>();
  machine: RoomLeases;
  isCut = false;
  heardAt = -1;
  /** The same, as far as it is remembered. */
  private heardKept = -1;
  private readonly campus: Campus;
  private readonly random: () => number;
  private readonly ahead: number;
  private kept: Standings = new Map();
  private readonly taken = new Map<string, number>();
  private readonly moves = new Map<string, number>();
  private tasks: Task[] = [];
  /** What the first task was answered, and when that is heard. */
  private pending: {
    readonly at: number;
    readonly answer: unknown;
    readonly isLost: boolean;
  } | null = null;

  constructor(name: string, campus: Campus, random: () => number) {
    this.name = name;
    this.campus = campus;
    this.random = random;
    this.ahead = random() * 1e9;
    this.machine = new RoomLeases(name, this.kept);
  }

  acts(room: string): boolean {
    return this.machine.mayAct(room) && this.rooms.has(room);
  }

  epochOf(room: string): number {
    const standing = this.machine.standings.get(room);
    return standing?.name === "owned" ? standing.epoch : -1;
  }

  kill(): void {
    this.campus.counts.kills++;
    this.tasks = [];
    this.pending = null;
    this.heardAt = this.heardKept;
    this.machine = new RoomLeases(this.name, this.kept);
  }

  order(room: string): void {
    this.on({ type: "word", room });
  }

  /** The operator waits no longer. */
  giveUp(room: string): void {
    const move = this.moves.get(room);
    const { database } = this.campus;
    if (move !== undefined) this.remote(() => database.withdraw(this.name, room, move));
  }

  step(): void {
    const { now } = this.campus;
    this.on({ type: "rooms", rooms: [...this.rooms.keys()] });
    this.on({ type: "wake" });
    for (let left = 4; left > 0; left--) {
      const [task] = this.tasks;
      if (task === undefined) return;
      if (this.pending === null) {
        const isLost = task.isRemote && this.isCut;
        const answer = isLost ? null : task.first();
        const delay = task.isRemote ? this.random() * 3000 : this.random() * 600;
        this.pending = { at: now + delay, answer, isLost };
        if (delay > stepMs) return;
      }
      if (this.pending.at > now + stepMs) return;
      const { answer, isLost } = this.pending;
      this.pending = null;
      this.tasks.shift();
      // The answer is lost where the way was cut meanwhile.
      if (isLost || (task.isRemote && this.isCut)) {
        this.campus.counts.lost++;
        task.lost?.();
      } else task.heard?.(answer);
    }
  }

  publish(): void {
    for (const [room, content] of this.rooms) {
      const epoch = this.epochOf(room);
      const told = { room, epoch, record: `${content}` };
      if (epoch >= 0) this.remote(() => this.campus.database.publishRecord(this.name, told));
    }
  }

  private remote(first: () => unknown, heard?: (answer: unknown) => void, lost?: () => void): void {
    this.tasks.push({ first, isRemote: true, ...(heard && { heard }), ...(lost && { lost }) });
  }

  private local(first: () => void, heard?: () => void): void {
    this.tasks.push({ first, isRemote: false, ...(heard && { heard }) });
  }

  private on(event: LeaseEvent): void {
    const now = millis(this.campus.now + this.ahead);
    for (const action of this.machine.handle(event, now)) this.perform(action);
  }

  private perform(action: LeaseAction): void {
    const { name, campus, rooms } = this;
    const { database } = campus;
    switch (action.type) {
      case "keep":
        return this.keep(action.standings);
      case "ask": {
        const entry = {
          name,
          folder: name,
          instance: name,
          isFirst: false,
          address: null,
          version: "",
        };
        const named = action.rooms.map((room) => ({ room, name: room }));
        return this.remote(
          () => ({ ...database.beat(entry, named, action), madeAt: campus.now }),
          (answer) => {
            const { leases, madeAt } = answer as ReturnType<MemoryRooms["beat"]> & {
              madeAt: number;
            };
            this.heardAt = madeAt;
            this.on({ type: "answer", leases });
          },
          () => this.on({ type: "no-answer" }),
        );
      }
      case "want":
        return this.remote(
          () => this.want(action.room),
          () => this.on({ type: "worded", room: action.room }),
          () => this.on({ type: "worded", room: action.room }),
        );
      case "take-back":
        return;
      case "consider": {
        const { room, move } = action;
        // Nothing of it is at the disk or the database: it is done at once, when its turn comes.
        return this.local(
          () => {},
          () => {
            const may = this.random() < 0.7 && rooms.has(room);
            this.on({ type: "considered", room, may });
            if (!may) this.remote(() => database.refuse(name, room, { move, reason: "busy" }));
          },
        );
      }
      case "give":
        return this.remote(
          () => {
            const record = `${rooms.get(action.room)}`;
            if (!rooms.has(action.room)) return false;
            const isGiven = database.give(name, { ...action, record });
            if (isGiven) campus.counts.moves++;
            return isGiven;
          },
          () => this.on({ type: "hint" }),
        );
      case "pass":
        if (this.taken.get(action.room) === action.epoch)
          return this.on({ ...action, type: "taken" });
        return this.remote(
          () => database.give(name, { ...action, record: null }),
          () => this.on({ type: "hint" }),
        );
      case "let-go":
        return this.local(
          () => void rooms.delete(action.room),
          () => this.on({ type: "rooms", rooms: [...rooms.keys()] }),
        );
      case "take":
        return this.take(action.room, action.epoch);
      case "confirm":
        return this.remote(
          () => database.arrived(name, action.room, action.epoch),
          () => this.on({ type: "hint" }),
        );
    }
  }

  private keep(standings: Standings): void {
    const { heardAt } = this;
    this.local(() => {
      this.kept = standings;
      this.heardKept = heardAt;
    });
  }

  private want(room: string): void {
    const { database, takenOver, counts, latest } = this.campus;
    const ordered = database.want(this.name, { room, name: room });
    if (ordered.kind === "asked") this.moves.set(room, ordered.move);
    if (ordered.kind !== "taken") return;
    counts.takeOvers++;
    const lease = database.leases.get(room);
    takenOver.set(room, { at: this.campus.now, epoch: lease?.epoch ?? 0 });
    latest.set(room, Number(database.records.get(room)?.record ?? 0));
  }

  private take(room: string, epoch: number): void {
    const { database } = this.campus;
    const isTaken = (): void => this.on({ type: "taken", room, epoch });
    if (this.taken.get(room) === epoch) return isTaken();
    this.remote(
      () => database.record(this.name, room),
      (answer) => {
        const content = Number((answer as { record: string } | null)?.record ?? 0);
        const store = (): void => {
          this.rooms.set(room, content);
          this.taken.set(room, epoch);
        };
        this.tasks.unshift({ first: store, heard: isTaken, isRemote: false });
      },
    );
  }
}

function run(seed: number, hasTakeOvers: boolean): Campus["counts"] {
  const random = seeded(seed);
  const campus = new Campus(random);
  const { servers, database } = campus;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const rooms = [...campus.latest.keys()];
  const [a, b] = servers;
  a?.rooms.set("lab1", 0);
  b?.rooms.set("lab2", 0);
  const cutSince = new Map<Server, number>();
  const advance = (): void => {
    for (const server of servers) server.step();
    campus.check();
    database.now += stepMs;
  };
  // Whose the rooms are at first is told.
  while (database.now < 15_000) advance();
  while (database.now < stormMs) {
    const server = pick(servers);
    const room = pick(rooms);
    const dice = random();
    if (dice < 0.02) server.kill();
    else if (dice < 0.05) server.isCut = !server.isCut;
    else if (dice < 0.09) server.order(room);
    else if (dice < 0.11) server.giveUp(room);
    else if (dice < 0.14) server.publish();
    else if (dice < 0.5 && server.acts(room)) campus.change(server, room);
    for (const each of servers) {
      if (!each.isCut) cutSince.delete(each);
      else if (!cutSince.has(each)) cutSince.set(each, database.now);
      // Without take-overs nobody is away for as long as a lease lasts.
      else if (!hasTakeOvers && database.now - (cutSince.get(each) ?? 0) > leaseFor / 4)
        each.isCut = false;
    }
    advance();
  }
  for (const server of servers) server.isCut = false;
  const quietEnd = database.now + quietMs;
  while (database.now < quietEnd) {
    // What nobody waits for any more needs the word once more.
    if (database.now > quietEnd - quietMs / 2)
      for (const server of servers) for (const room of server.machine.unasked) server.order(room);
    advance();
  }
  for (const [room, content] of campus.latest) {
    const acting = servers.filter((server) => server.acts(room));
    assert.deepEqual(
      acting.map((server) => server.rooms.get(room)),
      [content],
      `seed ${seed}: ${room} is at ${acting.map(({ name }) => name)}`,
    );
  }
  return campus.counts;
}

const many = (hasTakeOvers: boolean): Campus["counts"][] =>
  Array.from({ length: 150 }, (_, seed) => {
    try {
      return run(seed, hasTakeOvers);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  });

test("a room that moves is at one server at most, and what is in it is never lost", () => {
  const seen = many(false);
  const sum = (what: keyof Campus["counts"]): number =>
    seen.reduce((all, counts) => all + counts[what], 0);
  assert.equal(sum("takeOvers"), 0);
  // Else it was not tried.
  assert(sum("moves") > 150 && sum("kills") > 150 && sum("lost") > 150, JSON.stringify(seen[0]));
});

test("where a room is taken over from a silent server, it ends at one of them all the same", () => {
  const seen = many(true);
  assert(seen.some(({ takeOvers, moves }) => takeOvers > 0 && moves > 0));
});
