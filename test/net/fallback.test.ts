/** PCs that the multicast does not reach, as behind a switch port that does not pass it on. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { SessionView } from "../../core/wire/views.ts";
import { run } from "../room/run.ts";
import { assertVerified, type CastRoom, listen, memberOf, openCastRoom } from "./cast-room.ts";
import { type Host, mib } from "./hosts.ts";

const diskBytes = 48 * mib;
let room: CastRoom;

before(async () => {
  // Some 24 MiB stored take 5 s.
  room = await openCastRoom({
    diskBytes,
    cloneCount: 3,
    toml: '[rooms.lab]\nrate = "40 Mbit/s"\n',
  });
});
after(() => room?.close());

/** Whether the bridge passes multicast on to the host. */
async function passMulticast(host: Host, passes: boolean): Promise<void> {
  const flood = ["mcast_flood", passes ? "on" : "off"];
  await run(["bridge", "link", "set", "dev", host.name, ...flood], {
    namespace: room.network.wireNamespace,
  });
}

test("one PC that the multicast does not reach is named, gets its chunks over HTTP, and comes back", async (t) => {
  const [deaf, ...others] = room.clones as [Host, Host, Host];
  await room.spoil(room.clones);
  await passMulticast(deaf, false);
  // Else it would have everything over HTTP before the multicast comes.
  const slow = [
    "dev",
    deaf.name,
    "root",
    "tbf",
    "rate",
    "16mbit",
    "burst",
    "64k",
    "latency",
    "50ms",
  ];
  const inWire = { namespace: room.network.wireNamespace };
  await run(["tc", "qdisc", "add", ...slow], inWire);
  const { heard, stop } = listen(room.client);
  t.after(stop);
  const id = await room.restore("--room", "lab");
  const told = await room.untilSession(
    id,
    (session) => memberOf(session, deaf.name).lane === "http",
    180,
  );
  assert.match(memberOf(told, deaf.name).reason ?? "", /multicast.*IGMP/);
  assert.equal(memberOf(told, deaf.name).result, "pending");
  for (const { name } of others) assert.equal(memberOf(told, name).lane, "main");
  assert.deepEqual(told.notices, [], "the room as a whole is as it should be");
  // Events say the last state of each 250 ms.
  await sleep(600);
  await run(["tc", "qdisc", "del", "dev", deaf.name, "root"], inWire);
  await passMulticast(deaf, true);
  await room.untilSession(id, (session) => memberOf(session, deaf.name).lane !== "http", 40);
  const over = await room.untilOver(id, 180);
  assertVerified(over);
  await room.assertClones(room.clones);
  const notes = heard.flatMap(({ event }) => (event.type === "note" ? [event.text] : []));
  assert(notes.some((text) => new RegExp(`${deaf.name}: gets its chunks over HTTP`).test(text)));
  assert(notes.some((text) => new RegExp(`${deaf.name}: multicast reaches it again`).test(text)));
  const first = (accept: (session: SessionView) => boolean): number =>
    heard.find(
      ({ event }) => event.type === "session" && event.session.id === id && accept(event.session),
    )?.atMs ?? Number.NaN;
  const cast = first(({ members }) => members.some(({ bytesReceived }) => bytesReceived > 0));
  const took = first((session) => memberOf(session, deaf.name).lane === "http") - cast;
  t.diagnostic(`noticed ${(took / 1000).toFixed(2)} s after the others had their first chunk`);
  // On a quiet machine it is under 2 s.
  assert(took < 8000, `noticed after ${took} ms`);
});

test("a room that the multicast does not reach is served over HTTP, evenly, and told so", async (t) => {
  await room.spoil(room.clones);
  for (const clone of room.clones) await passMulticast(clone, false);
  const inWire = { namespace: room.network.wireNamespace };
  // Each its own queue: how streams share one is TCP's doing, and luck within some seconds.
  const limit = ["root", "tbf", "rate", "30mbit", "burst", "64k", "latency", "50ms"];
  for (const { name } of room.clones)
    await run(["tc", "qdisc", "add", "dev", name, ...limit], inWire);
  const id = await room.restore("--room", "lab");
  const told = await room.untilSession(id, ({ notices }) => notices.length > 0, 60);
  assert.match(told.notices[0] ?? "", /multicast reaches .* of the 3 PCs.*IGMP querier/);
  const half = await room.untilSession(
    id,
    ({ members }) => members.some(({ bytesReceived }) => bytesReceived > diskBytes / 2),
    180,
  );
  const received = half.members.map(({ bytesReceived }) => bytesReceived / mib);
  t.diagnostic(`MiB received when the first had half: ${received.map(Math.round).join(" ")}`);
  assert(Math.min(...received) > Math.max(...received) / 2, `${received}`);
  const over = await room.untilOver(id, 180);
  assertVerified(over);
  await room.assertClones(room.clones);
  assert.match(over.notices[0] ?? "", /none of the 3 PCs/, "it stays in the report");
  for (const { name } of room.clones)
    await run(["tc", "qdisc", "del", "dev", name, "root"], inWire);
  for (const clone of room.clones) await passMulticast(clone, true);
});
