/**
 * Three whole servers of a campus while their database, their storage and they themselves fail. KILLS: how often a server
 * is killed; SEED: which one and when (it is printed). What is seen in each case is in docs/campus.md.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { StatusView } from "../../core/wire/api.ts";
import type { CampusRoomView } from "../../core/wire/campus.ts";
import type { ImageView, SessionView } from "../../core/wire/views.ts";
import { seeded } from "../sim/random.ts";
import { type Campus, type CampusServer, openServers } from "./campus-servers.ts";
import { checksum, type Host, mib } from "./hosts.ts";

const killsWanted = Number(process.env.KILLS || 2);
const seed = Number(process.env.SEED || 1);
const diskBytes = 32 * mib;
/** A kill comes at most so long after an import has begun, and the start again after the kill; in milliseconds. */
const killWithin = 2500;
const startWithin = 800;
const hourMs = 3_600_000;
/** What has not happened by then will not; on a busy machine a server alone takes half a minute to start. */
const limitSeconds = 240;

const random = seeded(seed);
let campus: Campus;
let [alpha, beta, gamma]: CampusServer[] = [];
const all = (): readonly CampusServer[] => campus.servers;

before(async () => {
  campus = await openServers(["alpha", "beta", "gamma"], random);
  [alpha, beta, gamma] = campus.servers;
});
after(() => campus?.[Symbol.asyncDispose]());

/** Until each server lists the images of all, and none is on one server alone. */
async function allTheSame(): Promise<readonly ImageView[]> {
  const lists = async () => Promise.all(all().map((server) => server.images()));
  const idsOf = (images: readonly ImageView[]): string => images.map(({ id }) => id).join();
  const seen = await at(alpha).room.until(
    lists,
    ([first = [], ...rest]) =>
      rest.every((images) => idsOf(images) === idsOf(first)) &&
      [first, ...rest].flat().every(({ server }) => server !== null),
    limitSeconds,
  );
  return seen[0] ?? [];
}

function at(server: CampusServer | undefined): CampusServer {
  assert(server !== undefined, "the servers were started");
  return server;
}

const warns = (server: CampusServer | undefined, what: RegExp) =>
  at(server).room.until(
    () => at(server).warnings(),
    (texts) => texts.some((text) => what.test(text)),
    limitSeconds,
  );

async function placed(server: CampusServer): Promise<Host> {
  const host = await server.room.addHost(1, diskBytes);
  await server.room.until(
    () => server.room.pcs(),
    (pcs) => pcs.some(({ state }) => state === "idle" || state === "waiting"),
    limitSeconds,
  );
  await server.api.post("/rooms", { name: `lab-${server.name}` });
  await server.api.patch(`/pcs/${host.name}`, { room: `lab-${server.name}` });
  return host;
}

