/** An operator of one server of a campus restores a room of another one: two whole servers on one PostgreSQL. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ApiClient } from "../../client/api/client.ts";
import { agentFor } from "../../client/api/trust.ts";
import type { CampusRoomView } from "../../core/wire/campus.ts";
import type { PcView, SessionView } from "../../core/wire/views.ts";
import { TestPostgres } from "../postgres.ts";
import { run } from "../room/run.ts";
import { type ServerProcess, startServer } from "../security/server-process.ts";
import {
  checksum,
  fillDisk,
  type Host,
  type HostRoom,
  mib,
  openHostRoom,
  program,
} from "./hosts.ts";

const diskBytes = 24 * mib;

let room: HostRoom;
let alpha: ServerProcess;
let master = "";
const hosts: Host[] = [];
const cleanup = new AsyncDisposableStack();

/** The storage is away all the time: images that are here need none. */
const campusConfig = (url: string, folder: string): string => `[state]\nurl = "${url}"
[store.s3]\nendpoint = "http://127.0.0.1:1"\nregion = "home"\nbucket = "images"
accessKeyFile = "${folder}/key"\nsecretKeyFile = "${folder}/key"\nforcePathStyle = true\n`;

before(async () => {
  room = await openHostRoom();
  cleanup.defer(() => room.close());
  const database = cleanup.use(await TestPostgres.start());
  const url = database.socketUrl(await database.database());
  writeFileSync(join(room.folder, "key"), "key", { mode: 0o600 });
  const config = campusConfig(url, room.folder);
  const file = join(room.folder, "beta.toml");
  writeFileSync(file, `[server]\nname = "beta"\n${config}`);
  await room.startServer("--config", file);
  alpha = await startServer(`[server]\nname = "alpha"\n${config}`);
  cleanup.defer(() => alpha.end());

  master = join(room.folder, "master.disk");
  writeFileSync(master, "");
  await fillDisk(master, diskBytes, 7);
  const imported = await room.roomcast("image", "import", master, "base");
  assert.equal(imported.status, 0, imported.stderr);
  for (const number of [1, 2]) hosts.push(await room.addHost(number, diskBytes));
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.filter(({ state }) => state === "idle" || state === "waiting").length === 2,
    60,
  );
  await room.roomcast("room", "create", "lab");
  for (const { name } of hosts) await room.roomcast("pc", "set", name, "--room", "lab");
  const added = await atAlpha(
    ...["--data", join(alpha.folder, "data"), "operator", "add", "ann"],
    ...["--role", "operator", "--out", tokenFile()],
  );
  assert.equal(added.status, 0, added.stderr);
});
after(() => cleanup.disposeAsync());

const tokenFile = (): string => join(alpha.folder, "ann.token");

async function atAlpha(...words: string[]) {
  const documents: unknown[] = [];
  let said = "";
  const { status, stderr } = await run([...program, ...words], {
    accept: [0, 1, 2, 3, 4, 5],
    onLine: (line) => {
      said += `${line}\n`;
      if (/^[[{]/.test(line)) documents.push(JSON.parse(line));
    },
  });
  return { status, stderr, said, value: documents.at(-1) };
}

/** Over HTTPS, with the token of an operator of alpha. */
const ann = (...words: string[]) =>
  atAlpha(
    ...["--server", alpha.gateUrl, "--pin", alpha.pin, "--token-file", tokenFile()],
    ...["--json", "--yes", ...words],
  );

test("a restore that is ordered at one server is done at the other, watched to its end, and right", async () => {
  await room.until(
    async () => (await ann("room", "list")).value as CampusRoomView[],
    (rooms) =>
      rooms.some(({ name, server, pcs }) => name === "lab" && server === "beta" && pcs === 2),
    30,
  );
  const pcs = (await ann("pc", "list", "--room", "lab")).value as PcView[];
  assert.deepEqual(pcs.map(({ name }) => name).toSorted(), ["host1", "host2"]);
  const { status, stderr, value } = await ann("restore", "base", "--room", "lab", "--wait");
  assert.equal(status, 0, stderr);
  const session = value as SessionView;
  assert.deepEqual(
    session.members.map(({ result }) => result),
    ["verified", "verified"],
  );
  const sum = await checksum(master);
  for (const { disk } of hosts) assert.equal(await checksum(disk), sum);
  const told = (await room.roomcast("history", "--room", "lab")).value as object[];
  assert.match(JSON.stringify(told), /"operator":"ann, at alpha","text":"ann, at alpha: restore/);
  // A session of that name is not taken for one of alpha's.
  const shown = await ann("session", "show", session.id);
  assert.equal(shown.status, 2);
  const there = await ann("--server-name", "beta", "session", "show", session.id);
  assert.equal((there.value as SessionView).id, session.id);
});

test("a call through the other server is answered within a second", async (context) => {
  const url = new URL(alpha.gateUrl);
  const token = readFileSync(tokenFile(), "utf8").trim();
  const client = new ApiClient({ url, token, agent: agentFor(url, { pins: [alpha.pin] }) });
  const took: number[] = [];
  for (let left = 40; left > 0; left--) {
    const from = performance.now();
    assert.equal((await client.at("beta").get<SessionView[]>("/sessions")).length, 1);
    took.push(performance.now() - from);
  }
  took.sort((left, right) => left - right);
  context.diagnostic(`ms: median ${took[20]?.toFixed(0)}, the longest ${took[39]?.toFixed(0)}`);
  assert((took[20] ?? Infinity) < 1000, `${took}`);
});

test("a server that was killed is away, with since when, and nothing is done there", async () => {
  await room.endServer("SIGKILL");
  const early = await ann("--server-name", "beta", "room", "create", "new");
  assert.equal(early.status, 1);
  assert.match(
    early.stderr,
    /beta did not answer; nothing was done there|beta was not heard since/,
  );
  await room.until(
    async () => (await ann("room", "list")).value as CampusRoomView[],
    (rooms) => rooms.some(({ name, since }) => name === "lab" && since !== null),
    40,
  );
  const late = await ann("restore", "base", "--room", "lab");
  assert.equal(late.status, 1);
  assert.match(late.stderr, /the server beta was not heard since \d{4}-/);
});
