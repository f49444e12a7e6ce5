/** Clients that stop in the midst, over HTTP and over TLS; and those that only are slow. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import websocket from "@fastify/websocket";
import type { FastifyInstance, FastifyReply } from "fastify";
import { pino } from "pino";
import { application } from "../../../server/applications.ts";
import { cutStalled } from "../../../server/gate/stalled.ts";
import { testKey } from "../../tls.ts";

const stillMs = 1000;
/** It is looked for four times in it, by a host that does other things too. */
const cutMs = 2 * stillMs;
/** Longer than anything that stands still is left. */
const lateMs = 4 * stillMs;
const answerBytes = 24 * 1024 * 1024;
const apps: { readonly app: FastifyInstance; connect(): Socket }[] = [];

before(async () => {
  for (const https of [null, await testKey()]) {
    const app = application(pino({ level: "silent" }), https);
    cutStalled(app, stillMs);
    await app.register(websocket);
    app.get("/large", async () => Buffer.alloc(answerBytes, 7));
    app.get("/late", async () => {
      await sleep(lateMs);
      return "late";
    });
    app.post("/body", async ({ body }) => body);
    app.get("/socket", { websocket: true }, (socket) => {
      setTimeout(() => socket.send("still there"), lateMs);
    });
    const refuse = async (_: unknown, reply: FastifyReply) =>
      reply.code(403).send(Buffer.alloc(answerBytes));
    app.get("/refused/:name", { websocket: true, onRequest: refuse }, () => {});
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = app.server.address() as { port: number };
    const where = { host: "127.0.0.1", port };
    apps.push({
      app,
      connect: () =>
        https === null ? connect(where) : connectTls({ ...where, rejectUnauthorized: false }),
    });
  }
});
after(async () => {
  for (const { app } of apps) await app.close();
});

/** Has a socket on each of them that has sent `head`, and waits for what `then` makes of it. */
async function each(
  head: readonly string[],
  then: (socket: Socket, app: FastifyInstance) => Promise<void>,
): Promise<void> {
  const opened = apps.map(async ({ app, connect: open }) => {
    const socket = open().on("error", () => {});
    await once(socket, "encrypted" in socket ? "secureConnect" : "connect");
    socket.write([...head, "Host: localhost", "", ""].join("\r\n"));
    await then(socket, app);
    socket.destroy();
  });
  await Promise.all(opened);
}

const upgradeTo = (protocol: string): string[] => [
  ...["Connection: Upgrade", `Upgrade: ${protocol}`, "Sec-WebSocket-Version: 13"],
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
];

/** Whether it is over within so many milliseconds; with an error, where it wrote to what had ended. */
const isCut = async (socket: Socket, ms: number): Promise<boolean> => {
  const closed = new Promise<true>((resolve) => socket.once("close", () => resolve(true)));
  return Promise.race([closed, sleep(ms).then(() => socket.closed)]);
};

/** All that it says until it is over. */
async function textOf(socket: Socket, ms: number): Promise<string> {
  let said = "";
  socket.on("data", (part: Buffer) => {
    said += part.toString("latin1");
  });
  await isCut(socket, ms);
  return said;
}

test("half a body, of a request that is waited for and of one that was refused at once: let go", async () => {
  const half = ["content-type: text/plain", "content-length: 1000"];
  for (const more of [half, [...half, ...upgradeTo("websocket")]])
    for (const path of ["/body", "/not-there"])
      await each([`POST ${path} HTTP/1.1`, ...more], async (socket) => {
        socket.resume();
        socket.write("half");
        assert.equal(await isCut(socket, cutMs), true, path);
      });
});

test("a body that comes slowly is taken", async () => {
  const head = ["POST /body HTTP/1.1", "content-type: text/plain", "content-length: 10"];
  await each([...head, "connection: close"], async (socket) => {
    const text = textOf(socket, 2 * cutMs);
    for (let part = 0; part < 10; part++) {
      await sleep(stillMs / 3);
      socket.write("x");
    }
    assert.match(await text, /^HTTP\/1\.1 200(.|\s)*xxxxxxxxxx$/);
  });
});

test("a reader that never reads is let go, whatever other protocol it asks for", async () => {
  for (const head of [
    ["GET /large HTTP/1.1"],
    ["GET /large HTTP/1.1", ...upgradeTo("h2c")],
    ["GET /large HTTP/1.1", ...upgradeTo("websocket")],
    ["GET /refused/this?it=is HTTP/1.1", ...upgradeTo("websocket")],
  ])
    await each(head, async (socket, app) => {
      socket.pause();
      const count = () =>
        new Promise<number>((resolve) => app.server.getConnections((_, open) => resolve(open)));
      assert.equal(await count(), 1);
      await sleep(stillMs / 2);
      assert.equal(await count(), 1);
      for (let waited = 0; waited < cutMs && (await count()) > 0; waited += 50) await sleep(50);
      assert.equal(await count(), 0, head.join());
    });
});

test("who asks for a protocol that is not spoken is answered in this one, and may ask again", async () => {
  const asked = ["h2c", "websocket", "TLS/1.3, websocket"].map(async (protocol) => {
    const head = ["POST /body HTTP/1.1", ...upgradeTo(protocol), "Content-Type: text/plain"];
    await each([...head, "Content-Length: 0"], async (socket) => {
      const [first] = (await once(socket, "data")) as [Buffer];
      assert.match(first.toString("latin1"), /^HTTP\/1\.1 200/, protocol);
      const more = ["Content-Length: 5", "Host: localhost", "", "again"];
      socket.write([...head, ...more].join("\r\n"));
      const [second] = (await once(socket, "data")) as [Buffer];
      assert.match(second.toString("latin1"), /^HTTP\/1\.1 200(.|\s)*again$/, protocol);
    });
  });
  await Promise.all(asked);
});

test("a connection on which bytes come and no request is let go", async () => {
  const head = ["POST /body HTTP/1.1", "content-type: text/plain", "content-length: 0"];
  await each(head, async (socket) => {
    socket.resume();
    // RFC 9112 section 2.2: empty lines before a request are passed over.
    const drip = setInterval(() => socket.write("\r\n"), stillMs / 4);
    assert.equal(await isCut(socket, cutMs), true);
    clearInterval(drip);
  });
});

test("a reader that is slow gets all of it, however long that takes", async () => {
  await each(["GET /large HTTP/1.1", "connection: close"], async (socket) => {
    let got = 0;
    const from = performance.now();
    for await (const part of socket) {
      got += (part as Buffer).length;
      const dueMs = (got / answerBytes) * 5 * stillMs;
      await sleep(Math.max(0, dueMs - (performance.now() - from)));
    }
    assert(got > answerBytes, `${got} bytes`);
    assert(performance.now() - from > 4 * stillMs);
  });
});

test("an answer that takes the server long is waited for, and a WebSocket on which nobody speaks is left", async () => {
  await each(["GET /late HTTP/1.1", "connection: close"], async (socket) =>
    assert.match(await textOf(socket, lateMs + stillMs), /^HTTP\/1\.1 200/),
  );
  await each(["GET /socket HTTP/1.1", ...upgradeTo("WebSocket")], async (socket) =>
    assert.match(await textOf(socket, lateMs + stillMs), /still there/),
  );
});
