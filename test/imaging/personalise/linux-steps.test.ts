/** What of a Linux's files is changed, and how, in the ways that distributions differ. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Personal } from "../../../core/wire/personal.ts";
import type { StepView } from "../../../core/wire/views.ts";
import { tool } from "../capture/disks.ts";
import {
  amiss,
  atPlace,
  copyInto,
  type Files,
  filesOf,
  makeDisk,
  makeFileSystem,
  makeTree,
  mountedAt,
  ownMac,
  personalised,
  personalOf,
  snapshot,
  withShell,
} from "./linux-disk.ts";

let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-linux-"));
});
after(() => rmSync(folder, { recursive: true }));

interface Seen {
  readonly steps: readonly StepView[];
  readonly log: string;
  /** Its files afterwards. */
  readonly root: string;
}

let made = 0;
/** A system of these files, on ext4, made `lab1-a1`'s; a second time nothing is different. */
async function seen(
  files: Files,
  more: Partial<Personal>,
  prepare: (root: string) => void = () => {},
): Promise<Seen> {
  const base = join(folder, `system${made++}`);
  const tree = join(base, "tree");
  mkdirSync(tree, { recursive: true });
  makeTree(tree, { "etc/os-release": "ID=test\n", "root/.profile": "", ...files });
  prepare(tree);
  const disk = join(base, "disk");
  const [place] = makeDisk(disk, [48]);
  assert(place !== undefined);
  await makeFileSystem(disk, place, "ext4", copyInto(tree));
  const personal = personalOf("lab1-a1", { sshKeys: [], ...more });
  const { steps, log } = await personalised(disk, personal);
  const root = join(base, "root");
  const look = (): Promise<Record<string, string>> =>
    atPlace(disk, place, (device) =>
      mountedAt(device, "ro", (where) => {
        rmSync(root, { recursive: true, force: true });
        copyInto(where)(root);
        return snapshot(where);
      }),
    );
  const once = await look();
  const again = await personalised(disk, { ...personal, steps: [] });
  assert.deepEqual(filesOf(again.steps), []);
  assert.deepEqual(await look(), once);
  return { steps, log, root };
}

const textOf = ({ root }: Seen, path: string): string => readFileSync(join(root, path), "utf8");

test("own steps run inside of the system, with the PC's facts; what they say is kept", async () => {
  const script = `echo "$ROOMCAST_ROOT $ROOMCAST_NAME $ROOMCAST_ROOM $ROOMCAST_SEAT $ROOMCAST_MAC"
    echo "$ROOMCAST_FIELD_ASSET_TAG in $PWD" > /root/told; ls /dev | tr '\\n' ' '; cat /proc/1/comm
    head -c 4 < /dev/zero > /dev/null 2>&1; echo $?`;
  const steps = [
    { name: "join", script },
    { name: "broken", script: "echo no licence >&2; exit 3" },
    { name: "last", script: "setsid sleep 1000 & echo left running" },
  ];
  const found = await seen({}, { steps }, withShell);
  const own = found.steps.filter(({ name }) => name.startsWith("own step"));
  assert.deepEqual(
    own.map(({ name, result }) => `${name}: ${result}`),
    ["own step join: done", "own step broken: failed", "own step last: done"],
  );
  assert.match(
    own[0]?.detail ?? "",
    /^\/ lab1-a1 lab1 a1 52:54:00:00:00:07\nfull null random roomcast-step urandom zero sh\n/,
  );
  assert.equal(own[1]?.detail, "ended with 3: no licence");
  assert.match(found.log, /own step join:\n\/ lab1-a1/);
  assert.equal(textOf(found, "root/told"), "X 17 in /\n");
});

test("an own step is run by what its first line names, and fails where that is not there", async () => {
  const steps = [
    { name: "cat", script: "#! /bin/cat\nread as it is" },
    { name: "strict", script: "#!/bin/sh -e \nfalse\necho went on\n" },
    { name: "bash", script: "#!/bin/bash\n[[ -e / ]]\n" },
    { name: "long", script: `#!/${"x".repeat(256)}` },
    { name: "after", script: "#!/bin/sh\necho ran\n" },
  ];
  const found = await seen({}, { steps }, withShell);
  const own = found.steps.filter(({ name }) => name.startsWith("own step"));
  assert.deepEqual(
    own.map(({ result, detail }) => `${result}: ${detail}`),
    [
      "done: #! /bin/cat\nread as it is",
      "failed: ended with 1",
      "failed: the system has no /bin/bash, which the script's first line names",
      `failed: the system has no /${"x".repeat(254)}, which the script's first line names`,
      "done: ran",
    ],
  );
});

