/** Real agents with key files against the real lab, over TLS: who is taken for whom. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import websocket from "@fastify/websocket";
import fastify, { type FastifyInstance } from "fastify";
import { pino } from "pino";
import type { PcView } from "../../../core/wire/views.ts";
import { runAgent } from "../../../initrd/agent/run.ts";
import { AgentLinks } from "../../../server/gate/link.ts";
import { limitStrangers } from "../../../server/gate/strangers.ts";
import { testKey } from "../../tls.ts";
import { openApi, type TestApi } from "../api/open-api.ts";

const folder = mkdtempSync(join(tmpdir(), "roomcast-agents-by-key-"));
const links = new AgentLinks(pino({ level: "silent" }), () => []);
let api: TestApi;
let app: FastifyInstance;
let place = { server: "", pins: [""] };

before(async () => {
  api = await openApi("local", { agents: links });
  const tls = await testKey();
  app = fastify({
    forceCloseConnections: true,
    https: { key: tls.key, cert: tls.cert, minVersion: "TLSv1.3" },
  }) as unknown as FastifyInstance;
  limitStrangers(app, () => false);
  await app.register(websocket);
  await app.register(async (scope) => links.route(scope, api.lab.connections));
  place = { server: await app.listen({ host: "127.0.0.1", port: 0 }), pins: [tls.pin] };
});
after(async () => {
  await Promise.all(all.map((each) => each.end()));
  links.close();
  await app.close();
  await api.close();
  rmSync(folder, { recursive: true });
});

interface Running {
  readonly log: string;
  end(): Promise<void>;
}
let logs = 0;
const all: Running[] = [];

/** An agent with an address and a key file of its own, or with a key in memory. */
function start(mac: string, key: string | null): Running {
  const ending = new AbortController();
  const log = join(folder, `agent${logs++}.log`);
  const status = runAgent({
    ...place,
    keyFile: key === null ? null : join(folder, key),
    ...{ disks: [], interface: null, mac, name: null, headless: true, once: false },
    ...{ logPath: log, signal: ending.signal },
  });
  const running = {
    log,
    async end() {
      ending.abort();
      await status;
    },
  };
  all.push(running);
  return running;
}

async function until<T>(look: () => Promise<T | null | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found) return found;
    await sleep(20);
  }
}
const pcs = async (): Promise<PcView[]> => (await api.call("GET", "/pcs")).body as PcView[];
const online = (accept: (pc: PcView) => boolean): Promise<PcView> =>
  until(async () => (await pcs()).find((pc) => pc.identity?.level != null && accept(pc)));
const offline = (id: string): Promise<PcView> =>
  until(async () => (await pcs()).find((pc) => pc.id === id && pc.state === "offline"));

test("a key file is the PC: another key with its address is in doubt, online and off, until it is admitted", async () => {
  const mac = "52:54:00:00:00:01";
  const first = start(mac, "a.key");
  const pc = await online(() => true);
  assert.deepEqual([pc.identity?.kind, pc.identity?.state], ["file", "waiting"]);
  assert.match(pc.identity?.code ?? "", /^\d{6}$/);
  assert.equal(
    (await api.call("POST", `/pcs/${pc.id}/admit`, { code: pc.identity?.code })).status,
    200,
  );

  const second = start(mac, "b.key");
  const rogue = await online(({ id }) => id !== pc.id);
  assert.deepEqual([rogue.identity?.state, rogue.doubt?.map(({ id }) => id)], ["doubt", [pc.id]]);
  assert.equal(links.isConnected(pc.id), true, "nobody who is online is displaced");
  const early = await api.call("POST", `/pcs/${rogue.id}/admit`, {});
  assert.deepEqual([early.status, early.body.code], [409, "conflict"]);

  await first.end();
  await offline(pc.id);
  await until(async () => /WHICH PC IS THIS/.test(readFileSync(second.log, "utf8")));
  const memory = start(mac, null);
  const third = await online(({ id }) => id !== pc.id && id !== rogue.id);
  assert.equal(
    third.identity?.state,
    "doubt",
    "a PC with a key file falls back to no key in memory",
  );
  await memory.end();
  await offline(third.id);
  assert.equal((await api.call("DELETE", `/pcs/${third.id}`)).status, 204);

  const admitted = await api.call("POST", `/pcs/${pc.name}/admit`, {});
  assert.equal(admitted.body.id, pc.id);
  const back = await online(({ id }) => id === pc.id);
  assert.deepEqual([back.identity?.state, back.identity?.level], ["placed", "placed"]);
  assert.equal((await pcs()).length, 1);

  const old = start(mac, "a.key");
  const stranger = await online(({ id }) => id !== pc.id);
  assert.equal(stranger.identity?.state, "doubt", "the old key is nobody's");
  await Promise.all([old.end(), second.end()]);
});

test("a revoked PC is cut off, and is told what an operator can do", async () => {
  const agent = start("52:54:00:00:00:02", "c.key");
  const pc = await online(({ mac }) => mac === "52:54:00:00:00:02");
  await api.call("POST", `/pcs/${pc.id}/admit`, {});
  await api.call("POST", `/pcs/${pc.id}/revoke`, {});
  await until(async () =>
    /its key was revoked|key of this PC was revoked/.test(readFileSync(agent.log, "utf8")),
  );
  assert.match(readFileSync(agent.log, "utf8"), /roomcast pc admit/);
  assert.equal(links.isConnected(pc.id), false);
  await api.call("POST", `/pcs/${pc.id}/admit`, {});
  await online(({ id }) => id === pc.id);
  await agent.end();
});
