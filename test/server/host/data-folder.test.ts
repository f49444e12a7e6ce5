/** The data folder holds hashes of tokens and PINs: it is its owner's alone, also when it was there before. */
import assert from "node:assert/strict";
import { chmod, chown, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { openDataFolder } from "../../../server/host/data-folder.ts";

let above = "";
let folder = "";
beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), "roomcast-data-"));
  folder = join(above, "data");
});
afterEach(() => rm(above, { recursive: true }));

const modeOf = async (path: string): Promise<string> =>
  ((await stat(path)).mode & 0o777).toString(8);

async function makeFolder(mode: number, ...names: string[]): Promise<void> {
  await mkdir(folder);
  for (const name of names) {
    await writeFile(join(folder, name), "");
    await chmod(join(folder, name), 0o644);
  }
  await chmod(folder, mode);
}

test("a new folder, and an empty one that was there, are the owner's alone", async () => {
  assert.deepEqual(await openDataFolder(folder), []);
  assert.equal(await modeOf(folder), "700");
  await chmod(folder, 0o755);
  assert.match((await openDataFolder(folder)).join(), /was open to other users/);
  assert.equal(await modeOf(folder), "700");
});

test("what was left open is closed: the folder, the state, the socket, keys, the owner's own", async () => {
  const names = ["state.db", "state.db-wal", "state.db-shm", "gate.key", "roomcast.sock"];
  const folders = ["store", "drivers", "windows"];
  await makeFolder(0o755, ...names);
  for (const name of folders) await mkdir(join(folder, name));
  const outside = join(above, "outside");
  await writeFile(outside, "");
  await chmod(outside, 0o644);
  await symlink(outside, join(folder, "old.key"));
  assert.equal((await openDataFolder(folder)).length, 1 + folders.length + names.length);
  for (const name of names) assert.equal(await modeOf(join(folder, name)), "600", name);
  assert.equal(await modeOf(folder), "700");
  for (const name of folders) assert.equal(await modeOf(join(folder, name)), "700", name);
  assert.equal(await modeOf(outside), "644", "what a link leads to is left alone");
});

test("in a folder that holds something else, only what is the server's own is closed", async () => {
  await makeFolder(0o755, "config.toml", "state.db");
  assert.equal((await openDataFolder(folder)).length, 1);
  assert.equal(await modeOf(folder), "755");
  assert.equal(await modeOf(join(folder, "config.toml")), "644");
  assert.equal(await modeOf(join(folder, "state.db")), "600");
});

test("a folder of another user is refused and left alone", async () => {
  await makeFolder(0o755, "state.db");
  await chown(folder, 65534, 65534);
  await assert.rejects(openDataFolder(folder), {
    code: "refused",
    message: /belongs to another user/,
    next: /--data/,
  });
  assert.equal(await modeOf(join(folder, "state.db")), "644");
});