test("own steps of a system without a shell run beside it", async () => {
  const steps = [
    { name: "cat", script: "#!/bin/cat" },
    { name: "mark", script: 'echo "$ROOMCAST_NAME" > "$ROOMCAST_ROOT/marked"; ls etc/os-release' },
  ];
  const found = await seen({}, { steps });
  assert.deepEqual(amiss(found.steps), []);
  assert.equal(textOf(found, "marked"), "lab1-a1\n");
});

test("a PC that has not proven who it is gets a new host key, which OpenSSH takes", async () => {
  const files = {
    "etc/ssh/sshd_config": "",
    "etc/ssh/ssh_host_ed25519_key": { text: "the master's\n", mode: 0o600 },
    "etc/ssh/ssh_host_ecdsa_key": { text: "the master's\n", mode: 0o600 },
    "lib/systemd/system/ssh.service": "[Service]\nExecStart=/usr/sbin/sshd -D\n",
  };
  const found = await seen(files, { hostKeys: null });
  assert.deepEqual(amiss(found.steps), []);
  const key = join(found.root, "etc/ssh/ssh_host_ed25519_key");
  const said = execFileSync("ssh-keygen", ["-y", "-f", key], { encoding: "utf8" });
  const [type, blob] = textOf(found, "etc/ssh/ssh_host_ed25519_key.pub").split(" ");
  assert.equal(said.split(" ").slice(0, 2).join(" ").trim(), `${type} ${blob}`.trim());
  assert(!snapshot(found.root)["/etc/ssh/ssh_host_ecdsa_key"]);
});

test("a key of RSA is for a system whose sshd takes no other, made here or kept by the server", async () => {
  const files = {
    "etc/ssh/sshd_config": "# HostKey /etc/ssh/ssh_host_ecdsa_key\nUsePAM yes\n",
    "etc/ssh/sshd_config.d/own.conf": 'hostkey="/etc/ssh/ssh_host_rsa_key"\nHostKey /srv/key\n',
    "etc/ssh/ssh_host_rsa_key": { text: "the master's\n", mode: 0o600 },
  };
  const made = await seen(files, { hostKeys: null });
  assert.deepEqual(amiss(made.steps), []);
  const folder = join(made.root, "etc/ssh");
  const names = Object.keys(snapshot(folder)).filter((name) => name.includes("ssh_host"));
  assert.deepEqual(names, ["/ssh_host_rsa_key", "/ssh_host_rsa_key.pub"]);
  const said = execFileSync("ssh-keygen", ["-y", "-f", join(folder, "ssh_host_rsa_key")]);
  assert.match(String(said), /^ssh-rsa /);
  const step = made.steps.find(({ name }) => name.includes("host keys"));
  assert.equal(step?.detail, "new, made here: rsa; /srv/key stays the master's");

  const hostKeys = (["ed25519", "rsa"] as const).map((type) => ({
    ...{ type, privateKey: `this PC's ${type}\n`, publicKey: `ssh-${type} AAAA pc\n` },
  }));
  const kept = await seen(files, { hostKeys });
  assert.equal(textOf(kept, "etc/ssh/ssh_host_rsa_key"), "this PC's rsa\n");
  const other = await seen({ ...files, "etc/ssh/sshd_config.d/own.conf": "" }, { hostKeys });
  assert.equal(textOf(other, "etc/ssh/ssh_host_ed25519_key"), "this PC's ed25519\n");
  assert(!snapshot(other.root)["/etc/ssh/ssh_host_rsa_key"]);
});

test("where the system makes its own host keys, the master's are gone and none are made", async () => {
  const files = {
    "etc/ssh/sshd_config": "",
    "etc/ssh/ssh_host_rsa_key": { text: "the master's\n", mode: 0o640 },
    "usr/lib/systemd/system/sshd-keygen@.service":
      "[Service]\nExecStart=/usr/libexec/openssh/sshd-keygen %i\n",
  };
  const found = await seen(files, { hostKeys: null });
  const names = Object.keys(snapshot(join(found.root, "etc/ssh")));
  assert.deepEqual(names, ["/sshd_config"]);
});

const address = {
  kind: "static",
  ...{ address: "192.0.2.7", prefix: 24, gateway: "192.0.2.1", dns: ["192.0.2.2"], mac: ownMac },
} as const;

test("a static address by ifupdown, with resolv.conf where nobody else writes it", async () => {
  const files = {
    "sbin/ifup": "",
    "etc/network/interfaces":
      "source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n",
    "etc/network/interfaces.d/lan": "allow-hotplug eth0\niface eth0 inet dhcp\n    mtu 1400\n",
    "etc/resolv.conf": "nameserver 203.0.113.1\n",
  };
  const found = await seen(files, { address });
  assert.deepEqual(amiss(found.steps), []);
  assert.equal(
    textOf(found, "etc/network/interfaces.d/lan"),
    "allow-hotplug eth0\niface eth0 inet static\n    address 192.0.2.7/24\n    gateway 192.0.2.1\n" +
      "    dns-nameservers 192.0.2.2\n    dns-search lab.example\n    mtu 1400\n",
  );
  assert.equal(textOf(found, "etc/resolv.conf"), "search lab.example\nnameserver 192.0.2.2\n");
});

