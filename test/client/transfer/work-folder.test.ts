import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const rounds = 200;
const program = `
  const { openWorkFolder } = await import(process.argv[1]);
  const { writeFileSync } = await import("node:fs");
  for (let round = 0; round < ${rounds}; round++) {
    await using work = await openWorkFolder(process.argv[2]);
    writeFileSync(work.path + "/disk.raw", "x");
  }
`;

test("processes that begin at once keep their own folders, and leave none", async (t) => {
  const parent = mkdtempSync(join(tmpdir(), "roomcast-work-"));
  t.after(() => rmSync(parent, { recursive: true }));
  const module = join(import.meta.dirname, "../../../client/transfer/work-folder.ts");
  const words = ["--input-type=module", "--eval", program, module, parent];
  const run = promisify(execFile);
  await Promise.all([1, 2].map(() => run(process.execPath, words)));
  assert.deepEqual(readdirSync(parent), []);
});
