/** What a room is promised, each with what it costs the others and the wire. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Link } from "./link.ts";
import type { PcOptions, SimPc } from "./pc.ts";
import {
  type Quarter,
  type RoomOptions,
  type RoomResult,
  runRoom,
  runTogether,
  SimRoom,
} from "./room.ts";
import { Timeline } from "./timeline.ts";
import { SteadyFlow, TcpFlow } from "./traffic.ts";

const seed = 20_101_106;
const mib = 1 << 20;
/** 64 chunks that zstd has made about 40 % smaller: 0.3 s at 1 Gbit/s. */
const image = Uint32Array.from(
  { length: 64 },
  (_, entry) => (mib * (40 + ((entry * 37) % 41))) / 100,
);
/** Of fifty PCs each packet is worked on fifty times. */
const forMany = image.slice(0, 32);
/** 11 s at 100 Mbit/s: what is measured against it are fractions of real casts' times. */
const longImage = new Uint32Array(500).fill(mib / 4);
const roomOf = (count: number, pc: Partial<PcOptions> = {}): Partial<PcOptions>[] =>
  Array.from({ length: count }, () => ({ ...pc }));
/** Repairs, as a fraction of all else that was sent. */
const repairRatio = ({ stats }: RoomResult): number =>
  stats.repairBytes / (stats.bytesSent - stats.repairBytes);
const lastOf = (result: RoomResult, count: number): number =>
  Math.max(...result.pcs.slice(0, count).map(({ finishedAt }) => finishedAt ?? Infinity));

test("a room without loss: each byte once, whatever the number of PCs", () => {
  for (const count of [1, 8, 50]) {
    const storedLengths = count === 50 ? forMany : image;
    const result = runRoom({ seed, storedLengths, pcs: roomOf(count), linkBps: 1e9 });
    assert(result.wireRatio < 1.02, `${count} PCs: ${result.wireRatio}`);
  }
});

test("1 % loss on every cable costs at most 2.5 % of repairs for 8 PCs, 3 % for 50", () => {
  for (const [count, limit, storedLengths] of [
    [8, 0.025, image],
    [50, 0.03, forMany],
  ] as const) {
    const pcs = roomOf(count, { loss: 0.01 });
    const result = runRoom({ seed, storedLengths, pcs, linkBps: 1e9 });
    assert(repairRatio(result) > 0.009, "what one PC lost is repaired");
    assert(repairRatio(result) < limit, `${count} PCs: ${repairRatio(result)}`);
  }
});

test("5 % loss on every cable costs at most 9 % for 8 PCs", () => {
  const pcs = roomOf(8, { loss: 0.05 });
  const result = runRoom({ seed, storedLengths: image, pcs, linkBps: 1e9 });
  assert(repairRatio(result) < 0.09, `${repairRatio(result)}`);
});

test("bursts that hit each PC for itself cost 8 PCs at most 5 % of repairs, 50 PCs 11 %", () => {
  for (const [count, limit, storedLengths] of [
    [8, 0.05, longImage],
    [50, 0.11, longImage.slice(0, 250)],
  ] as const) {
    const pcs = roomOf(count, { burstRatio: 0.01 / 46, burstLength: 46, slotCount: 128 });
    const result = runRoom({ seed, storedLengths, pcs, linkBps: 1e9 });
    assert(repairRatio(result) > 0.01, "what one PC lost is repaired");
    assert(repairRatio(result) < limit, `${count} PCs: ${repairRatio(result)}`);
  }
});

test("bursts, reordering and duplicates are got over", () => {
  const pcs = roomOf(8, {
    burstRatio: 0.0005,
    burstLength: 40,
    reorderRatio: 0.05,
    duplicateRatio: 0.05,
  });
  const result = runRoom({ seed, storedLengths: image, pcs, linkBps: 1e9 });
  assert(result.wireRatio < 1.2, `${result.wireRatio}`);
});

