/**
 * `make bench-campus`: twenty servers with a thousand rooms on one PostgreSQL, while nothing happens, while single things
 * happen, and while ten sessions in each building say how far they are. `--out FOLDER`: the table, and the figures as JSON.
 * `--statements`: what PostgreSQL was busy with.
 */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import fastify from "fastify";
import type { PublishedRoom } from "../../core/wire/campus.ts";
import { type CampusRoutesPorts, campusRoutes } from "../../server/api/campus-routes.ts";
import { isAway } from "../../server/campus/patience.ts";
import type { Lab } from "../../server/lab/lab.ts";
import { TestPostgres } from "../postgres.ts";
import { seeded } from "../sim/random.ts";
import { type Load, LoadMeter, SocketMeter } from "./campus/meters.ts";
import {
  BenchServer,
  imageCount,
  pcsPerRoom,
  roomsPerServer,
  seedImages,
  serverCount,
  type Told,
} from "./campus/servers.ts";
import { BusyMeter, busyText, isBusyWith } from "./machine.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    seconds: { type: "string", default: "20" },
    statements: { type: "boolean", default: false },
  },
});

/** Rooms of each building in which a session runs, and how often it says how far it is. */
const sessionsPerServer = 10;
const progressEveryMs = 250;
const eventEveryMs = 500;
const listEveryMs = 1000;
/** An event that nobody has seen by then is lost. */
const seenLimitMs = 60_000;
const notesCount = 10;

interface Times {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

interface Phase {
  readonly name: string;
  readonly load: Load;
  /** Cores that others than the bench kept busy. */
  readonly otherCores: number;
  /** GET /campus/rooms at one server, with all its JSON. */
  readonly list: Times;
  /** From an event at its server to when another one has it; each other server counts. */
  readonly seen: Times;
}

function timesOf(all: readonly number[]): Times {
  const sorted = all.toSorted((one, other) => one - other);
  const at = (fraction: number): number => sorted[Math.floor(fraction * (sorted.length - 1))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), most: at(1) };
}

/** Events that are on their way, and how long the others waited for each. */
class Events {
  readonly times: number[] = [];
  private readonly under = new Map<string, { at: number; text: string; lacking: Set<string> }>();

  get open(): number {
    return this.under.size;
  }

  begin(server: string, room: string, text: string, observers: readonly string[]): void {
    const lacking = new Set(observers.filter((name) => name !== server));
    this.under.set(`${server}/${room}`, { at: performance.now(), text, lacking });
  }

  readonly told: Told = (observer, { server, room, view }) => {
    const event = this.under.get(`${server}/${room}`);
    if (event === undefined || event.text !== view || !event.lacking.delete(observer)) return;
    this.times.push(performance.now() - event.at);
    if (event.lacking.size === 0) this.under.delete(`${server}/${room}`);
  };
}

await using cleanup = new AsyncDisposableStack();
const postgres = cleanup.use(
  await TestPostgres.start([
    "shared_preload_libraries=pg_stat_statements",
    // Each server has six at most: docs/campus.md, "The connection".
    `max_connections=${serverCount * 6 + 10}`,
  ]),
);
const database = await postgres.database();
const { sql: admin } = cleanup.use(postgres.admin(database));
await admin`CREATE EXTENSION pg_stat_statements`;
const sockets = cleanup.use(new SocketMeter(postgres.port));
const meter = new LoadMeter(admin, postgres.pid, sockets);
let events = new Events();
await seedImages(postgres.url(database));
const [empty] = await admin<[{ bytes: string }]>`
  SELECT pg_database_size(current_database()) AS bytes`;
const emptyBytes = Number(empty.bytes);
const servers: BenchServer[] = [];
cleanup.defer(async () => {
  await Promise.all(servers.map((server) => server.close()));
});
for (let number = 1; number <= serverCount; number++) {
  const told: Told = (observer, view) => events.told(observer, view);
  servers.push(await BenchServer.open(number, postgres.url(database), told));
}
const names = servers.map(({ name }) => name);
const [first] = servers;
assert(first !== undefined);
for (const until = Date.now() + 120_000; first.views().length < serverCount * roomsPerServer; ) {
  assert(Date.now() < until, `only ${first.views().length} rooms are seen`);
  await sleep(500);
}
const api = fastify();
// Nothing but the list is asked for.
const ports = { rooms: { views: () => first.views() } } as unknown as CampusRoutesPorts;
await api.register(campusRoutes(null as unknown as Lab, ports));

const random = seeded(1);
const numberBelow = (limit: number): number => Math.floor(random() * limit);
let listBytes = 0;

/** A PC goes off or on, in a room without a session. */
function event(): void {
  const server = servers[numberBelow(serverCount)] as BenchServer;
  const rooms = [...server.rooms.values()].slice(sessionsPerServer);
  const room = rooms[numberBelow(rooms.length)] as PublishedRoom;
  const online = (room.online + 1) % (pcsPerRoom + 1);
  events.begin(server.name, room.name, server.set({ ...room, online }), names);
}

function progress(step: number): void {
  for (const server of servers)
    for (const room of [...server.rooms.values()].slice(0, sessionsPerServer)) {
      const running = `Restore of win11@7: ${step % pcsPerRoom} of ${pcsPerRoom} verified so far, ${step} % are there.`;
      server.set({ ...room, session: "s1", running });
    }
}

