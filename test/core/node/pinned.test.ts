/** The gate is known by its key: nothing is said to any other, and no date is asked about. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
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
  // A connection that is slow is begun once more.
  assert(closed.length >= 2, "both came as far as the key");
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

test("requests share a connection, bodies go both ways, and an end cuts what is under way", async () => {
  const app = fastify({
    https: { key: key.key, cert: key.cert },
    forceCloseConnections: true,
  }) as unknown as FastifyInstance;
  const sockets = new Set<unknown>();
  app.addHook("onRequest", async ({ raw }) => void sockets.add(raw.socket));
  app.addContentTypeParser("application/octet-stream", (_, payload, done) => done(null, payload));
  app.put("/back", async ({ body }) => body);
  app.get("/never", () => new Promise(() => {}));
  const server = pinnedTo(await app.listen({ host: "127.0.0.1", port: 0 }), key.pin);
  const put = async (body: string | readonly Uint8Array[]) => {
    const headers = { "content-type": "application/octet-stream" };
    const answer = await server.fetch("/back", { method: "PUT", headers, body });
    assert.deepEqual([answer.status, answer.ok], [200, true]);
    return answer.bytes();
  };
  const parts = Array.from({ length: 40 }, (_, index) => new Uint8Array(100_000).fill(index));
  assert.deepEqual(await put(parts), Buffer.concat(parts));
  assert.equal(Buffer.from(await put("a text")).toString(), "a text");
  const missing = await server.fetch("/nothing");
  assert.deepEqual([missing.status, missing.ok], [404, false]);
  assert.equal(((await missing.json()) as { statusCode: number }).statusCode, 404);
  assert.equal(sockets.size, 1);

  const abort = new AbortController();
  const aborted = server.fetch("/never", { signal: abort.signal });
  abort.abort();
  await assert.rejects(aborted);
  const cut = server.fetch("/never");
  // It has a connection by then.
  await server.fetch("/nothing").then((answer) => answer.bytes());
  await server.close();
  await assert.rejects(cut);
  await assert.rejects(server.fetch("/nothing"), { message: /closed/ });
  await app.close();
});
