/** What all servers of a campus have alike, in memory and with PostgreSQL. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import type { Role } from "../../../core/wire/api.ts";
import type { OperatorRecord } from "../../../server/state/records.ts";
import { seeded } from "../../sim/random.ts";
import { MemoryShared } from "./memory-shared.ts";
import { PostgresCampus } from "./postgres-campus.ts";
import { until } from "./registry-contract.ts";
import { SharedSite } from "./shared-site.ts";
import { sharedTablesContract } from "./shared-tables-contract.ts";

let campus: PostgresCampus;
before(async () => {
  campus = await PostgresCampus.start();
});
after(() => campus[Symbol.asyncDispose]());

sharedTablesContract("in memory", async () => {
  const memory = new MemoryShared();
  return {
    ...{ one: memory.tables(), other: memory.tables() },
    [Symbol.asyncDispose]: async () => {},
  };
});

sharedTablesContract("PostgreSQL", async () => {
  const [one, other] = (await campus.fresh()).registries;
  assert(one !== undefined && other !== undefined);
  return {
    ...{ one: one.sharedTables(), other: other.sharedTables() },
    [Symbol.asyncDispose]: async () => {},
  };
});

let made = 0;
/** Each is made at another time, with other credentials. */
function operator(name: string, role: Role): OperatorRecord {
  const number = String(++made);
  const createdAt = new Date(Date.parse("2026-01-01T00:00:00.000Z") + made).toISOString();
  const [salt, hash] = [number.padStart(32, "0"), number.padStart(64, "0")];
  return { name, role, salt, hash, createdAt, lastSeen: null };
}

function sites() {
  const memory = new MemoryShared();
  const [oneWay, otherWay] = [memory.tables(), memory.tables()];
  const [one, other] = [new SharedSite("one", oneWay), new SharedSite("other", otherWay)];
  return {
    ...{ memory, one, other, oneWay, otherWay },
    async [Symbol.asyncDispose]() {
      await one.stop();
      await other.stop();
    },
  };
}

const isAway = (error: unknown): boolean => error instanceof RoomcastError && error.code === "away";

