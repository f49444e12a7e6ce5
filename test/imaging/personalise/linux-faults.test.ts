/** A Linux in other places than the usual ones, and one that cannot be changed: what is said, and what stays. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { lvm, mib, type Place, putBytes, tool } from "../capture/disks.ts";
import {
  amiss,
  atPlace,
  changedPaths,
  copyInto,
  type Files,
  filesOf,
  makeDisk,
  makeFileSystem,
  makeTree,
  masterFiles,
  mountedAt,
  noise,
  personalised,
  personalOf,
  snapshot,
} from "./linux-disk.ts";

let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-linux-"));
});
after(() => rmSync(folder, { recursive: true }));

let made = 0;
/** A tree of the master's files with others beside or instead. */
const treeWith = (files: Files): string => {
  const tree = join(folder, `tree${made++}`);
  mkdirSync(tree);
  return makeTree(tree, { ...masterFiles, ...files });
};
const first = (places: readonly Place[], at = 0): Place => {
  const place = places[at];
  assert(place !== undefined);
  return place;
};
const textAt = (disk: string, place: Place, path: string): Promise<string> =>
  atPlace(disk, place, (device) =>
    mountedAt(device, "ro", (root) => readFileSync(join(root, path), "utf8")),
  );
const namesOf = (steps: readonly { readonly name: string }[]): string[] =>
  steps.map(({ name }) => name);

test("two Linux systems on one disk: each is done", async () => {
  const disk = join(folder, "two");
  const places = makeDisk(disk, [40, 40, 8]);
  for (const place of places.slice(0, 2)) {
    await makeFileSystem(disk, place, "ext4", copyInto(treeWith({})));
  }
  const { steps } = await personalised(disk, personalOf("lab1-a1"));
  assert.deepEqual(amiss(steps), []);
  for (const place of places.slice(0, 2)) {
    assert.equal(await textAt(disk, place, "etc/hostname"), "lab1-a1\n");
  }
  const names = namesOf(steps);
  assert(names.includes("Linux on partition 1: host name"));
  assert(names.includes("Linux on partition 2: host name"));
});

test("two Linux systems in subvolumes of one btrfs, and a snapshot that stays as it is", async () => {
  const disk = join(folder, "subvolumes");
  const place = first(makeDisk(disk, [160]));
  const tree = treeWith({});
  await makeFileSystem(disk, place, "btrfs", (root) => {
    for (const name of ["@debian", "fedora"]) {
      tool("btrfs", ["subvolume", "create", join(root, name)]);
      copyInto(tree, name)(root);
    }
    tool("btrfs", ["subvolume", "snapshot", "-r", join(root, "fedora"), join(root, "before")]);
  });
  const { steps } = await personalised(disk, personalOf("lab1-a1"));
  assert.deepEqual(amiss(steps), []);
  assert(namesOf(steps).includes("Linux on partition 1, /@debian: host name"));
  for (const name of ["@debian", "fedora"]) {
    assert.equal(await textAt(disk, place, `${name}/etc/hostname`), "lab1-a1\n");
  }
  assert.equal(await textAt(disk, place, "before/etc/hostname"), "master\n");
});

test("the subvolume that is the default is the system; its own /var is a subvolume beside it", async () => {
  const disk = join(folder, "default");
  const place = first(makeDisk(disk, [160]));
  const fstab = "UUID=8a3d9f0e-59a4-4b35-a4a6-6f0f2c1a7b11 /var btrfs subvol=/vars,ro 0 0\n";
  await atPlace(disk, place, (device) => {
    tool("mkfs.btrfs", ["-q", "-f", "-M", "-U", "8a3d9f0e-59a4-4b35-a4a6-6f0f2c1a7b11", device]);
    mountedAt(device, "rw", (root) => {
      for (const name of ["vars", "snapshots", "snapshots/1"]) {
        tool("btrfs", ["subvolume", "create", join(root, name)]);
      }
      copyInto(treeWith({ "etc/fstab": fstab }), "snapshots/1")(root);
      tool("sh", ["-c", `mv ${root}/snapshots/1/var/* ${root}/vars/`]);
      tool("btrfs", ["subvolume", "set-default", join(root, "snapshots/1")]);
    });
  });
  const { steps } = await personalised(disk, personalOf("lab1-a1"));
  assert.deepEqual(amiss(steps), []);
  assert(filesOf(steps).includes("/var/lib/dhcp/dhclient.eth0.leases"));
  await atPlace(disk, place, (device) =>
    mountedAt(device, "ro,subvolid=5", (root) => {
      assert.equal(readFileSync(join(root, "snapshots/1/etc/hostname"), "utf8"), "lab1-a1\n");
      assert(!Object.keys(snapshot(root)).some((path) => path.includes("dhclient")));
    }),
  );
});

test("root and /var in logical volumes: both are reached, by the names of the device mapper", async () => {
  const disk = join(folder, "lvm");
  const place = first(makeDisk(disk, [96]));
  const make = ["--yes", "-an", "-Zn", "-Wn"];
  await lvm(disk, place, [
    ["pvcreate", "PV"],
    ["vgcreate", "-s", "1M", "debian-vg", "PV"],
    ["lvcreate", ...make, "-l", "40", "-n", "root", "debian-vg"],
    ["lvcreate", ...make, "-l", "20", "-n", "var", "debian-vg"],
  ]);
  const root = { start: place.start + mib, size: 40 * mib };
  const vars = { start: root.start + root.size, size: 20 * mib };
  const tree = treeWith({ "etc/fstab": "/dev/mapper/debian--vg-var /var ext4 defaults 0 2\n" });
  await makeFileSystem(disk, vars, "ext4", copyInto(join(tree, "var")));
  rmSync(join(tree, "var"), { recursive: true });
  mkdirSync(join(tree, "var"));
  await makeFileSystem(disk, root, "ext4", copyInto(tree));
  const { steps } = await personalised(disk, personalOf("lab1-a1"));
  assert.deepEqual(amiss(steps), []);
  assert.equal(await textAt(disk, root, "etc/hostname"), "lab1-a1\n");
  await atPlace(disk, vars, (device) =>
    mountedAt(device, "ro", (where) => {
      assert(!Object.keys(snapshot(where)).some((path) => path.includes("random-seed")));
    }),
  );
  assert(namesOf(steps).includes("Linux on debian-vg/root: host name"));
});

