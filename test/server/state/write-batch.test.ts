/** What comes together is one transaction, and nothing is lost to a disk that is full for a while. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sqliteHistory } from "../../../server/state/history.ts";
import { WriteBatch, waitingLimit } from "../../../server/state/write-batch.ts";

class Desk {
  readonly db = new DatabaseSync(":memory:");
  readonly told: unknown[] = [];
  syncs = 0;
  readonly batch = new WriteBatch(
    this.db,
    (error) => void this.told.push(error),
    async () => void this.syncs++,
  );
  commits = 0;
  isFull = false;

  constructor() {
    this.db.exec("CREATE TABLE words (word TEXT PRIMARY KEY) STRICT");
    const exec = this.db.exec.bind(this.db);
    this.db.exec = (sql) => {
      if (sql === "COMMIT" && this.isFull) throw new Error("full");
      if (sql === "COMMIT") this.commits++;
      exec(sql);
    };
  }

  readonly write = (word: string) => () =>
    void this.db.prepare("INSERT OR REPLACE INTO words VALUES (?)").run(word);

  get words(): string {
    return this.db
      .prepare("SELECT word FROM words ORDER BY rowid")
      .all()
      .map(({ word }) => word)
      .join(" ");
  }
}

test("a hundred writes that may wait are one transaction, soon", async () => {
  const desk = new Desk();
  for (let number = 0; number < 100; number++)
    desk.batch.soon(`w${number}`, desk.write(`${number}`));
  assert.equal(desk.commits, 0);
  await sleep(120);
  assert.deepEqual([desk.commits, desk.syncs], [1, 1]);
  assert.equal(desk.words.split(" ").length, 100);
});

test("what is written now takes with it what waits, which comes first", () => {
  const desk = new Desk();
  desk.batch.soon("a", desk.write("before"));
  desk.batch.now(desk.write("now"));
  assert.deepEqual([desk.commits, desk.words], [1, "before now"]);
  desk.batch.flush();
  assert.equal(desk.commits, 1, "nothing waits any more");
});

test("of what is written again before its turn, the last counts, after what came in between", () => {
  const desk = new Desk();
  desk.batch.soon("a", desk.write("first"));
  desk.batch.soon("b", desk.write("between"));
  desk.batch.soon("a", desk.write("last"));
  desk.batch.flush();
  assert.equal(desk.words, "between last");
});

test("while the disk is full all that waits does so, and is told of once", async () => {
  const desk = new Desk();
  desk.isFull = true;
  desk.batch.soon("a", desk.write("waits"));
  assert.throws(() => desk.batch.now(desk.write("refused")), /full/);
  for (let tries = 0; tries < 1000 && desk.told.length === 0; tries++) await sleep(10);
  assert.deepEqual([desk.words, desk.told.length], ["", 1]);
  desk.isFull = false;
  for (let tries = 0; tries < 1000 && desk.told.at(-1) !== null; tries++) await sleep(10);
  assert.deepEqual([desk.words, desk.told.at(-1)], ["waits", null]);
});

test("only so much waits for a disk that is full", () => {
  const desk = new Desk();
  for (let number = 0; number < waitingLimit + 5; number++)
    desk.batch.soon(Symbol(), desk.write(`${number}`));
  desk.batch.close();
  assert.equal(desk.words.split(" ").length, waitingLimit);
  assert(desk.words.startsWith("5 6 "));
});

const event = (at: string) => ({
  ...{ at, session: null, pc: null, room: null, image: null, operator: null, text: at },
});

function historyOf(ats: readonly string[], limit?: number) {
  const desk = new Desk();
  desk.db.exec(`CREATE TABLE events (at TEXT NOT NULL, session TEXT, pc TEXT, room TEXT, image TEXT,
    operator TEXT, text TEXT NOT NULL) STRICT`);
  const history = sqliteHistory(desk.db, desk.batch, limit);
  for (const at of ats) history.addEvent(event(at));
  desk.batch.flush();
  return history;
}

const texts = (history: ReturnType<typeof historyOf>): string[] =>
  history.events({ limit: 5000 }).map(({ text }) => text);

test("the history forgets what is too old, a step at a time, and says how much that was", () => {
  const old = Array.from({ length: 1200 }, (_, number) => `2025-${1000 + number}`);
  const history = historyOf([...old, "2026-1", "2026-2"]);
  assert.deepEqual(
    [1, 2, 3].map(() => history.forgetEvents("2026")),
    [1000, 200, 0],
  );
  assert.deepEqual(texts(history), ["2026-1", "2026-2"]);
});

test("the history has only so many events, however new they are", () => {
  const history = historyOf(["2026-1", "2026-2", "2026-3"], 2);
  assert.equal(history.forgetEvents("2025"), 1);
  assert.deepEqual(texts(history), ["2026-2", "2026-3"]);
});
