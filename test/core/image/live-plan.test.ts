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
  fc.assert(fc.property(fc.string(), (text) => !decodeLivePlan(text).ok));
  fc.assert(
    fc.property(fc.jsonValue(), (runs) => {
      decodeLivePlan(withRuns(runs));
      return !decodeLivePlan(JSON.stringify(runs)).ok;
    }),
  );
});
