import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TimeLeft } from "../../../core/session/time-left.ts";
import { millis } from "../../../core/units/units.ts";
import type { MemberView, SessionView } from "../../../core/wire/views.ts";
import { memberOf, sessionOf } from "../../client/console/fake-lab.ts";

interface SimPc {
  readonly wanted: number;
  /** Bytes a second, by the second. */
  readonly paces: readonly number[];
  readonly lane?: MemberView["lane"];
}

/** Each second of a room in which each PC writes at its pace; nothing is read back. */
function* seconds(pcs: readonly SimPc[], count: number): Generator<SessionView> {
  const written = pcs.map(() => 0);
  for (let second = 0; second < count; second++) {
    yield sessionOf(
      pcs.map(({ wanted, lane = "main" }, index) =>
        memberOf(index + 1, {
          ...{ bytesWanted: wanted, bytesWritten: Math.floor(written[index] as number) },
          ...{ chunksKept: 0, bytesVerified: null, lane },
        }),
      ),
    );
    for (const [index, { wanted, paces }] of pcs.entries()) {
      const pace = paces[second % paces.length] as number;
      written[index] = Math.min(wanted, (written[index] as number) + pace);
    }
  }
}

const shown = (views: Iterable<SessionView>): (number | null)[] => {
  const left = new TimeLeft();
  return [...views].map((view, second) => {
    left.note(view, millis(second * 1000));
    return left.seconds;
  });
};

const about = (value: number | null | undefined, wanted: number): void =>
  assert(Math.abs((value ?? -1) - wanted) <= 1 + wanted / 10, `${value}, not ${wanted}`);

test("at a steady pace it is right as soon as it is known, and counts down", () => {
  const values = shown(seconds([{ wanted: 1e9, paces: [1e7] }], 100));
  assert.deepEqual(values.slice(0, 3), [null, null, null]);
  for (let second = 4; second < 100; second++) about(values[second], 100 - second);
});

test("it is the PC's in the middle: one that is far slower, and who is served after the others, do not count", () => {
  const fast = { wanted: 1e9, paces: [1e7] };
  const pcs = [fast, fast, fast, { wanted: 1e9, paces: [1e5] }];
  about(shown(seconds([...pcs, fast], 30)).at(-1), 71);
  const late = { wanted: 1e9, paces: [1e4], lane: "catch-up" } as const;
  about(shown(seconds([fast, late, late], 30)).at(-1), 71);
  // Where nobody else is left, they are what is waited for.
  about(shown(seconds([{ ...late, paces: [1e6] }], 30)).at(-1), 971);
});

/** The one in the middle; of an even number the later one. */
const middle = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0;

test("whatever the paces do, it changes by no more than the time that passed allows, and what a PC does to the middle whose pace becomes known", () => {
  const pace = fc.integer({ min: 0, max: 3e7 });
  const pc = fc.record({
    wanted: fc.integer({ min: 1e8, max: 1e10 }),
    paces: fc.array(pace, { minLength: 1, maxLength: 20 }),
  });
  fc.assert(
    fc.property(fc.array(pc, { minLength: 1, maxLength: 6 }), (pcs) => {
      const alone = pcs.map((each) => shown(seconds([each], 60)));
      let before: number | null = null;
      for (const [second, value] of shown(seconds(pcs, 60)).entries()) {
        assert(value === null || (value >= 0 && Number.isFinite(value)));
        if (before !== null && value !== null) {
          const now = alone.flatMap((own) => own[second] ?? []);
          const same = alone.flatMap((own) => {
            const was = own[second - 1] ?? null;
            return was === null ? [] : [own[second] ?? was - 1];
          });
          const byTime = value - (middle(now) - middle(same));
          const said = `${before} → ${value}, of which ${value - byTime} by who is known`;
          assert(byTime <= before + 1 + 1e-6 && byTime >= before - 3 - 1e-6, said);
        }
        before = value;
      }
    }),
  );
});

test("a PC that comes or goes is something that happened: the new time is shown at once", () => {
  const left = new TimeLeft();
  const [fast, slow] = [
    { wanted: 1e9, paces: [1e7] },
    { wanted: 1e10, paces: [1e7] },
  ];
  let second = 0;
  for (const view of seconds([fast, slow, slow], 20)) left.note(view, millis(second++ * 1000));
  about(left.seconds, 981);
  const [view] = [...seconds([fast, slow, slow], 21)].slice(20);
  const members = (view?.members ?? []).slice(0, 1);
  left.note({ ...(view as SessionView), members }, millis(second * 1000));
  about(left.seconds, 80);
});
