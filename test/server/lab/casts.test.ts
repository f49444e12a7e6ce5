import assert from "node:assert/strict";
import { test } from "node:test";
import type { CastSender, CastSenderStats, ReceiverStanding } from "../../../core/cast/ends.ts";
import { gaugesOf } from "../../../core/session/kind.ts";
import { Cast } from "../../../server/lab/casts.ts";
import type { Session } from "../../../server/lab/session.ts";
import { counters } from "../../core/session/play.ts";

/** A cast whose senders write down what is done with them. Each PC has a network of its own, or the one that `networks` names. */
function site(isThere = true, networks: ReadonlyMap<string, string> = new Map()) {
  const said: string[] = [];
  const sender = (network: string): CastSender => ({
    join: (receiver, _, coming = null) =>
      said.push(`${network}: join ${receiver}${coming === null ? "" : `, ${coming} coming`}`),
    leave: (receiver) => said.push(`${network}: leave ${receiver}`),
    report() {},
    announce() {},
    rekey: () => said.push(`${network}: rekey`),
    ended: new Promise(() => {}),
    close: async () => void said.push(`${network}: close`),
  });
  const session = {
    ...{ id: "s1", state: null, gauges: { totals: null, members: new Map() } },
    kind: { knows: () => true },
  } as unknown as Session;
  let count: (stats: CastSenderStats) => void = () => {};
  const cast = new Cast(session, {
    open: async (network, stats) => {
      count = stats;
      said.push(`${network}: open`);
      if (!isThere) throw new Error("no such network");
      return sender(network);
    },
    home: null,
    networkOf: (pc) => networks.get(pc) ?? `of-${pc}`,
    counted() {},
    take: (_, { type }) => void said.push(type),
  });
  cast.takeWants("a", new Uint8Array([1]));
  const settled = () => new Promise((done) => setImmediate(done));
  return {
    cast,
    said,
    settled,
    gauges: session.gauges,
    count: (stats: CastSenderStats) => count(stats),
  };
}

test("a sender is open by the time the PC has its disk ready, once", async () => {
  const { cast, said, settled } = site();
  cast.prepare("a");
  cast.sync(null, []);
  await settled();
  assert.deepEqual(said, ["of-a: open"]);
  cast.prepare("a");
  cast.sync(new Map([["a", 1]]), ["a"]);
  await settled();
  assert.deepEqual(said.splice(0), ["of-a: open", "of-a: join 1, 0 coming"]);
  cast.sync(null, []);
  // What is ordered late joins a cast that is open, or opens one by joining.
  cast.prepare("a");
  await cast.end();
  assert.deepEqual(new Set(said), new Set(["of-a: leave 1", "of-a: close"]));
});

test("a sender is told how many of its network were ordered before it and are still to join", async () => {
  const networks = new Map([
    ...["x1", "x2", "x3", "x4"].map((pc) => [pc, "x"] as const),
    ["y1", "y"],
  ]);
  const { cast, said, settled } = site(true, networks);
  for (const pc of ["x1", "x2", "x3", "y1"]) {
    cast.takeWants(pc, new Uint8Array([1]));
    cast.prepare(pc);
  }
  for (const pc of ["x1", "y1", "x2"]) cast.sync(new Map([[pc, 1]]), [pc]);
  cast.prepare("x4");
  cast.sync(new Map([["x3", 1]]), ["x3"]);
  await settled();
  const joins = said.filter((line) => line.includes("join"));
  assert.deepEqual(joins, [
    ...["x: join 1, 2 coming", "y: join 2, 0 coming"],
    ...["x: join 3, 1 coming", "x: join 4, 0 coming"],
  ]);
  await cast.end();
});

test("a sender that nobody has joined is closed with its session, and has the keys of the day", async () => {
  const { cast, said } = site();
  cast.prepare("a");
  cast.rekey({ chunk: "", packet: "" });
  await cast.end();
  assert.deepEqual(said, ["of-a: open", "of-a: rekey", "of-a: close"]);
});

