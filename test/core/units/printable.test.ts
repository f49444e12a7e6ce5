import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { printable, printableIn } from "../../../core/units/printable.ts";
import { anyText, assertHarmless } from "./harmful.ts";

test("what moves a cursor, turns the direction or is not seen becomes a question mark", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["Samsung 860 EVO", "Samsung 860 EVO"],
    ["Größe, 磁盘, диск, ½ 🖥", "Größe, 磁盘, диск, ½ 🖥"],
    ["a\u001b[2Jb", "a?[2Jb"],
    ["\u001b]52;c;cm0gLXJm\u0007", "?]52;c;cm0gLXJm?"],
    ["\u009b31m", "?31m"],
    ["line\r\nand\tline", "line  and line"],
    ["invoice\u202efdp.exe", "invoice?fdp.exe"],
    ["a\u2066b\u2069c\u200ed\u200f\u061c", "a?b?c?d??"],
    ["zero\u200bwidth\ufeff\u2060\u00ad", "zero?width???"],
    ["hidden\u3164\u115f\u034f\ufe0f", "hidden????"],
    ["\ue000 \udb80\udc00 \ud800 \uffff", "? ? ? ?"],
    ["\u{e0041}\u{e0001}", "??"],
    ["nul\0nul", "nul?nul"],
    ["é z̈̂ z\u0300\u0301\u0302\u0303\u0304", "é z̈̂ z\u0300\u0301"],
    ["wide\u2028line\u3000blank\u00a0", "wide line blank "],
  ];
  for (const [text, shown] of cases) assert.equal(printable(text), shown);
});

test("whatever it was, it is one line without harm, no longer than before, and stays as it is", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const shown = printable(text);
      assertHarmless(shown);
      assert(shown.length <= text.length);
      assert.equal(printable(shown), shown);
    }),
  );
});

test("every text in a value is taken, however deep it is, and nothing else", () => {
  assert.deepEqual(
    printableIn({ "\u0007a": ["\u001b", { b: "\u202e" }], c: 1, d: null, e: true }),
    {
      "?a": ["?", { b: "?" }],
      ...{ c: 1, d: null, e: true },
    },
  );
  const hostile = printableIn(JSON.parse('{"__proto__":{"isAdmin":"\\u0000"}}'));
  assert.equal(({} as { isAdmin?: string }).isAdmin, undefined);
  assert.deepEqual(Object.keys(hostile), ["__proto__"]);
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.doesNotMatch(JSON.stringify(printableIn(value)), /\\u00[01]|\\u[dD][89a-f]/);
    }),
  );
});
