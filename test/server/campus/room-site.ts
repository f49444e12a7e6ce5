/** Servers of a campus as far as their rooms go: each with its rooms, and a file of what it remembers. */
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import type { PublishedRoom } from "../../../core/wire/campus.ts";
import type { RoomRecordDocument } from "../../../core/wire/room-record.ts";
import { roomDefaults } from "../../../core/wire/rooms.ts";
import { CampusRooms } from "../../../server/campus/campus-rooms.ts";
import type { CampusRoomsPorts } from "../../../server/campus/room-keeping.ts";
import type { MovingRooms } from "../../../server/campus/room-mover.ts";
import type { RoomTables } from "../../../server/campus/room-tables.ts";
import type { Seal } from "../../../server/campus/seal.ts";
import { MemoryRooms } from "./memory-rooms.ts";

export const roomOf = (name: string, online = 0, running: string | null = null): PublishedRoom => ({
  ...{ name, pcs: 2, online, session: running === null ? null : "s1", settings: roomDefaults },
  ...{ pin: false, instructorPin: false, shutUntil: null, seats: [], walk: null, running },
});

/** A room with one seat, whose name says what is in the room. */
export const recordOf = (name: string, seat: string): RoomRecordDocument => ({
  ...{ version: 1, name, settings: roomDefaults, pin: null, instructorPin: null },
  ...{ seats: [{ name: seat, column: 0, row: 0 }], pcs: [], schedules: [], lacksHostKeys: false },
});

/** A clock that a test moves, for all servers of a campus in memory. */
export class RoomTime {
  readonly campus = new MemoryRooms();
  private readonly sleepers = new Set<{ readonly at: number; wake(): void }>();

  steady = (): number => this.campus.now;

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleeper = { at: this.campus.now + ms, wake: resolve };
      this.sleepers.add(sleeper);
      signal.addEventListener("abort", () => {
        this.sleepers.delete(sleeper);
        resolve();
      });
    });
  }

  /** What is to be done at each moment is done. */
  async pass(ms: number): Promise<void> {
    const end = this.campus.now + ms;
    for (;;) {
      // Each step of the servers takes a few turns.
      for (let left = 40; left > 0; left--) await setImmediate();
      const next = Math.min(end, ...[...this.sleepers].map(({ at }) => at));
      if (next <= this.campus.now && this.campus.now >= end) return;
      this.campus.now = Math.max(next, this.campus.now);
      for (const sleeper of this.sleepers) {
        if (sleeper.at > this.campus.now) continue;
        this.sleepers.delete(sleeper);
        sleeper.wake();
      }
    }
  }
}

type Clock = Pick<CampusRoomsPorts, "time" | "steady">;

export const hostClock: Clock = {
  time: { sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}) },
  steady: () => performance.now(),
};

/** One server, whose rooms and file outlive its processes. */
export class RoomSite implements AsyncDisposable {
  readonly name: string;
  readonly rooms = new Map<string, PublishedRoom>([["default", roomOf("default")]]);
  readonly tables: RoomTables;
  /** What is in each room, in a word; stored with it. */
  readonly contents = new Map<string, string>();
  /** Why rooms may not leave. */
  readonly busy = new Map<string, string>();
  /** Where rooms went. */
  readonly gone: string[] = [];
  seal: Seal | null = null;
  /** Where its page is now. */
  address: string;
  private readonly taken = new Map<string, number>();
  /** Of the process that runs. */
  campus: CampusRooms | null = null;
  private readonly clock: Clock;
  private file = "";
  private idCount = 0;

  constructor(name: string, tables: RoomTables, clock: Clock) {
    this.name = name;
    this.address = `https://${name}:8443`;
    this.tables = tables;
    this.clock = clock;
  }

  async start(): Promise<CampusRooms> {
    const { rooms, tables, name: server } = this;
    const campus = await CampusRooms.open({
      ...{ ...this.clock, tables, server, version: "1.0", path: "rooms.json", seal: this.seal },
      disk: {
        read: async () => Buffer.from(this.file),
        writeDurably: async (_path, data) => {
          this.file = data.toString();
        },
      },
      newId: () => `${server} ${++this.idCount} ${Math.random()}`,
    });
    const view = (name: string): PublishedRoom => rooms.get(name) ?? roomOf(name);
    const names = (): string[] => [...rooms.keys()];
    campus.begin({ names, view, moves: this.moves() }, () => this.address);
    this.campus = campus;
    return campus;
  }

  /** Puts a room there, or changes it. */
  set(room: PublishedRoom): void {
    this.rooms.set(room.name, room);
    this.campus?.changed(room.name);
  }

  remove(name: string): void {
    this.rooms.delete(name);
    this.campus?.changed(name);
  }

  /** As the lab does it, each in one transaction. */
  private moves(): MovingRooms {
    const { rooms, contents, busy, taken } = this;
    return {
      refusal: (name) => busy.get(name) ?? null,
      record: (name) => recordOf(name, contents.get(name) ?? "empty"),
      hasTaken: (folded, epoch) => taken.get(folded) === epoch,
      take: (read, name, epoch) => {
        rooms.set(name, roomOf(name));
        contents.set(name, read?.record.seats[0]?.name ?? "nothing");
        taken.set(name.toLowerCase(), epoch);
        return [];
      },
      leave: (name, to) => {
        rooms.delete(name);
        contents.delete(name);
        this.gone.push(`${name} ${to}`);
      },
    };
  }

  /** Changes what is in a room. */
  fill(name: string, content: string): void {
    this.contents.set(name, content);
    this.campus?.recordChanged(name);
  }

  /** What a person sees at this server of a campus: room, server, owner. */
  seen(): string[] {
    return (this.campus?.views() ?? []).map(
      ({ name, server, owner, online, running, since }) =>
        `${name} ${server} ${owner} ${online}${running === null ? "" : ` ${running}`}${since === null ? "" : ` since ${since}`}`,
    );
  }

  async stop(): Promise<void> {
    await this.campus?.close();
    this.campus = null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
