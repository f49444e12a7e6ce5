import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { rewriteFile } from "../../../../imaging/personalise/windows/write.ts";

const old = Buffer.alloc(5 * 4096, 1);

async function withFile(work: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-write-"));
  try {
    const path = join(folder, "file");
    writeFileSync(path, old);
    await work(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("pages that differ are written, and what is beyond the old end", async () => {
  await withFile(async (path) => {
    const now = Buffer.concat([old, Buffer.alloc(4096 + 7, 2)]);
    now.fill(3, 4000, 4200);
    await rewriteFile(path, old, now);
    assert(readFileSync(path).equals(now));
  });
});

test("a file that reads back wrong has its old content again", async () => {
  await withFile(async (path) => {
    // It cannot become shorter, so this one is never what was wanted.
    const now = Buffer.alloc(3 * 4096, 2);
    await assert.rejects(rewriteFile(path, old, now), { code: "failed", message: /reads back/ });
    assert(readFileSync(path).equals(old));
  });
});
