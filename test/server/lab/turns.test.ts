/** A moment that a session waits for is not passed over, however late or early the timers of a busy host are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "../../../core/units/units.ts";
import { Turns, type TurnsPorts } from "../../../server/lab/turns.ts";

/**
 * A lab with one session, which waits for the moment 100: `asked` has when it was asked what follows. `batches`: so many wait
 * for the journal.
 */
function waited(
  clock: { now: number; lateBy: number },
  batches = 1,
): { turns: Turns; fire(): void } & { readonly asked: number[] } {
  const asked: number[] = [];
  let left = batches;
  let wake: (() => void) | null = null;
  const later = (): number => {
    clock.now += clock.lateBy;
    return clock.now;
  };
  const engine: Partial<TurnsPorts["engine"]> = {
    toWrite: () => (left-- > 0 ? ({} as ReturnType<TurnsPorts["engine"]["toWrite"]>) : null),
    written: () => ({ happened: [], changed: [], over: [] }),
    deadline: (after) => (after < 100 ? millis(100) : undefined),
    tick: ({ at }) => void asked.push(at),
    take: () => true,
    mark: () => ({}) as ReturnType<TurnsPorts["engine"]["mark"]>,
  };
  const timers: Partial<TurnsPorts["timers"]> = {
    now: () => millis(later()),
    stamp: () => ({ at: millis(later()), iso: "" }),
    wakeAt(at, act) {
      wake = at === undefined ? null : act;
    },
  };
  const turns = new Turns({
    engine: engine as TurnsPorts["engine"],
    timers: timers as TurnsPorts["timers"],
    journal: { append() {} } as unknown as TurnsPorts["journal"],
    announcer: { stuck() {} },
    act() {},
    send() {},
    letGo() {},
  });
  return { turns, asked, fire: () => wake?.() };
}

test("a timer that comes early, on a host that is then held up past the moment", () => {
  const clock = { now: 0, lateBy: 0 };
  const { turns, asked, fire } = waited(clock);
  turns.flush();
  Object.assign(clock, { now: 99.5, lateBy: 0.25 });
  fire();
  assert.deepEqual(asked, [99.75]);
  clock.now = 100;
  fire();
  assert.equal(asked.length, 2);
  assert((asked[1] as number) >= 100, `${asked}`);
});

test("a decision that is written only after the moment that it waits for", () => {
  const clock = { now: 5000, lateBy: 0 };
  const { turns, asked, fire } = waited(clock);
  turns.flush();
  fire();
  assert.deepEqual(asked, [5000]);
});

test("after a start of the server at which nothing is to be written", () => {
  const { turns, asked, fire } = waited({ now: 5000, lateBy: 0 }, 0);
  turns.resume();
  fire();
  assert.deepEqual(asked, [5000]);
});

test("after an operator's word, which is written by itself", () => {
  const { turns, asked, fire } = waited({ now: 50, lateBy: 0 });
  turns.order("s1", [{ type: "start" }], "the start of session s1");
  fire();
  assert.deepEqual(asked, [50]);
});
