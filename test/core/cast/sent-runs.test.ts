import assert from "node:assert/strict";
import { test } from "node:test";
import { SentRuns } from "../../../core/cast/sent-runs.ts";
import { millis } from "../../../core/units/units.ts";

const second = millis(1000);

/** A packet at each of these times; the first is number 1. */
function sentAt(times: readonly number[]): SentRuns {
  const runs = new SentRuns();
  for (const [index, at] of times.entries()) runs.note(index + 1, millis(at));
  return runs;
}
const each = (everyMs: number, fromMs: number, untilMs: number): number[] =>
  Array.from(
    { length: Math.floor((untilMs - fromMs) / everyMs) + 1 },
    (_, index) => fromMs + index * everyMs,
  );

test("packets that go out without a pause are a run once they have done so for long enough", () => {
  assert.equal(sentAt([]).from(second), null);
  assert.equal(sentAt(each(200, 0, 800)).from(second), null);
  assert.equal(sentAt(each(200, 0, 1000)).from(second), 1);
  assert.equal(sentAt(each(200, 0, 2000)).from(second), 6, "the last such run");
  const dense = sentAt(each(1, 0, 5000)).from(second);
  assert(dense !== null && dense > 3900 && dense <= 4001, `${dense}: within a tenth of a second`);
});

test("a pause ends the run, however much was sent on both sides of it", () => {
  const before = each(1, 0, 900);
  assert.equal(sentAt([...before, ...each(1, 1500, 2400)]).from(second), null);
  const found = sentAt([...before, ...each(1, 1500, 2600)]).from(second);
  assert(found !== null && found > before.length, `${found} is after the pause`);
  assert.notEqual(sentAt([...before, ...each(1, 1300, 1400)]).from(second), null, "no pause yet");
});

test("packets that are numbered anew are of no run before", () => {
  const runs = sentAt(each(1, 0, 3000));
  runs.clear();
  runs.note(1, millis(3001));
  assert.equal(runs.from(second), null);
});
