import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Tmux } from "../../core/node/tmux.ts";

const program = join(import.meta.dirname, "menu-program.ts");

test("on a real terminal: a restore, its stop, a shell and back", async () => {
  using at = new Tmux(80, 25, (folder) => [
    "env",
    "TERM=linux",
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    program,
    join(folder, "actions"),
  ]);
  const actions = (): string[] =>
    readFileSync(join(at.folder, "actions"), "utf8").trim().split("\n");

  await at.until("9  X  Exit: local disk");
  at.press("Down", "Enter");
  await at.until("win11-lab@3");
  at.press("Enter");
  await at.until("EVERYTHING ON THIS DISK WILL BE LOST");
  at.press("-l", "YES");
  at.press("Enter");
  await at.until("That was not ERASE");
  at.press("-l", "ERASE");
  at.press("Enter");
  const receiving = await at.until("This PC  12.1 GB of 28.1 GB");
  assert.match(receiving, /#{4} {2}#{5} {2}#{3}/);
  at.press("C-c");
  await at.until("Stop? The disk will not be usable.");
  at.press("y");
  await at.until("stopped at this PC");
  await new Promise((resolve) => setTimeout(resolve, 1600));
  at.press("Space");
  await at.until("9  X  Exit: local disk");
  assert.deepEqual(actions().slice(1), [
    '{"action":"restore","image":"win11-lab@4","disk":"serial:S3Z9NB0K123456X"}',
    '{"action":"stop"}',
    '{"action":"dismiss"}',
  ]);
});

test("a shell has the terminal in its ordinary mode", async () => {
  using at = new Tmux(80, 25, (folder) => [
    "env",
    "TERM=linux",
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    program,
    join(folder, "actions"),
  ]);
  await at.until("9  X  Exit: local disk");
  at.press("s");
  await at.until("this is the shell");
  at.press("-l", "hello");
  at.press("Enter");
  const picture = await at.until("got hello");
  assert.ok(!picture.includes("Exit: local disk"));
  at.press("Enter");
  await at.until("9  X  Exit: local disk");
  at.press(...Array.from({ length: 5 }, () => "Up"), "Enter");
  await at.until("Name of the image");
});
