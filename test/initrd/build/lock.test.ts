import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { holdLock } from "../../../initrd/build/lock.ts";

const folder = mkdtempSync(join(tmpdir(), "roomcast-lock-"));
after(() => rmSync(folder, { recursive: true }));

test("a build waits for another, also for one that is killed", async (t) => {
  const path = join(folder, "lock");
  const module = JSON.stringify(join(import.meta.dirname, "../../../initrd/build/lock.ts"));
  const program = `
    const { holdLock } = await import(${module});
    globalThis.held = await holdLock(${JSON.stringify(path)}, () => {});
    console.log("held");
    setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => other.kill("SIGKILL"));
  await once(other.stdout, "data");
  const said: string[] = [];
  let isHeld = false;
  const waiting = holdLock(path, (line) => said.push(line)).then((lock) => {
    isHeld = true;
    return lock;
  });
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal(isHeld, false);
  assert.deepEqual(said, ["waiting for another build"]);
  other.kill("SIGKILL");
  {
    await using _ = await waiting;
  }
  await using _ = await holdLock(path, () => assert.fail("it is free at once"));
});
