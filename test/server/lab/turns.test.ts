/** A moment that a session waits for is not passed over, however late or early the timers of a busy host are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "../../../core/units/units.ts";
import { Turns, type TurnsPorts } from "../../../server/lab/turns.ts";

/** A lab with one session, which waits for the moment 100: `asked` has when it was asked what follows. */
function waited(clock: { now: number; lateBy: number }): { turns: Turns; fire(): void } & {
  readonly asked: number[];
} {
  const asked: number[] = [];
  let batches = 1;
  let wake: (() => void) | null = null;
  const later = (): number => {
    clock.now += clock.lateBy;
    return clock.now;
  };
  const engine: Partial<TurnsPorts["engine"]> = {
    toWrite: () => (batches-- > 0 ? ({} as ReturnType<TurnsPorts["engine"]["toWrite"]>) : null),
    written: () => ({ happened: [], changed: [], over: [] }),
    deadline: (after) => (after < 100 ? millis(100) : undefined),
    tick: ({ at }) => void asked.push(at),
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
