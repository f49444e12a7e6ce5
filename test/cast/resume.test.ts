/** What a PC or a server that comes back costs the wire, what --delta leaves to send, and two rooms at once. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import { after, before, test } from "node:test";
import type { ImageView, SessionView } from "../../core/wire/views.ts";
import { assertVerified, type CastRoom, memberOf, openCastRoom } from "../net/cast-room.ts";
import { type Host, mib } from "../net/hosts.ts";
import { run } from "../room/run.ts";

const diskBytes = 64 * mib;
/** Some 32 MiB stored take 6 s: something can happen in the middle. */
const slow = '[cast]\nrate = "45 Mbit/s"\n';
/** Packet headers, the rounding of a chunk's last packet, signs of life, and 3 %. */
const wireFactor = 1.08;

let room: CastRoom;
let storedBytes = 0;

before(async () => {
  room = await openCastRoom({ diskBytes, cloneCount: 2, toml: slow });
  storedBytes = (await room.client.get<ImageView>("/images/base")).storedBytes;
});
after(() => room?.close());

/** Stored bytes of so many chunks: they are all alike. */
const stored = (chunks: number): number => (chunks / (diskBytes / mib)) * storedBytes;

const untilHalf = (id: string, host: Host): Promise<SessionView> =>
  room.untilSession(id, (each) => memberOf(each, host.name).chunksWritten > 20, 90);

test("a room that has the image is sent nothing with --delta; one that differs, the difference", async (t) => {
  const [first] = room.clones as [Host, Host];
  await room.spoil(room.clones);
  assertVerified(await room.untilOver(await room.restore("--room", "lab"), 60));
  const began = performance.now();
  const same = await room.untilOver(await room.restore("--room", "lab", "--delta"), 180);
  const seconds = (performance.now() - began) / 1000;
  assertVerified(same);
  t.diagnostic(`nothing differs: ${same.bytesSent} bytes on the wire, ${seconds.toFixed(1)} s`);
  for (const { chunksKept, chunksWritten } of same.members)
    assert.deepEqual([chunksKept, chunksWritten], [diskBytes / mib, 0]);
  assert(same.bytesSent < 20_000, `${same.bytesSent}`);

  await using file = await open(first.disk, "r+");
  await file.write(randomBytes(5 * mib), 0, 5 * mib, 30 * mib);
  const differs = await room.untilOver(await room.restore("--room", "lab", "--delta"), 180);
  assertVerified(differs);
  await room.assertClones(room.clones);
  const factor = differs.bytesSent / stored(5);
  t.diagnostic(`5 chunks of one PC differ: ${factor.toFixed(3)} of them on the wire`);
  // The first and the last chunk make a disk bootable: they are written anew, without the network.
  assert(memberOf(differs, first.name).chunksWritten <= 5 + 2);
  assert(factor < wireFactor, `${factor}`);
});

test("a PC that is killed and comes back wants only the rest", async (t) => {
  const [stays, dies] = room.clones as [Host, Host];
  await room.spoil(room.clones);
  const id = await room.restore("--room", "lab");
  await untilHalf(id, dies);
  await dies.kill();
  dies.start();
  const over = await room.untilOver(id, 180);
  assertVerified(over);
  await room.assertClones(room.clones);
  const { chunksKept } = memberOf(over, dies.name);
  assert(chunksKept >= 15, `${chunksKept} kept`);
  assert.equal(memberOf(over, stays.name).chunksKept, 0);
  // At most what was sent while it was away, its last chunks, and what was in flight, once more.
  const factor = over.bytesSent / (storedBytes + stored(diskBytes / mib - chunksKept));
  t.diagnostic(`kept ${chunksKept} chunks; ${(over.bytesSent / storedBytes).toFixed(3)} passes`);
  assert(factor < wireFactor, `${factor}`);
});

test("a PC that comes late is sent what it missed", async (t) => {
  const [early, late] = room.clones as [Host, Host];
  await room.spoil(room.clones);
  await late.kill();
  const id = await room.restore("--room", "lab");
  await untilHalf(id, early);
  late.start();
  const came = await room.untilSession(
    id,
    (each) => memberOf(each, late.name).lane === "main" || each.endedAt !== null,
    90,
  );
  const missed = memberOf(came, early.name).bytesReceived / mib;
  const over = await room.untilOver(id, 180);
  assertVerified(over);
  await room.assertClones(room.clones);
  const factor = over.bytesSent / (storedBytes + stored(missed));
  t.diagnostic(`came after ${missed} of 64 chunks; ${factor.toFixed(3)} of all and those sent`);
  // Until its receiver is up, and those that were under way.
  assert(factor < 1.25, `${factor}`);
});

test("a server that is killed goes on with what is missing", async (t) => {
  await room.spoil(room.clones);
  const id = await room.restore("--room", "lab");
  const half = await untilHalf(id, room.clones[0] as Host);
  await room.endServer("SIGKILL");
  await room.serve(slow);
  const over = await room.untilOver(id, 180);
  assertVerified(over);
  await room.assertClones(room.clones);
  const missing = Math.max(
    ...half.members.map(({ chunksWritten }) => diskBytes / mib - chunksWritten),
  );
  const factor = over.bytesSent / stored(missing);
  t.diagnostic(`${missing} chunks were missing; ${factor.toFixed(3)} of them sent afterwards`);
  assert(factor < wireFactor, `${factor}`);
});

test("two rooms at once share the server's link", async (t) => {
  const [one, other] = room.clones as [Host, Host];
  await room.spoil(room.clones);
  await room.endServer("SIGTERM");
  await room.serve("");
  await room.roomcast("room", "create", "other");
  await room.client.patch(`/pcs/${other.name}`, { room: "other" });
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.every(({ state }) => state === "idle"),
    90,
  );
  const inServer = { namespace: room.network.serverNamespace };
  const tbf = ["tbf", "rate", "60mbit", "burst", "32k", "latency", "30ms"];
  await run(["tc", "qdisc", "add", "dev", "lab0", "root", ...tbf], inServer);
  const first = await room.restore("--room", "lab");
  const second = await room.restore("--room", "other");
  const at = async (id: string, host: Host): Promise<number> =>
    memberOf(await room.client.get<SessionView>(`/sessions/${id}`), host.name).bytesReceived / mib;
  await room.until(
    async () => Math.min(await at(first, one), await at(second, other)),
    (least) => least > 2,
    90,
  );
  const before = [await at(first, one), await at(second, other)] as const;
  await room.until(
    async () => Math.max(await at(first, one), await at(second, other)),
    (most) => most > 54,
    180,
  );
  const gained = [(await at(first, one)) - before[0], (await at(second, other)) - before[1]];
  const share = Math.min(...gained) / ((gained[0] as number) + (gained[1] as number));
  t.diagnostic(`MiB received meanwhile: ${gained.map(Math.round).join(" and ")}`);
  for (const id of [first, second]) assertVerified(await room.untilOver(id, 90));
  await room.assertClones(room.clones);
  await run(["tc", "qdisc", "del", "dev", "lab0", "root"], inServer);
  // Neither starves.
  assert(share > 0.1, `the smaller share is ${share}`);
});
