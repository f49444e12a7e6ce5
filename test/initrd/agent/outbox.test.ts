import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "../../../core/units/units.ts";
import { Outbox } from "../../../initrd/agent/outbox.ts";

const result = {
  type: "result",
  task: "s1",
  outcome: "verified",
  reason: null,
  next: null,
  rootHash: null,
  counters: null,
} as const;

const at = (value: number) => millis(value);

test("a result is settled by what the server says after it", () => {
  const outbox = new Outbox();
  outbox.put(result, at(0));
  assert.equal(outbox.task, "s1");
  assert.equal(outbox.toSend(), result);
  outbox.sent(at(100));
  assert.equal(outbox.toSend(), null, "once");
  assert.equal(outbox.settle(at(90), at(1000)), false, "what came before says nothing");
  assert.equal(outbox.settle(at(150), at(1000)), false, "it may have been on its way");
  assert.equal(outbox.settle(at(900), at(1000)), true);
  assert.equal(outbox.task, null);
});

test("a result that a broken connection may have lost is sent again", () => {
  const outbox = new Outbox();
  outbox.put(result, at(0));
  outbox.sent(at(100));
  assert.equal(outbox.settle(null, at(2000)), false);
  outbox.reconnected();
  assert.equal(outbox.toSend(), result);
  outbox.sent(at(5000));
  assert.equal(outbox.settle(at(5400), at(5400)), true);
});

test("a server that stays away, or knows the task no more, does not hold the PC", () => {
  const outbox = new Outbox();
  outbox.put(result, at(0));
  assert.equal(outbox.settle(null, at(59_000)), false);
  assert.equal(outbox.settle(null, at(60_000)), true);
  outbox.put(result, at(0));
  outbox.drop("another");
  assert.equal(outbox.settle(null, at(1)), false);
  outbox.drop("s1");
  assert.equal(outbox.settle(null, at(1)), true);
});