test("a logical volume in two pieces is left as it was cast, and told", async () => {
  const disk = join(folder, "pieces");
  const place = first(makeDisk(disk, [64]));
  const make = ["--yes", "-an", "-Zn", "-Wn"];
  await lvm(disk, place, [
    ["pvcreate", "PV"],
    ["vgcreate", "-s", "1M", "vg", "PV"],
    ["lvcreate", ...make, "-l", "8", "-n", "root", "vg"],
    ["lvcreate", ...make, "-l", "8", "-n", "swap", "vg"],
    ["lvextend", "-An", "-l", "+8", "vg/root"],
  ]);
  const { steps } = await personalised(disk, personalOf("lab1-a1"));
  const [said] = amiss(steps).filter((line) => line.startsWith("vg/root"));
  assert.match(said ?? "", /^vg\/root: left, it does not lie on this disk in one piece/);
});

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
  await makeFileSystem(disk, place, "ext4", copyInto(treeWith({})));
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
  await makeFileSystem(disk, place, "ext4", (root) => copyInto(treeWith({}))(root));
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

test("links that lead out of the root are followed inside of it", async () => {
  const outside = join(folder, "outside");
  mkdirSync(outside);
  for (const name of ["hostname", "hosts", "machine-id"])
    writeFileSync(join(outside, name), "host's\n");
  mkdirSync(join(outside, "ssh"));
  writeFileSync(join(outside, "ssh", "ssh_host_rsa_key"), "host's\n");
  const up = "../".repeat(12);
  const tree = treeWith({
    "etc/hostname": `->${up}${outside}/hostname`,
    "etc/hosts": `->${outside}/hosts`,
    "etc/machine-id": "->machine-id",
    "etc/udev/rules.d/70-persistent-net.rules": `->${outside}/hosts`,
  });
  rmSync(join(tree, "etc/ssh"), { recursive: true });
  symlinkSync(`${up}${outside}/ssh`, join(tree, "etc/ssh"));
  rmSync(join(tree, "root"), { recursive: true });
  symlinkSync(outside, join(tree, "root"));
  rmSync(join(tree, "var/lib/dhcp"), { recursive: true });
  symlinkSync(outside, join(tree, "var/lib/dhcp"));
  const before = snapshot(outside);
  const disk = join(folder, "links");
  const place = first(makeDisk(disk, [40]));
  await makeFileSystem(disk, place, "ext4", copyInto(tree));
  const { steps } = await personalised(disk, personalOf("lab1-a1"));
  assert.deepEqual(snapshot(outside), before);
  const failed = amiss(steps).join("\n");
  assert.match(failed, /host name: failed, \/etc\/hostname leads to no folder of this system/);
  assert.match(failed, /SSH keys of root: failed, \/root\/.ssh leads to no folder/);
  // A link itself is removed, not what it leads to.
  assert(filesOf(steps).includes("/etc/udev/rules.d/70-persistent-net.rules"));
});

test("an absolute link is the system's own", async () => {
  const tree = treeWith({
    "etc/hostname": "->/data/name",
    "data/name": { text: "master\n", mode: 0o640 },
  });
  const disk = join(folder, "absolute");
  const place = first(makeDisk(disk, [40]));
  await makeFileSystem(disk, place, "ext4", copyInto(tree));
  const { steps } = await personalised(disk, personalOf("lab1-a1"));
  assert.deepEqual(amiss(steps), []);
  assert.equal(await textAt(disk, place, "data/name"), "lab1-a1\n");
  assert(filesOf(steps).includes("/data/name"));
});

test("an abort at any moment leaves nothing mounted, and no loop device", async () => {
  const disk = join(folder, "aborted-early");
  const [root, other] = makeDisk(disk, [40, 8]);
  assert(root !== undefined && other !== undefined);
  await makeFileSystem(disk, root, "ext4", copyInto(treeWith({})));
  for (let delay = 0; delay < 600; delay += 20) {
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error("stopped")), delay);
    await personalised(disk, personalOf("lab1-a1"), abort.signal).catch((error: Error) =>
      assert.equal(error.message, "stopped"),
    );
    assert.equal(tool("losetup", ["-j", disk]), "", `after ${delay} ms`);
    assert(!readFileSync("/proc/self/mountinfo", "utf8").includes("roomcast-root-"));
  }
});

test("an abort in the middle of a script leaves nothing mounted, and no loop device", async () => {
  const disk = join(folder, "aborted");
  const place = first(makeDisk(disk, [40]));
  await makeFileSystem(disk, place, "ext4", copyInto(treeWith({})));
  const steps = [{ name: "slow", script: "sleep 60" }];
  const abort = new AbortController();
  setTimeout(() => abort.abort(new Error("stopped")), 2000);
  const began = Date.now();
  await assert.rejects(
    personalised(disk, personalOf("lab1-a1", { steps }), abort.signal),
    /stopped/,
  );
  assert(Date.now() - began < 30_000);
  assert.equal(tool("losetup", ["-j", disk]), "");
  assert(!readFileSync("/proc/self/mountinfo", "utf8").includes("roomcast-root-"));
});
