import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeDailyWindow, isWithin } from "../../../core/units/daily-window.ts";

const minute = fc.integer({ min: 0, max: 24 * 60 - 1 });
const text = (at: number): string =>
  [Math.floor(at / 60), at % 60].map((part) => String(part).padStart(2, "0")).join(":");

test("a window is on from its beginning, over midnight, to its end", () => {
  fc.assert(
    fc.property(minute, minute, minute, (from, to, at) => {
      fc.pre(from !== to);
      const window = decodeDailyWindow(`${text(from)}-${text(to)}`);
      assert(window.ok);
      const expected = from < to ? from <= at && at < to : at >= from || at < to;
      assert.equal(isWithin(window.value, at), expected);
    }),
  );
});

test("what is no part of a day is refused", () => {
  for (const odd of ["", "22-6", "24:00-06:00", "22:60-06:00", "22:00-22:00", "22:00 - 06:00"])
    assert.equal(decodeDailyWindow(odd).ok, false, odd);
});