test("a sender that cannot be opened breaks the cast when a PC joins, and not before", async () => {
  const { cast, said, settled } = site(false);
  cast.prepare("a");
  await settled();
  assert.deepEqual(said.splice(0), ["of-a: open"]);
  cast.sync(new Map([["a", 1]]), ["a"]);
  await settled();
  assert.deepEqual(said, ["of-a: open", "cast-broken"]);
});

const totals = {
  ...{ rateBps: 0, bytesSent: 0, parityBytes: 0, repairBytes: 0, passes: 1 },
  ...{ entriesOpen: 5, framesIgnored: 0 },
};

test("what a PC's figures show is said while they do, in the main lane, too; the disk only where it has work", async () => {
  const { cast, said, settled, gauges, count } = site();
  cast.sync(new Map([["a", 1]]), ["a"]);
  await settled();
  const standing: ReceiverStanding = {
    ...({ receiver: 1, lane: "main", reason: null, hearing: "hears", lossRatio: 0 } as const),
    ...{ sent: null, entriesWanted: 5, shown: { cause: "disk", writeBytesPerSecond: 2e7 } },
  };
  const slow = (): string | null => gaugesOf(gauges, "a").slow;
  count({ ...totals, receivers: [standing] });
  assert.equal(slow(), "disk writes 20.0 MB/s");
  assert.equal(said.includes("lane"), false, "the others wait for it");
  const diskBusy = 0.1;
  gaugesOf(gauges, "a").counters = { ...counters, diskBusy };
  count({ ...totals, receivers: [standing] });
  assert.match(
    slow() ?? "",
    /^the PC cannot keep up: its processor is busy, and its disk only 10 %/,
  );
  count({ ...totals, receivers: [{ ...standing, shown: null }] });
  assert.equal(slow(), null);
  count({ ...totals, receivers: [{ ...standing, shown: { cause: "loss", lossRatio: 0.04 } }] });
  assert.match(slow() ?? "", /^loses 4(\.0)? % of the packets/);
  cast.sync(null, []);
  assert.equal(slow(), null, "it hears the cast no more");
});

test("what was sent to a PC is known for as long as it is joined", async () => {
  const { cast, said, settled, count } = site();
  cast.sync(new Map([["a", 1]]), ["a"]);
  await settled();
  assert.equal(cast.sentTo("a"), null);
  const standing: ReceiverStanding = {
    ...({
      receiver: 1,
      lane: "main",
      reason: null,
      shown: null,
      hearing: "hears",
      lossRatio: 0,
    } as const),
    ...{ sent: { generation: 7, from: 100 }, entriesWanted: 5 },
  };
  count({ ...totals, receivers: [standing, { ...standing, receiver: 2 }] });
  assert.deepEqual(cast.sentTo("a"), { generation: 7, from: 100 });
  assert.equal(cast.sentTo("b"), null);
  assert.equal(said.includes("lane"), false, "the others wait for it, as before");
  count({ ...totals, receivers: [{ ...standing, sent: null }] });
  assert.equal(cast.sentTo("a"), null);
  count({ ...totals, receivers: [standing] });
  cast.sync(new Map([["a", 2]]), ["a"]);
  assert.equal(cast.sentTo("a"), null);
});

test("what changes for one PC costs no look at the others of its cast", async () => {
  const { cast, said, settled } = site();
  let looks = 0;
  const all = new Map(Array.from({ length: 100 }, (_, number) => [`p${number}`, 1]));
  const wanted = {
    get(pc: string) {
      looks++;
      return all.get(pc);
    },
    *[Symbol.iterator]() {
      for (const each of all) {
        looks++;
        yield each;
      }
    },
  };
  for (const pc of all.keys()) cast.takeWants(pc, new Uint8Array([1]));
  cast.sync(wanted, []);
  await settled();
  assert.equal(said.filter((each) => each.includes("join")).length, 100, "it is opened for all");
  said.length = 0;
  looks = 0;
  all.set("p7", 2);
  all.delete("p8");
  cast.sync(wanted, ["p7", "p8", "p9"]);
  await settled();
  assert.deepEqual(said, ["of-p7: leave 8", "of-p7: join 101", "of-p8: leave 9"]);
  assert.equal(looks, 3);
});
