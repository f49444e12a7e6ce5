/** A small Linux on each file system, made two PCs' own and compared file by file with the master. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { tool } from "../capture/disks.ts";
import {
  amiss,
  atPlace,
  changedPaths,
  copyInto,
  filesOf,
  makeDisk,
  makeFileSystem,
  makeTree,
  masterFiles,
  mountedAt,
  personalised,
  personalOf,
  snapshot,
} from "./linux-disk.ts";

let folder = "";
let tree = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-linux-"));
  tree = makeTree(join(folder, "tree"), masterFiles);
});
after(() => rmSync(folder, { recursive: true }));

/** What differs from the master on a PC that has its address by DHCP. */
const expected = [
  "/etc/NetworkManager/system-connections/wired",
  "/etc/hostname",
  "/etc/hosts",
  "/etc/machine-id",
  "/etc/network/interfaces",
  "/etc/ssh/ssh_host_ed25519_key",
  "/etc/ssh/ssh_host_ed25519_key.pub",
  "/etc/ssh/ssh_host_rsa_key",
  "/etc/ssh/ssh_host_rsa_key.pub",
  "/etc/systemd/network/10-lan.link",
  "/etc/udev/rules.d/70-persistent-net.rules",
  "/root/.ssh",
  "/root/.ssh/authorized_keys",
  "/var/lib/NetworkManager/internal-1-eth0.lease",
  "/var/lib/NetworkManager/secret_key",
  "/var/lib/dbus/machine-id",
  "/var/lib/dhcp/dhclient.eth0.leases",
  "/var/lib/systemd/random-seed",
];

for (const fs of ["ext2", "ext3", "ext4", "xfs", "btrfs"]) {
  test(`${fs}: two PCs of one master differ from it in the files that are told, and in no others`, async () => {
    const master = join(folder, `master-${fs}`);
    const [, place] = makeDisk(master, [8, fs === "xfs" ? 320 : 120]);
    assert(place !== undefined);
    const below = fs === "btrfs" ? "/@" : "";
    await makeFileSystem(master, place, fs, (root) => {
      if (fs === "btrfs") tool("btrfs", ["subvolume", "create", join(root, "@")]);
      copyInto(tree, below)(root);
    });
    const look = (disk: string) =>
      atPlace(disk, place, (device) => mountedAt(device, "ro", (root) => snapshot(root, below)));
    const first = await look(master);
    const strip = (paths: readonly string[]) => paths.map((path) => path.slice(below.length));
    const seen = [];
    for (const name of ["lab1-a1", "lab1-a2"]) {
      const disk = join(folder, `${name}-${fs}`);
      tool("cp", ["--sparse=always", master, disk]);
      const { steps } = await personalised(disk, personalOf(name));
      assert.deepEqual(amiss(steps), []);
      const own = await look(disk);
      assert.deepEqual(strip(changedPaths(first, own)), expected);
      assert.deepEqual(filesOf(steps), expected);
      const again = await personalised(disk, personalOf(name));
      assert.deepEqual(amiss(again.steps), []);
      assert.deepEqual(filesOf(again.steps), []);
      assert.deepEqual(await look(disk), own);
      await atPlace(disk, place, (device) => checks[fs]?.(device));
      seen.push(own);
      rmSync(disk);
    }
    const [one, other] = seen;
    assert(one !== undefined && other !== undefined);
    // What two PCs must never share.
    assert.deepEqual(strip(changedPaths(one, other)), [
      "/etc/hostname",
      "/etc/hosts",
      "/etc/ssh/ssh_host_ed25519_key",
      "/etc/ssh/ssh_host_ed25519_key.pub",
      "/root/.ssh/authorized_keys",
    ]);
    rmSync(master);
  });
}

const checks: Readonly<Record<string, (device: string) => void>> = {
  ext2: (device) => void tool("e2fsck", ["-fn", device]),
  ext3: (device) => void tool("e2fsck", ["-fn", device]),
  ext4: (device) => void tool("e2fsck", ["-fn", device]),
  xfs: (device) => void tool("xfs_repair", ["-n", device]),
  btrfs: (device) => void tool("btrfs", ["check", device]),
};
