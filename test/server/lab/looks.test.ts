import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../core/node/clock.ts";
import type { ServerMessage } from "../../../core/wire/server-message.ts";
import { Looks } from "../../../server/lab/looks.ts";
import { LabTimers } from "../../../server/lab/timers.ts";

const timers = new LabTimers(systemClock, 0);

type Look = Extract<ServerMessage, { type: "look" }>;

test("an answer reaches who asked, and only the PC that was asked can give it", async () => {
  const asked: [string, Look][] = [];
  const looks = new Looks(timers, (pc, message) => void asked.push([pc, message as Look]));
  const first = looks.look("a", "screen");
  const second = looks.look("b", "log");
  const [, toA] = asked[0] ?? assert.fail();
  const [, toB] = asked[1] ?? assert.fail();
  assert.deepEqual([toA.at, toB.at], ["screen", "log"]);
  looks.seen("b", { type: "seen", request: toA.request, lines: ["forged"] });
  looks.seen("a", { type: "seen", request: "nobody", lines: ["late"] });
  looks.seen("b", { type: "seen", request: toB.request, lines: ["b's log"] });
  looks.seen("a", { type: "seen", request: toA.request, lines: ["READY"] });
  assert.deepEqual(await first, ["READY"]);
  assert.deepEqual(await second, ["b's log"]);
});

test("a PC that does not answer is said to be silent", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const looks = new Looks(timers, () => {});
  const look = looks.look("a", "screen");
  t.mock.timers.tick(5000);
  await assert.rejects(look, /does not answer/);
});
