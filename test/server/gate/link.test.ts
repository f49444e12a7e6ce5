/** The agents' connections: who is let in, who is cut off and what it is told, and what an error costs. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import websocket from "@fastify/websocket";
import fastify, { type FastifyInstance } from "fastify";
import { pino } from "pino";
import { type ClientOptions, WebSocket } from "ws";
import { systemClock } from "../../../core/node/clock.ts";
import type { PinnedServer } from "../../../core/node/pinned.ts";
import { controlProtocol, type Hello } from "../../../core/wire/control.ts";
import { Link } from "../../../initrd/agent/link/link.ts";
import { AgentLinks } from "../../../server/gate/link.ts";
import { Unread, unreadLimit } from "../../../server/gate/unread.ts";
import type { AgentEvents } from "../../../server/lab/agents.ts";
import { pinnedTo, testKey } from "../../tls.ts";
import { helloOf } from "../lab/hello.ts";

const logged: Record<string, unknown>[] = [];
const log = pino(
  { level: "info" },
  { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) },
);
/** What the lab was told, in order. */
const told: string[] = [];
const welcome = { type: "welcome", protocol: controlProtocol, serverVersion: "1" } as const;
const events: AgentEvents = {
  hello: ({ mac }) => {
    told.push(`hello ${mac}`);
    if (mac === "full") throw new Error("SQLITE_FULL");
    return { pc: mac, welcome: { ...welcome, pc: mac, name: mac, room: "default", time: "t" } };
  },
  connected: (pc) => void told.push(`connected ${pc}`),
  message(pc, { type }) {
    told.push(`${type} ${pc}`);
    if (type === "ask") throw new Error("SQLITE_FULL");
  },
  bulk: (pc) => void told.push(`bulk ${pc}`),
  lost: (pc, reason) => void told.push(`lost ${pc}: ${reason}`),
};
const links = new AgentLinks(log);
let app: FastifyInstance;
let url = "";
let server: PinnedServer;
/** What becomes of a socket that says nothing, and after how many seconds. */
let silence: Promise<string>;

before(async () => {
  const tls = await testKey();
  app = fastify({
    ...{ exposeHeadRoutes: false, forceCloseConnections: true },
    https: { key: tls.key, cert: tls.cert, minVersion: "TLSv1.3" },
  }) as unknown as FastifyInstance;
  await app.register(websocket, { options: { maxPayload: 4 * 1024 * 1024 } });
  await app.register(async (scope) => links.route(scope, events));
  const origin = await app.listen({ host: "127.0.0.1", port: 0 });
  url = `${origin.replace("http", "ws")}/gate/v2/link`;
  server = pinnedTo(origin, tls.pin);
  // Begun first, for it takes its ten seconds.
  const socket = await open();
  const at = performance.now();
  silence = ended(socket).then((why) => `${why} (${Math.round((performance.now() - at) / 1000)})`);
});
beforeEach(() => {
  told.length = 0;
  logged.length = 0;
});
after(async () => {
  links.close();
  await app.close();
});

async function open(options: ClientOptions = {}): Promise<WebSocket> {
  const socket = new WebSocket(url, { ...options, rejectUnauthorized: false });
  await once(socket, "open");
  return socket;
}

const say = (socket: WebSocket, message: unknown): void => socket.send(JSON.stringify(message));

/** The code and the words that the server ends the connection with. */
async function ended(socket: WebSocket): Promise<string> {
  const [code, reason] = (await once(socket, "close")) as [number, Buffer];
  return `${code} ${reason}`;
}

async function connect(mac: string, more: Partial<Hello> = {}): Promise<WebSocket> {
  const socket = await open();
  const answered = once(socket, "message");
  say(socket, helloOf(mac, more));
  await answered;
  return socket;
}

test("a hello that breaks the schema is refused with the reason, and nothing is remembered", async () => {
  for (const [frame, reason] of [
    [JSON.stringify({ ...helloOf("a"), disks: "none" }), /^4001 that is no hello: hello: disks /],
    ["{", /^4001 that is no hello: not JSON$/],
    [
      JSON.stringify({ type: "alive", state: "idle", report: null }),
      /^4001 that is no hello: alive before hello$/,
    ],
    [Buffer.of(1, 2, 3), /^4001 that is no hello/],
  ] as const) {
    const socket = await open();
    const over = ended(socket);
    socket.send(frame);
    assert.match(await over, reason);
  }
  assert.deepEqual(told, []);
});

test("the agent shows the reason that it was refused with", async () => {
  const down = Promise.withResolvers<string>();
  const link = new Link(server, systemClock, {
    hello: async () => ({ ...helloOf("a"), mac: "x".repeat(18) }),
    alive: () => ({ type: "alive", state: "idle", report: null }),
    up: () => down.reject(new Error("it was let in")),
    message() {},
    bulk() {},
    down: ({ why, detail }) => down.resolve(`${why}: ${detail}`),
  });
  link.start();
  const detail = await down.promise;
  link.close();
  assert.match(detail, /^refused: that is no hello: hello: mac /);
});

