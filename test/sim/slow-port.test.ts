/** What a straggler that hears a part of everything has of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PcOptions, SimPc } from "./pc.ts";
import { type RoomOptions, type RoomResult, runRoom } from "./room.ts";

const seed = 20_251_129;
/** 7.9 s at 100 Mbit/s: it takes 0.3 s to see that a PC is a straggler. */
const storedLengths = new Uint32Array(350).fill(1 << 18);
const storedBits = 350 * (1 << 18) * 8;
const linkBps = 100e6;
/** Headers, and 2 % for the search and the end. */
const overhead = 1.085;

const usual: Partial<PcOptions> = { slotCount: 24 };
const room = (pcs: Partial<PcOptions>[], more: Partial<RoomOptions> = {}): RoomResult =>
  runRoom({ seed, storedLengths, uplinkBps: linkBps, linkBps: 1e9, pcs, ...more });
const others = [usual, usual, usual];
const endOf = ({ pcs }: RoomResult, from: number, to: number): number =>
  Math.max(...pcs.slice(from, to).map(({ finishedAt }) => finishedAt ?? Infinity));
const alone = endOf(room(others), 0, 3);

test("a PC behind a slow port keeps what it hears, and is done when its port has carried the image once", () => {
  for (const [portBps, slowCount] of [
    [50e6, 1],
    [60e6, 2],
    [65e6, 1],
    [20e6, 1],
  ] as const) {
    const slow = { ...usual, portBps, keptBytes: 1e9 };
    const result = room([...others, ...Array(slowCount).fill(slow)]);
    const what = `${slowCount} at ${portBps / 1e6} Mbit/s`;
    const cost = endOf(result, 0, 3) / alone;
    assert(cost < 1.03, `${what}: the others take ${cost}`);
    const ratio = endOf(result, 3, 5) / ((storedBits * 1000) / portBps);
    assert(ratio < overhead, `${what}: ${ratio} of what the port needs`);
    // What it misses while the others are served, it is sent at the pace of its port.
    const wire = result.wireRatio / (1 + (1 - portBps / linkBps));
    assert(wire < 1.05, `${what}: the wire carries ${wire} of what it has to`);
  }
});

test("new keys while it catches up cost it what it kept, and it goes on with the rest", () => {
  const rekeyAtMs = 10_000;
  const slow = { ...usual, portBps: 50e6, keptBytes: 1e9 };
  const result = room([...others, slow], { rekeyAtMs });
  const { takenAt, finishedAt } = result.pcs[3] as SimPc;
  // The keys are used half a second later; what is in slots and beside them then is sent once more.
  const usedAt = rekeyAtMs + 500;
  const bits = takenAt.filter((at) => at > usedAt).length * (1 << 18) * 8;
  const ratio = ((finishedAt as number) - usedAt) / ((bits * 1000) / 50e6);
  assert(bits > storedBits * 0.6, "most of it was not whole by then");
  assert(ratio < overhead, `${ratio} of what the port needs`);
});

test("with less memory it keeps as much as that is", () => {
  const ends = [0, storedBits / 8 / 6, 1e9].map((keptBytes) => {
    const result = room([...others, { ...usual, portBps: 50e6, keptBytes }]);
    assert(endOf(result, 0, 3) < alone * 1.05);
    return endOf(result, 3, 4);
  }) as [number, number, number];
  const [nothing, some, all] = ends;
  // Half of the image is heard meanwhile, of which a third fits.
  assert(some < nothing - (nothing - all) * 0.2 && some > all * 1.05, `${ends}`);
});

test("a PC whose cable is bad for a while misses what it lost then, and nothing of what comes after", () => {
  const slow = { ...usual, loss: 0.5, lossUntilMs: 2000 };
  const [forgetful, keeping] = [0, 1e9].map((keptBytes) => {
    const result = room([...others, { ...slow, keptBytes }]);
    assert(endOf(result, 0, 3) < alone * 1.05);
    return result.pcs[3] as SimPc;
  }) as [SimPc, SimPc];
  const hadBy = ({ takenAt }: SimPc): number => takenAt.filter((at) => at < alone).length;
  assert(hadBy(keeping) > 240, `its disk has ${hadBy(keeping)} chunks when the others are done`);
  assert(hadBy(forgetful) < hadBy(keeping));
  assert((keeping.finishedAt ?? Infinity) < alone * 1.35, `${keeping.finishedAt} ${alone}`);
});
