/** The simulated room. `SEED=n make sim` replays the random rooms with one seed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type PcSpec, type RoomResult, type RoomSpec, runRoom, seeded } from "./room.ts";

const room = (pcs: readonly PcSpec[], spec: Partial<RoomSpec> = {}): RoomResult =>
  runRoom({ seed: 1, entries: 60, storedBytes: 200_000, linkBps: 1e8, pcs, ...spec });

const pcs = (count: number, pc: PcSpec = {}): PcSpec[] => Array.from({ length: count }, () => pc);

test("a room without loss gets each byte once, near the link's rate", () => {
  const { wireRatio, repairBytes, elapsedMs } = room(pcs(8), { entries: 200 });
  assert.equal(repairBytes, 0);
  assert(wireRatio < 1.02, `wire ${wireRatio}`);
  const ideal = (200 * 200_000 * 8) / 1e5;
  assert(elapsedMs < ideal * 1.2, `${elapsedMs} ms, the link alone takes ${ideal}`);
});

test("coded repair of 1 % loss costs little more than the worst receiver's loss", () => {
  const eight = room(pcs(8, { loss: 0.01 }), { entries: 100, storedBytes: 600_000 });
  assert(eight.wireRatio < 1.045, `8 receivers: wire ${eight.wireRatio}`);
  const fifty = room(pcs(50, { loss: 0.01, slots: 12 }), { entries: 12, storedBytes: 600_000 });
  assert(fifty.wireRatio < 1.06, `50 receivers: wire ${fifty.wireRatio}`);
});

test("5 % loss at eight receivers stays below a seventh", () => {
  const { wireRatio } = room(pcs(8, { loss: 0.05 }), { entries: 60, storedBytes: 600_000 });
  assert(wireRatio < 1.14, `wire ${wireRatio}`);
});

test("bursts, reordering, duplicates and lost reports do no harm", () => {
  room([
    { loss: 0.03, burst: 12, reorder: 0.1, duplicate: 0.02 },
    { reorder: 0.3, reportLoss: 0.2 },
    { duplicate: 0.2, loss: 0.01 },
  ]);
});

test("an entry that does not match its hash is sent again", () => {
  const { wireRatio } = room([{ corruptEntry: 5 }, {}, { corruptEntry: 40 }]);
  assert(wireRatio < 1.08, `wire ${wireRatio}`);
});

test("a PC that dies stalls nobody", () => {
  const alone = room(pcs(3), { entries: 200 });
  const { finishedAtMs } = room([...pcs(3), { diesAtMs: 1000 }], { entries: 200 });
  const last = Math.max(...finishedAtMs.slice(0, 3).map((at) => at ?? Number.POSITIVE_INFINITY));
  assert(last < alone.elapsedMs + 2500, `${last} ms, and ${alone.elapsedMs} without it`);
  assert.equal(finishedAtMs[3], null);
});

test("a late PC gets everything, and the wire carries only what it missed", () => {
  const { wireRatio, finishedAtMs } = room([{}, {}, { joinsAtMs: 2000 }], { entries: 200 });
  assert(finishedAtMs.every((at) => at !== null));
  assert(wireRatio < 1.75, `wire ${wireRatio}`);
});

test("a slow disk is put aside, and finishes afterwards", () => {
  const { finishedAtMs } = room([{}, {}, {}, { diskBps: 2e6 }], { entries: 300 });
  const [first = 0, , , slow = 0] = finishedAtMs.map((at) => at ?? 0);
  assert(first < 9000, `the others took ${first} ms`);
  assert(slow > first);
});

test("a whole room behind slow ports is served at what the ports take", () => {
  const { elapsedMs, wireRatio } = room(pcs(4, { portBps: 3e7 }), { linkBps: 1e9, entries: 200 });
  const ideal = (200 * 200_000 * 8) / 3e4;
  assert(elapsedMs < ideal * 1.8, `${elapsedMs} ms, the ports alone take ${ideal}`);
  assert(wireRatio < 1.4, `wire ${wireRatio}`);
});

test("an operator's cap is kept", () => {
  const { elapsedMs } = room(pcs(2), { rateLimitBps: 2e7 });
  const atCap = (60 * 200_000 * 8) / 2e4;
  assert(elapsedMs > atCap * 0.9, `${elapsedMs} ms, at the cap it takes ${atCap}`);
});

test("the sender holds few entries at once, however many there are", () => {
  const { peakFlightBytes } = room(pcs(4, { loss: 0.02 }), { entries: 400, storedBytes: 100_000 });
  assert(peakFlightBytes < 110 * 140_000, `${peakFlightBytes} bytes`);
});

test("random rooms: every living PC ends with every entry", () => {
  const given = process.env["SEED"] ?? "";
  const seeds = given === "" ? Array.from({ length: 60 }, (_, index) => index + 1) : [Number(given)];
  for (const seed of seeds) {
    const random = seeded(seed * 31);
    const count = 1 + Math.floor(random() * 10);
    const chance = (probability: number, value: number): number =>
      random() < probability ? value : 0;
    const members = Array.from({ length: count }, (_, index): PcSpec => {
      const pc: PcSpec = {
        loss: chance(0.5, random() * 0.08),
        burst: 1 + chance(0.3, random() * 20),
        reorder: chance(0.3, random() * 0.2),
        duplicate: chance(0.3, random() * 0.05),
        reportLoss: chance(0.2, random() * 0.1),
        joinsAtMs: chance(0.3, random() * 2000),
        slots: 4 + Math.floor(random() * 20),
        ...(random() < 0.2 ? { diskBps: 2e6 + random() * 2e7 } : {}),
        ...(random() < 0.2 ? { corruptEntry: Math.floor(random() * 20) } : {}),
        ...(random() < 0.15 ? { portBps: 1e7 + random() * 1e8 } : {}),
      };
      // One at least lives to the end.
      return index > 0 && random() < 0.15 ? { ...pc, diesAtMs: 500 + random() * 3000 } : pc;
    });
    const linkBps = random() < 0.5 ? 1e8 : 1e9;
    runRoom({ seed, entries: 30, storedBytes: 120_000, linkBps, pcs: members, limitMs: 300_000 });
  }
});
