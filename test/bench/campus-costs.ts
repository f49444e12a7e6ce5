/**
 * What a campus costs to run: three whole servers with one PostgreSQL and one Swift, which put an image there, fetch it and
 * cast it, and one server that stands alone. What is asked of the storage is counted by the servers' own metrics.
 * `--out FOLDER`: the table, and the figures as JSON. `--mib N`: of the disk that the image is of.
 */
import assert from "node:assert/strict";
import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { ImageView, SessionView } from "../../core/wire/views.ts";
import { type CampusServer, openServers } from "../net/campus-servers.ts";
import { fillDisk, type HostRoom, mib, openHostRoom } from "../net/hosts.ts";
import { seeded } from "../sim/random.ts";
import {
  between,
  diskBytesOf,
  MemoryPeak,
  type Metrics,
  methods,
  metricsOf,
  type Traffic,
} from "./campus/costs.ts";

const { values } = parseArgs({
  options: { out: { type: "string" }, mib: { type: "string", default: "1024" } },
});

const diskMib = Number(values.mib);
const diskBytes = diskMib * mib;
/** Of the disk's chunks that are new in the next version. */
const changedShare = 0.1;
const idleSeconds = 30;
const limitSeconds = 900;

interface Row extends Traffic {
  readonly name: string;
  readonly seconds: number;
  /** Stored bytes of the image that the row is about. */
  readonly bytes: number;
}

const socketOf = ({ data }: HostRoom): string => join(data, "roomcast.sock");
const rows: Row[] = [];

/** What `work` has a server ask of the storage. */
async function row(
  name: string,
  { room }: CampusServer,
  bytes: number,
  work: () => Promise<unknown>,
): Promise<void> {
  const before = await metricsOf(socketOf(room));
  const begun = performance.now();
  await work();
  const seconds = (performance.now() - begun) / 1000;
  rows.push({ name, seconds, bytes, ...between(before, await metricsOf(socketOf(room))) });
  console.error(rowText(rows.at(-1) as Row));
}

/** A disk of which a tenth is other than that of the image before. */
async function change(path: string): Promise<void> {
  await using file = await open(path, "r+");
  const part = new Uint8Array(mib);
  for (let at = 0; at < diskMib * changedShare; at++) {
    for (let byte = 0; byte < mib; byte += 2) part[byte] = (at * 31 + byte * 7 + 13) & 0xff;
    await file.write(part, 0, mib, Math.floor(at / changedShare) * mib);
  }
}

async function importDisk(room: HostRoom, path: string, name: string): Promise<ImageView> {
  const answer = await room.roomcast("image", "import", path, name, "--raw");
  assert.equal(answer.status, 0, answer.stderr);
  return answer.value as ImageView;
}

function imported(image: ImageView | null): ImageView {
  assert(image !== null);
  return image;
}

const inCampus = ({ room, api }: CampusServer, { id }: ImageView) =>
  room.until(
    () => api.get<ImageView>(`/images/${id}`),
    ({ server }) => server !== null,
    limitSeconds,
  );

/** A PC in a room of its own restores an image. */
async function cast({ room, api, name }: CampusServer, image: ImageView): Promise<void> {
  const ordered = await room.roomcast("restore", image.id, "--room", `lab-${name}`);
  assert.equal(ordered.status, 0, ordered.stderr);
  const { id } = ordered.value as SessionView;
  const over = await room.until(
    () => api.get<SessionView>(`/sessions/${id}`),
    ({ endedAt }) => endedAt !== null,
    limitSeconds,
  );
  assert.deepEqual(
    over.members.map(({ result }) => result),
    ["verified"],
  );
}

async function placed({ room, api, name }: CampusServer): Promise<void> {
  const host = await room.addHost(1, diskBytes);
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.some(({ state }) => state === "idle" || state === "waiting"),
    limitSeconds,
  );
  await api.post("/rooms", { name: `lab-${name}` });
  await api.patch(`/pcs/${host.name}`, { room: `lab-${name}` });
}

const whole = async ({ room, api }: CampusServer, { id }: ImageView): Promise<void> => {
  await room.until(
    () => api.get<ImageView>(`/images/${id}`),
    ({ here }) => here,
    limitSeconds,
  );
};

/** Memory of a server when it has started and when an image was imported, and the most meanwhile. */
interface Memory {
  readonly startBytes: number;
  readonly importBytes: number;
  readonly laterBytes: number;
}

async function standingAlone(path: string): Promise<Memory> {
  const room = await openHostRoom();
  try {
    await room.startServer();
    await sleep(10_000);
    const start = await metricsOf(socketOf(room));
    const peak = new MemoryPeak(socketOf(room));
    await importDisk(room, path, "win11");
    await peak[Symbol.asyncDispose]();
    await sleep(10_000);
    const later = await metricsOf(socketOf(room));
    return {
      startBytes: start.memoryBytes,
      importBytes: peak.bytes,
      laterBytes: later.memoryBytes,
    };
  } finally {
    await room.close();
  }
}

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(2);
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
const cellsText = (cells: readonly string[]): string =>
  cells
    .map((cell, at) => (at === 0 ? cell.padEnd(50) : cell.padStart(9)))
    .join("")
    .trimEnd();

function rowText({ name, seconds, bytes, requests, sentBytes, receivedBytes }: Row): string {
  return cellsText([
    name,
    gigabytes(bytes),
    ...methods.slice(0, 4).map((method) => String(requests[method])),
    gigabytes(sentBytes),
    gigabytes(receivedBytes),
    seconds.toFixed(0),
  ]);
}

