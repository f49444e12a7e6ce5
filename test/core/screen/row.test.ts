import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { moved, typed } from "../../../core/screen/keys.ts";
import { bigLetters } from "../../../core/screen/letters.ts";
import {
  asciiCell,
  barRow,
  cell,
  consoleText,
  cut,
  line,
  rowText,
  screenful,
  visibleFrom,
  wrap,
} from "../../../core/screen/row.ts";

test("only what a console's font has is printed, whatever a machine calls itself", () => {
  assert.equal(consoleText("Müller\u2013Saal \u201cA\u201d\u2026"), 'Müller-Saal "A"...');
  assert.equal(
    consoleText("Dvor\u030ca\u0301k \u017b\u0142"),
    "Dvorák Z?",
    "as far as ISO 8859-1 has them",
  );
  assert.equal(consoleText("a\u001b[2J\u0007\u009bb\tc\nd\u202e"), "a?[2J??b c d?");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) =>
      /^[ -~ª«º»¿¡À-ÖØ-öø-ÿ]*$/.test(consoleText(text)),
    ),
  );
});

test("a terminal of ASCII alone gets as many characters, without their accents", () => {
  const shown = (text: string): string => [...text].map(asciiCell).join("");
  assert.equal(shown("ÉCHEC : vérifié, não, ¿cuál?"), "ECHEC : verifie, nao, ?cual?");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const row = consoleText(text);
      const plain = shown(row);
      assert.match(plain, /^[ -~]*$/);
      assert.equal(plain.length, row.length);
    }),
  );
});

test("a line does not begin with the sign that a French word ends with", () => {
  assert.deepEqual(wrap("elle arrive : voici", 11), ["elle", "arrive :", "voici"]);
});

test("cells have their width, and say when they were cut", () => {
  assert.equal(cut("pc-with-a-long-name", 8), "pc-with~");
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 0, max: 40 }), (text, width) => {
      assert.equal(cell(text, width).length, width);
      assert.equal(cell(text, width, "right").length, width);
    }),
  );
});

test("wrapping keeps every character but blanks, and the width", () => {
  assert.deepEqual(wrap("write error at 12.4 GB", 12), ["write error", "at 12.4 GB"]);
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 30 }), (text, width) => {
      const lines = wrap(text, width);
      assert.ok(lines.every((each) => each.length <= width && each.length > 0));
      const bare = (some: string): string => some.replaceAll(" ", "");
      assert.equal(bare(lines.join("")), bare(consoleText(text)));
    }),
  );
});

test("a screen has its terminal's size, whatever is put on it", () => {
  const many = Array.from({ length: 30 }, (_, index) => line("x".repeat(90 + index)));
  for (const lines of [1, 2, 5, 24, 25, 50]) {
    const rows = screenful(
      { header: [barRow("left", "right", 80)], body: many, footer: [line("foot")] },
      { columns: 80, lines },
    );
    assert.equal(rows.length, lines);
    assert.ok(rows.every((row) => rowText(row).length <= 80));
    if (lines > 1) assert.equal(rowText(rows.at(-1) ?? []), " foot");
  }
});

test("the chosen line of a list is among those shown", () => {
  fc.assert(
    fc.property(fc.nat(300), fc.integer({ min: 1, max: 60 }), fc.nat(300), (count, room, at) => {
      if (count === 0) return;
      const chosen = at % count;
      const from = visibleFrom(chosen, count, room);
      assert.ok(from >= 0 && chosen >= from && chosen < from + room);
    }),
  );
});

test("block letters fit, are seven lines high, and grow with the room there is", () => {
  for (const word of [
    "RECEIVING 100%",
    "VERIFYING 43%",
    "CAPTURING 100%",
    "PERSONALISING",
    "VERIFIED",
    "FAILED",
  ]) {
    const rows = bigLetters(word, { columns: 78, lines: 7 }, "block");
    assert.equal(rows.length, 7, word);
    assert.ok(rows.every((row) => rowText(row).length <= 78));
  }
  const large = bigLetters("VERIFIED", { columns: 200, lines: 30 }, "block");
  assert.equal(large.length, 28);
  assert.equal(
    bigLetters("I", { columns: 5, lines: 7 }, "block").map(rowText).join("\n"),
    " ###\n  #\n  #\n  #\n  #\n  #\n ###".replaceAll("  #\n", "  # \n"),
  );
});

test("where there is no room for block letters the word is still there", () => {
  const rows = bigLetters("RECEIVING 43%", { columns: 40, lines: 7 }, "block");
  assert.deepEqual(rows.map(rowText), [" RECEIVING 43%"]);
});

test("a field takes characters, backspace and Ctrl-U, up to its length", () => {
  const key = (name: string) => ({ name, text: name.length === 1 ? name : "" });
  assert.equal(typed("ab", key("c"), 3), "abc");
  assert.equal(typed("abc", key("d"), 3), "abc");
  assert.equal(typed("abc", key("backspace"), 3), "ab");
  assert.equal(typed("abc", key("C-u"), 3), "");
  assert.equal(typed("abc", key("up"), 9), "abc");
  assert.equal(moved(0, key("up"), 5, 3), 0);
  assert.equal(moved(3, key("pagedown"), 5, 3), 4);
  assert.equal(moved(3, key("x"), 5, 3), 3);
});