test("the speed of a link that nobody told is found in two seconds, and not overrun for long", () => {
  const fast = { portBps: 1e11, diskBps: 1e11, hostBps: 1e11 };
  for (const [uplinkBps, chunkCount, storedBytes, ownLoss] of [
    [10e6, 60, 62_500, 0.04],
    // An overrun has to last for some stretches, and here they are long.
    [100e6, 160, 250_000, 0.012],
    [1e9, 400, mib, 0.005],
    [10e9, 1500, mib, 0.005],
  ] as const) {
    const storedLengths = new Uint32Array(chunkCount).fill(storedBytes);
    const uplinkQueueBytes = uplinkBps === 10e9 ? 1_500_000 : 256_000;
    const pcs = roomOf(2, fast);
    const { quarters } = runRoom({ seed, storedLengths, pcs, uplinkBps, uplinkQueueBytes });
    const found = quarters.findIndex(({ allowedBps }) => allowedBps > 0.8 * uplinkBps);
    assert(found >= 0 && found < 8, `${uplinkBps}: found after ${found} quarter seconds`);
    const later = quarters.slice(8);
    const sum = (of: (quarter: Quarter) => number) =>
      later.reduce((sum, each) => sum + of(each), 0);
    const lost = sum(({ dropped }) => dropped) / sum(({ packets }) => packets);
    assert(!(lost > ownLoss), `${uplinkBps}: ${lost} lost`);
    const mean = sum(({ allowedBps }) => allowedBps) / later.length / uplinkBps;
    assert(!(mean < 0.85 || mean > 1.1), `${uplinkBps}: allowed ${mean}`);
  }
});

const ordinary = (more: Partial<RoomOptions> & Pick<RoomOptions, "pcs">): RoomResult =>
  runRoom({ seed, storedLengths: longImage, uplinkBps: 100e6, linkBps: 1e9, ...more });

test("a PC that dies holds nobody up for more than half a second", () => {
  for (const loss of [0, 0.01]) {
    const plain = runRoom({ seed, storedLengths: image, pcs: roomOf(8, { loss }), linkBps: 1e9 });
    const pcs = roomOf(8, { loss }).concat({ loss, dieAtMs: 150 });
    const result = runRoom({ seed, storedLengths: image, pcs, linkBps: 1e9 });
    const cost = lastOf(result, 8) - lastOf(plain, 8);
    assert(cost < 500, `${loss}: ${cost} ms`);
    assert(result.pcs[8]?.hasAll === false);
    const pauses = result.pcs.slice(0, 8).map(({ takenAt }) => longestPause(takenAt));
    assert(Math.max(...pauses) < 500, `${loss}: nothing came for ${pauses} ms`);
  }
});

const longestPause = (times: readonly number[]): number =>
  Math.max(...times.map((at, index) => at - (times[index - 1] ?? at)));

test("a PC that comes late costs the others 3 % at most, and the wire what it missed and 3 %", () => {
  const plain = ordinary({ pcs: roomOf(4) });
  for (const part of [0.3, 0.9]) {
    const joinAtMs = plain.endedAt * part;
    const result = ordinary({ pcs: roomOf(4).concat({ joinAtMs }) });
    assert(result.pcs[4]?.hasAll);
    const cost = lastOf(result, 4) / lastOf(plain, 4);
    assert(cost < 1.03, `${part}: the others take ${cost}`);
    const wire = result.wireRatio / plain.wireRatio;
    assert(wire < 1 + part + 0.03, `${part}: the wire carries ${wire}`);
  }
});

test("a PC that restarts wants only what its disk lacks", () => {
  const pcs = roomOf(4).concat({ dieAtMs: 200, returnAtMs: 700, slotCount: 8 });
  const result = runRoom({ seed, storedLengths: image, pcs, linkBps: 1e9 });
  assert(result.pcs[4]?.hasAll);
  assert(result.wireRatio < 1.8, `${result.wireRatio}`);
});

