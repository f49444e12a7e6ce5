/** The server's own process on the loopback: how it ends, and what it leaves open to others. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openImageStore } from "../../server/store/open-image-store.ts";
import { freePort } from "../free-port.ts";
import { pinnedTo } from "../tls.ts";
import { mib, write } from "./store/write-image.ts";

const main = join(import.meta.dirname, "..", "..", "server", "main.ts");
/** At a signal, the error that nobody foresaw: a promise that nobody watches. */
const trouble =
  "process.on('SIGUSR2', () => void Promise.reject(new Error('nobody foresaw this')))";

let folder = "";
let data = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-serve-"));
  data = join(folder, "data");
  await mkdir(data);
  await chmod(data, 0o755);
  await mkdir(join(folder, "boot"));
  await writeFile(join(folder, "config.toml"), `[boot]\nfolder = "${join(folder, "boot")}"\n`);
});
after(() => rm(folder, { recursive: true }));

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  said(): string;
}

/** Threads that sweep are never asked for their next step. */
const heldSweep = `const { Worker } = await import("node:worker_threads");
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (said, ...more) {
    if (said !== "next") return postMessage.call(this, said, ...more);
  }`;

async function start(preloaded = trouble): Promise<Running> {
  const words = ["--data", data, "serve", "--interface", "lo", "--dhcp", "off"];
  const ports = ["--http-port", `${await freePort()}`, "--https-port", `${await freePort()}`];
  const more = [...ports, "--config", join(folder, "config.toml")];
  const preload = ["--import", `data:text/javascript,${encodeURIComponent(preloaded)}`];
  const child = spawn(process.execPath, [...preload, main, ...words, ...more]);
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (text) => {
      said += text;
    });
  const ended = once(child, "exit").then(([status]) => status as number | null);
  while (!/^roomcast ready/m.test(said)) {
    assert.equal(child.exitCode, null, said);
    await sleep(50);
  }
  return { child, ended, said: () => said };
}

test("the folder, the state and the local socket are the owner's alone while the server runs", async () => {
  // Of a campus that this server has left.
  await mkdir(join(data, "store"), { mode: 0o700 });
  await writeFile(join(data, "store", "campus.json"), "{}", { mode: 0o600 });
  const { child, ended } = await start();
  assert(!(await readdir(join(data, "store"))).includes("campus.json"));
  const names = await readdir(data);
  for (const name of ["gate.key", "roomcast.sock", "state.db", "state.db-shm", "state.db-wal"])
    assert(names.includes(name), name);
  for (const path of [data, ...names.map((name) => join(data, name))])
    assert.equal((await stat(path)).mode & 0o077, 0, path);
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
});

test("the ready line names both ports and the key, which is the same after a restart; /boot/key says it too", async () => {
  const pins = new Set<string>();
  for (let round = 0; round < 2; round++) {
    const { child, ended, said } = await start();
    const line = /^roomcast ready (http:\S+) (https:\S+) (sha256:\S+)$/m.exec(said());
    const [, url = "", gate = "", key = ""] = line ?? [];
    assert.deepEqual(await (await fetch(`${url}/boot/key`)).json(), { gate, key, keys: [key] });
    for (const path of ["/gate/v2/images", "/gate/v2/link", "/api/v1/status", "/metrics"])
      assert.equal((await fetch(url + path)).status, 404, `${path} in clear`);
    assert.equal((await pinnedTo(gate, key).fetch("/gate/v2/images")).status, 401);
    assert.equal((await pinnedTo(gate, key).fetch("/api/v1/status")).status, 401);
    assert.equal((await pinnedTo(gate, key).fetch("/boot/key")).status, 404);
    pins.add(key);
    child.kill("SIGTERM");
    assert.equal(await ended, 0);
  }
  assert.equal(pins.size, 1);
});

test("an error that nobody foresaw is logged, and the process ends in order to be started again", async () => {
  const { child, ended, said } = await start();
  child.kill("SIGUSR2");
  assert.equal(await ended, 1);
  assert.match(said(), /"msg":"an error that nobody foresaw[^\n]*/);
  assert.match(said(), /nobody foresaw this/);
  assert.match(said(), /"msg":"ending"/);
  assert.match(said(), /^roomcast: the server ended because of an error that nobody foresaw; /m);
  // In order: the next one finds no socket in its way, and starts.
  assert(!(await readdir(data)).includes("roomcast.sock"));
});

test("a server whose store has to be swept serves before that is done, says so, and does not wait for it at its end", {
  timeout: 60_000,
}, async () => {
  const store = join(data, "store");
  {
    await using images = await openImageStore(store);
    await write(images, [new Uint8Array(mib).fill(1)]);
  }
  {
    using db = new DatabaseSync(join(store, "catalogue.db"));
    db.exec("DELETE FROM swept");
  }
  const status = async (): Promise<string> => call("GET", "/api/v1/status");
  const { child, ended, said } = await start(heldSweep);
  const [, url = ""] = /^roomcast ready (http:\S+) /m.exec(said()) ?? [];
  assert.equal((await fetch(`${url}/boot/key`)).status, 200);
  assert.match(await status(), /is being cleared of what no image needs/);
  const since = performance.now();
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
  const took = performance.now() - since;
  assert(took < 10_000, `it took ${took} ms to end`);
  const next = await start();
  while (/is being cleared/.test(await status())) await sleep(50);
  next.child.kill("SIGTERM");
  assert.equal(await next.ended, 0);
  using db = new DatabaseSync(join(store, "catalogue.db"), { readOnly: true });
  assert(db.prepare("SELECT 1 FROM swept").get() !== undefined);
});

test("a building that comes while the server is busy finds room in the kernel's queue", {
  timeout: 60_000,
}, async (context) => {
  const { child, ended, said } = await start();
  const [, gate = ""] = /^roomcast ready \S+ (https:\S+) /m.exec(said()) ?? [];
  const port = Number(new URL(gate).port);
  // It takes nobody out of the queue for as long. Whoever finds that full is not answered.
  child.kill("SIGSTOP");
  context.after(() => child.kill("SIGKILL"));
  const sockets = Array.from({ length: 1500 }, () => connect({ host: "127.0.0.1", port }));
  for (const socket of sockets) socket.on("error", () => {});
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  for (const socket of sockets) socket.destroy();
  child.kill("SIGCONT");
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
});

/** By the local socket. */
async function call(method: string, path: string): Promise<string> {
  const asked = request({ socketPath: join(data, "roomcast.sock"), method, path });
  const answered = once(asked, "response");
  asked.end();
  const [answer] = await answered;
  return text(answer);
}

test("with no session under way, the status says all the same that nothing can be written down, and for as long as it is so", {
  timeout: 120_000,
}, async () => {
  const { child, ended } = await start();
  const holder = new DatabaseSync(join(data, "state.db"));
  const isTold = async (): Promise<boolean> =>
    /cannot be written down/.test(await call("GET", "/api/v1/status"));
  holder.exec("BEGIN IMMEDIATE");
  // What was refused is an event.
  await call("DELETE", "/api/v1/rooms/nowhere");
  while (!(await isTold())) await sleep(50);
  holder.exec("ROLLBACK");
  holder.close();
  while (await isTold()) await sleep(50);
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
});
