/** A room moves between servers that live, and from one that is off: each with its file and its tables, in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CampusRooms } from "../../../server/campus/campus-rooms.ts";
import { Seal } from "../../../server/campus/seal.ts";
import { RoomSite, RoomTime, roomOf } from "./room-site.ts";

/** Two servers, started; `one` has lab1. */
async function twoServers(seals: readonly (Seal | null)[] = [null, null]) {
  const time = new RoomTime();
  const [one, other] = ["one", "other"].map((name, at) => {
    const site = new RoomSite(name, time.campus.tables(), { time, steady: time.steady });
    site.seal = seals[at] ?? null;
    return site;
  }) as [RoomSite, RoomSite];
  one.rooms.set("lab1", roomOf("lab1"));
  one.contents.set("lab1", "first");
  await one.start();
  await other.start();
  await time.pass(2000);
  return {
    ...{ time, one, other },
    async [Symbol.asyncDispose]() {
      await one.stop();
      await other.stop();
    },
  };
}

/** Orders the move, and lets time pass until it is over. */
async function moved(site: RoomSite, time: RoomTime, name = "lab1") {
  const done = (site.campus as CampusRooms).move(name);
  done.catch(() => {});
  await time.pass(1000);
  return await done;
}

const acting = (...sites: readonly RoomSite[]): string[] =>
  sites.flatMap((site) => {
    try {
      site.campus?.requireOwn("lab1");
      return site.campus === null ? [] : [site.name];
    } catch {
      return [];
    }
  });

test("a room moves with what is in it as it is now, there and back", async () => {
  await using servers = await twoServers();
  const { one, other, time } = servers;
  await time.pass(10_000);
  one.fill("lab1", "second");
  const there = await moved(other, time);
  assert.equal(there.from, "one");
  assert(there.told !== null);
  assert.deepEqual([other.contents.get("lab1"), one.rooms.has("lab1")], ["second", false]);
  assert.deepEqual(acting(one, other), ["other"]);
  assert.deepEqual(one.gone, ["lab1 other"]);
  assert.deepEqual([...(one.campus?.warnings ?? []), ...(other.campus?.warnings ?? [])], []);
  other.fill("lab1", "third");
  await moved(one, time, "LAB1");
  assert.deepEqual([one.contents.get("LAB1"), other.rooms.has("lab1")], ["third", false]);
  assert.deepEqual(acting(one, other), ["one"]);
  // Said where the room is, nothing happens.
  assert.equal((await moved(one, time)).from, "one");
});

test("a server that has work in the room keeps it, and says why", async () => {
  await using servers = await twoServers();
  const { one, other, time } = servers;
  one.busy.set("lab1", "session s3 is at work in room lab1");
  await assert.rejects(moved(other, time), {
    code: "conflict",
    message: "the room lab1 stays at the server one: session s3 is at work in room lab1",
  });
  assert.deepEqual(acting(one, other), ["one"]);
  assert.deepEqual(other.campus?.warnings, []);
  one.busy.clear();
  await moved(other, time);
  assert.deepEqual(acting(one, other), ["other"]);
});

test("while it is on its way nothing of it is changed, at neither server", async () => {
  await using servers = await twoServers();
  const { one, other, time } = servers;
  const tables = time.campus;
  // The database is reached, but what is given does not arrive.
  const give = tables.give.bind(tables);
  let lost = 0;
  tables.give = () => {
    lost++;
    return false;
  };
  const done = (other.campus as CampusRooms).move("lab1");
  done.catch(() => {});
  // It is wanted as long as the operator waits for it.
  await time.pass(8000);
  assert(lost > 0);
  assert.throws(() => one.campus?.requireSettled("lab1"), {
    message: "the room lab1 is on its way to the server other",
  });
  assert.throws(() => one.campus?.requireOwn("lab1"), { code: "conflict" });
  assert.throws(() => other.campus?.requireSettled("lab1"), /on its way here/);
  assert.match(one.campus?.warnings.join() ?? "", /lab1 is on its way to the server other/);
  await one.stop();
  await one.start();
  tables.give = give;
  await time.pass(1000);
  await done;
  assert.deepEqual(acting(one, other), ["other"]);
  assert.equal(other.contents.get("lab1"), "first");
});

test("a room that was being given when the database lost its lease stays where it was, by the word", async () => {
  await using servers = await twoServers();
  const { one, other, time } = servers;
  const tables = time.campus;
  tables.give = () => false;
  const done = (other.campus as CampusRooms).move("lab1");
  done.catch(() => {});
  await time.pass(3000);
  await assert.rejects(moved(one, time), {
    message: "the room lab1 is on its way to the server other",
  });
  tables.leases.clear();
  tables.records.clear();
  await time.pass(6000);
  const lost = {
    message:
      "the room lab1 was on its way to the server other when the campus's database lost its lease",
    next: "if other does not have it, keep it here: `roomcast room move lab1 --server one`",
  };
  assert.throws(() => one.campus?.requireOwn("lab1"), lost);
  assert.throws(() => one.campus?.requireSettled("lab1"), lost);
  assert.deepEqual(one.campus?.warnings, [
    `${lost.message}: no session begins in it here; ${lost.next}`,
  ]);
  assert.deepEqual(acting(one, other), []);
  assert.equal((await moved(one, time)).from, "one");
  assert.deepEqual(acting(one, other), ["one"]);
  assert.equal(one.contents.get("lab1"), "first");
  assert.deepEqual(one.campus?.warnings, []);
  // It goes on from there as any other.
  Reflect.deleteProperty(tables, "give");
  await time.pass(10_000);
  await moved(other, time);
  assert.equal(other.contents.get("lab1"), "first");
});

