import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeLivePlan, encodeLivePlan, type LivePlan } from "../../../core/image/live-plan.ts";

const diskBytes = 100 << 20;
const planOf = (chunkIndexes: readonly number[]): LivePlan => ({
  manifest: {
    format: "roomcast-image",
    formatVersion: 1,
    source: "pc1",
    diskBytes,
    logicalSector: 512,
    chunkBytes: 1 << 20,
    chunkCount: chunkIndexes.length,
    usedBytes: diskBytes,
    partitionTable: "none",
    partitions: [],
    warnings: [],
  },
  chunkIndexes: Uint32Array.from(chunkIndexes),
});

test("a plan comes back as it was, whatever chunks it has", () => {
  const chunks = fc
    .uniqueArray(fc.integer({ min: 0, max: 99 }))
    .map((all) => all.sort((one, other) => one - other));
  fc.assert(
    fc.property(chunks, (chunkIndexes) => {
      const decoded = decodeLivePlan(encodeLivePlan(planOf(chunkIndexes)));
      assert(decoded.ok);
      assert.deepEqual(decoded.value, planOf(chunkIndexes));
    }),
  );
});

test("a plan that makes no sense is refused, and nothing throws", () => {
  const good = JSON.parse(encodeLivePlan(planOf([0, 1, 5]))) as { manifest: object; runs: unknown };
  const withRuns = (runs: unknown): string => JSON.stringify({ ...good, runs });
  for (const runs of [
    null,
    [[0, 2]],
    [[0, 4]],
    [
      [0, 2],
      [1, 1],
    ],
    [
      [5, 1],
      [0, 2],
    ],
    [
      [0, 2],
      [100, 1],
    ],
    [
      [0, 2],
      [99, 2],
    ],
    [
      [0, 0],
      [0, 2],
      [5, 1],
    ],
    [
      [0, 1.5],
      [5, 2],
    ],
    [[-1, 3]],
    [[0, 2], 5],
  ]) {
    assert.equal(decodeLivePlan(withRuns(runs)).ok, false, JSON.stringify(runs));
  }
  assert.equal(
    decodeLivePlan(
      withRuns([
        [0, 2],
        [5, 1],
      ]),
    ).ok,
    true,
  );
  assert.equal(
    decodeLivePlan(
      withRuns([
        [0, 2, 1],
        [5, 1],
      ]),
    ).ok,
    false,
  );
  fc.assert(fc.property(fc.string(), (text) => !decodeLivePlan(text).ok));
  fc.assert(
    fc.property(fc.jsonValue(), (runs) => {
      decodeLivePlan(withRuns(runs));
      return !decodeLivePlan(JSON.stringify(runs)).ok;
    }),
  );
});

/** The longest array of 32-bit numbers that the work makes. */
function longestArray(work: () => void): number {
  const Real = globalThis.Uint32Array;
  let longest = 0;
  const Counted = new Proxy(Real, {
    construct(target, args: [number]) {
      longest = Math.max(longest, args[0]);
      return new target(...args);
    },
  });
  globalThis.Uint32Array = Counted;
  try {
    work();
  } finally {
    globalThis.Uint32Array = Real;
  }
  return longest;
}

test("whatever a plan says, only what its runs have is allocated, and nothing throws", () => {
  const good = JSON.parse(encodeLivePlan(planOf([0, 1, 5])));
  const number = fc.oneof(fc.nat(200), fc.nat(), fc.constantFrom(2 ** 32 - 1, 2 ** 52, -1, 0.5));
  const runs = fc.array(fc.oneof(fc.tuple(number, number), fc.jsonValue()), { maxLength: 4 });
  const manifest = fc.record({ diskBytes: number, chunkCount: number }, { requiredKeys: [] });
  fc.assert(
    fc.property(runs, manifest, (runs, change) => {
      const text = JSON.stringify({ manifest: { ...good.manifest, ...change }, runs });
      let made = 0;
      const longest = longestArray(() => {
        const decoded = decodeLivePlan(text);
        if (decoded.ok) made = decoded.value.chunkIndexes.length;
      });
      assert.equal(longest, made);
    }),
  );
  // A short text cannot ask for gigabytes, even if it is consistent.
  const diskBytes = 2 ** 52 - 2 ** 20;
  const chunkCount = 2 ** 32 - 1;
  for (const runs of [[], [[0, chunkCount]]]) {
    const text = JSON.stringify({ manifest: { ...good.manifest, diskBytes, chunkCount }, runs });
    assert.equal(
      longestArray(() => assert(!decodeLivePlan(text).ok)),
      0,
    );
  }
  // What is nested deeper than a stack is long.
  const deep = `${"[".repeat(1 << 20)}${"]".repeat(1 << 20)}`;
  for (const text of [deep, `{"manifest":${deep}}`, `{"manifest":{"source":${deep}}}`])
    assert.equal(decodeLivePlan(text).ok, false);
});
