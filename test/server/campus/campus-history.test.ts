/** The list of all sessions of a campus that are over: told once, read in pages, and kept for as long as each server wants. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { EndedSession, ToldFilter } from "../../../core/wire/campus.ts";
import { CampusHistory, type OwnEnded } from "../../../server/campus/campus-history.ts";
import type { HistoryTables } from "../../../server/campus/history-tables.ts";
import { MemoryHistory } from "./memory-history.ts";
import { PostgresCampus } from "./postgres-campus.ts";
import { until } from "./registry-contract.ts";

let campus: PostgresCampus;
before(async () => {
  campus = await PostgresCampus.start();
});
after(() => campus[Symbol.asyncDispose]());

const dayMs = 86_400_000;
const all: ToldFilter = {
  ...{ server: null, but: null, room: null, image: null, operator: null, number: null },
  limit: 100,
};
const ended = (number: number, daysAgo: number, more: Partial<EndedSession> = {}): EndedSession => {
  const at = new Date(Date.now() - daysAgo * dayMs).toISOString();
  return {
    ...{ number, started: at, ended: at, room: "lab1", image: "win11@3", operator: "ada" },
    text: `restore: "${number}" verified.`,
    ...more,
  };
};

function contract(
  kind: string,
  open: () => Promise<{ tables: HistoryTables; live(name: string): Promise<void> }>,
) {
  test(`${kind}: sessions are told once, whatever is told again, and found by what they were about`, async () => {
    const { tables } = await open();
    const first = ended(1, 2);
    await tables.tell("one", [first, ended(2, 1, { room: null, image: null, operator: null })]);
    await tables.tell("one", [first]);
    // The same number of a server that was installed anew is another session.
    await tables.tell("one", [ended(1, 0.5, { text: "wipe: done." })]);
    const last = ended(1, 0.1, { room: "hall", operator: "bob" });
    await tables.tell("other", [last]);
    const of = async (filter: Partial<ToldFilter>) =>
      (await tables.list({ ...all, ...filter })).map(
        ({ server, number, text }) => `${server} ${number} ${text}`,
      );
    assert.deepEqual(await of({}), [
      'one 1 restore: "1" verified.',
      'one 2 restore: "2" verified.',
      "one 1 wipe: done.",
      'other 1 restore: "1" verified.',
    ]);
    assert.equal((await of({ limit: 2 })).length, 2);
    assert.deepEqual(await of({ limit: 1 }), ['other 1 restore: "1" verified.']);
    assert.equal((await of({ but: "one" })).length, 1);
    assert.equal((await of({ server: "one" })).length, 3);
    assert.equal((await of({ room: "lab1" })).length, 2);
    assert.equal((await of({ operator: "bob" })).length, 1);
    assert.equal((await of({ image: "win11@3", number: 1 })).length, 3);
    assert.equal((await of({ room: "lab1' OR true --" })).length, 0);
    const [found] = await tables.list({ ...all, server: "other" });
    assert.deepEqual(found, { ...last, server: "other" });
  });

  test(`${kind}: what is too old goes, of this server, and of one that is gone for as long`, async () => {
    const { tables, live } = await open();
    await live("other");
    for (const server of ["one", "other", "gone"])
      await tables.tell(server, [ended(1, 40), ended(2, 39), ended(3, 1)]);
    assert.equal(await tables.prune("one", 30, 1), 1);
    assert.equal(await tables.prune("one", 30, 100), 3);
    const left = (await tables.list(all)).map(({ server, number }) => `${server} ${number}`).sort();
    assert.deepEqual(left, ["gone 3", "one 3", "other 1", "other 2", "other 3"]);
  });
}

contract("in memory", async () => {
  const tables = new MemoryHistory();
  return { tables, live: async (name) => void tables.heard.add(name) };
});

contract("PostgreSQL", async () => {
  const { admin, registries } = await campus.fresh();
  const [one] = registries;
  assert(one !== undefined);
  return {
    tables: one.historyTables(),
    async live(name) {
      await admin`INSERT INTO server VALUES (${name}, 'f', 'i', NULL, '1', now(), now())`;
    },
  };
});

/** A lab of which so many sessions are over, and what it was told. */
class FakeLab implements OwnEnded {
  readonly waiting: EndedSession[] = [];
  readonly marked: number[] = [];
  untold = (limit: number): EndedSession[] => this.waiting.slice(0, limit);
  told(done: readonly EndedSession[]): void {
    for (const each of done) {
      this.waiting.splice(this.waiting.indexOf(each), 1);
      this.marked.push(each.number);
    }
  }
}

/** Wakes when the test says so. */
function fakeTime() {
  const sleepers = new Set<() => void>();
  return {
    now: () => 0,
    sleep: (_ms: number, signal: AbortSignal): Promise<void> =>
      new Promise((done) => {
        sleepers.add(done);
        signal.addEventListener("abort", () => done());
      }),
    pass(): void {
      for (const wake of sleepers) wake();
      sleepers.clear();
    },
  };
}

test("a server tells what is over in the background, also what was over before, and goes on after a break", async () => {
  const tables = new MemoryHistory();
  const time = fakeTime();
  const lab = new FakeLab();
  for (let number = 1; number <= 250; number++) lab.waiting.push(ended(number, 1));
  tables.lost = 1;
  const history = new CampusHistory({ tables, server: "one", time });
  history.begin(lab, 365);
  await until(() => tables.tellings === 1);
  assert.deepEqual(lab.marked, [], "what was told without an answer is told again");
  time.pass();
  await until(() => lab.waiting.length === 0);
  assert.deepEqual([tables.tellings, tables.told.size, lab.marked.length], [4, 250, 250]);
  tables.absence = { since: "", reason: "off" };
  lab.waiting.push(ended(251, 0));
  history.wake();
  await new Promise((done) => setTimeout(done, 50));
  assert.equal(lab.waiting.length, 1);
  assert.deepEqual(await history.list(all), []);
  assert.deepEqual(history.warnings, []);
  tables.absence = null;
  history.wake();
  await until(() => lab.waiting.length === 0);
  assert.equal((await history.list({ ...all, limit: 9999 })).length, 251);
  await history.close();
});
