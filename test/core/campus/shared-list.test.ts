import assert from "node:assert/strict";
import { test } from "node:test";
import {
  follow,
  type OwnRecord,
  remembered,
  revisionOf,
  type SharedEntry,
  type SharedMark,
  written,
} from "../../../core/campus/shared-list.ts";
import { seeded } from "../../sim/random.ts";

const sumOf = (record: string): string => `sum of ${record}`;
const own = (name: string, since: string, record: string): OwnRecord => ({
  ...{ kind: "operator", name, since, record },
});
const entry = (
  name: string,
  since: string,
  revision: number,
  record: string | null,
): SharedEntry => ({ kind: "operator", name, since, revision, record });
const mark = (name: string, since: string, revision: number, record: string | null): SharedMark => {
  const sum = record === null ? null : sumOf(record);
  return { kind: "operator", name, since, revision, sum };
};
const told = (list: SharedEntry[], has: OwnRecord[], marks: SharedMark[] = []): string[] =>
  follow({ list, own: has, marks, sumOf }).map((action) => {
    if (action.type === "drop") return `drop ${action.id.name} of ${action.id.since}`;
    const { name, since, revision, record } = action.entry;
    const other = action.type === "take" && action.isOther ? ", which was another" : "";
    return `${action.type} ${name} of ${since}, ${revision}: ${record}${other}`;
  });

test("what the campus has is taken, and what it never had is handed on", () => {
  const list = [entry("ann", "1", 4, "admin")];
  assert.deepEqual(told(list, []), ["take ann of 1, 4: admin"]);
  assert.deepEqual(told(list, [own("ann", "1", "admin")]), []);
  assert.deepEqual(told([], [own("ann", "1", "admin")]), ["hand-on ann of 1, 1: admin"]);
  // Of another kind it is another.
  const key = { ...own("ann", "1", "a key"), kind: "ssh-key" };
  assert.deepEqual(told(list, [key]), ["hand-on ann of 1, 1: a key", "take ann of 1, 4: admin"]);
});

test("of two of one name the campus's counts, and it is said that there was another", () => {
  assert.deepEqual(told([entry("ann", "1", 1, "admin")], [own("ann", "2", "viewer")]), [
    "take ann of 1, 1: admin, which was another",
  ]);
  // The same one, changed while this server belonged to no campus.
  const marks = [mark("ann", "1", 1, "admin")];
  assert.deepEqual(told([entry("ann", "1", 1, "admin")], [own("ann", "1", "viewer")], marks), [
    "take ann of 1, 1: admin, which was another",
  ]);
  // And one that another server has changed since.
  assert.deepEqual(told([entry("ann", "1", 2, "viewer")], [own("ann", "1", "admin")], marks), [
    "take ann of 1, 2: viewer",
  ]);
});

test("what the campus removed while this server was away goes, and one that was made anew comes", () => {
  const gone = entry("ann", "1", 3, null);
  assert.deepEqual(told([gone], [own("ann", "1", "admin")]), ["drop ann of 1"]);
  const anew = [gone, entry("ann", "2", 1, "viewer")];
  assert.deepEqual(told(anew, [own("ann", "1", "admin")]), ["take ann of 2, 1: viewer"]);
});

test("a database that was put back, or lost, brings nobody back and loses nobody", () => {
  const marks = [
    mark("ann", "1", 3, null),
    mark("bob", "1", 5, "viewer"),
    mark("eve", "1", 1, "admin"),
  ];
  const has = [own("bob", "1", "viewer"), own("eve", "1", "admin")];
  const old = [entry("ann", "1", 2, "admin"), entry("bob", "1", 4, "admin")];
  const removal = "hand-on ann of 1, 3: null";
  assert.deepEqual(told(old, has, marks), [
    ...[removal, "hand-on bob of 1, 5: viewer", "hand-on eve of 1, 1: admin"],
  ]);
  assert.deepEqual(told([], has, marks).sort(), [
    ...[removal, "hand-on bob of 1, 5: viewer", "hand-on eve of 1, 1: admin"],
  ]);
  const after = remembered({ list: old, marks, sumOf });
  assert.deepEqual(
    after.map(({ name, revision, sum }) => [name, revision, sum]),
    [
      ["ann", 3, null],
      ["bob", 5, "sum of viewer"],
      ["eve", 1, "sum of admin"],
    ],
  );
});

