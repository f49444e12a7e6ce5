import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { notesLines } from "../../../core/screen/image-notes.ts";
import { printable } from "../../../core/units/printable.ts";
import { firstImageNote, keptImageNotes } from "../../../core/wire/image-notes.ts";

test("notes that are kept are kept as they are, and every line of them is one that can be shown", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.array(fc.string()), (odd, lines) => {
      const kept = keptImageNotes([odd, ...lines].join("\n"));
      assert.equal(keptImageNotes(kept), kept);
      assert(!kept.startsWith("\n") && !kept.endsWith("\n"));
      for (const line of kept.split("\n")) {
        assert.equal(printable(line), line);
        assert.equal(line.trimEnd(), line);
      }
    }),
  );
});

test("the first line stands for all of them, and says that there are more", () => {
  const said = (notes: string): string[] =>
    notesLines({ name: "win11", version: 3, fitSize: null, notes });
  assert.equal(firstImageNote("one\ntwo"), "one");
  assert.deepEqual(said(""), []);
  assert.deepEqual(said("Maths labs"), ["Notes on win11@3: Maths labs"]);
  assert.deepEqual(said("Maths labs\nnot before 1 Sept"), ["Notes on win11@3: Maths labs …"]);
});
