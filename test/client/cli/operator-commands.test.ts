/** Operators' passwords and a room's wall by the command line: what is asked of the server, and what a terminal shows. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { spawn } from "@lydell/node-pty";
import { openApi } from "../../server/api/open-api.ts";
import { ran } from "./run-command.ts";

test("an operator's role, and the password in a file without its line's end", async () => {
  const { calls } = await ran(["operator", "set", "ann", "--role", "admin"]);
  assert.deepEqual(calls, [["PATCH", "/operators/ann", { role: "admin" }]]);
  const folder = mkdtempSync(join(tmpdir(), "roomcast-cli-"));
  try {
    const file = join(folder, "password");
    writeFileSync(file, "correct horse \n");
    const set = await ran(["operator", "password", "ann", "--password-file", file]);
    assert.deepEqual(set.calls, [["PATCH", "/operators/ann", { password: "correct horse " }]]);
    assert(!set.said.join().includes("horse"));
    const none = await ran(["operator", "password", "ann", "--password-file", `${file}-none`]);
    assert.match(String(none.error), /no such file/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a wall's link is made, and ended", async () => {
  const there = { "/rooms/lab-1/wall-link": { url: "https://lab/?wall#secret" } };
  const { calls, said } = await ran(["room", "wall-link", "lab-1"], there);
  assert.deepEqual(calls, [["POST", "/rooms/lab-1/wall-link", undefined]]);
  assert.deepEqual(said, ["https://lab/?wall#secret"]);
  const ended = await ran(["room", "wall-link", "lab-1", "--end"], there);
  assert.deepEqual(ended.calls, [["DELETE", "/rooms/lab-1/wall-link", undefined]]);
});

const main = join(import.meta.dirname, "..", "..", "..", "client", "main.ts");

/** Runs `operator password ann` in a terminal, and types a line after each question. */
async function typed(data: string, lines: readonly string[]) {
  const words = [main, "--data", data, "operator", "password", "ann"];
  const terminal = spawn(process.execPath, words, { cols: 80, rows: 24 });
  let shown = "";
  let answered = 0;
  terminal.onData((text) => {
    shown += text;
    const asked = shown.match(/Password for ann: |The same again: /g)?.length ?? 0;
    if (asked > answered) terminal.write(`${lines[answered++]}\r`);
  });
  const { exitCode } = await new Promise<{ exitCode: number }>((over) => terminal.onExit(over));
  return { shown, exitCode };
}

test("a terminal asks twice, shows nothing of what is typed, and takes two that are the same", async () => {
  await using api = await openApi("local");
  await api.app.listen({ path: join(api.folder, "roomcast.sock") });
  await api.operators.add("ann", "operator");
  const other = await typed(api.folder, ["correct horse", "correct house"]);
  assert.equal(other.exitCode, 2, other.shown);
  assert.match(other.shown, /the two passwords differ/);
  assert.equal(api.operators.get("ann")?.password, false);

  const short = await typed(api.folder, ["horse", "horse"]);
  assert.equal(short.exitCode, 2, short.shown);
  assert.match(short.shown, /a password has 10 to 256 characters, and this one has 5/);

  const { shown, exitCode } = await typed(api.folder, ["correct horse", "correct horse"]);
  assert.equal(exitCode, 0, shown);
  assert.match(shown, /^Password for ann: \r\nThe same again: \r\nann can log in/);
  assert.notEqual(await api.operators.checkPassword("ann", "correct horse"), null);
  assert.equal(await api.operators.checkPassword("ann", "correct horsf"), null);

  const stopped = await typed(api.folder, ["\x03"]);
  assert.notEqual(stopped.exitCode, 0);
  assert.match(stopped.shown, /no password was set/);
});