test("the list takes a change to the revision before, once, and a removal whatever there is", () => {
  const rows = [entry("ann", "1", 4, "admin")];
  const change = (each: SharedEntry) => written(rows, each, "change");
  const next = entry("ann", "1", 5, "viewer");
  assert.equal(change(next), next);
  assert.equal(written([next], next, "change"), null);
  assert.equal(change(entry("ann", "1", 6, "viewer")), "refused");
  assert.equal(change(entry("ann", "1", 4, "viewer")), "refused");
  assert.equal(change(entry("ann", "2", 1, "viewer")), "refused");
  assert.deepEqual(change(entry("ann", "1", 2, null)), entry("ann", "1", 5, null));
  const gone = [entry("ann", "1", 5, null)];
  assert.equal(written(gone, entry("ann", "1", 9, null), "change"), null);
  assert.equal(written(gone, entry("ann", "1", 6, "admin"), "hand-on"), "refused");
  const anew = entry("ann", "2", 1, "viewer");
  assert.equal(written(gone, anew, "change"), anew);
  assert.equal(written(rows, entry("ann", "1", 7, "viewer"), "hand-on") !== "refused", true);
  assert.equal(written(rows, entry("ann", "1", 4, "viewer"), "hand-on"), "refused");
});

type Change = (record: string) => string | null;

class Database {
  list: SharedEntry[] = [];

  write(news: SharedEntry, why: "change" | "hand-on"): boolean {
    const isNamesake = (row: SharedEntry) => row.kind === news.kind && row.name === news.name;
    const now = written(this.list.filter(isNamesake), news, why);
    if (now === "refused") return false;
    if (now !== null)
      this.list = [...this.list.filter((row) => !isNamesake(row) || row.since !== news.since), now];
    const live = this.list.filter((row) => isNamesake(row) && row.record !== null);
    assert(live.length <= 1, "one of a name");
    return true;
  }
}

const idOf = ({ name, since }: { name: string; since: string }): string => `${name} of ${since}`;

class Server {
  own = new Map<string, OwnRecord>();
  marks: SharedMark[] = [];
  list: readonly SharedEntry[] = [];
  isCut = false;
  /** Ids of which it has heard that they were removed. */
  readonly heardGone = new Set<string>();
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  hear(): void {
    if (this.isCut) return;
    this.list = this.database.list;
    const lacking = this.settle();
    for (const each of lacking) this.database.write(each, "hand-on");
    this.list = this.database.list;
    this.settle();
  }

  /** What an operator does here; `isLost`: the answer to the first try is. Answers whether it was acknowledged. */
  change(name: string, change: Change, isLost: boolean): boolean {
    if (this.isCut) return false;
    for (let left = 3; left > 0; left--) {
      const record = this.own.get(name);
      if (record === undefined) return false;
      const revision = revisionOf(record, this.list, this.marks) + 1;
      const news = { ...record, revision, record: change(record.record) };
      if (isLost) this.database.write(news, "change");
      if (this.database.write(news, "change")) return this.done(news);
      this.hear();
    }
    return false;
  }

  add(record: OwnRecord, isLost: boolean): boolean {
    if (this.isCut || this.own.has(record.name)) return false;
    const news = { ...record, revision: 1 };
    if (isLost) this.database.write(news, "change");
    return this.database.write(news, "change") && this.done(news);
  }

