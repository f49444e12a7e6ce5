/** Kills a process at random moments and steps while it captures, deletes, packs anew and gives up: nothing committed is lost. KILLS says how often. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { seeded } from "../../sim/random.ts";

const killCount = Number(process.env.KILLS ?? 6);
const seed = Number(process.env.SEED || 1);
/** Opening, sweeping and some ten images fit into this many milliseconds, and take this many steps. */
const longestLife = 200;
const mostSteps = 400;

const quiet = { signal: new AbortController().signal, onProgress() {} };

test(`${killCount} kills at random moments leave every committed image whole`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "store-kill-"));
  const random = seeded(seed);
  const alive = new Map<string, string>();
  /** Every NAME@VERSION there ever was. */
  const names = new Map<string, string>();
  let committed = 0;
  let deleted = 0;
  let packed = 0;
  try {
    for (let kill = 0; kill < killCount; kill++) {
      const script = join(import.meta.dirname, "kill-child.ts");
      const childSeed = Math.floor(random() * 2 ** 31);
      // Half of them by the clock, half at a step between two calls, where a moment is short.
      const step = kill % 2 === 0 ? 0 : 1 + Math.floor(random() * mostSteps);
      const child = spawn(process.execPath, [script, folder, String(childSeed), String(step)], {
        env: { ...process.env, NODE_TEST_CONTEXT: "" },
        stdio: ["ignore", "pipe", "inherit"],
      });
      let said = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
      child.stdout.once("data", () => {
        if (step === 0) setTimeout(() => child.kill("SIGKILL"), random() * longestLife);
      });
      const [status, signal] = (await once(child, "close")) as [number | null, string | null];
      assert.equal(
        signal,
        "SIGKILL",
        `kill ${kill}: the child ended by itself (${status}): ${said}`,
      );

      for (const line of said.split("\n")) {
        const [what = "", id = "", name = ""] = line.split(" ");
        assert.notEqual(what, "problem", line);
        if (what === "committed") {
          alive.set(id, name);
          committed++;
        }
        if (what === "deleting" || what === "deleted") alive.delete(id);
        if (what === "deleted") deleted++;
        if (what === "packed") packed++;
      }
      await using store = await openImageStore(folder);
      assert.deepEqual(store.problems, []);
      const listed = new Map(store.list().map((image) => [image.id, image]));
      for (const [id, name] of alive)
        assert(listed.has(id), `kill ${kill}: ${name} (${id}) is lost`);
      for (const { id, name, version } of listed.values()) {
        const full = `${name}@${version}`;
        assert.equal(names.get(full) ?? id, id, `kill ${kill}: ${full} is given a second time`);
        names.set(full, id);
        // Committed, and killed before it could say so.
        alive.set(id, full);
      }
      const report = await store.verify(null, quiet);
      assert.deepEqual(report, { ok: true, damaged: [] }, `kill ${kill}`);
      const left = readdirSync(join(folder, "images")).filter((name) => name.endsWith(".new"));
      assert.deepEqual(left, []);
    }
    const done = `${committed} committed, ${deleted} deleted, ${packed} packed`;
    assert(committed > 0 && deleted > 0 && packed > 0, done);
    await using store = await openImageStore(folder);
    for (const { id } of store.list()) await store.delete(id);
    assert.equal((await store.usage()).storedBytes, 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