test("the first server's operators are the campus's, and a later one's that it lacks are added", async () => {
  await using servers = sites();
  const { one, other } = servers;
  one.operators.take(operator("ann", "admin"));
  other.operators.take(operator("bob", "viewer"));
  await one.start();
  await other.start();
  await until(() => one.seen() === "ann admin, bob viewer");
  assert.equal(other.seen(), one.seen());
  assert.deepEqual([one.shared?.warnings, other.shared?.warnings], [[], []]);
  assert.deepEqual(
    one.operators.list().sort((a, b) => (a.name < b.name ? -1 : 1)),
    other.operators.list().sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
});

test("where both have a name the campus's counts, and a warning says which, also after a restart", async () => {
  await using servers = sites();
  const { one, other } = servers;
  const ann = operator("ann", "admin");
  one.operators.take(ann);
  await one.start();
  other.operators.take(operator("ann", "viewer"));
  await other.start();
  assert.deepEqual(other.operators.list(), [ann]);
  const [warning = ""] = other.shared?.warnings ?? [];
  assert.match(warning, /another record of the operator ann, .*does not count any more/);
  assert.deepEqual(one.shared?.warnings, []);
  await other.stop();
  await other.start();
  assert.deepEqual(other.shared?.warnings, [warning]);
});

test("what is changed at one server is so at the other, and is told there", async () => {
  await using servers = sites();
  const { one, other } = servers;
  await one.start();
  await other.start();
  await one.keeper.add(operator("ann", "admin"));
  assert.equal(one.seen(), "ann admin");
  await until(() => other.seen() === "ann admin");
  await other.keeper.change("ann", (record) => ({ ...record, role: "viewer" }));
  await until(() => one.seen() === "ann viewer");
  await one.keeper.remove("ann");
  await until(() => other.seen() === "");
  const ofOperators = (site: SharedSite): string[] =>
    site.heard.filter((text) => text.includes("operator"));
  assert.deepEqual(ofOperators(other), [
    "the operator ann is now as another server of the campus has it",
    "another server of the campus has removed the operator ann",
  ]);
  assert.equal(ofOperators(one).length, 1);
  assert.deepEqual(
    (await servers.oneWay.writtenAfter(0)).entries.map(({ record }) => record).at(-1),
    null,
  );
});

test("of two changes at the same time none is lost, and none is half of one", async () => {
  await using servers = sites();
  const { one, other } = servers;
  await one.start();
  await other.start();
  await one.keeper.add(operator("ann", "admin"));
  await until(() => other.seen() === "ann admin");
  const password = { salt: "a".repeat(32), hash: "b".repeat(64) };
  await Promise.all([
    one.keeper.change("ann", (record) => ({ ...record, role: "viewer" })),
    other.keeper.change("ann", (record) => ({ ...record, password })),
  ]);
  for (const site of [one, other])
    await until(() => {
      const [ann] = site.operators.list();
      return ann?.role === "viewer" && ann.password?.hash === password.hash;
    });
  const adds = await Promise.allSettled([
    one.keeper.add(operator("bob", "admin")),
    other.keeper.add(operator("bob", "viewer")),
  ]);
  assert.deepEqual(adds.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  const rejected = adds.find((each) => each.status === "rejected");
  assert.match(String(rejected?.reason), /has just added, changed or removed the operator bob/);
  await until(() => one.seen() === other.seen());
});

test("while the database is away nothing is changed, it is said what to do, and what is there counts", async () => {
  await using servers = sites();
  const { one, oneWay } = servers;
  await one.start();
  const ann = operator("ann", "admin");
  await one.keeper.add(ann);
  oneWay.setAway("it does not answer");
  for (const work of [
    () => one.keeper.add(operator("bob", "viewer")),
    () => one.keeper.change("ann", (record) => ({ ...record, role: "viewer" })),
    () => one.keeper.remove("ann"),
  ]) {
    await assert.rejects(work, (error) => {
      assert(isAway(error));
      assert.match(String(error), /cannot be changed while the campus's database is away/);
      assert.match((error as RoomcastError).next, /try again once `roomcast status` shows/);
      return true;
    });
  }
  assert.deepEqual(one.operators.list(), [ann]);
  await one.stop();
  await one.start();
  assert.deepEqual(one.operators.list(), [ann]);
  oneWay.setAway(null);
  await one.keeper.remove("ann");
  assert.equal(one.seen(), "");
});

test("a change whose answer is lost is asked again, and is done once", async () => {
  await using servers = sites();
  const { memory, one, oneWay } = servers;
  await one.start();
  oneWay.lostAnswers = 1;
  await one.keeper.add(operator("ann", "admin"));
  oneWay.lostAnswers = 2;
  await one.keeper.change("ann", (record) => ({ ...record, role: "viewer" }));
  const ann = () => memory.rows.find(({ entry }) => entry.name === "ann")?.entry;
  assert.equal(ann()?.revision, 2);
  oneWay.lostAnswers = 1;
  await one.keeper.remove("ann");
  assert.deepEqual([ann()?.revision, ann()?.record], [3, null]);
  // And where no answer ever comes, nobody says that it was not done.
  oneWay.lostAnswers = 100;
  await assert.rejects(one.keeper.add(operator("bob", "viewer")), (error) => {
    assert(isAway(error));
    return /it may have been done, or not/.test(String(error));
  });
});

test("who was removed while a server was off is not there when it has begun, whatever its own disk had", async () => {
  await using servers = sites();
  const { one, other, otherWay } = servers;
  await one.start();
  await one.keeper.add(operator("ann", "admin"));
  await other.start();
  await other.stop();
  const before = [...other.operators.records];
  await one.keeper.remove("ann");
  await other.start();
  assert.equal(other.seen(), "");
  // Its state is put back from a backup while the database is away.
  await other.stop();
  for (const [name, record] of before) other.operators.records.set(name, record);
  otherWay.setAway("it does not answer");
  await other.start();
  assert.equal(other.seen(), "");
  otherWay.setAway(null);
  // And its file is lost besides.
  await other.stop();
  for (const [name, record] of before) other.operators.records.set(name, record);
  other.file = "";
  await other.start();
  assert.equal(other.seen(), "");
  await one.keeper.add(operator("ann", "viewer"));
  await until(() => other.seen() === "ann viewer");
});

test("a database that is put back, or is a new one, gets back what the servers know", async () => {
  await using servers = sites();
  const { memory, one, other, oneWay, otherWay } = servers;
  await one.start();
  await other.start();
  await one.keeper.add(operator("ann", "admin"));
  await one.keeper.add(operator("bob", "admin"));
  await until(() => other.seen() === one.seen());
  const backup = memory.rows;
  await one.keeper.remove("ann");
  await one.keeper.change("bob", (record) => ({ ...record, role: "viewer" }));
  await one.keeper.add(operator("eve", "viewer"));
  await until(() => other.seen() === "bob viewer, eve viewer");
  for (const rows of [backup, []]) {
    for (const way of [oneWay, otherWay]) way.setAway("it is put back");
    memory.rows = rows;
    for (const way of [oneWay, otherWay]) way.setAway(null);
    const live = () =>
      memory.rows
        .map(({ entry }) => entry)
        .filter(({ kind, record }) => kind === "operator" && record !== null)
        .map(({ name }) => name)
        .sort();
    await until(() => String(live()) === "bob,eve");
    for (const site of [one, other]) assert.equal(site.seen(), "bob viewer, eve viewer");
  }
});

test("a server that leaves keeps its copy as its own, and follows the campus when it is back", async () => {
  await using servers = sites();
  const { one, other } = servers;
  await one.start();
  await one.keeper.add(operator("ann", "admin"));
  await one.keeper.add(operator("bob", "viewer"));
  await other.start();
  await other.stop();
  // Alone, it makes somebody an admin, and removes somebody.
  const bob = other.operators.records.get("bob") as OperatorRecord;
  other.operators.take({ ...bob, role: "admin" });
  other.operators.drop("ann");
  other.operators.take(operator("eve", "viewer"));
  await other.start();
  assert.equal(other.seen(), "ann admin, bob viewer, eve viewer");
  assert.match(other.shared?.warnings.join() ?? "", /another record of the operator bob/);
  await until(() => one.seen() === other.seen());
});

test("what cannot be read whole lets nobody in, and is named", async () => {
  await using servers = sites();
  const { one, oneWay } = servers;
  await one.start();
  const ann = operator("ann", "admin");
  await one.keeper.add(ann);
  const id = { kind: "operator", name: "ann", since: ann.createdAt };
  const { lastSeen: _, ...plain } = ann;
  for (const [at, text] of [
    JSON.stringify({ ...plain, rooms: ["lab1"] }),
    JSON.stringify({ ...plain, role: "root" }),
    JSON.stringify({ ...plain, hash: "00" }),
    JSON.stringify({ ...plain, name: "bob" }),
    "{",
  ].entries()) {
    assert(await oneWay.write({ ...id, revision: at + 2, record: text }), text);
    await until(() => one.seen() === "");
    assert.match(one.shared?.warnings.join() ?? "", /the operator ann in a form .*not know/);
  }
  const key = { kind: "ssh-key", name: "key", since: "2026-01-01T00:00:00.000Z", revision: 1 };
  const evil = {
    name: "key",
    lines: ['command="sh" ssh-ed25519 AAAA'],
    by: "x",
    addedAt: key.since,
  };
  assert(await oneWay.write({ ...key, record: JSON.stringify(evil) }));
  await until(() => /the SSH key key/.test(one.shared?.warnings.join() ?? ""));
  assert.deepEqual(one.sshKeys.list(), []);
});

test("a disk that is full keeps nobody from being removed, and the rest comes when there is space", async () => {
  await using servers = sites();
  const { one, other } = servers;
  await one.start();
  await one.keeper.add(operator("ann", "admin"));
  await other.start();
  other.operators.fault = new RoomcastError("no-space", "the disk is full", "make space");
  await one.keeper.add(operator("bob", "viewer"));
  await one.keeper.remove("ann");
  await until(() => other.seen() === "");
  await until(() => /the disk is full/.test(other.shared?.warnings.join() ?? ""));
  other.operators.fault = null;
  await one.keeper.add(operator("eve", "viewer"));
  await until(() => other.seen() === "bob viewer, eve viewer");
  assert.deepEqual(other.shared?.warnings, []);
});

test("each server knows the keys with which the others sign, also when the database is away after a restart", async () => {
  await using servers = sites();
  const { one, other, otherWay } = servers;
  await one.start();
  await other.start();
  const [first = ""] = one.signing;
  const known = () => other.shared?.signers.elsewhere();
  assert.deepEqual(known(), [{ server: "one", key: first }]);
  await until(() => one.shared?.signers.elsewhere()[0]?.server === "other");
  // Its key is renewed.
  const next = `sha256:${"B".repeat(43)}=`;
  one.signing = [next, first];
  one.shared?.publish();
  await until(() => known()?.length === 2);
  await other.stop();
  otherWay.setAway("it does not answer");
  await other.start();
  assert.deepEqual(
    known()?.map(({ key }) => key),
    [next, first].sort(),
  );
  assert.deepEqual(other.shared?.warnings, []);
});

/** Answers how many changes were made. */
async function storm(seed: number): Promise<number> {
  const random = seeded(seed);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const memory = new MemoryShared();
  const ways = [memory.tables(), memory.tables(), memory.tables()];
  const all = ways.map((way, at) => ({ way, site: new SharedSite(`s${at}`, way) }));
  const names = ["ann", "bob", "eve"];
  const roles: readonly Role[] = ["viewer", "operator", "admin"];
  for (const { site } of all)
    for (const name of names) if (random() < 0.4) site.operators.take(operator(name, pick(roles)));
  for (const { site } of all) await site.start();
  const removed = new Set<string>();
  let count = 0;
  for (let step = 0; step < 120; step++) {
    const { way, site } = pick(all);
    const name = pick(names);
    way.lostAnswers = random() < 0.2 ? Math.ceil(random() * 6) : 0;
    const dice = random();
    const role = pick(roles);
    const created = site.operators.records.get(name)?.createdAt;
    const work =
      dice < 0.1
        ? async () => way.setAway(way.away() === null ? "cut" : null)
        : dice < 0.2
          ? async () => {
              await site.stop();
              await site.start();
            }
          : dice < 0.5
            ? () => site.keeper.change(name, (record) => ({ ...record, role }))
            : dice < 0.75 && created === undefined
              ? () => site.keeper.add(operator(name, role))
              : () => site.keeper.remove(name).then(() => removed.add(`${name} ${created}`));
    // Now and then others go on meanwhile.
    const done = work().then(
      () => void count++,
      (error: unknown) => assert(error instanceof RoomcastError, String(error)),
    );
    if (random() < 0.7 || dice < 0.2) await done;
  }
  for (const { way } of all) {
    way.lostAnswers = 0;
    way.setAway(null);
  }
  const live = () =>
    memory.rows
      .map(({ entry }) => entry)
      .filter(({ kind, record }) => kind === "operator" && record !== null)
      .map(({ record }) => JSON.parse(record ?? "") as OperatorRecord)
      .map(({ name, role }) => `${name} ${role}`)
      .sort()
      .join(", ");
  await until(() => all.every(({ site }) => site.seen() === live())).catch(() => {
    assert.fail(
      `seed ${seed}: ${all.map(({ site }) => site.seen()).join(" | ")} are not ${live()}`,
    );
  });
  for (const { site } of all)
    for (const { name, createdAt } of site.operators.list())
      assert(!removed.has(`${name} ${createdAt}`), `seed ${seed}: ${name} came back`);
  for (const { site } of all) await site.stop();
  return count;
}

test("three servers, with cuts, restarts and lost answers: nobody comes back, and in the end all are alike", async () => {
  let count = 0;
  for (let seed = 0; seed < 30; seed++) count += await storm(seed);
  assert(count > 1000, `${count} changes`);
});
