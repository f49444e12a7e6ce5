/** A small Linux as a master has it, on disks made by Debian's tools; and what is different afterwards. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { HostKey, Personal } from "../../../core/wire/personal.ts";
import type { StepView } from "../../../core/wire/views.ts";
import { personaliseDisk } from "../../../imaging/personalise/personalise.ts";
import { mib, type Place, placesOf, tool, withLoop } from "../capture/disks.ts";

/** Path → text, in the master's tree. */
export type Files = Readonly<
  Record<string, string | { readonly text: string; readonly mode: number }>
>;

const masterMac = "52:54:00:aa:bb:cc";
export const ownMac = "52:54:00:00:00:07";

/** Debian's with ifupdown, and some of what others have. */
export const masterFiles: Files = {
  "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
  "etc/hostname": "master\n",
  "etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\tmaster.old.example master\n192.0.2.9 printer\n",
  "etc/mailname": "master.old.example\n",
  "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/bash\n",
  "etc/machine-id": { text: "0123456789abcdef0123456789abcdef\n", mode: 0o444 },
  "var/lib/dbus/machine-id": "0123456789abcdef0123456789abcdef\n",
  "etc/ssh/sshd_config": "PermitRootLogin prohibit-password\n",
  "etc/ssh/ssh_host_rsa_key": { text: "the master's RSA key\n", mode: 0o600 },
  "etc/ssh/ssh_host_rsa_key.pub": "ssh-rsa AAAAB3Nz root@master\n",
  "etc/ssh/ssh_host_ed25519_key": { text: "the master's key\n", mode: 0o600 },
  "etc/ssh/ssh_host_ed25519_key.pub": "ssh-ed25519 AAAAC3Nz root@master\n",
  "root/.ssh/authorized_keys": { text: "ssh-ed25519 AAAAC3NzKept boss\n", mode: 0o644 },
  "var/lib/systemd/random-seed": { text: "the master's seed", mode: 0o600 },
  "var/lib/dhcp/dhclient.eth0.leases": "lease {}\n",
  "var/lib/NetworkManager/secret_key": "secret",
  "var/lib/NetworkManager/internal-1-eth0.lease": "ADDRESS=192.0.2.1\n",
  "var/lib/NetworkManager/NetworkManager.state": "[main]\n",
  "etc/udev/rules.d/70-persistent-net.rules": `SUBSYSTEM=="net", ATTR{address}=="${masterMac}", NAME="eth0"\n`,
  "etc/systemd/network/10-lan.link": `[Match]\nMACAddress=${masterMac}\n\n[Link]\nName=lan0\n`,
  "etc/NetworkManager/system-connections/wired": {
    text: `[connection]\nid=wired\n\n[ethernet]\nmac-address=${masterMac.toUpperCase()}\n`,
    mode: 0o600,
  },
  "etc/network/interfaces":
    "auto lo\niface lo inet loopback\n\nallow-hotplug eth0\niface eth0 inet dhcp\n\thwaddress ether 52:54:00:aa:bb:cc\n\tmtu 1400\n",
  "etc/resolv.conf": "nameserver 203.0.113.1\n",
  "sbin/ifup": { text: "#!/bin/sh\n", mode: 0o755 },
  "usr/share/doc/readme": "r".repeat(20_000),
  "home/ann/notes": "notes\n",
};

/** A folder with these files; a text that begins with `->` is a link. */
export function makeTree(folder: string, files: Files): string {
  for (const path of ["dev", "proc", "tmp", "etc", "usr"])
    mkdirSync(join(folder, path), { recursive: true });
  for (const [path, what] of Object.entries(files)) {
    const { text, mode } = typeof what === "string" ? { text: what, mode: 0o644 } : what;
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    if (text.startsWith("->")) symlinkSync(text.slice(2), target);
    else {
      writeFileSync(target, text);
      chmodSync(target, mode);
    }
  }
  return folder;
}

const makers: Readonly<Record<string, readonly string[]>> = {
  ext2: ["mke2fs", "-q", "-F", "-t", "ext2"],
  ext3: ["mke2fs", "-q", "-F", "-t", "ext3"],
  ext4: ["mke2fs", "-q", "-F", "-t", "ext4"],
  xfs: ["mkfs.xfs", "-q", "-f"],
  btrfs: ["mkfs.btrfs", "-q", "-f", "-M"],
};

/** An empty file system with a partition's place, then what `fill` puts into it. */
export async function makeFileSystem(
  disk: string,
  place: Place,
  fs: string,
  fill: (root: string) => void,
): Promise<void> {
  await atPlace(disk, place, (device) => {
    const [name = "", ...args] = makers[fs] ?? [];
    tool(name, [...args, device]);
    mountedAt(device, "rw", fill);
  });
}

export const atPlace = <T>(disk: string, place: Place, work: (device: string) => T): Promise<T> =>
  withLoop(disk, ["-o", String(place.start), "--sizelimit", String(place.size)], work);

