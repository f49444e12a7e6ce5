/** The command line's process: how many threads it has for what is done beside its own. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const main = join(import.meta.dirname, "../../../bin/roomcast.js");
/** The pool has all of its threads once it was asked for anything. */
const look = `import { promises, readdirSync, readFileSync } from "node:fs";
process.once("beforeExit", async () => {
  await promises.stat("/");
  const names = readdirSync("/proc/self/task").map((each) => readFileSync("/proc/self/task/" + each + "/comm", "utf8"));
  console.error(names.filter((each) => each.startsWith("libuv-worker")).length);
});`;

function poolThreads(own: Readonly<Record<string, string>>): number {
  const words = ["--import", `data:text/javascript,${encodeURIComponent(look)}`, main, "--version"];
  const { UV_THREADPOOL_SIZE: _, ...env } = process.env;
  const { stderr } = spawnSync(process.execPath, words, {
    encoding: "utf8",
    env: { ...env, ...own },
  });
  return Number(stderr);
}

test("chunks have a thread a core, and some that wait for the disk", () => {
  assert.equal(poolThreads({}), Math.min(18, cpus().length + 6));
});

test("who says how many threads there are has as many", () => {
  assert.equal(poolThreads({ UV_THREADPOOL_SIZE: "3" }), 3);
});
