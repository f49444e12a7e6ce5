/** The agents' connections: who is let in, who is cut off and what it is told, and what an error costs. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import websocket from "@fastify/websocket";
import fastify, { type FastifyInstance } from "fastify";
import { pino } from "pino";
import { type ClientOptions, WebSocket } from "ws";
import { RoomcastError } from "../../../core/errors.ts";
import { systemClock } from "../../../core/node/clock.ts";
import { exporterOf } from "../../../core/node/pin.ts";
import type { PinnedServer } from "../../../core/node/pinned.ts";
import type { Prover } from "../../../core/trust/prover.ts";
import { serverAliveEvery, silenceLimit } from "../../../core/wire/control.ts";
import type { Hello } from "../../../core/wire/hello.ts";
import { controlProtocol } from "../../../core/wire/login.ts";
import { memoryProver } from "../../../initrd/agent/keys.ts";
import { Link, type LinkEvents } from "../../../initrd/agent/link/link.ts";
import { AgentLinks } from "../../../server/gate/link.ts";
import { Unread, unreadLimit } from "../../../server/gate/unread.ts";
import type { AgentEvents } from "../../../server/lab/agents.ts";
import { troubleLines } from "../../../server/lab/rare-line.ts";
import { pinnedTo, testKey } from "../../tls.ts";
import { helloOf } from "../lab/hello.ts";
import { greetOf, newNonce, proofOf } from "./login.ts";

const logged: Record<string, unknown>[] = [];
const log = pino(
  { level: "info" },
  { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) },
);
/** What the lab was told, in order. */
const told: string[] = [];
const welcome = { type: "welcome", serverVersion: "1", level: "waiting" } as const;
/** PCs at which the lab fails, and that it does not let in. */
const full = "52:54:00:00:00:ff";
const revoked = "52:54:00:00:00:fe";
/** The code of the latest login. */
let code = "";
/** What the welcome says that it is. */
let shownCode: string | null = null;
const events: AgentEvents = {
  login: ({ hello: { mac }, code: ofLogin }) => {
    told.push(`login ${mac}`);
    code = ofLogin;
    if (mac === full) throw new Error("SQLITE_FULL");
    if (mac === revoked) throw new RoomcastError("refused", "its key was revoked", "admit it");
    const place = { pc: mac, name: mac, room: "default", time: "t" };
    return { pc: mac, welcome: { ...welcome, ...place, code: shownCode ?? ofLogin } };
  },
  connected: (pc) => void told.push(`connected ${pc}`),
  message(pc, { type }) {
    told.push(`${type} ${pc}`);
    if (type === "ask") throw new Error("SQLITE_FULL");
  },
  bulk: (pc) => void told.push(`bulk ${pc}`),
  lost: (pc, reason) => void told.push(`lost ${pc}: ${reason}`),
};
/** Connections that are no strangers' any more. */
let letIn = 0;
const links = new AgentLinks(log, () => []);
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
  app.decorateRequest("letIn", () => void letIn++);
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
  shownCode = null;
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

/** The next frame; an error if the connection ends instead. */
async function heardFrame(socket: WebSocket): Promise<Record<string, unknown>> {
  const heard = new AbortController();
  const over = once(socket, "close", heard).then(([code, why]) => {
    throw new Error(`the connection ended: ${code} ${why}`);
  });
  const [data] = (await Promise.race([once(socket, "message"), over])) as [Buffer];
  heard.abort();
  return JSON.parse(String(data)) as Record<string, unknown>;
}

/** The exporter of a client's TLS connection. */
const exporter = (socket: WebSocket): Uint8Array =>
  exporterOf((socket as unknown as { _socket: TLSSocket })._socket);

/** Says the greeting and the proof; `as`: what is proven, and for which connection. */
async function logIn(
  socket: WebSocket,
  hello: Hello,
  as: { readonly prover?: Prover; readonly exporter?: Uint8Array } = {},
): Promise<string> {
  const pcNonce = newNonce();
  say(socket, greetOf(pcNonce));
  const { nonce } = await heardFrame(socket);
  const proof = await proofOf({
    ...{ prover: as.prover ?? memoryProver(), hello, pcNonce, serverNonce: String(nonce) },
    exporter: as.exporter ?? exporter(socket),
  });
  const frame = JSON.stringify(proof);
  socket.send(frame);
  return frame;
}