test("from a server that is off for good comes what it told last, and when that was", async () => {
  await using servers = await twoServers();
  const { one, other, time } = servers;
  await time.pass(60_000);
  one.fill("lab1", "second");
  await time.pass(6000);
  const toldBy = time.campus.now;
  one.fill("lab1", "third");
  await one.stop();
  await time.pass(90_000);
  const { from, told } = await moved(other, time);
  assert.equal(from, "one");
  assert(Date.parse(told ?? "") <= toldBy && Date.parse(told ?? "") >= toldBy - 2000, `${told}`);
  assert.equal(other.contents.get("lab1"), "second");
  // Who was off hears of it, and keeps what it has as a copy.
  await one.start();
  await time.pass(1000);
  assert.deepEqual(acting(one, other), ["other"]);
  assert.equal(one.contents.get("lab1"), "third");
});

test("what is in a room is told at rest, and once a minute while it changes all the time", async () => {
  await using servers = await twoServers();
  const { one, time } = servers;
  await time.pass(10_000);
  let writes = 0;
  const { campus } = time;
  const publish = campus.publishRecord.bind(campus);
  campus.publishRecord = (...told) => {
    writes++;
    publish(...told);
  };
  for (let each = 0; each < 500; each++) {
    one.fill("lab1", `pc${each}`);
    await time.pass(200);
  }
  assert.equal(writes, 1);
  await time.pass(6000);
  assert.equal(writes, 2);
  one.fill("lab1", "pc499");
  await time.pass(10_000);
  assert.equal(writes, 2, "what is as it was is not told again");
});

test("a room that a server was not told to take waits for the word", async () => {
  await using servers = await twoServers();
  const { one, other, time } = servers;
  await one.stop();
  await time.pass(90_000);
  // As somebody may write it who has the database.
  time.campus.want("other", { room: "lab1", name: "lab1" });
  await time.pass(6000);
  assert.deepEqual(acting(one, other), []);
  assert.match(
    other.campus?.warnings[0] ?? "",
    /lab1 is this server's, and what is in it has not come here/,
  );
  await moved(other, time);
  assert.deepEqual(acting(one, other), ["other"]);
});

test("a server that is installed anew under its name has its rooms by the word, as they were told last", async () => {
  await using servers = await twoServers();
  const { one, other, time } = servers;
  one.set(roomOf("hall"));
  await time.pass(20_000);
  await one.stop();
  await time.pass(90_000);
  await using anew = new RoomSite("one", time.campus.tables(), { time, steady: time.steady });
  await anew.start();
  await time.pass(1000);
  assert.deepEqual(
    anew.campus?.warnings.map((text) => /^the room (\S+) is this server's/.exec(text)?.[1]),
    ["lab1", "hall"],
  );
  // Nobody sees a room that is not there, nor is it made beside the one that there was.
  assert.deepEqual(other.seen(), ["default one one 0", "default other other 0"]);
  const make = (): Promise<void> | undefined =>
    anew.campus?.making("LAB1", () => anew.set(roomOf("LAB1")));
  const refused = assert.rejects(async () => make(), {
    code: "conflict",
    next: "take what was told of it last: `roomcast room move LAB1 --server one`",
  });
  await time.pass(100);
  await refused;
  const { from, told } = await moved(anew, time);
  assert.deepEqual([from, told !== null, anew.contents.get("lab1")], ["one", true, "first"]);
  assert.deepEqual(acting(anew, other), ["one"]);
  // Another server may have it instead.
  await moved(other, time, "hall");
  assert.deepEqual(other.contents.get("hall"), "empty");
  assert.deepEqual(anew.campus?.warnings, []);
  // What is removed goes from the campus.
  anew.remove("lab1");
  await time.pass(1000);
  assert(!time.campus.leases.has("lab1") && !time.campus.records.has("lab1"));
});

test("with a seal the database reads nothing, and who has another key takes nothing", async () => {
  const seal = new Seal(new Uint8Array(32).fill(1));
  await using servers = await twoServers([seal, seal]);
  const { one, other, time } = servers;
  await moved(other, time);
  const [record] = [...time.campus.records.values()];
  assert(record?.record.startsWith("sealed:"), record?.record);
  assert.equal(other.contents.get("lab1"), "first");
  await one.stop();
  one.seal = new Seal(new Uint8Array(32).fill(2));
  await one.start();
  await time.pass(1000);
  await assert.rejects(moved(one, time), /was sealed with another key/);
  // It is nobody's now, and not lost: the server before takes it back.
  assert.deepEqual(acting(one, other), []);
  await moved(other, time);
  assert.equal(other.contents.get("lab1"), "first");
  assert.deepEqual(acting(one, other), ["other"]);
});