async function phase(name: string, has: { events: boolean; progress: boolean }): Promise<Phase> {
  events = new Events();
  await sleep(3000);
  const lists: number[] = [];
  const busy = new BusyMeter();
  const end = await meter.begin();
  const until = performance.now() + Number(values.seconds) * 1000;
  let step = 0;
  const due = { event: 0, progress: 0, list: 0 };
  while (performance.now() < until) {
    const now = performance.now();
    if (has.progress && now >= due.progress) {
      progress(++step);
      due.progress = now + progressEveryMs;
    }
    if (has.events && now >= due.event) {
      event();
      due.event = now + eventEveryMs * (0.5 + random());
    }
    if (now >= due.list) {
      const answer = await api.inject({ url: "/campus/rooms" });
      lists.push(performance.now() - now);
      assert.equal(answer.statusCode, 200, answer.body);
      listBytes = answer.rawPayload.length;
      due.list = now + listEveryMs;
    }
    await sleep(20);
  }
  const load = await end();
  const otherCores = busy.others(load.seconds, load.databaseCores + load.serversCores);
  for (const late = performance.now() + seenLimitMs; events.open > 0; await sleep(50))
    assert(performance.now() < late, `${events.open} events were not seen by all`);
  if (values.statements) console.log((await meter.longest()).join("\n"));
  return { name, load, otherCores, list: timesOf(lists), seen: timesOf(events.times) };
}

/** From the order to write a note on an image to when each other server has it. */
async function notes(): Promise<Times> {
  const times: number[] = [];
  for (let count = 1; count <= notesCount; count++) {
    const writer = servers[numberBelow(serverCount)] as BenchServer;
    const image = writer.images.list()[numberBelow(imageCount)];
    assert(image !== undefined);
    const text = `note ${count}`;
    let at = performance.now();
    // On a machine that is so busy that the database seems to be away it is ordered again.
    for (let isWritten = false; !isWritten; ) {
      at = performance.now();
      isWritten = await writer.images.writeNotes(image.id, text).then(
        () => true,
        (error: unknown) => {
          if (!isAway(error)) throw error;
          return sleep(1000).then(() => false);
        },
      );
    }
    const lacking = new Set(servers);
    for (;;) {
      for (const server of lacking)
        if (server.images.notes(image.id) === text) {
          lacking.delete(server);
          if (server !== writer) times.push(performance.now() - at);
        }
      if (lacking.size === 0) break;
      assert(performance.now() - at < seenLimitMs, "a note was not seen by all");
      await sleep(5);
    }
    await sleep(300);
  }
  return timesOf(times);
}

const phases = [
  await phase("idle", { events: false, progress: false }),
  await phase("events", { events: true, progress: false }),
  await phase("sessions", { events: true, progress: true }),
];
const noted = await notes();
const [taken] = await admin<[{ bytes: string; records: number }]>`
  SELECT pg_database_size(current_database()) AS bytes,
    (SELECT count(*)::integer FROM room_record) AS records`;
assert.equal(taken.records, serverCount * roomsPerServer, "the record of each room is told");
const pcs = serverCount * roomsPerServer * pcsPerRoom;
/** Of rooms and PCs: what the images take was there before. */
const roomBytes = Number(taken.bytes) - emptyBytes;

const ms = (value: number): string => `${value.toFixed(0)} ms`;
const heads = ["", "list p50", "p99", "seen p50", "p99", "most", "stmt/s", "KB/s", "postgres"];
const line = (cells: readonly string[]): string =>
  cells
    .map((cell) => cell.padEnd(11))
    .join("")
    .trimEnd();
const rows = phases.map(({ name, load, otherCores, list: lists, seen }) =>
  line([
    name,
    ...[lists.p50, lists.p99].map(ms),
    ...(seen.count === 0 ? ["", "", ""] : [seen.p50, seen.p99, seen.most].map(ms)),
    (load.statements / load.seconds / serverCount).toFixed(1),
    (load.bytes / load.seconds / serverCount / 1000).toFixed(1),
    load.databaseCores.toFixed(2),
    load.serversCores.toFixed(2),
    otherCores.toFixed(2),
  ]),
);
const isBusy = phases.some(({ otherCores }) => isBusyWith(otherCores));
const text = [
  `${serverCount} servers, ${serverCount * roomsPerServer} rooms, ${serverCount * roomsPerServer * pcsPerRoom} PCs, ${imageCount} images`,
  line([...heads, "servers", "others"]),
  ...rows,
  `A note on an image is seen elsewhere after ${ms(noted.p50)} (p50), ${ms(noted.p99)} (p99).`,
  `The list has ${(listBytes / 1e6).toFixed(1)} MB. Connections to the database: ${phases.at(-1)?.load.connections}.`,
  `The database has ${(Number(taken.bytes) / 1e6).toFixed(0)} MB, of which rooms and PCs take ${(((roomBytes / pcs) * 1000) / 1e6).toFixed(1)} MB for each 1000 PCs.`,
  "stmt/s and KB/s: of one server. postgres, servers (all twenty, in one process), others: cores kept busy.",
  ...(isBusy ? [busyText] : []),
].join("\n");
console.log(text);
if (values.out !== undefined) {
  await mkdir(values.out, { recursive: true });
  const figures = {
    ...{ serverCount, roomsPerServer, pcsPerRoom, imageCount, listBytes, isBusy },
    ...{ phases, notes: noted, databaseBytes: Number(taken.bytes), roomBytes },
  };
  await writeFile(join(values.out, "campus.json"), `${JSON.stringify(figures, null, 1)}\n`);
  await writeFile(join(values.out, "campus.txt"), `${text}\n`);
}
await api.close();
