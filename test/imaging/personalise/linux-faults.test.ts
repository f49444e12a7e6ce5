/** A Linux that cannot be changed, or none at all: what is said, and what stays. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { mib, putBytes, tool } from "../capture/disks.ts";
import {
  amiss,
  atPlace,
  changedPaths,
  copyInto,
  filesOf,
  first,
  makeDisk,
  makeFileSystem,
  makeTree,
  mountedAt,
  noise,
  personalised,
  personalOf,
  snapshot,
  textAt,
  treeWith,
  withShell,
} from "./linux-disk.ts";

let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-linux-"));
});
after(() => rmSync(folder, { recursive: true }));

test("a full root: the steps that need room fail and say so, the others are done", async () => {
  const disk = join(folder, "full");
  const tree = join(folder, "small");
  mkdirSync(tree);
  const names = { "etc/hostname": "master\n", "etc/hosts": "127.0.1.1 master\n" };
  makeTree(tree, {
    "etc/os-release": "",
    "etc/machine-id": "0123\n",
    "root/.profile": "",
    ...names,
  });
  const place = first(makeDisk(disk, [24]));
  await makeFileSystem(disk, place, "ext4", (root) => {
    copyInto(tree)(root);
    for (const size of [mib, 64 << 10, 1024]) {
      for (let at = 0; ; at++) {
        try {
          writeFileSync(join(root, `fill-${size}-${at}`), noise(size), { flag: "wx" });
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
          break;
        }
      }
    }
  });
  const before = await atPlace(disk, place, (device) => mountedAt(device, "ro", snapshot));
  const { steps } = await personalised(disk, personalOf("lab1-a1"));
  const failed = amiss(steps);
  assert.deepEqual(
    failed.map((line) => line.split(" (")[0]),
    [
      "Linux on partition 1: SSH keys of root: failed, its file system is full",
      "Linux on partition 1: host name: failed, its file system is full",
    ],
  );
  const now = await atPlace(disk, place, (device) => mountedAt(device, "ro", snapshot));
  // What a failed step had in hand is as it was.
  assert.deepEqual(changedPaths(before, now), filesOf(steps));
});

test("a root that is read-only fails, and says so; nothing of it is tried", async () => {
  const disk = join(folder, "read-only");
  const place = first(makeDisk(disk, [40]));
  await makeFileSystem(disk, place, "ext4", copyInto(treeWith(folder, {})));
  await atPlace(disk, place, (device) => tool("tune2fs", ["-O", "read-only", device]));
  const { steps } = await personalised(disk, personalOf("lab1-a1"));
  assert.match(
    amiss(steps).join("\n"),
    /^Linux on partition 1: files: failed, its ext4 is read-only/,
  );
  assert.equal(await textAt(disk, place, "etc/hostname"), "master\n");
});

test("an unclean root: its journal is replayed; one that is marked as damaged is not touched", async () => {
  const disk = join(folder, "unclean");
  const place = first(makeDisk(disk, [40]));
  await makeFileSystem(disk, place, "ext4", (root) => copyInto(treeWith(folder, {}))(root));
  // As it is while it is mounted: the journal has what the place itself lacks.
  await atPlace(disk, place, (device) => {
    const copy = `${disk}.unclean`;
    mountedAt(device, "rw", (root) => {
      writeFileSync(join(root, "etc/late"), "late\n");
      tool("sync", ["-f", root]);
      writeFileSync(copy, readFileSync(device));
    });
    tool("dd", [`if=${copy}`, `of=${device}`, "bs=1M", "conv=fsync"]);
    rmSync(copy);
  });
  assert.match(
    await atPlace(disk, place, (device) => tool("dumpe2fs", ["-h", device])),
    /needs_recovery/,
  );
  const { steps } = await personalised(disk, personalOf("lab1-a1"));
  assert.deepEqual(amiss(steps), []);
  assert.equal(await textAt(disk, place, "etc/late"), "late\n");
  await atPlace(disk, place, (device) => tool("e2fsck", ["-fn", device]));
  await atPlace(disk, place, (device) => tool("debugfs", ["-w", "-R", "ssv state 2", device]));
  const damaged = await personalised(disk, personalOf("lab1-a2"));
  assert.match(
    amiss(damaged.steps).join("\n"),
    /^Linux on partition 1: files: failed, nothing was changed in its ext4: it is marked as damaged/,
  );
  assert.deepEqual(filesOf(damaged.steps), []);
});

test("no system: one step says so; LUKS, BitLocker and own steps are told as well", async () => {
  const disk = join(folder, "none");
  const places = makeDisk(disk, [24, 24, 8]);
  await atPlace(disk, first(places), (device) =>
    tool(
      "cryptsetup",
      [
        "luksFormat",
        "-q",
        "--pbkdf-force-iterations=4",
        "--pbkdf-memory=32",
        "--pbkdf-parallel=1",
        device,
        "-",
      ],
      "secret",
    ),
  );
  await makeFileSystem(disk, first(places, 1), "ext4", (root) => {
    writeFileSync(join(root, "film"), noise(mib));
  });
  putBytes(disk, first(places, 2).start, Buffer.from("\xebX\x90-FVE-FS-\0\x02\x08", "latin1"));
  const data = await atPlace(disk, first(places, 1), (device) => mountedAt(device, "ro", snapshot));
  const steps = [{ name: "join", script: "true" }];
  const said = await personalised(disk, personalOf("lab1-a1", { steps }));
  assert.deepEqual(amiss(said.steps), [
    "partition 1: left, LUKS encrypts it, and no key of it is here: it is left alone",
    "partition 3: left, BitLocker encrypts it, and no key of it is here: it is left alone",
    "personalising: left, no system that roomcast knows was found; the name comes by DHCP only",
    "own step join: left, no system was found whose root could be mounted for it",
  ]);
  const now = await atPlace(disk, first(places, 1), (device) => mountedAt(device, "ro", snapshot));
  assert.deepEqual(now, data);
});

test("an agent that is not root's leaves it, says so, and does not fail", async () => {
  const disk = join(folder, "nobody");
  makeDisk(disk, [8]);
  chmodSync(folder, 0o755);
  chmodSync(disk, 0o666);
  const program = join(import.meta.dirname, "personalise-program.ts");
  const said = execFileSync(process.execPath, [program, disk], {
    ...{ uid: 65534, gid: 65534, encoding: "utf8", env: {} },
  });
  assert.deepEqual(amiss(JSON.parse(said)), [
    "personalising: left, this agent is not root's, so it cannot mount what it restored",
  ]);
});

test("an abort at any moment leaves nothing mounted, and no loop device", async () => {
  const disk = join(folder, "aborted-early");
  const [root, other] = makeDisk(disk, [40, 8]);
  assert(root !== undefined && other !== undefined);
  await makeFileSystem(disk, root, "ext4", copyInto(treeWith(folder, {})));
  for (let delay = 0; delay < 600; delay += 20) {
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error("stopped")), delay);
    await personalised(disk, personalOf("lab1-a1"), abort.signal).catch((error: Error) =>
      assert.equal(error.message, "stopped"),
    );
    await assertReleased(disk, `after ${delay} ms`);
  }
});

test("an abort in the middle of a script leaves nothing mounted, and no loop device", async () => {
  const inside = treeWith(folder, {});
  withShell(inside);
  for (const [at, tree] of [treeWith(folder, {}), inside].entries()) {
    const disk = join(folder, `aborted-${at}`);
    const place = first(makeDisk(disk, [40]));
    await makeFileSystem(disk, place, "ext4", copyInto(tree));
    // The second is in a group of processes of its own.
    for (const command of ["sleep 60", "exec setsid sleep 60"]) {
      const steps = [{ name: "slow", script: `#!/bin/sh\n${command}\n` }];
      const abort = new AbortController();
      setTimeout(() => abort.abort(new Error("stopped")), 2000);
      const began = Date.now();
      await assert.rejects(
        personalised(disk, personalOf("lab1-a1", { steps }), abort.signal),
        /stopped/,
      );
      assert(Date.now() - began < 30_000, command);
      await assertReleased(disk, command);
    }
  }
});

/** A loop device that is mounted does not go; a scanner of this host's may hold one for a moment. */
async function assertReleased(disk: string, when: string): Promise<void> {
  const end = Date.now() + 3000;
  while (tool("losetup", ["-j", disk]) !== "" && Date.now() < end) await sleep(50);
  assert.equal(tool("losetup", ["-j", disk]), "", when);
}