test("a straggler costs the others 5 % at most, is said why, and ends at 80 % of what it can take", () => {
  const alone = ordinary({ pcs: roomOf(4, { slotCount: 48 }) });
  for (const [cause, straggler, ownBps] of [
    ["disk", { diskBps: 1.8e6 * 8 }, 1.8e6 * 8],
    ["link", { portBps: 10e6 }, 10e6],
    ["loss", { loss: 0.35 }, 65e6],
  ] as const) {
    const pcs = roomOf(4, { slotCount: 48 }).concat({ slotCount: 48, ...straggler });
    const room = new SimRoom({
      ...{ seed, storedLengths: longImage, uplinkBps: 100e6, linkBps: 1e9, pcs },
    });
    room.time.at(6000, () => {
      const standing = room.stats().receivers.find(({ receiver }) => receiver === 5);
      assert.equal(standing?.lane, "catchUp", cause);
      assert.equal(standing?.reason?.cause, cause);
      const others = room.stats().receivers.filter(({ receiver }) => receiver !== 5);
      assert(others.every(({ lane, reason }) => lane === "main" && reason === null));
    });
    const result = room.run();
    const mainEnd = lastOf(result, 4);
    assert(mainEnd < lastOf(alone, 4) * 1.05, `${cause}: ${mainEnd / lastOf(alone, 4)}`);
    const { takenAt, finishedAt } = result.pcs[4] as SimPc;
    const bits = takenAt.filter((at) => at > mainEnd).length * (mib / 4) * 8;
    const afterwards = (bits * 1000) / ((finishedAt as number) - mainEnd) / ownBps;
    assert(afterwards > 0.8, `${cause}: ${afterwards} of what it can take`);
  }
});

test("a PC whose disk recovers comes back to the main lane", () => {
  const stall = { stallAtMs: 2000, stallForMs: 3000, stallBps: 4e6, slotCount: 16 };
  const pcs = roomOf(4).concat(stall);
  const room = new SimRoom({
    ...{ seed, storedLengths: longImage, uplinkBps: 100e6, linkBps: 1e9, pcs },
  });
  const lanes: (string | undefined)[] = [];
  for (const at of [1500, 4500, 9500])
    room.time.at(at, () => lanes.push(room.stats().receivers[4]?.lane));
  room.run();
  assert.deepEqual(lanes, ["main", "catchUp", "main"]);
});

test("other traffic on the link is left room, and a steady stream hardly loses", () => {
  const storedLengths = new Uint32Array(400).fill(mib);
  for (const roundTripMs of [1, 20]) {
    const shares = [0, 1, 2, 3].map((more) => {
      const building = { time: new Timeline(), uplink: new Link({ bps: 1e9, queueBytes: 1e6 }) };
      const tcp = new TcpFlow(building.time, building.uplink, { roundTripMs, startAtMs: 0 });
      runTogether(building, [{ seed: seed + more, storedLengths, pcs: roomOf(2) }]);
      return (tcp.bytesDelivered * 8000) / building.time.now / 1e9;
    });
    const share = shares.reduce((sum, each) => sum + each, 0) / shares.length;
    // They begin together: over a long way, TCP has hardly begun when the cast has found the link and is done.
    assert(share > (roundTripMs === 1 ? 0.07 : 0.01), `TCP over ${roundTripMs} ms gets ${shares}`);
  }
  const building = { time: new Timeline(), uplink: new Link({ bps: 100e6, queueBytes: 256e3 }) };
  const stream = new SteadyFlow(building.time, building.uplink, 30e6);
  const [cast] = runTogether(building, [{ seed, storedLengths: longImage, pcs: roomOf(2) }]);
  const lost = 1 - stream.delivered / stream.offered;
  assert(lost < 0.01, `the stream loses ${lost}`);
  const share = ((cast as SimRoom).result().stats.bytesSent * 8000) / building.time.now / 70e6;
  assert(share > 0.8, `the cast gets ${share} of the rest`);
});

