/** Backups of a data folder, taken while a server writes, and put back, with kills in between. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { makeBackup } from "../../../server/backup/backup.ts";
import { finishRestore } from "../../../server/backup/finish.ts";
import { inWords } from "../../../server/backup/in-words.ts";
import { planRestore, restoreBackup } from "../../../server/backup/restore.ts";
import { newRoom } from "../../../server/state/records.ts";
import { openStateStore, type StateStore } from "../../../server/state/state-store.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { pack } from "../../../server/store/pack-job.ts";
import { mib, write } from "../store/write-image.ts";

const folder = mkdtempSync(join(tmpdir(), "roomcast-backup-"));
const data = join(folder, "data");
const full = join(folder, "full");
const small = join(folder, "small");
const config = join(folder, "etc", "roomcast.toml");
const chunk = (byte: number): Uint8Array => new Uint8Array(mib).fill(byte);
const quiet = { signal: new AbortController().signal, progress() {} };
const nobody = () => {};
let state: StateStore;

before(async () => {
  mkdirSync(join(data, "drivers/vendor"), { recursive: true, mode: 0o700 });
  writeFileSync(join(data, "drivers/vendor/nic.inf"), "driver");
  writeFileSync(join(data, "gate.key"), "the gate's");
  mkdirSync(join(folder, "etc"));
  writeFileSync(config, '[[network]]\ninterface = "eth1"\n');
  state = openStateStore(data);
  state.saveRoom(newRoom("lab1"));
  {
    await using store = await openImageStore(join(data, "store"));
    const { id } = await write(store, [chunk(1), chunk(2)], "win11");
    await store.writeNotes(id, "Maths labs");
    await write(store, [chunk(2), chunk(3)], "debian");
  }
  const common = { ...quiet, dataFolder: data, configFile: config };
  // The state is open, and has a WAL.
  await makeBackup({ ...common, target: full, withImages: true });
  await makeBackup({ ...common, target: small, withImages: false });
  state.saveRoom(newRoom("later"));
  state.close();
});
after(() => rmSync(folder, { recursive: true }));

async function notesIn(at: string): Promise<string[]> {
  await using store = await openImageStore(join(at, "store"));
  return store.list().map(({ id, name }) => `${name}: ${store.notes(id)}`);
}

const rooms = (at: string): string[] => {
  const opened = openStateStore(at);
  try {
    return opened.rooms().map(({ name }) => name);
  } finally {
    opened.close();
  }
};

async function damage(at: string): Promise<string[]> {
  await using store = await openImageStore(join(at, "store"));
  const { damaged } = await store.verify(null, { signal: quiet.signal, onProgress() {} });
  return [...store.problems, ...damaged.map(({ image }) => image)];
}

test("a backup has the state, the keys, the configuration and the images, for its owner alone", () => {
  for (const path of ["state.db", "gate.key", "etc/roomcast.toml", "drivers/vendor/nic.inf"])
    assert(existsSync(join(full, path)), path);
  for (const name of readdirSync(full, { recursive: true, encoding: "utf8" }))
    assert.equal(statSync(join(full, name)).mode & 0o077, 0, name);
  assert.equal(statSync(full).mode & 0o077, 0);
  assert.deepEqual(readdirSync(join(small, "store")), ["images"]);
  assert(!existsSync(join(small, "drivers")) && !existsSync(join(small, "state.db-wal")));
  assert(!existsSync(`${full}.unfinished`));
});

test("it is not made into a folder that has something, nor of a folder that is no server's", async () => {
  const common = { ...quiet, configFile: config, withImages: false };
  await assert.rejects(makeBackup({ ...common, dataFolder: data, target: full }), {
    code: "refused",
  });
  const empty = join(folder, "empty");
  mkdirSync(empty);
  const target = join(folder, "of-nothing");
  await assert.rejects(makeBackup({ ...common, dataFolder: empty, target }), { code: "bad-input" });
  assert(!existsSync(target) && !existsSync(`${target}.unfinished`));
});

test("into a new folder: all is there again, and every chunk of every image", async () => {
  const dataFolder = join(folder, "new");
  const places = { dataFolder, backup: full, configFile: join(folder, "new.toml") };
  const { list, overwrites, lost, withoutChunks } = await planRestore(places, nobody);
  assert.deepEqual(
    { overwrites, lost, withoutChunks },
    { overwrites: false, lost: [], withoutChunks: [] },
  );
  assert.equal(await restoreBackup(places, list), places.configFile);
  assert.deepEqual(rooms(dataFolder), ["default", "lab1"]);
  assert.deepEqual(await damage(dataFolder), []);
  assert.deepEqual(await notesIn(dataFolder), ["debian: ", "win11: Maths labs"]);
  assert.equal(readFileSync(join(dataFolder, "gate.key"), "utf8"), "the gate's");
  assert.equal(readFileSync(places.configFile, "utf8"), readFileSync(config, "utf8"));
  assert.equal(statSync(dataFolder).mode & 0o077, 0);
  assert.equal(statSync(places.configFile).mode & 0o777, 0o644, "the service reads it");
  // A second time the configuration that is there stays.
  writeFileSync(places.configFile, "[cast]\n");
  assert.equal(await restoreBackup(places, list), `${places.configFile}.from-backup`);
});

test("what was packed anew is backed up, and comes back, as it is stored then", async () => {
  const from = join(folder, "optimised");
  cpSync(data, from, { recursive: true });
  let storedBytes: number;
  {
    await using store = await openImageStore(join(from, "store"));
    const { id } = await write(store, [new Uint8Array(mib).fill(7), chunk(2)], "packed");
    const report = await store.repack(id, {
      ...{ level: 3, lanes: 1, signal: quiet.signal, onProgress() {} },
      pack: async (job) => pack(job),
      isFree: () => true,
      untilFree: async () => {},
    });
    storedBytes = report.storedBytes;
    assert(storedBytes < mib / 2);
  }
  const backup = join(folder, "optimised-backup");
  const common = { ...quiet, dataFolder: from, configFile: config };
  assert.deepEqual(
    (await makeBackup({ ...common, target: backup, withImages: true })).incomplete,
    [],
  );
  const dataFolder = join(folder, "optimised-again");
  const places = { dataFolder, backup, configFile: join(folder, "optimised.toml") };
  const { list } = await planRestore(places, nobody);
  await restoreBackup(places, list);
  assert.deepEqual(await damage(dataFolder), []);
  await using store = await openImageStore(join(dataFolder, "store"));
  const image = store.find("packed");
  assert(image !== undefined && store.isPacked(image.id));
  assert.equal(store.storedBytes(image), storedBytes);
  const lengths = [0, 1].map(async (at) => (await store.readChunk(image.id, at)).length);
  assert.equal(
    (await Promise.all(lengths)).reduce((sum, length) => sum + length),
    storedBytes,
  );
});

test("a backup without chunks says which images it cannot bring back; where chunks are, they stay", async () => {
  const dataFolder = join(folder, "bare");
  const bare = { dataFolder, backup: small, configFile: config };
  const { withoutChunks: lacking } = await planRestore(bare, nobody);
  assert.deepEqual(lacking.toSorted(), ["debian@1", "win11@1"]);
  const kept = join(folder, "kept");
  cpSync(data, kept, { recursive: true });
  {
    await using store = await openImageStore(join(kept, "store"));
    for (const { id } of store.list()) await store.writeNotes(id, "written later");
  }
  const places = { dataFolder: kept, backup: small, configFile: config };
  const { list, overwrites, lost, withoutChunks } = await planRestore(places, nobody);
  assert.deepEqual(
    { overwrites, lost, withoutChunks },
    { overwrites: true, lost: ["rooms: later"], withoutChunks: [] },
  );
  await restoreBackup(places, list);
  assert.deepEqual(await notesIn(kept), ["debian: ", "win11: Maths labs"]);
  assert.deepEqual(rooms(kept), ["default", "lab1"]);
  assert.deepEqual(await damage(kept), []);
  assert(existsSync(join(kept, "drivers/vendor/nic.inf")));
});

test("a server that has no images, or none any more, comes back", async () => {
  const dataFolder = join(folder, "imageless");
  mkdirSync(dataFolder);
  for (const hadImages of [false, true]) {
    openStateStore(dataFolder).close();
    {
      await using store = await openImageStore(join(dataFolder, "store"));
      if (hadImages) await store.delete((await write(store, [chunk(1)], "gone")).id);
    }
    for (const withImages of [false, true]) {
      const target = join(folder, `imageless-${hadImages}-${withImages}`);
      await makeBackup({ ...quiet, dataFolder, configFile: config, target, withImages });
      const places = { dataFolder: `${target}-restored`, backup: target, configFile: config };
      const { list, lost } = await planRestore(places, nobody);
      assert.deepEqual(lost, []);
      await restoreBackup(places, list);
      assert.deepEqual(rooms(places.dataFolder), ["default"]);
      assert.deepEqual(await notesIn(places.dataFolder), []);
    }
  }
  // One that was made while such a backup had an empty folder for the store.
  const backup = join(folder, "imageless-false-false");
  mkdirSync(join(backup, "store"), { recursive: true });
  assert.deepEqual((await planRestore({ dataFolder: `${backup}-2`, backup }, nobody)).lost, []);
});

test("what the file system refuses is told in words, with the path", async () => {
  const common = { ...quiet, dataFolder: data, configFile: config, withImages: false };
  await assert.rejects(makeBackup({ ...common, target: join(config, "in") }), {
    code: "failed",
    message: /^the backup could not be made: ENOTDIR.*roomcast.toml\/in/,
  });
  const full = Object.assign(new Error("ENOSPC: no space left, write"), {
    ...{ code: "ENOSPC", syscall: "write" },
  });
  await assert.rejects(
    inWords("it could not be done", () => Promise.reject(full)),
    { code: "no-space", message: /^it could not be done: ENOSPC/ },
  );
  const bug = new TypeError("a bug");
  await assert.rejects(
    inWords("", () => Promise.reject(bug)),
    bug,
  );
});

test("what would be lost is named: images, what the state has, and files", async () => {
  const dataFolder = join(folder, "more");
  cpSync(data, dataFolder, { recursive: true });
  {
    await using store = await openImageStore(join(dataFolder, "store"));
    await write(store, [new Uint8Array(randomBytes(mib))], "win11");
  }
  for (const path of ["windows/lab1/join/pc01.blob", "drivers/vendor/later.inf"]) {
    mkdirSync(dirname(join(dataFolder, path)), { recursive: true });
    writeFileSync(join(dataFolder, path), "later");
  }
  {
    using db = new DatabaseSync(join(dataFolder, "state.db"));
    db.exec(`INSERT INTO operators VALUES ('ann', '{}');
      INSERT INTO schedule VALUES ('t1', '{}');
      INSERT INTO ssh_keys VALUES ('desk', '{}');
      INSERT INTO image_steps VALUES ('i', 'licence', '{}')`);
  }
  const all = [
    "images: win11@2",
    "rooms: later",
    "operators: ann",
    "SSH keys: desk",
    "schedules: t1",
    "own steps: licence",
  ];
  const blob = "windows/lab1/join/pc01.blob";
  const lostWith = async (backup: string) =>
    (await planRestore({ dataFolder, backup }, nobody)).lost;
  assert.deepEqual(await lostWith(full), [...all, `files: ${blob}, drivers/vendor/later.inf`]);
  // Without chunks the drivers stay.
  assert.deepEqual(await lostWith(small), [...all, `files: ${blob}`]);
});

test("a damaged, an unfinished, a foreign and a newer backup are refused", async () => {
  const dataFolder = join(folder, "untouched");
  const refused = async (change: (at: string) => void, why: RegExp): Promise<void> => {
    const backup = join(folder, "changed");
    cpSync(full, backup, { recursive: true });
    change(backup);
    await assert.rejects(planRestore({ dataFolder, backup }, nobody), {
      code: "bad-input",
      message: why,
    });
    rmSync(backup, { recursive: true });
  };
  const edit = (path: string, from: string | RegExp, to: string) => (at: string) =>
    writeFileSync(
      join(at, path),
      readFileSync(join(at, path), "latin1").replace(from, to),
      "latin1",
    );
  await refused(edit("gate.key", "gate", "fake"), /gate\.key is not what was backed up/);
  await refused((at) => rmSync(join(at, "gate.key")), /gate\.key cannot be read/);
  await refused((at) => rmSync(join(at, "backup.json")), /not finished/);
  await refused(edit("backup.json", /gate\.key/, "../evil.key"), /is not what was written/);
  await refused(edit("backup.json", /"format": 1/, '"format": 2'), /newer roomcast/);
  await refused(
    edit("backup.json", /"stateVersion": \d+/, '"stateVersion": 999'),
    /newer roomcast/,
  );
  assert(!existsSync(dataFolder));
});

test("what cannot be copied leaves what was there, and nothing beside it", async () => {
  const dataFolder = join(folder, "stays");
  cpSync(data, dataFolder, { recursive: true });
  const backup = join(folder, "torn");
  cpSync(full, backup, { recursive: true });
  const places = { dataFolder, backup, configFile: config };
  const { list } = await planRestore(places, nobody);
  rmSync(join(backup, "gate.key"));
  await assert.rejects(restoreBackup(places, list), {
    code: "failed",
    message: /ENOENT.*gate.key/,
  });
  assert(!existsSync(join(dataFolder, ".restoring")));
  assert.deepEqual(rooms(dataFolder), ["default", "lab1", "later"]);
});

test("what a killed restore by root has left is the server's to remove", () => {
  const dataFolder = join(folder, "half");
  mkdirSync(dataFolder);
  chownSync(dataFolder, 12345, 12345);
  const child = join(import.meta.dirname, "restore-child.ts");
  const stage = join(dataFolder, ".restoring");
  let seen = 0;
  for (let step = 20; seen === 0; step += 5) {
    const args = ["--disable-warning=ExperimentalWarning", child, dataFolder, full, String(step)];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.equal(stdout, "", `${step}: ${stderr}`);
    if (!existsSync(join(stage, "new", "state.db"))) continue;
    for (const each of readdirSync(stage, { recursive: true, withFileTypes: true }))
      if (each.isDirectory() && ++seen > 0)
        assert.equal(statSync(join(each.parentPath, each.name)).uid, 12345, each.name);
  }
});

test("a backup onto a mounted file system is refused before a byte is written", async () => {
  const target = join(folder, "usb");
  mkdirSync(target);
  assert.equal(spawnSync("mount", ["-t", "tmpfs", "none", target]).status, 0);
  try {
    const common = { ...quiet, dataFolder: data, configFile: config, withImages: true };
    await assert.rejects(makeBackup({ ...common, target }), {
      code: "refused",
      message: /mounted/,
    });
    await makeBackup({ ...common, target: join(target, "backup") });
  } finally {
    spawnSync("umount", [target]);
  }
});

test("a kill at any step leaves what was there, or what the next start makes whole", async () => {
  const child = join(import.meta.dirname, "restore-child.ts");
  const seen = new Set<string>();
  let isDone = false;
  for (let step = 1; !isDone; step += 9) {
    const dataFolder = join(folder, "killed");
    cpSync(data, dataFolder, { recursive: true });
    const { stdout, signal, stderr } = spawnSync(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", child, dataFolder, full, String(step)],
      { encoding: "utf8" },
    );
    isDone = stdout === "done\n";
    assert(isDone || signal === "SIGKILL", stderr);
    // As the server does when it starts.
    await finishRestore(dataFolder);
    const found = rooms(dataFolder).join();
    seen.add(found);
    assert(["default,lab1", "default,lab1,later"].includes(found), `step ${step}: ${found}`);
    assert.deepEqual(await damage(dataFolder), [], `step ${step}`);
    assert(!existsSync(join(dataFolder, ".restoring")), `step ${step}`);
    rmSync(dataFolder, { recursive: true });
  }
  assert.equal(seen.size, 2, "kills before and after the moment from which there is no way back");
});
