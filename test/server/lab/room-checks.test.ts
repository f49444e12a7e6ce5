import assert from "node:assert/strict";
import { test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import { millis } from "../../../core/units/units.ts";
import type { ServerMessage } from "../../../core/wire/server-message.ts";
import { RoomChecks, type RoomChecksPorts } from "../../../server/lab/room-checks.ts";
import { beginSession } from "../../../server/lab/session.ts";
import { restoreSpec } from "../../core/session/play.ts";

type Listen = Extract<ServerMessage, { type: "listen" }>;

/** PCs `a` on eth1, `b` and `c` on eth2; `b` loses all, `c` does not answer. The server sends no faster than `mostBps`. */
function open(more: Partial<RoomChecksPorts> = {}, mostBps = Number.POSITIVE_INFINITY) {
  const went: string[] = [];
  const orders = new Map<string, Listen>();
  const sent = new Map<string, number[]>();
  const checks: RoomChecks = new RoomChecks({
    timers: { sleep: async () => {} },
    idle: () => ["a", "b", "c"].map((id) => ({ id, name: `pc-${id}` })),
    traffic: () => [],
    image: (_, reference) => ({ name: reference ?? "last@1", storedBytes: 1e9 }),
    networkOf: (pc) => (pc === "a" ? "eth1" : "eth2"),
    send(pc, message) {
      if (message.type === "listen") orders.set(pc, message);
      const order = orders.get(pc);
      if (message.type !== "listen-end" || order === undefined || pc === "c") return;
      const counts = sent.get(pc === "a" ? "eth1" : "eth2") ?? [];
      checks.take(pc, {
        ...{ type: "heard", request: order.request, dropped: 0, reason: null },
        received: pc === "a" ? counts : counts.map(() => 0),
        ...{ speedMbps: 1000, duplex: "full", errors: 0 },
      });
    },
    wire: {
      limitBps: async (network) => (network === "eth1" ? 300e6 : 50e6),
      hasQuerier: () => false,
      // eth3 is a VLAN of eth2.
      cableOf: (network) => (network === "eth3" ? "eth2" : network),
      async burst(network, { rateBps, count }) {
        went.push(`${network} ${rateBps / 1e6}`);
        sent.set(network, [...(sent.get(network) ?? []), count]);
        return Math.min(rateBps, mostBps);
      },
    },
    ...more,
  });
  return { checks, went };
}

test("each network of the room is checked by itself, at rates up to its limit", async () => {
  const { checks, went } = open();
  const findings = await checks.check("lab");
  assert.deepEqual(went, ["eth1 50", "eth1 90", "eth1 200", "eth2 50"]);
  const texts = findings.map(({ text }) => text);
  assert(texts.includes("1 of 1 PCs hear all of it"), texts.join("\n"));
  assert(texts.includes("pc-b: no multicast: snooping without a querier on their switch"));
  assert(texts.includes("pc-c: no answer"));
});

test("what a server that is held up could not send is not said to be heard", async () => {
  const wholeAt = async (mostBps: number) => {
    const texts = (await open({}, mostBps).checks.check("lab")).map(({ text }) => text);
    return texts.flatMap((text) => /hears (.*) whole/.exec(text)?.[1] ?? []);
  };
  assert.deepEqual(await wholeAt(190e6), ["200 Mbit/s"], "a tenth less is as good");
  assert.deepEqual(await wholeAt(120e6), ["120 Mbit/s"]);
  assert.deepEqual(await wholeAt(85e6), ["90 Mbit/s"]);
  assert.deepEqual(await wholeAt(30e6), ["30 Mbit/s"]);
});

test("the image whose time is told is the one that is named, or the room's own", async () => {
  const { checks } = open();
  const time = async (reference?: string) =>
    (await checks.check("lab", reference))
      .map(({ text }) => text)
      .find((text) => /takes/.test(text));
  assert.match((await time()) ?? "", /: last@1 \(1\.0 GB as it is stored\) takes /);
  assert.match((await time("win@2")) ?? "", /: win@2 \(1\.0 GB/);
  const gone = new RoomcastError("not-found", "there is no image", "");
  const none = open({
    image() {
      throw gone;
    },
  });
  await assert.rejects(none.checks.check("lab", "x"), { code: "not-found" });
  assert.deepEqual(none.went, [], "nothing was sent");
});

test("refused beside another check, and where nobody is idle", async () => {
  await assert.rejects(open({ idle: () => [] }).checks.check("lab"), { code: "refused" });
  const { checks } = open();
  const first = checks.check("lab");
  await assert.rejects(checks.check("lab"), { code: "conflict" });
  await first;
  await checks.check("lab");
});

test("an answer that is late, or of another check, counts for nothing", async () => {
  const { checks } = open();
  const heard = { type: "heard" as const, request: "other", dropped: 0, reason: null };
  checks.take("c", { ...heard, received: [1], speedMbps: null, duplex: null, errors: null });
  const texts = (await checks.check("lab")).map(({ text }) => text);
  assert(texts.includes("pc-c: no answer"));
});

test("refused while a session moves data on the cable of one of its networks, and only then", async () => {
  const session = beginSession(7, "restore", restoreSpec({ room: "hall" }), {
    ...{ at: millis(0), iso: "t0" },
  });
  const beside = (...networks: string[]) =>
    open({ traffic: () => networks.map((network) => ({ session, network })) });
  const next = "wait for its end, or `roomcast session stop s7`";
  const refusal = (where: string) => ({
    ...{ code: "conflict", next },
    message: `session s7 (restore, room hall) moves data on ${where}, and the check would hold it up`,
  });
  const on = beside("eth4", "eth2");
  await assert.rejects(on.checks.check("lab"), refusal("eth2"));
  assert.deepEqual(on.went, [], "nothing was sent");
  const shared = "eth3, which has the same cable";
  await assert.rejects(beside("eth3").checks.check("lab"), refusal(shared));
  const elsewhere = beside("eth4");
  await elsewhere.checks.check("lab");
  assert.notEqual(elsewhere.went.length, 0);
  // Of its three PCs, only that on eth1 is asked.
  const idle = () => [{ id: "a", name: "pc-a" }];
  await open({ idle, traffic: () => [{ session, network: "eth2" }] }).checks.check("lab");
});
