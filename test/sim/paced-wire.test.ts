/**
 * How the pace finds a link and keeps it, by seeds: queues that are deep or shallow, policers, losses that
 * come singly and in bursts. `SEEDS=n` takes so many of each.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type PacedWireOptions, type PacedWireResult, runPacedWire } from "./paced-wire.ts";

const seedCount = Number(process.env.SEEDS || 6);
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
/** The part of the link that is used, on the mean. */
const shareOf = (runs: readonly PacedWireResult[]): number =>
  mean(runs.map(({ tenths }) => mean(tenths)));

function runs(options: Partial<PacedWireOptions>, count = seedCount): PacedWireResult[] {
  return Array.from({ length: count }, (_, index) =>
    runPacedWire({
      ...{ seed: index + 1, seconds: 5, memberCount: 4, linkBps: 1e9, knownBps: 10e9 },
      ...{ limit: { kind: "queue", bytes: 256_000 }, loss: { ratio: 0, burst: 1 } },
      reportDelay: { least: 1, spread: 3 },
      ...options,
    }),
  );
}

test("1 % of loss in bursts of 46 costs at most 1.15 times what single losses do", () => {
  for (const linkBps of [100e6, 1e9]) {
    for (const memberCount of [1, 4, 8]) {
      const [single, bursts] = [1, 46].map((burst) =>
        shareOf(runs({ linkBps, memberCount, loss: { ratio: 0.01, burst } })),
      ) as [number, number];
      const what = `${linkBps}, ${memberCount} PCs: ${bursts} of the link, ${single} without bursts`;
      assert(single > 0.85 && bursts > single / 1.15, what);
    }
  }
});

test("at 1 Gbit/s, the first five seconds carry 93 % of the link, and lose half a percent of their own at most", () => {
  for (const limit of [
    { kind: "queue", bytes: 64_000 },
    { kind: "queue", bytes: 256_000 },
    { kind: "policer", bytes: 100_000 },
  ] as const) {
    for (const knownBps of [null, 1e9, 10e9]) {
      const taken = runs({ limit, knownBps });
      const lost = mean(taken.map(({ ownLoss }) => ownLoss));
      const what = `${limit.kind} of ${limit.bytes}, ${knownBps} known: ${shareOf(taken)}, ${lost} lost`;
      assert(shareOf(taken) > 0.93 && lost < 0.005, what);
    }
  }
});

test("a deep queue on the way is noticed before all of what is too much is lost", () => {
  for (const linkBps of [100e6, 1e9]) {
    const taken = runs({ linkBps, limit: { kind: "queue", bytes: 1_500_000 } });
    const lost = mean(taken.map(({ ownLoss }) => ownLoss));
    assert(shareOf(taken) > 0.93 && lost < 0.02, `${linkBps}: ${shareOf(taken)}, ${lost} lost`);
  }
});

test("10 Gbit/s is found in half a second, whatever is known of the interface", () => {
  for (const knownBps of [null, 10e9]) {
    const limit = { kind: "queue", bytes: 1_500_000 } as const;
    for (const { foundMs } of runs({ linkBps: 10e9, knownBps, limit, seconds: 1 }, 2))
      assert((foundMs ?? Number.POSITIVE_INFINITY) < 500, `${knownBps}: after ${foundMs} ms`);
  }
});
