import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { runTool } from "../../../imaging/disk/tool.ts";

test("an aborted tool is gone before its caller hears of it", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-tool-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [started, gone] = [join(folder, "started"), join(folder, "gone")];
  const slowToEnd = `trap 'sleep .3; : > ${gone}; exit' TERM; : > ${started}; while :; do sleep .05; done`;
  const abort = new AbortController();
  const running = runTool("sh", ["-c", slowToEnd], abort.signal);
  while (!existsSync(started)) await sleep(10);
  abort.abort(new Error("stopped"));
  await assert.rejects(running, /stopped/);
  assert(existsSync(gone));
});

test("a tool that does not end is waited for only some seconds", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-tool-"));
  const pidFile = join(folder, "pid");
  t.after(() => {
    process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
    rmSync(folder, { recursive: true });
  });
  const abort = new AbortController();
  const deaf = runTool(
    "sh",
    ["-c", `trap '' TERM; echo $$ > ${pidFile}; exec sleep 60`],
    abort.signal,
  );
  while (!existsSync(pidFile) || readFileSync(pidFile, "utf8") === "") await sleep(10);
  const began = Date.now();
  abort.abort(new Error("stopped"));
  await assert.rejects(deaf, /stopped/);
  assert(Date.now() - began < 30_000);
});
