/** Whoever answers in the server's place: an agent tells it nothing, says so, and goes on by no other way. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { gateServername } from "../../core/node/pin.ts";
import { runAgent } from "../../initrd/agent/run.ts";
import { pinnedTo, runOut, testKey } from "../tls.ts";

const folder = mkdtempSync(join(tmpdir(), "roomcast-wrong-server-"));
after(() => rmSync(folder, { recursive: true }));
/** The key that the agents were started with. */
const right = await testKey();
/** RFC 8446 section 5.1. */
const handshakeRecord = 22;

interface Rogue {
  readonly what: string;
  readonly server: Server;
  /** What it was told: beyond the handshake, or in clear. */
  readonly heard: Buffer[];
  readonly isClear: boolean;
  /** What an agent says of it. */
  readonly said: RegExp;
}

function tlsRogue(what: string, said: RegExp, options: TlsOptions): Rogue {
  const heard: Buffer[] = [];
  const server = createTlsServer(options, (socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => void heard.push(data));
  });
  server.on("tlsClientError", () => {});
  return { what, server, heard, said, isClear: false };
}

/** Answers whatever comes in clear. */
function clearRogue(what: string, said: RegExp, answer: string): Rogue {
  const heard: Buffer[] = [];
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      heard.push(data);
      socket.end(answer);
    });
  });
  return { what, server, heard, said, isClear: true };
}

/** A certificate that OpenSSL makes, with a key of its own. */
function madeBy(name: string, ...more: string[]): TlsOptions {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const files = ["-keyout", key, "-out", cert, ...more];
  execFileSync("openssl", ["req", "-x509", ...curve, ...files], { stdio: "pipe" });
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

const otherKey = /not connected to \S+: \S+ shows the key sha256:\S+, and the right one is sha256:/;
const noServer = /not connected to \S+: something answers there, but it is no roomcast server/;
const named = `subjectAltName=DNS:${gateServername},IP:127.0.0.1`;

async function rogues(): Promise<Rogue[]> {
  const other = await testKey();
  const first = madeBy("self-signed", "-subj", "/CN=roomcast gate", "-addext", named);
  return [
    tlsRogue("another gate's key", otherKey, other),
    tlsRogue("a self-signed certificate of the gate's names", otherKey, first),
    tlsRogue("one that has run out", otherKey, { key: other.key, cert: runOut(other.cert) }),
    tlsRogue("one of another name", otherKey, madeBy("other", "-subj", "/CN=evil.example")),
    tlsRogue("the right key by TLS 1.2", noServer, { ...right, maxVersion: "TLSv1.2" }),
    clearRogue(
      "HTTP in clear that leads elsewhere",
      noServer,
      "HTTP/1.1 301 Moved Permanently\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
    ),
    clearRogue(
      "HTTP in clear that would be a link",
      noServer,
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    ),
  ];
}

/** An agent that was started with the right key, until it has said what is wrong. */
async function agentAt({ server }: Rogue, log: string): Promise<string> {
  const ending = new AbortController();
  writeFileSync(log, "");
  const { port } = server.address() as AddressInfo;
  const agent = runAgent({
    ...{ server: `https://127.0.0.1:${port}`, pins: [right.pin], keyFile: null },
    ...{ disks: [], interface: null, mac: null, name: null, headless: true, once: false },
    ...{ logPath: log, signal: ending.signal },
  });
  const text = (): string => readFileSync(log, "utf8");
  while (!/connected to/.test(text())) await sleep(20);
  // Long enough for another try, or for another way.
  await sleep(700);
  ending.abort();
  await agent;
  return text();
}

test("no other key, certificate, protocol or answer makes an agent talk", async () => {
  const all = await rogues();
  await Promise.all(
    all.map(async (rogue, number) => {
      const { server, what, heard, said, isClear } = rogue;
      await once(server.listen(0, "127.0.0.1"), "listening");
      assert.match(await agentAt(rogue, join(folder, `${number}.log`)), said, what);
      // To TLS beyond its handshake nothing is said; who answers in clear hears how the handshake begins.
      for (const part of heard)
        assert(isClear && part[0] === handshakeRecord, `${what} heard ${part}`);
      server.close();
    }),
  );
});

test("a ticket of an earlier connection is not shown again, so each one has to have the key", async () => {
  const reused: boolean[] = [];
  const server = createTlsServer(right, (socket) => {
    reused.push(socket.isSessionReused());
    socket.on("error", () => {});
    socket.on("data", () => socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pinned = pinnedTo(url, right.pin);
  for (let round = 0; round < 3; round++) {
    assert.equal((await pinned.fetch("/")).status, 204);
    await sleep(20);
  }
  assert.deepEqual(reused, [false, false, false]);
  await pinned.close();
  server.close();
});