test("a static address by netplan, and cloud-init does not take it back", async () => {
  const files = {
    "etc/netplan/50-cloud-init.yaml": {
      text: 'network:\n  version: 2\n  ethernets:\n    enp1s0:\n      dhcp4: true\n      match:\n        macaddress: "52:54:00:aa:bb:cc"\n      set-name: lan0\n',
      mode: 0o600,
    },
    "etc/cloud/cloud.cfg.d/05_logging.cfg": "",
    "var/lib/cloud/instances/i-1/obj.pkl": "pickled",
    "var/lib/cloud/instance": "->/var/lib/cloud/instances/i-1",
    "var/lib/cloud/data/instance-id": "i-1\n",
  };
  const found = await seen(files, { address });
  assert.deepEqual(amiss(found.steps), []);
  assert.equal(
    textOf(found, "etc/netplan/50-cloud-init.yaml"),
    `network:\n  version: 2\n  ethernets:\n    enp1s0:\n      match:\n        macaddress: "${ownMac}"\n      set-name: lan0\n` +
      '      dhcp4: false\n      addresses: ["192.0.2.7/24"]\n      routes: [{to: default, via: "192.0.2.1"}]\n' +
      '      nameservers: {addresses: ["192.0.2.2"], search: [lab.example]}\n',
  );
  assert.match(
    textOf(found, "etc/cloud/cloud.cfg.d/99-roomcast.cfg"),
    /ssh_deletekeys: false\nnetwork: \{config: disabled\}/,
  );
  assert(
    !Object.keys(snapshot(found.root)).some(
      (path) => path.includes("i-1") || path.includes("instance"),
    ),
  );
});

test("a static address by NetworkManager, in a file for root alone", async () => {
  const wants = "etc/systemd/system/multi-user.target.wants/NetworkManager.service";
  const files = {
    [wants]: "->/lib/systemd/system/NetworkManager.service",
    "etc/NetworkManager/system-connections/old": "",
  };
  const found = await seen(files, { address });
  const path = "/etc/NetworkManager/system-connections/roomcast.nmconnection";
  assert.match(snapshot(found.root)[path] ?? "", /^file 600 0:0/);
  assert.match(
    textOf(found, path),
    /mac-address=52:54:00:00:00:07\n\n\[ipv4\]\nmethod=manual\naddress1=192.0.2.7\/24,192.0.2.1\ndns=192.0.2.2;/,
  );
});

test("a static address by systemd-networkd, before all other files", async () => {
  const wants = "etc/systemd/system/multi-user.target.wants/systemd-networkd.service";
  const files = {
    [wants]: "->/lib/systemd/system/systemd-networkd.service",
    "etc/systemd/network/10-all.network": "[Match]\nName=en*\n",
  };
  const found = await seen(files, { address });
  assert.match(
    textOf(found, "etc/systemd/network/00-roomcast.network"),
    /Address=192.0.2.7\/24\nGateway=192.0.2.1\nDNS=192.0.2.2\nDomains=lab.example\n$/,
  );
});

test("of a master that had a static address no clone by DHCP has it", async () => {
  const connection = "etc/NetworkManager/system-connections/roomcast.nmconnection";
  const network = "etc/systemd/network/00-roomcast.network";
  const netplan = "network:\n  version: 2\n  ethernets:\n    enp1s0:\n      mtu: 1400\n      ";
  const files = {
    [connection]: "[ipv4]\nmethod=manual\naddress1=192.0.2.7/24\n",
    [network]: "[Network]\nAddress=192.0.2.7/24\n",
    "etc/netplan/50-cloud-init.yaml": `${netplan}dhcp4: false\n      addresses: ["192.0.2.7/24"]\n      nameservers: {addresses: ["192.0.2.2"]}\n`,
    "etc/network/interfaces":
      "iface lo inet loopback\niface eth0 inet static\n    address 192.0.2.7/24\n    mtu 1400\n",
  };
  const found = await seen(files, {});
  assert.deepEqual(amiss(found.steps), []);
  const step = found.steps.find(({ name }) => name.endsWith(": address"));
  assert.deepEqual(
    step?.files,
    Object.keys(files)
      .map((path) => `/${path}`)
      .sort(),
  );
  assert.equal(snapshot(found.root)[`/${connection}`], undefined);
  assert.equal(snapshot(found.root)[`/${network}`], undefined);
  assert.equal(textOf(found, "etc/netplan/50-cloud-init.yaml"), `${netplan}dhcp4: true\n`);
  assert.equal(
    textOf(found, "etc/network/interfaces"),
    "iface lo inet loopback\niface eth0 inet dhcp\n    mtu 1400\n",
  );
});

