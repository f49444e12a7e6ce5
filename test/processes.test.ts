/** The processes of the tests: every file is in one, and what may not share does not. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { begunFirst } from "./begun-first.ts";
import { apart, processesOf } from "./processes.ts";

const root = join(import.meta.dirname, "..");

test("every file is in one process, what shares is small, and the longest are begun first", () => {
  const folder = mkdtempSync("/tmp/roomcast-processes-");
  try {
    const all = globSync("test/**/*.test.ts", { cwd: root }).sort();
    const processes = processesOf(all, folder);
    assert.deepEqual(processes.flatMap(({ files }) => files).sort(), all);
    const shared = processes.filter(({ files }) => files.length > 1);
    assert(shared.length > 10);
    for (const { path, files } of shared) {
      assert(files.length <= 8);
      for (const file of files) {
        assert(![...begunFirst, ...apart].includes(file), file);
        assert(!/^test\/(net|page|room|cast|package|sim|lab|client\/transfer)\//.test(file), file);
        assert(readFileSync(path, "utf8").includes(`suite("${file}", `), file);
      }
    }
    assert.deepEqual(
      processes.slice(0, begunFirst.length).map(({ path }) => path),
      begunFirst,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("of files that share, those that fail are named, and run once more; a process that breaks off hides none", () => {
  const folder = mkdtempSync("/tmp/roomcast-processes-");
  mkdirSync(join(folder, "test/core"), { recursive: true });
  const put = (name: string, body: string): string => {
    const path = `test/core/${name}.test.ts`;
    writeFileSync(join(folder, path), `import { test } from "node:test";\n${body}\n`);
    return path;
  };
  const run = (...files: string[]): { said: string; status: number | null } => {
    const words = [join(root, "test/run.ts"), "1", ...files];
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout, status } = spawnSync(process.execPath, words, {
      cwd: folder,
      env,
      encoding: "utf8",
    });
    return { said: stdout, status };
  };
  try {
    const good = put("good", 'test("it is good", () => {});');
    const bad = put("bad", 'test("it is bad", () => { throw new Error("as it should"); });');
    const lost = put("lost", 'import "./nothing.ts";');
    const broken = put("broken", 'test("it ends", () => process.kill(process.pid, "SIGKILL"));');
    const one = run(good, bad, lost);
    assert.equal(one.status, 1);
    const twice = [...one.said.matchAll(/^FAILED TWICE: .*\/(\w+)\.test\.ts$/gm)].map(
      ([, name]) => name,
    );
    assert.deepEqual(twice.sort(), ["bad", "lost"], one.said);
    const other = run(good, broken);
    assert.equal(other.status, 1);
    assert.match(other.said, /^FAILED TWICE: .*broken\.test\.ts$/m, other.said);
    assert.match(other.said, /^FAILED ONCE, PASSED ALONE: .*good\.test\.ts$/m, other.said);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
