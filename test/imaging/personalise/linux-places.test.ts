/** A Linux in other places than the usual ones: beside another, in subvolumes, in logical volumes, behind links. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { lvm, mib, tool } from "../capture/disks.ts";
import {
  amiss,
  atPlace,
  copyInto,
  filesOf,
  first,
  makeDisk,
  makeFileSystem,
  mountedAt,
  personalised,
  personalOf,
  snapshot,
  textAt,
  treeWith,
} from "./linux-disk.ts";

let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-linux-"));
});
after(() => rmSync(folder, { recursive: true }));

const namesOf = (steps: readonly { readonly name: string }[]): string[] =>
  steps.map(({ name }) => name);

test("two Linux systems on one disk: each is done", async () => {
  const disk = join(folder, "two");
  const places = makeDisk(disk, [40, 40, 8]);
  for (const place of places.slice(0, 2)) {
    await makeFileSystem(disk, place, "ext4", copyInto(treeWith(folder, {})));
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
  const tree = treeWith(folder, {});
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
      copyInto(treeWith(folder, { "etc/fstab": fstab }), "snapshots/1")(root);
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
  lvm(disk, place, [
    ["pvcreate", "PV"],
    ["vgcreate", "-s", "1M", "debian-vg", "PV"],
    ["lvcreate", ...make, "-l", "40", "-n", "root", "debian-vg"],
    ["lvcreate", ...make, "-l", "20", "-n", "var", "debian-vg"],
  ]);
  const root = { start: place.start + mib, size: 40 * mib };
  const vars = { start: root.start + root.size, size: 20 * mib };
  const tree = treeWith(folder, {
    "etc/fstab": "/dev/mapper/debian--vg-var /var ext4 defaults 0 2\n",
  });
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
  lvm(disk, place, [
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

test("links that lead out of the root are followed inside of it", async () => {
  const outside = join(folder, "outside");
  mkdirSync(outside);
  for (const name of ["hostname", "hosts", "machine-id"])
    writeFileSync(join(outside, name), "host's\n");
  mkdirSync(join(outside, "ssh"));
  writeFileSync(join(outside, "ssh", "ssh_host_rsa_key"), "host's\n");
  const up = "../".repeat(12);
  const tree = treeWith(folder, {
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
  const tree = treeWith(folder, {
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
