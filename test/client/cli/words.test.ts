import assert from "node:assert/strict";
import { test } from "node:test";
import { splitWords } from "../../../client/cli/words.ts";

test("a command line is parted at blanks, but for what is quoted, and nothing is expanded", () => {
  const cases: readonly [string, readonly string[]][] = [
    ["", []],
    ["  status  ", ["status"]],
    [
      'schedule add "30 6 * * 1-5" --room lab',
      ["schedule", "add", "30 6 * * 1-5", "--room", "lab"],
    ],
    ["room set a --disk 'model=\"WD Blue*\"'", ["room", "set", "a", "--disk", 'model="WD Blue*"']],
    ['x a"b c"d', ["x", "ab cd"]],
    ['x ""', ["x", ""]],
    ["x $HOME `id` ; rm -rf /", ["x", "$HOME", "`id`", ";", "rm", "-rf", "/"]],
  ];
  for (const [line, words] of cases) assert.deepEqual(splitWords(line), words, line);
});