await using campus = await openServers(["alpha", "beta", "gamma"], seeded(1));
const [alpha, beta, gamma] = campus.servers as [CampusServer, CampusServer, CampusServer];
const starts: Metrics[] = [];
await sleep(10_000);
for (const { room } of campus.servers) starts.push(await metricsOf(socketOf(room)));
const start = starts[0] as Metrics;
console.error("the servers are there");

const disk = join(alpha.room.folder, "master.raw");
await writeFile(disk, "");
await fillDisk(disk, diskBytes, 7);
const alone = await standingAlone(disk);

let first: ImageView | null = null;
const peak = new MemoryPeak(socketOf(alpha.room));
await row("import, and put into the storage", alpha, 0, async () => {
  first = await importDisk(alpha.room, disk, "win11");
  await inCampus(alpha, first);
});
await peak[Symbol.asyncDispose]();
const image = imported(first);
Object.assign(rows[0] as Row, { bytes: image.storedBytes });
await sleep(10_000);
const later = await metricsOf(socketOf(alpha.room));

await change(disk);
let second: ImageView | null = null;
await row("the next version, of which a tenth is new", alpha, 0, async () => {
  second = await importDisk(alpha.room, disk, "win11");
  await inCampus(alpha, second);
});
const newer = imported(second);
Object.assign(rows[1] as Row, { bytes: newer.storedBytes });

await Promise.all([beta, gamma].map(placed));
console.error("the PCs are there");
await row("fetch to a server with nothing", beta, image.storedBytes, async () => {
  await beta.api.post(`/images/${image.id}/fetch`);
  await whole(beta, image);
});
await row("cast from there, all of it being there", beta, image.storedBytes, () =>
  cast(beta, image),
);
await row("fetch of the next version there", beta, newer.storedBytes, async () => {
  await beta.api.post(`/images/${newer.id}/fetch`);
  await whole(beta, newer);
});
await row(`nothing, for ${idleSeconds} s`, beta, 0, () => sleep(idleSeconds * 1000));

const { sql } = campus.postgres.admin("test1");
const [size] = await sql<[{ bytes: string; index: string }]>`
  SELECT pg_database_size(current_database()) AS bytes,
    pg_total_relation_size('chunk') + pg_total_relation_size('image_chunk') AS index`;
await sql.end({ timeout: 5 });
const store = await diskBytesOf(join(beta.room.data, "store"));
const chunks = image.chunks + Math.round(newer.chunks * changedShare);

await report();
await row("cast from a server with nothing", gamma, image.storedBytes, async () => {
  await cast(gamma, image);
  await whole(gamma, image);
});
await report();

/** Written twice: what takes longest comes last. */
async function report(): Promise<void> {
  const perGb = rows
    .filter(({ bytes }) => bytes > 0)
    .map(({ name, bytes, requests, sentBytes, receivedBytes }) => ({
      name,
      requests: Object.fromEntries(
        methods.map((method) => [method, requests[method] / (bytes / 1e9)]),
      ) as Traffic["requests"],
      sent: sentBytes / bytes,
      received: receivedBytes / bytes,
    }));

  const text = [
    `A disk of ${(diskBytes / 1e9).toFixed(2)} GB, an image of ${gigabytes(image.storedBytes)} GB stored; ${image.chunks} chunks`,
    cellsText(["", "stored GB", ...methods.slice(0, 4), "GB sent", "received", "s"]),
    ...rows.map(rowText),
    "",
    "For each stored GB of the image:",
    cellsText(["", "", ...methods.slice(0, 4), "GB sent", "received"]),
    ...perGb.map(({ name, requests, sent, received }) =>
      cellsText([
        name,
        "",
        ...methods.slice(0, 4).map((method) => requests[method].toFixed(1)),
        sent.toFixed(3),
        received.toFixed(3),
      ]),
    ),
    "",
    `Asked by a server that starts: ${methods.map((method) => `${start.requests[method]} ${method}`).join(", ")}.`,
    `Resident memory after the start, at most during the import, 10 s after it: alone ${[alone.startBytes, alone.importBytes, alone.laterBytes].map(megabytes).join(", ")}; in the campus ${[start.memoryBytes, peak.bytes, later.memoryBytes].map(megabytes).join(", ")}.`,
    `The folder of a server with both versions takes ${(store / (image.storedBytes + newer.storedBytes * changedShare)).toFixed(3)} of what is stored in it once.`,
    `The database has ${megabytes(Number(size.bytes))}, of which chunks and the images' hashes take ${(Number(size.index) / chunks).toFixed(0)} bytes a chunk.`,
    "The time is that of this machine, with three servers, PostgreSQL, Swift and the PCs on it: it says nothing of another one.",
  ].join("\n");
  console.log(text);
  if (values.out !== undefined) {
    await mkdir(values.out, { recursive: true });
    const memory = {
      alone,
      campus: {
        startBytes: start.memoryBytes,
        importBytes: peak.bytes,
        laterBytes: later.memoryBytes,
      },
    };
    const figures = {
      ...{ diskBytes, storedBytes: image.storedBytes, chunks, rows, memory },
      ...{ atStart: start.requests, storeBytes: store, databaseBytes: Number(size.bytes) },
      chunkBytesInDatabase: Number(size.index) / chunks,
    };
    await writeFile(join(values.out, "campus-costs.json"), `${JSON.stringify(figures, null, 1)}\n`);
    await writeFile(join(values.out, "campus-costs.txt"), `${text}\n`);
  }
}
