/** Nothing that anybody said is an order to who reads the log. */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { jsonLines, logTo, plainLines } from "../../../server/host/log.ts";
import { anyText, assertHarmless } from "../../core/units/harmful.ts";

for (const [name, linesTo] of [
  ["journal", jsonLines],
  ["terminal", plainLines],
] as const) {
  test(`a line of the log for a ${name} is one line without harm, whatever is in it`, () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const shown = new PassThrough({ encoding: "utf8" });
        const log = logTo(linesTo(shown));
        log.warn({ [text]: text, reason: text, err: new Error(text) }, text);
        const lines = String(shown.read()).split("\n");
        assert.deepEqual([lines.length, lines.at(-1)], [2, ""]);
        assertHarmless(lines[0] ?? "");
        if (name === "journal") assert.equal(JSON.parse(lines[0] ?? "").level, 40);
      }),
    );
  });
}