async function connect(mac: string, more: Partial<Hello> = {}): Promise<WebSocket> {
  const socket = await open();
  await logIn(socket, helloOf(mac, more));
  await heardFrame(socket);
  return socket;
}

test("what is no greeting is refused with the reason, and nothing is remembered", async () => {
  for (const [frame, reason] of [
    [JSON.stringify(helloOf("a")), /^4001 that is no greeting: /],
    ["{", /^4001 that is no greeting: not JSON$/],
    [JSON.stringify({ type: "alive", state: "idle", report: null }), /^4001 that is no greeting/],
    [Buffer.of(1, 2, 3), /^4001 that is no greeting/],
  ] as const) {
    const socket = await open();
    const over = ended(socket);
    socket.send(frame);
    assert.match(await over, reason);
  }
  assert.deepEqual(told, []);
});

test("a second greeting, a proof of another connection and a recorded one are refused, and counted", async () => {
  const before = new Map(links.refusedLogins);
  const twice = await open();
  const twiceOver = ended(twice);
  for (const _ of [1, 2]) say(twice, greetOf(newNonce()));
  assert.match(await twiceOver, /^4001 that is no proof/);

  const relayed = await open();
  const other = await open();
  const relayedOver = ended(relayed);
  await logIn(relayed, helloOf("a"), { exporter: exporter(other) });
  assert.match(await relayedOver, /^4001 the signature is not of this key, this server/);
  other.terminate();

  const good = await open();
  const recorded = await logIn(good, helloOf("52:54:00:00:00:0a"));
  await heardFrame(good);
  const replayed = await open();
  const replayedOver = ended(replayed);
  const pcNonce = Buffer.from((JSON.parse(recorded) as { nonce: string }).nonce, "base64");
  say(replayed, greetOf(pcNonce));
  await heardFrame(replayed);
  replayed.send(recorded);
  assert.match(await replayedOver, /^4001 the signature/);

  const again = ended(good);
  good.send(recorded);
  assert.match(await again, /^4001 a connection has one login/);
  assert.deepEqual(
    told.filter((line) => line.startsWith("login")),
    ["login 52:54:00:00:00:0a"],
  );
  const more = (fault: string): number =>
    (links.refusedLogins.get(fault) ?? 0) - (before.get(fault) ?? 0);
  assert.deepEqual([more("proof"), more("signature"), more("repeated")], [1, 2, 1]);
});

test("all that a PC is told when it is let in comes in one record of TLS", async () => {
  const socket = await open();
  // The server's sign of life is three seconds away.
  const parts: Buffer[] = [];
  await logIn(socket, helloOf("52:54:00:00:00:0b"));
  (socket as unknown as { _socket: TLSSocket })._socket.on("data", (part) => parts.push(part));
  const types: unknown[] = [];
  socket.on("message", (data: Buffer) => types.push(JSON.parse(String(data)).type));
  while (!types.includes("keys")) await once(socket, "message");
  assert.deepEqual(types, ["welcome", "keys"]);
  assert.equal(parts.length, 1);
  socket.terminate();
  while (!told.some((line) => line.startsWith("lost "))) await sleep(5);
});

test("a PC that the lab does not let in is told why", async () => {
  const socket = await open();
  const over = ended(socket);
  await logIn(socket, helloOf(revoked));
  assert.match(await over, /^4002 its key was revoked: admit it$/);
  assert.deepEqual(told, [`login ${revoked}`]);
});

/** An agent's own link, until it is up or down. */
async function agentLink(
  more: Partial<LinkEvents> = {},
): Promise<{ readonly said: string; readonly code: string | null }> {
  const over = Promise.withResolvers<string>();
  const link = new Link(server, systemClock, {
    prover: async () => memoryProver(),
    hello: async () => helloOf("52:54:00:00:00:0b"),
    alive: () => ({ type: "alive", state: "idle", report: null }),
    up: ({ level }) => over.resolve(`up: ${level}`),
    message() {},
    bulk() {},
    down: ({ why, detail }) => over.resolve(`${why}: ${detail}`),
    ...more,
  });
  link.start();
  const said = await over.promise;
  link.close();
  return { said, code: link.code };
}

test("an agent logs in by the same rules, and has the code that the lab was told", async () => {
  const { said, code: shown } = await agentLink();
  assert.equal(said, "up: waiting");
  assert.equal(shown, code);
  assert.match(code, /^\d{6}$/);
});

