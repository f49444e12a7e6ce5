/** `docs/attacks.md` names tests that are there, and each test of the attack suite. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..", "..");
const page = readFileSync(join(root, "docs/attacks.md"), "utf8");
const rows = [...page.matchAll(/^\| (\d+) \|(.+)\|(.+)\|(.+)\|$/gm)];

/** Titles by file, as the row has them: each stands behind the file that it is in. */
function namedIn(cell: string): Map<string, string[]> {
  const named = new Map<string, string[]>();
  let titles: string[] = [];
  for (const [, file, title] of cell.matchAll(/`(test\/[^`]+)`|"([^"]+)"/g)) {
    if (file !== undefined) {
      titles = [];
      named.set(file, titles);
    } else titles.push(title ?? "");
  }
  return named;
}

test("the rows are numbered from 1 to 36, and each names a test", () => {
  assert.deepEqual(
    rows.map(([, number]) => Number(number)),
    Array.from({ length: 36 }, (_, index) => index + 1),
  );
  for (const [, number, , , cell = ""] of rows) assert(namedIn(cell).size > 0, `row ${number}`);
});

/** Before a test's title, which its own quotation mark follows. */
const heads = ["test", "forBoth"].flatMap((call) => [`${call}("`, `${call}(\``]);

test("every test that is named is there", () => {
  const missing = rows.flatMap(([, number, , , cell = ""]) =>
    [...namedIn(cell)].flatMap(([file, titles]) => {
      // A long title is on a line of its own.
      const source = readFileSync(join(root, file), "utf8").replaceAll(/\(\s+/g, "(");
      assert(titles.length > 0, `row ${number} names nothing of ${file}`);
      return titles
        .filter((title) => !heads.some((head) => source.includes(`${head}${title}${head.at(-1)}`)))
        .map((title) => `row ${number}: ${file} has no test "${title}"`);
    }),
  );
  assert.deepEqual(missing, []);
});

test("every file of the attack suite is named", () => {
  const suite = globSync("test/{,net/}security/**/*.test.ts", { cwd: root });
  assert(suite.length > 10);
  const others = suite.filter((file) => !page.includes(`\`${file}\``));
  assert.deepEqual(others, ["test/security/attacks-doc.test.ts"]);
});
