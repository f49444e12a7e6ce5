import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Tmux } from "../../core/node/tmux.ts";

const program = join(import.meta.dirname, "console-program.ts");
const command = [process.execPath, "--disable-warning=ExperimentalWarning", program];

for (const [columns, lines] of [
  [80, 24],
  [200, 50],
] as const) {
  test(`the console on a real terminal of ${columns}x${lines}`, async () => {
    using at = new Tmux(columns, lines, () => command);
    const first = await at.until(/pc01 .*receiving/);
    assert.equal(first.split("\n").length - 1, lines);
    await at.until(/pc09.*20\.0 MB\/s/);
    await at.until("slowest pc09 (disk writes 20.0 MB/s)");
    at.press("Right", "Right");
    await at.until(/> pc01/);
    at.press("Down", "Down", "Enter");
    await at.until(/pc03 {3}room lab-1/);
    at.press("Escape");
    await at.until(/> pc03/);
    at.press("/");
    at.press("-l", "pc14");
    at.press("Enter");
    await at.until(/> pc14.*FAILED: write error at 12\.4 GB/);
    at.press("Escape");
    await at.until("pc16");
    at.press("r");
    await at.until("Restore to all of lab-1: which image?");
    at.press("Enter");
    await at.until("EVERYTHING ON THESE 28 DISKS WILL BE LOST");
    at.press("-l", "lab-1");
    at.press("Enter");
    await at.until("restoring win11-lab@4 to lab-1");
    at.resize(columns + 20, lines + 6);
    await at.until(/q leave *$/m);
    await at.until(/^ {2}pc2[0-9] /m);
    at.press("q");
    await at.until('left with 0, [{"method":"POST","path":"/sessions"');
  });
}
