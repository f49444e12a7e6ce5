import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../../room/run.ts";

const program = join(import.meta.dirname, "..", "..", "..", "bin", "roomcast.js");

/** Runs a command that loads little, with this folder for what has been compiled. */
const runWith = (folder: string): Promise<unknown> =>
  run([
    ...["env", "-u", "NODE_COMPILE_CACHE", `CACHE_DIRECTORY=${folder}`, "sh", "-c"],
    ...['umask 0; exec "$@"', "sh", process.execPath, "--disable-warning=ExperimentalWarning"],
    ...[program, "serve", "--help"],
  ]);

test("what has been compiled is kept for its user alone, and taken from no folder that others can write to", async () => {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-compiled-"));
  try {
    const own = join(folder, "deeper", "own");
    await runWith(own);
    assert.equal((await stat(own)).mode & 0o777, 0o700);
    const [version] = await readdir(own);
    assert(version !== undefined);
    assert((await readdir(join(own, version))).length > 3);

    const open = join(folder, "open");
    await mkdir(open);
    await chmod(open, 0o777);
    await runWith(open);
    assert.deepEqual(await readdir(open), []);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