test("two casts come to fair shares of the server's own link, and of one on the way", () => {
  for (const [uplinkBps, linkBps, storedBytes, seeds] of [
    // What the server's own interface cannot take nobody loses: whatever the seed, each gets half.
    [1e9, 1e9, mib, [1]],
    [1e9, null, mib, [1, 2, 3]],
    [60e6, 1e9, mib / 16, [1, 2, 3]],
    [60e6, null, mib / 16, [1, 2, 3]],
  ] as const) {
    const storedLengths = new Uint32Array(500).fill(storedBytes);
    const queueBytes = uplinkBps === 1e9 ? 1e6 : 256e3;
    const shares = seeds.map((room) => {
      const building = { time: new Timeline(), uplink: new Link({ bps: uplinkBps, queueBytes }) };
      const rooms = [0, 500].map((joinAtMs, index) => ({
        ...{ seed: seed + 10 * room + index, storedLengths, pcs: roomOf(1, { joinAtMs }) },
        ...{ linkBps, uplinkBps },
      }));
      const counts = runTogether(building, rooms).map(({ pcs }) => {
        const { takenAt } = pcs[0] as SimPc;
        return takenAt.filter((at) => at > building.time.now - 4000).length;
      }) as [number, number];
      return counts[1] / (counts[0] + counts[1]);
    });
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    assert(mean > 0.33 && mean < 0.67, `${uplinkBps}, ${linkBps}: ${shares}`);
    assert(Math.min(...shares) > 0.15 && Math.max(...shares) < 0.85, `${shares}`);
  }
});

test("what is damaged on its way is dropped and repaired like what is lost", () => {
  const pcs = roomOf(4, { damageRatio: 0.0001 });
  const result = runRoom({ seed, storedLengths: image, pcs, linkBps: 1e9 });
  assert(result.pcs.every(({ hasAll, corrupted }) => hasAll && corrupted.size === 0));
});

test("a server that is started anew goes on with what each PC lacks", () => {
  const pcs = roomOf(8, { loss: 0.01 });
  const result = runRoom({ seed, storedLengths: image, pcs, linkBps: 1e9, restartAtMs: 200 });
  assert(result.wireRatio < 1.5, `${result.wireRatio}`);
});

test("packets of a stranger reach no disk, and every PC counts them; what they cost is their room on the wire", () => {
  const pcs = roomOf(4, { loss: 0.002 });
  const plain = runRoom({ seed, storedLengths: image, pcs, linkBps: 1e9 });
  const stranger = { packetsPerSecond: 4000, isMember: false };
  const result = runRoom({ seed, storedLengths: image, pcs, linkBps: 1e9, stranger });
  for (const pc of result.pcs) {
    pc.countForged();
    assert(pc.hasAll && pc.corrupted.size === 0, `pc ${pc.id}`);
    assert(pc.forgedCount > 500, `${pc.forgedCount} forged packets are counted`);
  }
  assert(lastOf(result, 4) < lastOf(plain, 4) * 1.2 + 100);
  assert(plain.pcs.every(({ forgedCount }) => forgedCount === 0));
});

test("a member that poisons what it knows the key of makes chunks come again, and over HTTP in the end", () => {
  const stranger = { packetsPerSecond: 400, isMember: true };
  const pcs = roomOf(3);
  const result = runRoom({ seed, storedLengths: image, pcs, linkBps: 1e9, stranger });
  const times = result.pcs.flatMap(({ corrupted }) => [...corrupted.values()]);
  assert(
    times.some((count) => count > 0),
    "something was poisoned",
  );
  assert(result.pcs.every(({ hasAll }) => hasAll));
});

test("new keys cost the room half a second at most, and nobody takes the sender for a stranger", () => {
  const more = { seed, uplinkBps: 100e6, linkBps: 1e9, storedLengths: longImage.slice(0, 200) };
  const plain = runRoom({ ...more, pcs: roomOf(4) });
  const result = runRoom({ ...more, pcs: roomOf(4), rekeyAtMs: 1500 });
  const cost = lastOf(result, 4) - lastOf(plain, 4);
  assert(cost < 500, `${cost} ms`);
  for (const pc of result.pcs) {
    pc.countForged();
    assert(pc.hasAll && pc.corrupted.size === 0);
    assert.equal(pc.forgedCount, 0);
  }
});
