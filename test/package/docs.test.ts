import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { unlisted } from "../../package/docs/parts.ts";

test("a reader of the site finds every document", () => {
  assert.deepEqual(unlisted(readdirSync(join(import.meta.dirname, "../../docs"))), []);
  assert.deepEqual(unlisted(["cast.md", "lost.md", "api.json"]), ["lost.md"]);
});
