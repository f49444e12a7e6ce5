/** The gate is known by its key: nothing is said to any other, and no date is asked about. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { createServer, type TLSSocket, type TlsOptions } from "node:tls";
import websocket from "@fastify/websocket";
import fastify, { type FastifyInstance } from "fastify";
import { connectPinned, exporterOf, gateServername } from "../../../core/node/pin.ts";
import { pinnedTo, testKey } from "../../tls.ts";

const key = await testKey();
const other = await testKey();

/** A TLS server that notes what it is told. */
async function listen(options: TlsOptions) {
  const heard: Buffer[] = [];
  const sockets: TLSSocket[] = [];
  const closed: Promise<unknown>[] = [];
  const server = createServer({ key: key.key, cert: key.cert, ...options }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (data) => void heard.push(data));
  });
  server.on("connection", (socket) => void closed.push(once(socket, "close")));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { server, url, heard, sockets, closed };
}

test("a server with another key is not told a byte, by HTTP nor by a WebSocket", async () => {
  const { server, url, heard, closed } = await listen({});
  const wrong = pinnedTo(url.href, other.pin);
  await assert.rejects(wrong.openLink("/gate/v2/link"), {
    code: "other-key",
    message: new RegExp(`shows the key ${key.pin.replace(/[+/]/g, ".")}`),
  });
  const failed = await wrong.fetch("/secret", { method: "PUT", body: "secret" }).catch((e) => e);
  assert.equal((failed.cause as { code: string }).code, "other-key");
  assert.equal(closed.length, 2, "both came as far as the key");
  await Promise.all(closed);
  assert.deepEqual(heard, []);
  server.close();
});

test("any of the keys that are right will do, and both ends know the same secret of the channel", async () => {
  const { server, url, sockets } = await listen({});
  const first = await connectPinned({ url, pins: [other.pin, key.pin] });
  const second = await connectPinned({ url, pins: [key.pin] });
  assert.equal(first.exporter.length, 32);
  assert.deepEqual(first.exporter, exporterOf(sockets[0] as TLSSocket));
  assert.notDeepEqual(first.exporter, second.exporter);
  assert.equal(first.socket.getProtocol(), "TLSv1.3");
  assert.equal(first.socket.alpnProtocol || "http/1.1", "http/1.1");
  for (const { socket } of [first, second]) socket.destroy();
  server.close();
});

test("the certificate is one that OpenSSL reads, without an end, for the name that agents say", () => {
  const certificate = new X509Certificate(key.cert);
  assert(certificate.verify(certificate.publicKey));
  assert.equal(certificate.checkHost(gateServername), gateServername);
  assert.equal(certificate.validFromDate.getUTCFullYear(), 1970);
  assert.equal(certificate.validToDate.getUTCFullYear(), 9999);
});

test("an older TLS, another protocol and a silent port are told apart from another key", async () => {
  const old = await listen({ maxVersion: "TLSv1.2" });
  await assert.rejects(connectPinned({ url: old.url, pins: [key.pin] }), { code: "unreachable" });
  old.server.close();
  const clear = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.resume().end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  clear.listen(0, "127.0.0.1");
  await once(clear, "listening");
  const url = new URL(`https://127.0.0.1:${(clear.address() as AddressInfo).port}`);
  await assert.rejects(connectPinned({ url, pins: [key.pin] }), {
    code: "unreachable",
    message: /no roomcast server/,
  });
  clear.close();
  await once(clear, "close");
  await assert.rejects(connectPinned({ url, pins: [key.pin] }), {
    code: "unreachable",
    message: "nothing listens there",
  });
});

test("a request and a WebSocket over it", async () => {
  const app = fastify({
    https: { key: key.key, cert: key.cert },
    forceCloseConnections: true,
  }) as unknown as FastifyInstance;
  await app.register(websocket);
  app.get("/name", async ({ raw }) => (raw.socket as TLSSocket).servername);
  const exporters: Uint8Array[] = [];
  app.get("/echo", { websocket: true }, (socket, { raw }) => {
    exporters.push(exporterOf(raw.socket as TLSSocket));
    socket.on("message", (data) => socket.send(data));
  });
  const server = pinnedTo(await app.listen({ host: "127.0.0.1", port: 0 }), key.pin);
  assert.equal(await (await server.fetch("/name")).text(), gateServername);
  const { socket, exporter } = await server.openLink("/echo");
  socket.binaryType = "arraybuffer";
  socket.onopen = () => socket.send(Uint8Array.of(1, 2, 3));
  const data = await new Promise<unknown>((resolve) => {
    socket.onmessage = (event) => resolve(event.data);
  });
  assert.deepEqual([...new Uint8Array(data as ArrayBuffer)], [1, 2, 3]);
  assert.deepEqual(exporter, exporters[0]);
  socket.close();
  await server.close();
  await app.close();
});

test("what the first request needs is loaded when there is time, and not before", {
  timeout: 60_000,
}, async (context) => {
  const child = fork(join(import.meta.dirname, "pinned-child.ts"));
  context.after(() => child.kill("SIGKILL"));
  const said: unknown[] = [];
  child.on("message", (message) => void said.push(message));
  const [status] = await once(child, "exit");
  assert.equal(status, 0);
  assert.deepEqual(said, [{ isLoaded: false }, { isLoaded: true }]);
});