/** Mounts a device; `options` as mount(8) has them. */
export function mountedAt<T>(device: string, options: string, work: (root: string) => T): T {
  const root = mkdtempSync(join(tmpdir(), "roomcast-mount-"));
  tool("mount", ["-o", `noatime,${options}`, device, root]);
  try {
    return work(root);
  } finally {
    tool("umount", [root]);
    rmSync(root, { recursive: true });
  }
}

/** A disk file with a GPT; sizes in MiB. */
export function makeDisk(path: string, sizes: readonly number[]): Place[] {
  closeSync(openSync(path, "w"));
  truncateSync(path, (sizes.reduce((sum, size) => sum + size, 0) + 3) * mib);
  tool("sfdisk", ["-q", path], `label: gpt\n${sizes.map((size) => `size=${size}M\n`).join("")}`);
  return placesOf(path);
}

/** Copies a tree into a mounted file system. */
export const copyInto =
  (tree: string, below = "") =>
  (root: string): void =>
    cpSync(tree, join(root, below), {
      recursive: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
    });

/** Path → what is there: kind, permissions, owner, contents. */
export function snapshot(root: string, below = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(join(root, below)).sort()) {
    const path = `${below}/${name}`;
    const stats = lstatSync(join(root, path));
    const owner = `${(stats.mode & 0o7777).toString(8)} ${stats.uid}:${stats.gid}`;
    if (stats.isSymbolicLink()) found[path] = `-> ${readlinkSync(join(root, path))}`;
    else if (stats.isDirectory()) {
      if (name === "lost+found") continue;
      found[path] = `folder ${owner}`;
      Object.assign(found, snapshot(root, path));
    } else if (stats.isFile()) {
      const hash = createHash("sha256")
        .update(readFileSync(join(root, path)))
        .digest("hex");
      found[path] = `file ${owner} ${hash}`;
    } else found[path] = `device or pipe ${owner}`;
  }
  return found;
}

/** Paths that are different in two snapshots, in order. */
export const changedPaths = (
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((path) => before[path] !== after[path])
    .sort();

export const hostKey = (name: string): HostKey => ({
  type: "ed25519",
  privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${name}\n-----END OPENSSH PRIVATE KEY-----\n`,
  publicKey: `ssh-ed25519 AAAAC3NzOf${name} root@${name}\n`,
});

export const personalOf = (name: string, more: Partial<Personal> = {}): Personal => ({
  name,
  domain: "lab.example",
  room: "lab1",
  seat: "a1",
  address: { kind: "dhcp" },
  sshKeys: [`ssh-ed25519 AAAAC3NzAdmin ann of ${name}`],
  hostKeys: [hostKey(name)],
  fields: { "asset-tag": "X 17" },
  bootFirst: "network",
  steps: [],
  windows: null,
  ...more,
});

/** What was said of a disk that was made this PC's own. */
export async function personalised(
  path: string,
  personal: Personal,
  signal = new AbortController().signal,
): Promise<{ readonly steps: StepView[]; readonly log: string }> {
  const steps: StepView[] = [];
  let log = "";
  await personaliseDisk({
    ...{ path, personal, signal, mac: ownMac },
    said: (step) => void steps.push(step),
    log(text) {
      log += `${text}\n`;
    },
    async *driver() {},
  });
  return { steps, log };
}

/** The result of each step that is not as it should be, and why. */
export const amiss = (steps: readonly StepView[]): string[] =>
  steps.flatMap(({ name, result, detail }) =>
    result === "done" ? [] : [`${name}: ${result}, ${detail}`],
  );

/** Every file that a step says it changed. */
export const filesOf = (steps: readonly StepView[]): string[] =>
  [...new Set(steps.flatMap(({ files }) => files))].sort();

export const noise = (bytes: number): Buffer => randomBytes(bytes);

/** A tree of the master's files, in a folder of its own, with others beside or instead. */
export const treeWith = (folder: string, files: Files): string =>
  makeTree(mkdtempSync(join(folder, "tree-")), { ...masterFiles, ...files });

/** A static BusyBox as the system's shell and all of its tools. */
export const withShell = (root: string): void => {
  mkdirSync(join(root, "bin"), { recursive: true });
  copyFileSync("/bin/busybox", join(root, "bin/busybox"));
  for (const name of ["sh", "cat", "id", "sleep", "ls", "tr", "setsid"]) {
    tool("ln", ["-s", "busybox", join(root, "bin", name)]);
  }
};

export const first = (places: readonly Place[], at = 0): Place => {
  const place = places[at];
  assert(place !== undefined);
  return place;
};

/** A file of the system there. */
export const textAt = (disk: string, place: Place, path: string): Promise<string> =>
  atPlace(disk, place, (device) =>
    mountedAt(device, "ro", (root) => readFileSync(join(root, path), "utf8")),
  );
