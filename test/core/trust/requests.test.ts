import assert from "node:assert/strict";
import { test } from "node:test";
import { isAllowed, isLocked } from "../../../core/trust/asks.ts";
import {
  ask,
  asksAtPc,
  deadline,
  expired,
  noRequests,
  ofPc,
  type Requests,
  requestLife,
  requestLimit,
  taken,
} from "../../../core/trust/requests.ts";
import { millis } from "../../../core/units/units.ts";

/** A table in which PCs ask for words. */
class Bench {
  requests: Requests<string> = noRequests;
  now = 0;
  private made = 0;

  ask(pc: string): string | null {
    const id = `r${++this.made}`;
    const request = { id, pc, asked: `wipe ${pc}`, at: millis(this.now) };
    const [next, refusal] = ask(this.requests, request);
    this.requests = next;
    return refusal;
  }

  take(id: string): string | undefined {
    const [next, found] = taken(this.requests, id);
    this.requests = next;
    return found?.asked;
  }
}

test("a PC asks for one thing at a time, and a request is taken once", () => {
  const bench = new Bench();
  assert.equal(bench.ask("a"), null);
  assert.equal(bench.ask("a"), "waiting");
  assert.equal(bench.ask("b"), null);
  assert.equal(ofPc(bench.requests, "b")?.asked, "wipe b");
  assert.equal(bench.take("r1"), "wipe a");
  assert.equal(bench.take("r1"), undefined);
  assert.equal(bench.ask("a"), null);
});

test("50 wait at most, each for ten minutes", () => {
  const bench = new Bench();
  for (let number = 0; number < requestLimit; number++) assert.equal(bench.ask(`p${number}`), null);
  assert.equal(bench.ask("late"), "full");
  assert.equal(deadline(bench.requests), requestLife);
  assert.deepEqual(expired(bench.requests, millis(requestLife - 1)), []);
  assert.equal(expired(bench.requests, requestLife).length, requestLimit);
  assert.equal(deadline(noRequests), undefined);
});

test("a PC that asks, withdraws and asks again does not ring for ever", () => {
  const bench = new Bench();
  for (let number = 1; number <= asksAtPc; number++) {
    assert.equal(bench.ask("a"), null);
    bench.take(`r${number}`);
  }
  assert.equal(bench.ask("a"), "often");
  assert.equal(bench.ask("b"), null, "others may");
  bench.now += requestLife;
  assert.equal(bench.ask("a"), null);
});

test("what is done at once: by room, PIN and action", () => {
  const actions = ["restore", "wipe", "capture", "cast"] as const;
  const allowed = (
    hasPin: boolean,
    policy: "approve" | "free",
    right: "menu" | "instructor" | null,
  ): string =>
    actions.filter((action) => isAllowed(action, { hasPin, ask: policy }, right)).join(" ");
  const all = actions.join(" ");
  assert.equal(allowed(false, "approve", null), "");
  assert.equal(allowed(true, "approve", null), "");
  assert.equal(allowed(true, "approve", "menu"), "restore wipe");
  assert.equal(allowed(true, "approve", "instructor"), all);
  assert.equal(allowed(false, "approve", "instructor"), all);
  assert.equal(allowed(false, "free", null), all);
  assert.equal(allowed(true, "free", null), "", "a PIN that the room has is still typed");
  assert.equal(allowed(true, "free", "menu"), all);
  assert(isLocked({ hasPin: true }, null) && !isLocked({ hasPin: true }, "menu"));
  assert(!isLocked({ hasPin: false }, null));
});
