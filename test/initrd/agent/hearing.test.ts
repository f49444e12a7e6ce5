import assert from "node:assert/strict";
import { test } from "node:test";
import { Hearing } from "../../../initrd/agent/tasks/hearing.ts";

/** Looks four times a second; answers after how many milliseconds it is found deaf, or null. */
function deafAfter(hear: (atMs: number) => number, rateBps: number | null): number | null {
  const hearing = new Hearing();
  hearing.begin(0);
  for (let atMs = 250; atMs <= 5000; atMs += 250) {
    if (atMs % 1000 === 0) hearing.roomRate(rateBps, atMs);
    if (hearing.isDeaf(hear(atMs), atMs)) return atMs;
  }
  return null;
}

test("a PC is deaf when the server sends and nothing comes, at the second look", () => {
  assert.equal(
    deafAfter(() => 0, 5e8),
    2000,
  );
  assert.equal(
    deafAfter(() => 0, null),
    null,
    "the server does not send",
  );
  assert.equal(
    deafAfter(() => 0, 0),
    null,
  );
  assert.equal(
    deafAfter((atMs) => Math.floor(atMs / 1000), 5e8),
    null,
    "a packet a second",
  );
  assert.equal(
    deafAfter((atMs) => (atMs < 3000 ? atMs : 3000), 5e8),
    4250,
    "it fell silent",
  );
});

test("what the server said of its rate holds for some seconds only", () => {
  const hearing = new Hearing();
  hearing.roomRate(5e8, 0);
  hearing.begin(0);
  assert.equal(hearing.isDeaf(0, 2600), false);
  assert.equal(hearing.isDeaf(0, 2700), false);
});
