import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { leastThat } from "../../../imaging/fit/least-size.ts";

const mib = 1 << 20;

test("the smallest size that works is found to a part of the size, by few tries", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4_000_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (sizeMib, one, other) => {
        const size = sizeMib * mib;
        const [low, real] = [size * Math.min(one, other), size * Math.max(one, other)].map(
          Math.ceil,
        );
        let tries = 0;
        const fits = async (bytes: number): Promise<boolean> => {
          tries++;
          return bytes >= (real as number);
        };
        const found = await leastThat(fits, low as number, size);
        assert(found >= (real as number) && found <= size);
        assert(found - (real as number) <= Math.max(mib, size / 64) + mib, `${found} for ${real}`);
        assert(tries <= 8, `${tries} tries`);
      },
    ),
  );
});
