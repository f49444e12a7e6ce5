import assert from "node:assert/strict";
import { test } from "node:test";
import { seeded } from "./random.ts";
import { Timeline } from "./timeline.ts";

test("what happens at the same moment happens in the order in which it was planned, and also what is planned meanwhile", () => {
  const timeline = new Timeline();
  const random = seeded(7);
  const happened: { readonly at: number; readonly order: number; readonly now: number }[] = [];
  let order = 0;
  const plan = (at: number): void => {
    const planned = order++;
    timeline.at(at, () => {
      happened.push({ at, order: planned, now: timeline.now });
      if (order < 3000) plan(timeline.now + Math.floor(random() * 20));
    });
  };
  for (let each = 0; each < 100; each++) plan(Math.floor(random() * 50));
  plan(12.5);
  while (timeline.step());
  assert.equal(happened.length, 3000);
  const inOrder = happened.toSorted((one, other) => one.at - other.at || one.order - other.order);
  assert.deepEqual(happened, inOrder);
  assert(happened.every(({ at, now }) => at === now));
});

test("what is planned for a moment that is over happens now", () => {
  const timeline = new Timeline();
  const happened: number[] = [];
  timeline.at(10, () => timeline.at(3, () => void happened.push(timeline.now)));
  while (timeline.step());
  assert.deepEqual(happened, [10]);
  timeline.at(4, () => void happened.push(timeline.now));
  assert(timeline.step());
  assert.deepEqual(happened, [10, 10]);
});
