/** What comes together is one transaction, and nothing is lost to a disk that is full for a while. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { historyStep, sqliteHistory } from "../../../server/state/history.ts";
import { WriteBatch, waitingLimit } from "../../../server/state/write-batch.ts";

class Desk {
  readonly db = new DatabaseSync(":memory:");
  readonly told: unknown[] = [];
  syncs = 0;
  readonly batch = new WriteBatch(
    this.db,
    (error) => void this.told.push(error),
    async () => {
      this.syncs++;
      await this.disk();
    },
  );
  /** What the disk is busy with. */
  disk = (): Promise<void> => Promise.resolve();
  commits = 0;
  refusals = 0;
  isFull = false;

  constructor() {
    this.db.exec("CREATE TABLE words (word TEXT PRIMARY KEY) STRICT");
    const exec = this.db.exec.bind(this.db);
    this.db.exec = (sql) => {
      if (sql === "COMMIT" && this.isFull) {
        this.refusals++;
        throw new Error("full");
      }
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

/** Some turns of the event loop. */
async function turns(): Promise<void> {
  for (let count = 0; count < 5; count++) await turn();
}

test("what comes in one turn and waits to be durable is one transaction and one sync, and is told after that", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const desk = new Desk();
  const disk = Promise.withResolvers<void>();
  desk.disk = () => disk.promise;
  const told: string[] = [];
  const durably = (word: string) =>
    desk.batch.durably(word, desk.write(word)).then(() => void told.push(word));
  const first = Promise.all(["a", "b", "c"].map(durably));
  await turns();
  assert.deepEqual([desk.commits, desk.syncs, desk.words, told], [1, 1, "a b c", []]);
  // While the disk is busy the next ones wait for each other.
  const second = Promise.all(["d", "e"].map(durably));
  await turns();
  assert.deepEqual([desk.commits, desk.syncs, told], [1, 1, []]);
  desk.disk = () => Promise.resolve();
  disk.resolve();
  await first;
  assert.deepEqual(told, ["a", "b", "c"]);
  await second;
  assert.deepEqual([desk.commits, desk.syncs, desk.words], [2, 2, "a b c d e"]);
  assert.deepEqual(told, ["a", "b", "c", "d", "e"]);
});

test("what another write takes with it is durable, too, once the disk says so", async () => {
  const desk = new Desk();
  const durable = desk.batch.durably("a", desk.write("waits"));
  desk.batch.now(desk.write("now"));
  await durable;
  assert.deepEqual([desk.commits, desk.syncs, desk.words], [1, 1, "waits now"]);
});

test("a disk that is full is told to all who wait, is not asked by each of them, and gets it later", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const desk = new Desk();
  desk.isFull = true;
  const durably = (word: string) => desk.batch.durably(word, desk.write(word));
  const refused = await Promise.allSettled(["a", "b"].map(durably));
  assert.deepEqual(
    refused.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.equal(desk.refusals, 1);
  for (const word of ["c", "d"]) await assert.rejects(durably(word), /full/);
  assert.equal(desk.refusals, 1);
  assert.deepEqual([desk.words, desk.told.length], ["", 1]);
  t.mock.timers.tick(50);
  assert.equal(desk.refusals, 2);
  desk.isFull = false;
  t.mock.timers.tick(1000);
  await turns();
  assert.deepEqual([desk.words, desk.told.at(-1)], ["a b c d", null]);
  await durably("e");
  assert.equal(desk.words, "a b c d e");
});

test("what the disk could not keep is not called durable, nor what had to make room", async () => {
  const desk = new Desk();
  desk.disk = () => Promise.reject(new Error("the disk is broken"));
  await assert.rejects(desk.batch.durably("a", desk.write("a")), /broken/);
  desk.disk = () => Promise.resolve();
  for (let tries = 0; tries < 1000 && desk.told.at(-1) !== null; tries++) await sleep(10);
  const lost = desk.batch.durably("b", desk.write("b"));
  for (let number = 0; number < waitingLimit; number++)
    desk.batch.soon(Symbol(), desk.write(`${number}`));
  await assert.rejects(lost, /more had to be written than may wait/);
});

test("a disk that takes what is written and does not keep it is told of once, and once it keeps it again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const desk = new Desk();
  desk.disk = () => Promise.reject(new Error("the disk is broken"));
  for (let number = 0; number < 5; number++) {
    desk.batch.soon(Symbol(), desk.write(`${number}`));
    t.mock.timers.tick(1000);
    await turns();
  }
  assert.deepEqual(
    desk.told.map((error) => String(error)),
    ["Error: the disk is broken"],
  );
  desk.disk = () => Promise.resolve();
  t.mock.timers.tick(1000);
  await turns();
  assert.deepEqual(desk.told.slice(1), [null]);
  const { syncs } = desk;
  t.mock.timers.tick(10_000);
  await turns();
  assert.equal(desk.syncs, syncs, "a disk that is well is not asked");
});

test("a disk that keeps at last what it had before it was full is full all the same", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const desk = new Desk();
  const disk = Promise.withResolvers<void>();
  desk.disk = () => disk.promise;
  desk.batch.soon("a", desk.write("a"));
  t.mock.timers.tick(50);
  desk.isFull = true;
  desk.batch.soon("b", desk.write("b"));
  t.mock.timers.tick(50);
  disk.resolve();
  await turns();
  assert.deepEqual([desk.words, desk.told.length], ["a", 1]);
});

test("what is written without a sync is there at once, with what waits", async () => {
  const desk = new Desk();
  desk.batch.soon("a", desk.write("before"));
  assert.equal(
    desk.batch.unsynced(() => 7),
    7,
  );
  assert.deepEqual([desk.commits, desk.syncs, desk.words], [1, 1, "before"]);
  const { synchronous } = desk.db.prepare("PRAGMA synchronous").get() ?? {};
  assert.equal(synchronous, 2, "the next one is durable again");
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
  const old = Array.from({ length: historyStep + 200 }, (_, number) => `2025-${1000 + number}`);
  const history = historyOf([...old, "2026-1", "2026-2"]);
  assert.deepEqual(
    [1, 2, 3].map(() => history.forgetEvents("2026")),
    [historyStep, 200, 0],
  );
  assert.deepEqual(texts(history), ["2026-1", "2026-2"]);
});

test("the history has only so many events, however new they are", () => {
  const history = historyOf(["2026-1", "2026-2", "2026-3"], 2);
  assert.equal(history.forgetEvents("2025"), 1);
  assert.deepEqual(texts(history), ["2026-2", "2026-3"]);
});
