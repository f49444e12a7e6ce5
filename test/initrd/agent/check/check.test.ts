/** A PC's network check against the server's part of it, on the loopback's sockets. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fastify, { type FastifyInstance } from "fastify";
import { systemRoots } from "../../../../imaging/disk/sysfs.ts";
import { checkNetwork } from "../../../../initrd/agent/check/check.ts";
import type { Measured } from "../../../../initrd/agent/check/findings.ts";
import { checkRoutes } from "../../../../server/gate/check-routes.ts";
import { plainHttp } from "../../../tls.ts";

let app: FastifyInstance;
let server = "";

before(async () => {
  app = fastify({ forceCloseConnections: true }) as unknown as FastifyInstance;
  await app.register(checkRoutes, { interfaceAddress: "127.0.0.1" });
  server = await app.listen({ host: "127.0.0.1", port: 0 });
});
after(() => app.close());

async function check(
  where: string,
  ip: string | null,
  grant = async (): Promise<string> => "g",
): Promise<Measured> {
  const uplink = async () => ({ name: "lo", ip, mac: null });
  let last: Measured = {};
  const server = { server: plainHttp(where), host: new URL(where).host };
  const ports = { ...server, roots: systemRoots, uplink, grant };
  for await (const measured of checkNetwork(ports, new AbortController().signal)) last = measured;
  return last;
}

test("answer, throughput and multicast are measured, of two PCs at once too", async () => {
  for (const measured of await Promise.all([
    check(server, "127.0.0.1"),
    check(server, "127.0.0.1"),
  ])) {
    assert.equal(typeof measured.answer, "number");
    assert.ok(Number(measured.throughputBps) > 1e6, String(measured.throughputBps));
    assert.ok(typeof measured.multicast === "object", String(measured.multicast));
    // A busy machine may drop some; another's burst is never counted.
    assert.ok(
      measured.multicast.received > 0 && measured.multicast.received <= measured.multicast.sent,
    );
  }
});

test("who hangs up while it measures holds nobody up", async () => {
  const abort = new AbortController();
  const answer = await fetch(`${server}/gate/v2/check/payload?bytes=67108864`, abort);
  await answer.body?.getReader().read();
  const others = check(server, "127.0.0.1");
  abort.abort();
  assert.ok(Number((await others).throughputBps) > 1e6);
});

test("who leaves before its turn has none, and holds nobody up", async () => {
  const payload = `${server}/gate/v2/check/payload?bytes=67108864`;
  const [first, second] = [new AbortController(), new AbortController()];
  const answer = await fetch(payload, first);
  const waits = assert.rejects(fetch(payload, second));
  await sleep(200);
  second.abort();
  await waits;
  await sleep(200);
  first.abort();
  await assert.rejects(answer.arrayBuffer());
  assert.ok(Number((await check(server, "127.0.0.1")).throughputBps) > 1e6);
});

test("without a server or an address it says so and ends", async () => {
  const closed = fastify();
  const gone = await closed.listen({ host: "127.0.0.1", port: 0 });
  await closed.close();
  const measured = await check(gone, null);
  assert.match(String(measured.answer), /127\.0\.0\.1:\d+ does not answer \(.*ECONNREFUSED/);
  assert.match(String(measured.throughputBps), /not measured/);
  assert.match(String(measured.multicast), /without an address/);
});

test("without a grant it says why not, and measures nothing", async () => {
  const measured = await check(server, "127.0.0.1", () =>
    Promise.reject(new Error("no connection")),
  );
  assert.match(String(measured.answer), /does not answer \(no connection\)/);
  assert.match(String(measured.throughputBps), /not measured: no connection/);
  assert.match(String(measured.multicast), /not measured: no connection/);
});

test("what is asked for is checked", async () => {
  for (const bytes of ["", "-1", "x", "1e9", "12345678901"]) {
    const answer = await app.inject({ url: `/gate/v2/check/payload?bytes=${bytes}` });
    assert.equal(answer.statusCode, 400, bytes);
  }
  for (const body of [{}, { nonce: 1, port: 53 }, { nonce: -1, port: 5000 }]) {
    const answer = await app.inject({ method: "POST", url: "/gate/v2/check/multicast", body });
    assert.equal(answer.statusCode, 400, JSON.stringify(body));
  }
});
