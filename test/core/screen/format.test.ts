import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  barText,
  byteRateText,
  durationText,
  linkRateText,
  lossText,
  percentText,
  sizeText,
} from "../../../core/screen/format.ts";

test("sizes are decimal, with one decimal place", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [999_949, "999.9 kB"],
    [999_950, "1.0 MB"],
    [12_400_000_000, "12.4 GB"],
    [500_107_862_016, "500.1 GB"],
    [4_000_787_030_016, "4.0 TB"],
  ];
  for (const [value, text] of cases) assert.equal(sizeText(value), text);
  assert.equal(byteRateText(98_200_000), "98.2 MB/s");
});

test("links are rated in bits", () => {
  assert.equal(linkRateText(118_000_000), "944 Mbit/s");
  assert.equal(linkRateText(125_000_000), "1.0 Gbit/s");
  assert.equal(linkRateText(500_000), "4.0 Mbit/s");
});

test("durations are as exact as anybody needs them", () => {
  const cases: [number, string][] = [
    [0.4, "0 s"],
    [59.4, "59 s"],
    [59.6, "1 min 00 s"],
    [320, "5 min 20 s"],
    [599.6, "10 min"],
    [3599, "1 h 00 min"],
    [3900, "1 h 05 min"],
  ];
  for (const [seconds, text] of cases) assert.equal(durationText(seconds), text);
});

test("100 % and a full bar are said of what is complete only", () => {
  assert.equal(percentText(0.9999), "99 %");
  assert.equal(percentText(0.29), "29 %");
  assert.equal(percentText(1), "100 %");
  assert.equal(barText(0.999, 12), "[#########-]");
  assert.equal(barText(1, 12), "[##########]");
  fc.assert(
    fc.property(
      fc.double({ min: -1, max: 2, noNaN: true }),
      fc.integer({ min: 2, max: 200 }),
      (fraction, width) => {
        assert.equal(barText(fraction, width).length, width);
      },
    ),
  );
});

test("loss is exact where it is small", () => {
  assert.deepEqual([0, 0.0002, 0.013, 0.12].map(lossText), ["0 %", "0.02 %", "1.3 %", "12 %"]);
});
