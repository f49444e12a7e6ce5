/** Who leaves before the answer has begun, and who stays. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import fastify from "fastify";
import { whenClosed } from "../../../core/node/when-closed.ts";

for (const leaves of ["before the call is at work", "while it is"]) {
  test(`it is called once for a client that leaves ${leaves}`, async () => {
    const app = fastify({ forceCloseConnections: true });
    let calls = 0;
    const came = Promise.withResolvers<void>();
    const called = Promise.withResolvers<void>();
    app.addHook("onRequest", async (_request, reply) => {
      came.resolve();
      if (leaves.startsWith("before")) await once(reply.raw, "close");
    });
    app.get("/", (_request, reply) => {
      reply.hijack();
      whenClosed(reply.raw, () => {
        calls++;
        called.resolve();
      });
      came.resolve();
    });
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = app.server.address() as { port: number };
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await came.promise;
    socket.destroy();
    await called.promise;
    await app.close();
    assert.equal(calls, 1);
  });
}