test("which of several static addresses the master's own is, nobody knows: they stay, and are told", async () => {
  const interfaces =
    "iface eth0 inet static\n    address 192.0.2.7/24\niface eth1 inet manual\n    address 192.0.2.9\n";
  const files = {
    "etc/network/interfaces": interfaces,
    "etc/netplan/a.yaml":
      "network:\n  ethernets:\n    a:\n      addresses:\n      - 192.0.2.8/24\n",
    "etc/netplan/b.yaml": "network:\n  ethernets:\n    b:\n      dhcp4: true\n",
  };
  const found = await seen(files, {});
  assert.deepEqual(amiss(found.steps), [
    "Linux on partition 1: address: left, 192.0.2.8/24 stays as on the master: wired cards are configured in several files: /etc/netplan/a.yaml, /etc/netplan/b.yaml; " +
      "192.0.2.7/24 stays as on the master: 2 interfaces are configured, so it is not known which one it is for",
  ]);
  assert.equal(textOf(found, "etc/network/interfaces"), interfaces);
});

test("settings that are bound to several cards stay, and are told", async () => {
  const link = (mac: string, name: string) => `[Match]\nMACAddress=${mac}\n[Link]\nName=${name}\n`;
  const files = {
    "etc/systemd/network/10-a.link": link("52:54:00:aa:bb:01", "a"),
    "etc/systemd/network/10-b.link": link("52-54-00-AA-BB-02", "b"),
  };
  const found = await seen(files, {});
  assert.deepEqual(amiss(found.steps), [
    "Linux on partition 1: network cards: left, settings are bound to several cards, and stay so: 52:54:00:aa:bb:01, 52:54:00:aa:bb:02",
  ]);
  assert.equal(textOf(found, "etc/systemd/network/10-b.link"), link("52-54-00-AA-BB-02", "b"));
});

test("permissions, owner and extended attributes of a file stay when it is written anew", async () => {
  const disk = join(folder, "attributes");
  const [place] = makeDisk(disk, [48]);
  assert(place !== undefined);
  await makeFileSystem(disk, place, "ext4", (root) => {
    makeTree(root, { "etc/os-release": "", "etc/hostname": { text: "master\n", mode: 0o640 } });
    chownSync(join(root, "etc/hostname"), 7, 8);
    tool("setfattr", ["-n", "user.kept", "-v", "yes", join(root, "etc/hostname")]);
  });
  await personalised(disk, personalOf("lab1-a1", { sshKeys: [] }));
  await atPlace(disk, place, (device) =>
    mountedAt(device, "ro", (root) => {
      const file = join(root, "etc/hostname");
      assert.equal(readFileSync(file, "utf8"), "lab1-a1\n");
      assert.match(snapshot(root)["/etc/hostname"] ?? "", /^file 640 7:8/);
      assert.match(tool("getfattr", ["-d", "--absolute-names", file]), /user.kept="yes"/);
    }),
  );
});

test("with SELinux, what is new is labelled by the system's own setfiles, else at its next start", async () => {
  const files = {
    "etc/selinux/config": "# SELINUX= can be:\nSELINUX=enforcing\nSELINUXTYPE=targeted\n",
    "etc/hostname": "master\n",
  };
  const setfiles = { "sbin/setfiles": { text: '#!/bin/sh\necho "$@" > /asked\n', mode: 0o755 } };
  const able = await seen({ ...files, ...setfiles }, {}, withShell);
  assert.equal(
    textOf(able, "asked"),
    "-F /etc/selinux/targeted/contexts/files/file_contexts /etc/hostname\n",
  );
  const unable = await seen(files, {}, withShell);
  assert.deepEqual(amiss(unable.steps), []);
  assert(snapshot(unable.root)["/.autorelabel"]);
});

test("names in SUSE's and old Red Hat's files, only where they are", async () => {
  const found = await seen(
    {
      "etc/HOSTNAME": "master.old.example\n",
      "etc/sysconfig/network": "NETWORKING=yes\nHOSTNAME=master\n",
    },
    {},
  );
  assert.equal(textOf(found, "etc/HOSTNAME"), "lab1-a1.lab.example\n");
  assert.equal(textOf(found, "etc/sysconfig/network"), "NETWORKING=yes\nHOSTNAME=lab1-a1\n");
});