test("another protocol is refused before the PC is known, whatever else its hello has", async () => {
  for (const hello of [
    helloOf("a", { protocol: 99 }),
    { type: "hello", protocol: 99, new: true },
  ]) {
    const socket = await open();
    const answer = once(socket, "message");
    const over = ended(socket);
    say(socket, hello);
    const [frame] = (await answer) as [Buffer];
    assert.equal(
      JSON.parse(String(frame)).protocol,
      controlProtocol,
      "the agent is told what to do",
    );
    assert.match(await over, /^4000 protocol 99, the server speaks/);
  }
  assert.deepEqual(told, []);
});

test("a web page is no agent", async () => {
  const socket = new WebSocket(url, {
    ...{ origin: "http://evil.example", rejectUnauthorized: false },
  });
  const [error] = (await once(socket, "error")) as [Error];
  assert.match(error.message, /Unexpected server response/);
});

test("more than 64 KB before the hello are not taken, even in a frame that is never finished", async () => {
  const socket = await open();
  const over = ended(socket);
  socket.send("x".repeat(70_000), { fin: false });
  assert.match(await over, /^4001 the hello is too long/);
});

test("64 sockets may wait to say hello; one more is told to try again, and a PC that is in counts no more", async () => {
  const known = await connect("52:54:00:00:00:01");
  // Each address has a limit of its own at the gate.
  const waiting: WebSocket[] = [];
  for (let number = 0; number < 64; number++)
    waiting.push(await open({ localAddress: `127.0.0.${2 + (number % 2)}` }));
  const late = new WebSocket(url, { rejectUnauthorized: false });
  assert.match(await ended(late), /^1013 /);
  for (const socket of waiting) socket.terminate();
  known.terminate();
  for (let isIn = false; !isIn; await sleep(10)) {
    const again = new WebSocket(url, { rejectUnauthorized: false });
    isIn = await Promise.race([ended(again).then(() => false), sleep(100).then(() => true)]);
    again.terminate();
  }
});

test("an error at one message costs that connection, and is logged with the PC and the message", async () => {
  const other = await connect("52:54:00:00:00:02");
  const socket = await connect("52:54:00:00:00:01");
  const over = ended(socket);
  say(socket, { type: "ask", want: { action: "boot-disk" } });
  assert.match(await over, /^1011 the server failed at ask: see its log$/);
  const entry = logged.find(({ msg }) => msg === "an agent's message failed");
  assert.deepEqual([entry?.pc, entry?.message], ["52:54:00:00:00:01", "ask"]);
  await sleep(20);
  assert(told.some((line) => line.startsWith("lost 52:54:00:00:00:01")));
  say(other, { type: "alive", state: "idle", report: null });
  await sleep(20);
  assert(told.includes("alive 52:54:00:00:00:02"));
  other.terminate();
});

test("an error at the hello is one of that connection too", async () => {
  const socket = await open();
  const over = ended(socket);
  say(socket, helloOf("full"));
  assert.match(await over, /^1011 the server failed at hello/);
  assert.equal(links.isConnected("full"), false);
});

test("a PC has one connection: a newer one takes its place, and the older one is lost", async () => {
  const older = await connect("52:54:00:00:00:01", { instance: "one" });
  const over = once(older, "close");
  const newer = await connect("52:54:00:00:00:01", { instance: "two" });
  await over;
  assert.deepEqual(told.slice(-2), [
    "lost 52:54:00:00:00:01: the PC was started anew",
    "connected 52:54:00:00:00:01",
  ]);
  assert.equal(links.isConnected("52:54:00:00:00:01"), true);
  newer.terminate();
  await sleep(20);
  assert.equal(links.isConnected("52:54:00:00:00:01"), false);
});

test("a PC that does not read what it is sent is cut off; one that reads gets everything", async () => {
  const pc = "52:54:00:00:00:01";
  const socket = await connect(pc);
  let bytes = 0;
  const frame = new Uint8Array(48 * 1024);
  const frames = 800;
  const all = new Promise<void>((resolve) => {
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) bytes += data.length;
      if (bytes === frames * frame.length) resolve();
    });
  });
  // As the entries of a live cast of a large disk, all at once.
  for (let number = 0; number < frames; number++) links.sendBytes(pc, frame);
  await all;
  assert.equal(links.isConnected(pc), true);

  socket.pause();
  for (let number = 0; number < frames; number++) links.sendBytes(pc, frame);
  const at = performance.now();
  while (links.isConnected(pc)) {
    assert(performance.now() - at < 8000, "it is still connected");
    await sleep(50);
  }
  assert.match(told.at(-1) ?? "", /does not read what it is sent/);
  socket.terminate();
});

test("what counts is whether the unsent shrinks, not how much it is", () => {
  const reader = new Unread();
  reader.queued(20 * unreadLimit);
  for (let left = 20 * unreadLimit; left > 0; left -= unreadLimit / 4)
    assert.equal(reader.isStuck(left), false);
  const stuck = new Unread();
  stuck.queued(2 * unreadLimit);
  assert.deepEqual(
    [1, 2, 3].map(() => stuck.isStuck(2 * unreadLimit)),
    [false, false, true],
  );
  const quiet = new Unread();
  quiet.queued(1000);
  for (let look = 0; look < 9; look++) assert.equal(quiet.isStuck(1000), false, "it is not much");
});

test("whoever says no hello within ten seconds is cut off", async () => {
  assert.match(await silence, /^4001 no hello within 10 s \(10\)$/);
});
