/** Lists as spreadsheets read and write them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { csvLine, plainCell, readCsv, safeCell } from "../../../core/units/csv.ts";

const cell = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom("'", "=", "+", " ", '"', ",", "\r", "\n", "a", "＝") }),
);
/** A line of one empty cell is an empty line. */
const row = fc
  .array(cell, { minLength: 1, maxLength: 5 })
  .filter(([one, ...more]) => more.length > 0 || one !== "");

test("what is written is read again, whichever way lines end", () => {
  fc.assert(
    fc.property(fc.array(row), fc.constantFrom("\n", "\r\n", "\r"), (rows, end) => {
      const read = readCsv(rows.map((cells) => csvLine(cells) + end).join(""));
      assert(read.ok);
      assert.deepEqual(
        read.value.map(({ cells }) => cells),
        rows,
      );
      const open = readCsv(rows.map(csvLine).join(end));
      assert.deepEqual(open.ok && open.value.map(({ cells }) => cells), rows);
    }),
  );
});

test("a cell comes back as it was, and is no formula in between", () => {
  fc.assert(
    fc.property(cell, (text) => {
      assert.equal(plainCell(safeCell(text)), text);
      assert.doesNotMatch(safeCell(text), /^ *[=+\-@＝＋－＠]/);
    }),
  );
  assert.equal(safeCell("=1+1"), "'=1+1");
  assert.equal(plainCell("'=1+1"), "=1+1", "typed by hand");
  assert.equal(plainCell("'tis"), "'tis");
});

test("each row knows the line that it begins on", () => {
  const read = readCsv('\ufeffa,b\n\n"one\ntwo",3\r\n4,5');
  assert.deepEqual(read, {
    ok: true,
    value: [
      { line: 1, cells: ["a", "b"] },
      { line: 3, cells: ["one\ntwo", "3"] },
      { line: 5, cells: ["4", "5"] },
    ],
  });
});

test("what is no CSV is told with its line, and never thrown", () => {
  assert.deepEqual(readCsv('a\n"b'), { ok: false, reason: "line 2: a quote is not closed" });
  const behind = readCsv('a\n"b"c');
  assert.match(behind.ok ? "" : behind.reason, /^line 2: .*behind a closing quote/);
  fc.assert(fc.property(fc.string(), (text) => void readCsv(text)));
});