test("a restore at two servers goes on while the storage is bad and the database dies", async () => {
  const image = await at(alpha).import("base", diskBytes / mib, 7);
  const there = [at(beta), at(gamma)];
  const hosts = await Promise.all(there.map(placed));
  await allTheSame();
  campus.storage.mode = "bad";
  const sessions = await Promise.all(
    there.map(({ api, name }) =>
      api.post<SessionView>("/sessions", {
        ...{ kind: "restore", image: "base", room: `lab-${name}`, overwrite: `lab-${name}` },
      }),
    ),
  );
  await Promise.all(
    there.map(({ room }, nth) =>
      room.until(
        () => room.session(sessions[nth]?.id ?? ""),
        ({ members }) => members.some(({ bytesReceived }) => bytesReceived > 0),
        limitSeconds,
      ),
    ),
  );
  await campus.postgres.kill();
  // What needs the database waits, and says so; it is not asked for again.
  const second = at(alpha).import("base", 4, 8);
  await Promise.all([
    warns(alpha, /a new version of base waits for its number/),
    ...there.map((server) => warns(server, /the campus's database has not answered since/)),
  ]);
  await campus.postgres.up();
  assert.equal((await second).version, image.version + 1);
  const sum = await checksum(join(at(alpha).room.folder, "disk-7.raw"));
  for (const [nth, server] of there.entries()) {
    const over = await server.room.until(
      () => server.room.session(sessions[nth]?.id ?? ""),
      ({ endedAt }) => endedAt !== null,
      limitSeconds,
    );
    for (const { result, reason } of over.members)
      assert.equal(result, "verified", `${server.name}: ${reason}`);
    assert.equal(await checksum(hosts[nth]?.disk ?? ""), sum, server.name);
  }
  const { failed, cut, late } = campus.storage.counts;
  assert(failed + cut > 0 && late > 0, JSON.stringify(campus.storage.counts));
  campus.storage.mode = "sound";
});

test("two imports of one name at once are two versions", async () => {
  const twins = await Promise.all([
    at(alpha).import("twin", 6, 21),
    at(beta).import("twin", 6, 22),
  ]);
  assert.deepEqual(twins.map(({ version }) => version).sort(), [1, 2]);
  const images = await allTheSame();
  assert.equal(images.filter(({ name }) => name === "twin").length, 2);
  for (const twin of twins) await at(gamma).requireWhole(twin);
});

test("an image is an image while the storage is busy, and the others have it afterwards", async () => {
  campus.storage.mode = "busy";
  const image = await at(gamma).import("late", 6, 31);
  assert.deepEqual([image.here, image.server], [true, null]);
  await warns(gamma, /the image late@1 is on this server alone so far: .*503 SlowDown/);
  campus.storage.mode = "sound";
  await allTheSame();
  await at(alpha).requireWhole(image);
});

test(`what was committed is whole everywhere after ${killsWanted} kills (SEED=${seed})`, async (t) => {
  let lost = 0;
  for (let kill = 1; kill <= killsWanted; kill++) {
    const [server, other] = all().toSorted(() => random() - 0.5);
    const victim = random() < 0.7 ? at(server) : at(other);
    campus.storage.mode = random() < 0.5 ? "bad" : "sound";
    // What was answered stays; what was not may be there or not.
    const imports = [at(server), at(other)].map((each, nth) =>
      each.import(`k${kill % 3}`, 8, 1000 + 2 * kill + nth).then(
        (image) => image.id,
        () => null,
      ),
    );
    await sleep(random() * killWithin);
    await victim.kill();
    await sleep(random() * startWithin);
    await victim.start();
    const ids = await Promise.all(imports);
    lost += ids.filter((id) => id === null).length;
    campus.storage.mode = "sound";
    const there = new Set((await allTheSame()).map(({ id }) => id));
    for (const id of ids) assert(id === null || there.has(id), `${id} was answered, and is lost`);
  }
  const images = await allTheSame();
  for (const server of all()) for (const image of images) await server.requireWhole(image);
  const keys = images.map(({ name, version }) => `${name}@${version}`);
  assert.equal(new Set(keys).size, keys.length);
  t.diagnostic(`${killsWanted} kills, ${images.length} images whole, ${lost} imports not answered`);
});

test("a server whose clock is an hour ahead keeps its rooms, and waits with its images until it is right", async () => {
  await at(gamma).kill();
  Object.assign(at(gamma).room.serverEnv, {
    NODE_OPTIONS: `--import ${join(import.meta.dirname, "clock-ahead.ts")}`,
    CLOCK_AHEAD_MS: String(hourMs),
  });
  await at(gamma).start();
  await at(gamma).api.post("/rooms", { name: "early" });
  const rooms = await at(alpha).room.until(
    () => at(alpha).api.get<CampusRoomView[]>("/campus/rooms"),
    (views) =>
      views.some(
        ({ name, owner, since }) => name === "early" && owner === "gamma" && since === null,
      ),
    limitSeconds,
  );
  assert(rooms.some(({ name, owner }) => name === "lab-gamma" && owner === "gamma"));
  const { campus: seen } = await at(alpha).api.get<StatusView>("/status");
  assert.deepEqual(
    seen?.servers.map(({ name, away }) => [name, away]),
    all().map(({ name }) => [name, null]),
  );
  const image = await at(gamma).import("ahead", 6, 41);
  await warns(gamma, /ahead@1 is on this server alone so far: the clocks differ: it is /);
  await at(gamma).kill();
  delete at(gamma).room.serverEnv.NODE_OPTIONS;
  await at(gamma).start();
  await allTheSame();
  await at(beta).requireWhole(image);
});
