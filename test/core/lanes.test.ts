import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { inLanes } from "../../core/lanes.ts";

async function* streamed(count: number): AsyncGenerator<number> {
  for (let item = 0; item < count; item++) {
    await Promise.resolve();
    yield item;
  }
}

test("every item is worked on once, begun in order, and never more at once than there are lanes", () =>
  fc.assert(
    fc.asyncProperty(
      fc.nat(40),
      fc.integer({ min: 1, max: 8 }),
      fc.boolean(),
      fc.scheduler(),
      async (count, laneCount, isStreamed, scheduler) => {
        const begun: number[] = [];
        const busy = new Set<number>();
        const items = isStreamed ? streamed(count) : Array.from({ length: count }, (_, at) => at);
        const all = inLanes(items, laneCount, async (item, lane) => {
          assert.ok(!busy.has(lane) && lane < laneCount, "a lane does one thing at a time");
          busy.add(lane);
          begun.push(item);
          await scheduler.schedule(Promise.resolve());
          busy.delete(lane);
        });
        await scheduler.waitFor(all);
        assert.deepEqual(
          begun,
          Array.from({ length: count }, (_, at) => at),
        );
      },
    ),
  ));

test("after a failure nothing is begun, what is under way is waited for, and the first is told", async () => {
  for (const items of [[0, 1, 2, 3, 4, 5], streamed(6)]) {
    const slow = Promise.withResolvers<void>();
    const begun: number[] = [];
    let isDone = false;
    const all = inLanes(items, 3, async (item) => {
      begun.push(item);
      if (item === 0) {
        await slow.promise;
        isDone = true;
      } else throw new Error(`item ${item}`);
    });
    setImmediate(slow.resolve);
    await assert.rejects(all, { message: "item 1" });
    assert.equal(isDone, true);
    assert.ok(!begun.includes(3), `${begun}`);
  }
});

test("a source that fails is a failure like any other", async () => {
  async function* broken(): AsyncGenerator<number> {
    yield* streamed(2);
    throw new Error("cut");
  }
  const begun: number[] = [];
  const all = inLanes(broken(), 4, async (item) => void begun.push(item));
  await assert.rejects(all, { message: "cut" });
  assert.deepEqual(begun, [0, 1]);
});
