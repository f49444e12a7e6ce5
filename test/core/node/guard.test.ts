/** What no message, timer or datagram may do: end the process. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { guarded } from "../../../core/node/guard.ts";

test("what the work throws, at once or later, goes to the one who is told of errors", async () => {
  const told: string[] = [];
  const onError = (error: Error): void => void told.push(error.message);
  guarded(onError, () => {
    throw new Error("at once");
  });
  guarded(onError, async () => {
    await turn();
    throw new Error("later");
  });
  guarded(onError, () => {
    throw "no error at all";
  });
  guarded(onError, () => 7);
  await turn();
  await turn();
  assert.deepEqual(told, ["at once", "no error at all", "later"]);
});