  private done(news: SharedEntry): boolean {
    this.list = [...this.list.filter((each) => idOf(each) !== idOf(news)), news];
    this.settle();
    return true;
  }

  private settle(): SharedEntry[] {
    const { list, marks } = this;
    const lacking: SharedEntry[] = [];
    for (const action of follow({ list, own: [...this.own.values()], marks, sumOf })) {
      if (action.type === "drop") this.own.delete(action.id.name);
      else if (action.type === "hand-on") lacking.push(action.entry);
      else {
        const { revision: _, ...record } = action.entry;
        this.own.set(record.name, record);
      }
    }
    this.marks = remembered({ list, marks, sumOf });
    for (const each of list) if (each.record === null) this.heardGone.add(idOf(each));
    return lacking;
  }
}

/** Answers how often what was tried. */
function run(seed: number): Record<string, number> {
  const random = seeded(seed);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const database = new Database();
  const servers = [new Server(database), new Server(database), new Server(database)];
  const names = ["ann", "bob", "eve"];
  const removed = new Set<string>();
  const tried: Record<string, number> = {};
  const count = (what: string): void => {
    tried[what] = (tried[what] ?? 0) + 1;
  };
  let backup = database.list;
  let number = 0;
  const anew = (name: string) => own(name, `${++number}`, `first ${number}`);
  // Each was a server alone before.
  for (const server of servers)
    for (const name of names) if (random() < 0.4) server.own.set(name, anew(name));
  const states = servers.map((server) => [...server.own.values()]);
  for (let step = 0; step < 400; step++) {
    const server = pick(servers);
    const name = pick(names);
    const isLost = random() < 0.2;
    const dice = random();
    if (dice < 0.06) server.isCut = !server.isCut;
    else if (dice < 0.12) server.list = [];
    else if (dice < 0.15) backup = database.list;
    else if (dice < 0.16) {
      database.list = backup;
      count("put back");
    } else if (dice < 0.3) {
      if (server.add(anew(name), isLost)) count("added");
    } else if (dice < 0.45) {
      const id = server.own.get(name);
      if (id !== undefined && server.change(name, () => null, isLost)) {
        removed.add(idOf(id));
        count("removed");
      }
    } else if (dice < 0.6) {
      const text = `changed ${++number}`;
      if (server.change(name, () => text, isLost)) {
        count("changed");
        assert.equal(server.own.get(name)?.record, text, "it counts at once where it was done");
      }
    } else server.hear();
    for (const [at, each] of servers.entries()) {
      const now = [...each.own.values()];
      if (each.isCut && each !== server)
        assert.deepEqual(now, states[at], `seed ${seed}: nothing changes where nothing is heard`);
      states[at] = now;
      for (const record of now)
        assert(!each.heardGone.has(idOf(record)), `seed ${seed}: ${idOf(record)} came back`);
    }
  }
  for (const server of servers) server.isCut = false;
  for (let round = 0; round < 3; round++) for (const server of servers) server.hear();
  const live = database.list.filter(({ record }) => record !== null);
  const shown = (all: readonly OwnRecord[] | readonly SharedEntry[]): string[] =>
    all.map(({ name, since, record }) => `${name} of ${since}: ${record}`).sort();
  for (const server of servers)
    assert.deepEqual(shown([...server.own.values()]), shown(live), `seed ${seed}: all are alike`);
  for (const each of live)
    assert(!removed.has(idOf(each)), `seed ${seed}: ${idOf(each)} was removed, and is there`);
  return tried;
}

test("copies of three servers: who was removed never comes back, cut off nothing comes, and in the end all are alike", () => {
  const total: Record<string, number> = {};
  for (let seed = 0; seed < 120; seed++)
    for (const [what, times] of Object.entries(run(seed))) total[what] = (total[what] ?? 0) + times;
  for (const what of ["added", "removed", "changed", "put back"])
    assert((total[what] ?? 0) > 120, `${what}: ${total[what]}`);
});
