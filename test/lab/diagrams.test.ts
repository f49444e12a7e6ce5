/** The pictures in docs/sessions.md are those of the tables. `toMermaid` makes them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { toMermaid } from "../../core/session/table.ts";
import { tables } from "./tables.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/sessions.md"), "utf8");

for (const [name, table] of Object.entries(tables)) {
  test(`docs/sessions.md shows the table of the ${name} as it is`, () => {
    const [, shown] = new RegExp(`<!-- ${name} -->\n\`\`\`mermaid\n([^]*?)\`\`\``).exec(page) ?? [];
    assert.equal(shown, toMermaid(table));
  });
}
