import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDiskSeconds, parsePrefix } from "../../../core/session/setting-text.ts";

test("a prefix is a number of bits, with or without its slash, or the server's own", () => {
  assert.deepEqual(parsePrefix("24"), { ok: true, value: 24 });
  assert.deepEqual(parsePrefix("/24"), { ok: true, value: 24 });
  assert.deepEqual(parsePrefix("auto"), { ok: true, value: null });
  for (const text of ["", "/", "//24", "24 ", "7", "31", "2.4e1", "24.5", "0x18", "-24", "none"]) {
    assert.equal(parsePrefix(text).ok, false, text);
  }
});

test("seconds are a whole number of them", () => {
  assert.deepEqual(parseDiskSeconds("300"), { ok: true, value: 300 });
  for (const text of ["", "0", "301", "5 s", "1.5", "auto"]) {
    assert.equal(parseDiskSeconds(text).ok, false, text);
  }
});
