import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../core/node/clock.ts";
import { millis } from "../../../core/units/units.ts";
import { LabTimers } from "../../../server/lab/timers.ts";

test("what is due in months does not go off at once", async () => {
  const timers = new LabTimers(systemClock, 0);
  let calls = 0;
  timers.wakeAt(millis(timers.now() + 100 * 86_400_000), () => calls++);
  await sleep(50);
  timers.close();
  assert.equal(calls, 0);
});
