/** The history of all servers of a campus, as operators read it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { HistoryEvent } from "../../../core/wire/api.ts";
import { CampusHistory } from "../../../server/campus/campus-history.ts";
import { MemoryHistory } from "../campus/memory-history.ts";
import { until } from "../campus/registry-contract.ts";
import { hostClock } from "../campus/room-site.ts";
import { helloOf, register } from "../lab/hello.ts";
import { openApi, type TestApi } from "./open-api.ts";

const tables = new MemoryHistory();
const history = new CampusHistory({
  ...{ tables, server: "one" },
  time: { ...hostClock.time, now: () => Date.now() },
});
let api: TestApi;

before(async () => {
  api = await openApi("local", { history });
});
after(async () => {
  await history.close();
  await api.close();
});

const read = async (query: string): Promise<HistoryEvent[]> =>
  (await api.call("GET", `/history?${query}`)).body;

test("sessions of other servers that are over stand among what happened here, each with its server", async () => {
  const { lab } = api;
  const pc = register(lab.inventory, helloOf("52:54:00:00:00:01"));
  lab.announcer.note({ room: "lab1" }, "before");
  const at = (ms: number): string => new Date(Date.now() + ms).toISOString();
  const told = { started: at(0), ended: at(5), room: "lab1", image: "win@1", operator: "ada" };
  await tables.tell("other", [{ number: 7, ...told, text: "restore: 2 of 2 verified." }]);
  await tables.tell("one", [{ number: 1, ...told, text: "of this server itself" }]);
  await new Promise((done) => setTimeout(done, 20));
  lab.announcer.note({ room: "lab1", pc: pc.id }, "after");
  const of = (events: readonly HistoryEvent[]): string[] =>
    events.map(({ server, session, text }) => `${server} ${session} ${text}`);
  const other = "other s7 restore: 2 of 2 verified.";
  assert.deepEqual(of(await read("room=lab1")), ["one null before", other, "one null after"]);
  assert.deepEqual(of(await read("room=lab1&limit=2")), [other, "one null after"]);
  assert.deepEqual(of(await read("server=other")), [other]);
  assert.deepEqual(of(await read("server=other&session=s7")), [other]);
  assert.deepEqual(of(await read("session=s7")), []);
  assert.deepEqual(of(await read("room=lab1&server=one")), ["one null before", "one null after"]);
  assert.deepEqual(of(await read(`pc=${pc.name}&room=lab1`)), ["one null after"]);
  assert.deepEqual(of(await read("image=win@1&operator=ada")), [other]);
  tables.absence = { since: "", reason: "off" };
  assert.deepEqual(of(await read("room=lab1")), ["one null before", "one null after"]);
  tables.absence = null;
});

test("a session of this server that is over is told to the campus, once", async () => {
  const { lab } = api;
  const pc = register(lab.inventory, helloOf("52:54:00:00:00:02", { name: "pc2" }));
  // Nobody is connected, so that it is over at once.
  const wipe = lab.sessions.wipe(pc, {
    ...{ method: "zero", disk: null, failingDisks: [], orderedBy: "ada" },
  });
  lab.sessions.stop(wipe.id);
  history.begin(lab.ended, 365);
  const ownOf = () => [...tables.told.values()].filter(({ text }) => text.startsWith("wipe: "));
  await until(() => ownOf().length === 1);
  const [own] = ownOf();
  assert.deepEqual(
    [own?.server, own?.number, own?.operator, own?.ended],
    ["one", Number(wipe.id.slice(1)), "ada", lab.sessions.find(wipe.id).endedAt],
  );
  assert.deepEqual(lab.ended.untold(10), []);
  history.wake();
  await new Promise((done) => setTimeout(done, 30));
  assert.equal(ownOf().length, 1);
});
