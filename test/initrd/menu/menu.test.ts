import assert from "node:assert/strict";
import { test } from "node:test";
import type { MenuAction } from "../../../core/agent/desk.ts";
import { openMenu } from "../../../initrd/menu/menu.ts";
import type { MenuView } from "../../../initrd/menu/view.ts";
import { arrow, FakeTerminal } from "../../core/node/fake-terminal.ts";
import { disk, image, otherDisk, receiving, view } from "./views.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function open(first: MenuView, term = "linux", columns = 80, lines = 25) {
  const terminal = new FakeTerminal(columns, lines);
  const actions: MenuAction[] = [];
  const { input, output } = terminal;
  const menu = openMenu({ onAction: (action) => actions.push(action), input, output, term });
  menu.show(first);
  return { terminal, actions, menu, [Symbol.dispose]: () => menu.close() };
}

for (const term of ["linux", "vt100", "xterm-256color", "screen", "tmux-256color"]) {
  test(`on ${term} the menu is drawn, and arrows, letters and numbers reach its items`, async () => {
    using at = open(view, term);
    const picture = await at.terminal.until("9  X  Exit: local disk");
    assert.match(picture, /pc14 {2}room lab-2 {2}10\.0\.0\.23/);
    assert.match(picture, /Samsung SSD 860 EVO {2}serial S3Z9NB0K123456X/);
    at.terminal.press(arrow.down);
    at.terminal.press("\r");
    await at.terminal.until("Restore an image");
    assert.deepEqual(at.actions, [{ action: "images" }]);
    at.terminal.press("\u001b");
    await at.terminal.until("Exit: local disk");
    at.terminal.press("8");
    at.terminal.press("s");
    await pause(20);
    assert.deepEqual(at.actions.slice(1), [{ action: "shell" }, { action: "shell" }]);
  });
}

test("a disk is overwritten only after its model, serial and size were shown and the word was typed", async () => {
  using at = open({ ...view, disks: [disk, otherDisk] });
  at.terminal.press("r");
  await at.terminal.until("win11-lab@3");
  at.terminal.press(`${arrow.down}\r`);
  await at.terminal.until("which disk?");
  at.terminal.press("2\r");
  const picture = await at.terminal.until("EVERYTHING ON THIS DISK WILL BE LOST");
  for (const fact of ["WD Blue SN570", "22123X", "1.0 TB", "/dev/nvme0n1"]) {
    assert.ok(picture.includes(fact), fact);
  }
  at.terminal.press("erase\r");
  await at.terminal.until("That was not ERASE. Nothing was changed.");
  at.terminal.press("ERASEX\u007f");
  await at.terminal.until("Enter: ERASE_");
  assert.deepEqual(at.actions, [{ action: "images" }]);
  at.terminal.press("\r");
  await at.terminal.until("asked the server to restore win11-lab@3");
  assert.deepEqual(at.actions.at(-1), {
    action: "restore",
    image: "win11-lab@3",
    disk: "serial:22123X",
  });
});

test("the end of a task stays on the screen until a key that was meant for it", async () => {
  using at = open({ ...view, task: receiving });
  await at.terminal.until("5 min 20 s left");
  at.terminal.press("\u0003");
  await at.terminal.until("Stop? The disk will not be usable.");
  at.menu.show({
    ...view,
    task: {
      ...receiving,
      phase: "ended",
      outcome: { result: "failed", reason: "write error at 12.4 GB", next: "replace the disk" },
    },
  });
  at.terminal.press("y");
  await at.terminal.until("What to do: replace the disk");
  assert.deepEqual(at.actions, []);
  await pause(1600);
  at.terminal.press(" ");
  await pause(20);
  assert.deepEqual(at.actions, [{ action: "dismiss" }]);
});

test("an arrow whose bytes arrive apart is one key, and Escape alone is Escape", async () => {
  using at = open(view);
  at.terminal.press("2");
  for (const byte of arrow.down) {
    at.terminal.press(byte);
    await pause(15);
  }
  await at.terminal.until("2 of 2");
  at.terminal.press("\u001b");
  await at.terminal.until("Exit: local disk");
});

test("updates are drawn at most four times a second, and only what changed is sent", async () => {
  using at = open({ ...view, task: receiving });
  await at.terminal.until("12.1 GB of");
  const before = at.terminal.bytesWritten;
  const writesBefore = at.terminal.writes;
  const startedAt = performance.now();
  for (let step = 1; step <= 50; step++) {
    at.menu.show({ ...view, task: { ...receiving, bytesDone: receiving.bytesDone + step * 1e8 } });
    await pause(10);
  }
  await at.terminal.until("17.1 GB of");
  const sent = at.terminal.bytesWritten - before;
  assert.ok(sent < 4000, `${sent} bytes for some three pictures`);
  const writes = at.terminal.writes - writesBefore;
  const most = Math.ceil((performance.now() - startedAt) / 250) + 1;
  assert.ok(writes >= 2 && writes <= most, `${writes} pictures, ${most} at most`);
});

test("a shell gets the whole terminal, and the menu comes back as it was", async () => {
  using at = open(view);
  await at.terminal.until("9  X  Exit: local disk");
  at.menu.suspend();
  assert.equal(at.terminal.raw, false);
  at.terminal.output.write("shell output\r\n");
  at.menu.show({ ...view, notice: "said meanwhile" });
  await pause(300);
  assert.ok(!(await at.terminal.screen()).join("\n").includes("said meanwhile"));
  at.menu.resume();
  assert.equal(at.terminal.raw, true);
  const picture = await at.terminal.until("said meanwhile");
  assert.ok(!picture.includes("shell output"));
  at.terminal.press("c");
  await at.terminal.until("Name of the image");
});

test("after a resize the screen is drawn anew for its size", async () => {
  using at = open(view);
  await at.terminal.until("9  X  Exit: local disk");
  at.terminal.resize(100, 40);
  await pause(20);
  const lines = await at.terminal.screen();
  assert.equal(lines.length, 40);
  assert.match(lines[39] ?? "", /Arrows and Enter/);
});

test("names from the network cannot move the cursor", async () => {
  using at = open({
    ...view,
    pc: { ...view.pc, name: "pc\u001b[2J\u001b[H\u0007\u009b5;5Hx" },
    images: [{ ...image, name: "{red-fg}\u001b[31mx" }],
  });
  await at.terminal.until("9  X  Exit: local disk");
  const picture = await at.terminal.until("pc?[2J?[H??5;5Hx");
  assert.match(picture, /^ roomcast {2}pc\?/);
});