test("an agent that is shown another code than its own does not go on", async () => {
  shownCode = "000000";
  const { said } = await agentLink();
  assert.match(said, /^refused: the server shows another code than this PC/);
});

test("the agent shows the reason that it was refused with", async () => {
  const { said } = await agentLink({
    hello: async () => ({ ...helloOf("a"), mac: "x".repeat(18) }),
  });
  assert.match(said, /^refused: mac /);
});

test("an agent whose key does not sign tries again, and says why", async () => {
  const prover = async (): Promise<Prover> => ({
    ...memoryProver(),
    prove: async () => {
      throw new Error("the TPM is locked out");
    },
  });
  assert.equal((await agentLink({ prover })).said, "unreachable: the TPM is locked out");
});

test("another protocol is refused before the PC is known, whatever else its greeting has", async () => {
  for (const greet of [
    { ...greetOf(newNonce()), protocol: 99 },
    { type: "greet", protocol: 99, new: true },
  ]) {
    const socket = await open();
    const over = ended(socket);
    say(socket, greet);
    const { protocol } = await heardFrame(socket);
    assert.equal(protocol, controlProtocol, "the agent is told what to do");
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

test("more than 64 KB before the proof are not taken, even in a frame that is never finished", async () => {
  const socket = await open();
  const over = ended(socket);
  socket.send("x".repeat(70_000), { fin: false });
  assert.match(await over, /^4001 the login is too long/);
});

test("16 sockets of an address may wait to log in; one more is told to try again, and a PC that is in counts no more", async () => {
  const known = await connect("52:54:00:00:00:01");
  letIn = 0;
  const waiting = await Promise.all(Array.from({ length: 16 }, () => open()));
  const late = new WebSocket(url, { rejectUnauthorized: false });
  assert.match(await ended(late), /^1013 /);
  assert(letIn <= 16, "that one stays a stranger's");
  const elsewhere = await open({ localAddress: "127.0.0.2" });
  for (const socket of [...waiting, elsewhere]) socket.terminate();
  known.terminate();
  for (let isIn = false; !isIn; await sleep(10)) {
    const again = new WebSocket(url, { rejectUnauthorized: false });
    isIn = await Promise.race([ended(again).then(() => false), sleep(100).then(() => true)]);
    again.terminate();
  }
});

test("of frames that are ignored the log has so many a minute, however many come", async () => {
  const socket = await connect("52:54:00:00:00:03");
  for (let times = 0; times < 10 * troubleLines; times++) socket.send(`{"type":"nothing"}`);
  say(socket, { type: "alive", state: "idle", report: null });
  while (!told.includes("alive 52:54:00:00:00:03")) await sleep(5);
  assert.equal(logged.filter(({ msg }) => msg === "frame ignored").length, troubleLines);
  socket.terminate();
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

test("an error at the login is one of that connection too", async () => {
  const socket = await open();
  const over = ended(socket);
  await logIn(socket, helloOf(full));
  assert.match(await over, /^1011 the server failed at the login/);
  assert.equal(links.isConnected(full), false);
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

test("a PC that is told nothing hears a sign of life from the server after three seconds", async () => {
  const pc = "52:54:00:00:00:01";
  const socket = await connect(pc);
  const at = performance.now();
  const heard: number[] = [];
  socket.on("message", (data: Buffer) => {
    if (JSON.parse(String(data)).type === "alive") heard.push(performance.now() - at);
  });
  await sleep(1500);
  links.send(pc, { type: "keys", keys: [] });
  while (heard.length === 0) await once(socket, "message");
  const [first] = heard;
  // By then it had been told something 1.5 s ago.
  assert(first !== undefined && first > serverAliveEvery, `after ${first} ms`);
  assert(first < silenceLimit / 2, `after ${first} ms`);
  socket.terminate();
  while (links.isConnected(pc)) await sleep(5);
});

test("a PC that does not read what it is sent is cut off; one that reads gets everything", async () => {
  const pc = "52:54:00:00:00:01";
  const socket = await connect(pc);
  // Or it is cut off for its silence, where reading takes that long.
  const alive = setInterval(say, 1000, socket, { type: "alive", state: "idle", report: null });
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
    assert(performance.now() - at < 30_000, "it is still connected");
    await sleep(50);
  }
  assert.match(told.at(-1) ?? "", /does not read what it is sent/);
  clearInterval(alive);
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

test("whoever does not greet within ten seconds is cut off", async () => {
  assert.match(await silence, /^4001 no greeting within 10 s \(10\)$/);
});
