import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeDiskSize } from "../../../core/wire/fit-size.ts";

test("a disk's size is read as people write it, and spelled one way", () => {
  for (const [written, bytes, text] of [
    ["240GB", 240e9, "240GB"],
    ["240gb", 240e9, "240GB"],
    ["223GiB", 223 * 2 ** 30, "223GiB"],
    ["223gib", 223 * 2 ** 30, "223GiB"],
    ["1.92TB", 1.92e12, "1.92TB"],
    ["256060514304", 256060514304, "256060514304"],
    ["900MiB", 900 * 2 ** 20, "900MiB"],
  ] as const) {
    assert.deepEqual(decodeDiskSize(written), { ok: true, value: { bytes, text } }, written);
  }
});

test("what is no size is refused", () => {
  for (const written of [
    "",
    "0",
    "0GB",
    "-1GB",
    "240 GB",
    "240G",
    "GB",
    "1e9",
    "9999999TB",
    "1.2345TB",
  ]) {
    assert.equal(decodeDiskSize(written).ok, false, written);
  }
});
