import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bpsOf, CauseWatch } from "../../../core/cast/causes.ts";
import type { Figures } from "../../../core/cast/measure.ts";
import { newMember, standingOf } from "../../../core/cast/member.ts";
import { SentRuns } from "../../../core/cast/sent-runs.ts";
import { millis } from "../../../core/units/units.ts";

/** A receiver that keeps up: what noise there is names nothing. */
const well: Figures = {
  ...{ packetsPerMs: 40, sentPerMs: 40, lossRatio: 0.002, dropRatio: 0 },
  ...{ writtenPerMs: 0.05, backlogRatio: 0.1, behindMs: 120 },
};
const perMs = (bps: number): number => bps / bpsOf(1);

/** What each cause makes of the figures; `size` is 0…1, how bad it is. */
const planted: Readonly<Record<string, (size: number) => Partial<Figures>>> = {
  loss: (size) => {
    const lossRatio = 0.04 + size * 0.6;
    // Not what a port of any speed would let through.
    return { lossRatio, sentPerMs: perMs(60e6), packetsPerMs: perMs(60e6) * (1 - lossRatio) };
  },
  link: (size) => ({
    sentPerMs: perMs(110e6 + size * 600e6),
    packetsPerMs: perMs(95e6),
    lossRatio: 1 - 95e6 / (110e6 + size * 600e6),
  }),
  disk: (size) => ({ backlogRatio: 0.6 + size * 0.4, writtenPerMs: 0.02 * (1 - size) }),
  behind: (size) => ({ behindMs: 1000 + size * 20_000 }),
  host: (size) => ({ lossRatio: 0.02 + size * 0.4, dropRatio: 0.02 + size * 0.4 }),
};
const cause = fc.constantFrom(...Object.keys(planted));
const size = fc.double({ min: 0, max: 1, noNaN: true });

test("the cause that is named is the one that was planted, with its own figure", () => {
  fc.assert(
    fc.property(cause, fc.array(size, { minLength: 6, maxLength: 40 }), (name, sizes) => {
      const watch = new CauseWatch();
      for (const each of sizes) watch.note({ ...well, ...planted[name]?.(each) });
      assert.equal(watch.reason?.cause, name);
    }),
  );
});

test("what shows in one window of two at the most, or not for a second, is not named", () => {
  fc.assert(
    fc.property(cause, size, fc.integer({ min: 1, max: 3 }), (name, each, windows) => {
      const watch = new CauseWatch();
      for (let round = 0; round < 40; round++) {
        const isShown = round % 8 < windows;
        watch.note(isShown ? { ...well, ...planted[name]?.(each) } : well);
        assert.equal(watch.reason, null);
      }
    }),
  );
});

test("a cause that has passed is named no more within two seconds, and does not come and go before", () => {
  fc.assert(
    fc.property(cause, size, (name, each) => {
      const watch = new CauseWatch();
      for (let round = 0; round < 10; round++) watch.note({ ...well, ...planted[name]?.(each) });
      const named: boolean[] = [];
      for (let round = 0; round < 8; round++) {
        watch.note(well);
        named.push(watch.reason !== null);
      }
      assert.equal(named.at(-1), false);
      assert.deepEqual(
        named,
        named.toSorted((one, other) => Number(other) - Number(one)),
      );
    }),
  );
});

test("a cause gives way to another that lasts, and its figure is the mean of what showed it", () => {
  const watch = new CauseWatch();
  for (let round = 0; round < 8; round++) watch.note({ ...well, ...planted.loss?.(0.2) });
  for (let round = 0; round < 8; round++)
    watch.note({ ...well, backlogRatio: 1, writtenPerMs: round % 2 === 0 ? 0.001 : 0.003 });
  assert.deepEqual(watch.reason, { cause: "disk", writeBytesPerSecond: 2 * 1024 * 1024 });
});

test("what lasts is told of a receiver in the main lane, too, and is no reason to leave it", () => {
  const member = newMember(1, 8, millis(0));
  const standing = () =>
    standingOf(member, { runs: new SentRuns(), generation: 1 }, millis(10_000));
  for (let round = 0; round < 8; round++) {
    assert.equal(standing().shown, round < 4 ? null : member.causes.reason);
    member.causes.note({ ...well, ...planted.loss?.(0.2) });
  }
  assert.equal(standing().shown?.cause, "loss");
  assert.deepEqual([standing().lane, standing().reason], ["main", null]);
});
