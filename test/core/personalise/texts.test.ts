/** The texts of a Linux system, made one PC's own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { withKeys } from "../../../core/personalise/authorized-keys.ts";
import { diskOf, fstabEntries, isNamed } from "../../../core/personalise/fstab.ts";
import { assignedText, formerName, hostsText } from "../../../core/personalise/host-names.ts";
import {
  ifcfgPins,
  ifupdownPins,
  netplanPins,
  networkdPins,
  networkManagerPins,
  udevPins,
} from "../../../core/personalise/network-pins.ts";
import {
  ifupdownNames,
  ifupdownText,
  netplanText,
  type StaticAddress,
} from "../../../core/personalise/static-address.ts";

const names = { former: "master", name: "lab1-a1", domain: null };
const mac = "52:54:00:00:00:07";
const address: StaticAddress = {
  ...{ kind: "static", address: "192.0.2.7", prefix: 24, gateway: "192.0.2.1" },
  ...{ dns: ["192.0.2.2", "2001:db8::2"], mac, domain: "lab.example" },
};

/** Texts that have what the edits look for, in any order and with anything between. */
const words = fc.constantFrom(
  ...[
    "127.0.0.1 localhost",
    "127.0.1.1\tmaster.old master # ours",
    "192.0.2.3 master",
    "127.0.1.1 master alias",
    "::1 ip6 Master",
  ],
  ...["network:", "  version: 2", "  ethernets:", "    eth0:", "      dhcp4: true", "      match:"],
  ...[
    '        macaddress: "52:54:00:aa:bb:cc"',
    "      addresses:",
    "      - 192.0.2.9/24",
    "",
    "  wifis:",
  ],
  ...[
    "iface lo inet loopback",
    "iface eth0 inet dhcp",
    "  hwaddress ether 52:54:00:aa:bb:cc",
    "  mtu 1400",
  ],
  ...[
    "  address 192.0.2.9",
    "auto eth0",
    "iface eth0 inet6 auto",
    "source interfaces.d/*",
    "# comment",
  ],
  ...[
    "[Match]",
    "MACAddress=52-54-00-AA-BB-CC",
    "[Link]",
    "Name=lan0",
    "[ethernet]",
    "HWADDR=52:54:00:aa:bb:cc",
  ],
  ...[
    "mac-address=52:54:00:AA:BB:CC",
    "cloned-mac-address=stable",
    'ATTR{address}=="52:54:00:aa:bb:cc"',
  ],
);
const texts = fc
  .array(fc.oneof({ weight: 9, arbitrary: words }, { weight: 1, arbitrary: fc.string() }))
  .map((lines) => lines.join("\n"));

test("the loopback's lines have the new name; those of other addresses stay", () => {
  const text = [
    "127.0.0.1\tlocalhost master",
    "127.0.1.1\tmaster.old.example master alias  # Debian",
    "192.0.2.9\tmaster.old.example master",
    "::1 localhost Master",
    "# 127.0.1.1 master",
  ];
  assert.deepEqual(hostsText(text.join("\n"), names).split("\n"), [
    "127.0.0.1\tlocalhost lab1-a1",
    "127.0.1.1\tlab1-a1 alias  # Debian",
    "192.0.2.9\tmaster.old.example master",
    "::1 localhost lab1-a1",
    "# 127.0.1.1 master",
  ]);
  const domain = { ...names, domain: "lab.example" };
  assert.equal(hostsText("127.0.1.1 other\n", domain), "127.0.1.1 lab1-a1.lab.example lab1-a1\n");
  assert.equal(
    hostsText("127.0.0.1 master.old\n", domain),
    "127.0.0.1 lab1-a1.lab.example\n",
    "a name with a domain has the new one",
  );
  assert.equal(hostsText("127.0.0.1 masterly\n", names), "127.0.0.1 masterly\n");
});

test("the former name is that of /etc/hostname, but for one that every system has", () => {
  assert.equal(formerName("# set by hand\n\n master.old.example\n"), "master");
  for (const text of ["localhost\n", "localhost.localdomain\n", "", "# master\n", null]) {
    assert.equal(formerName(text), null);
  }
});

test("an assignment is changed where it is, and nowhere made", () => {
  assert.equal(assignedText("A=1\nHOSTNAME=x # y\n", "HOSTNAME", "pc"), "A=1\nHOSTNAME=pc\n");
  assert.equal(assignedText("A=1\n# HOSTNAME=x\n", "HOSTNAME", "pc"), "A=1\n# HOSTNAME=x\n");
});

test("a key that is there already, with other options or another comment, is not added", () => {
  const text = 'from="192.0.2.0/24" ssh-ed25519 AAAAC3Nz1 ann\n# ssh-rsa AAAAB3Nz2 old';
  assert.equal(
    withKeys(text, [
      "ssh-ed25519 AAAAC3Nz1 other",
      "ssh-rsa AAAAB3Nz2 bob",
      "ssh-rsa AAAAB3Nz2 bob",
    ]),
    `${text}\nssh-rsa AAAAB3Nz2 bob\n`,
  );
  fc.assert(
    fc.property(texts, fc.array(fc.base64String()), (before, blobs) => {
      const lines = blobs.map((blob) => `ssh-ed25519 AAAA${blob} x`);
      const after = withKeys(before, lines);
      assert(after.startsWith(before));
      assert.equal(withKeys(after, lines), after);
      for (const line of lines) assert(after.includes(line.split(" ")[1] as string));
    }),
  );
});

test("what a card is given is taken out; what a setting is bound to becomes this PC's", () => {
  const other = "52:54:00:AA:BB:CC";
  assert.equal(
    networkManagerPins(
      `[ethernet]\nmac-address=${other}\ncloned-mac-address=random\ncloned-mac-address=${other}\n`,
      mac,
    ).text,
    "[ethernet]\ncloned-mac-address=random\n",
  );
  assert.equal(ifcfgPins(`DEVICE=eth0\nHWADDR="${other}"\n`, mac).text, "DEVICE=eth0\n");
  assert.equal(
    ifupdownPins(`iface eth0 inet dhcp\n  hwaddress ether ${other}\n`, mac).text,
    "iface eth0 inet dhcp\n",
  );
  const link = networkdPins(
    `[Match]\nMACAddress=${other}\n[Link]\nMACAddress=${other}\nName=lan0\n`,
    mac,
  );
  assert.equal(link.text, `[Match]\nMACAddress=${mac}\n[Link]\nName=lan0\n`);
  assert.deepEqual(link.macs, ["52:54:00:aa:bb:cc"]);
  const netplan = `    eth0:\n      macaddress: ${other}\n      match: {macaddress: "${other}"}\n    eth1:\n      match:\n        # the card\n        macaddress: ${other}\n`;
  assert.equal(
    netplanPins(netplan, mac).text,
    `    eth0:\n      match: {macaddress: "${mac}"}\n    eth1:\n      match:\n        # the card\n        macaddress: ${mac}\n`,
  );
  assert.equal(
    udevPins(`# ATTR{address}=="${other}"\nATTR{address}=="${other}", NAME="lan0"\n`, mac).text,
    `# ATTR{address}=="${other}"\nATTR{address}=="${mac}", NAME="lan0"\n`,
  );
});

test("interfaces(5): the one interface is static, what it had beside its address stays", () => {
  const text =
    "auto eth0\niface eth0 inet dhcp\n  hostname master\n  mtu 1400\niface eth0 inet6 auto\n  address 1\n";
  assert.deepEqual(ifupdownNames(text), ["eth0"]);
  assert.equal(
    ifupdownText(text, "eth0", { ...address, gateway: null, dns: [], domain: null }),
    "auto eth0\niface eth0 inet static\n    address 192.0.2.7/24\n  mtu 1400\niface eth0 inet6 auto\n  address 1\n",
  );
});

test("netplan-yaml(5): the one card is static; lists as deep as their key go with it", () => {
  const text =
    "network:\n  ethernets:\n    lan:\n      addresses:\n      - 192.0.2.9/24\n      mtu: 1400\n      nameservers:\n        addresses: [192.0.2.3]\n  version: 2\n";
  const edited = netplanText(text, { ...address, domain: null, dns: [] });
  assert(edited.ok);
  assert.equal(
    edited.value,
    'network:\n  ethernets:\n    lan:\n      mtu: 1400\n      dhcp4: false\n      addresses: ["192.0.2.7/24"]\n' +
      '      routes: [{to: default, via: "192.0.2.1"}]\n  version: 2\n',
  );
  for (const odd of [
    "network: {ethernets: {eth0: {dhcp4: true}}}",
    "  ethernets:\n    a:\n    b:\n",
  ]) {
    assert.equal(netplanText(odd, address).ok, false, odd);
  }
  assert.equal(netplanText("  ethernets:\n    a: {dhcp4: true}\n", address).ok, false);
});

test("of any text: a second time nothing is different, and the texts stay lines of what they were", () => {
  const edits: Readonly<Record<string, (text: string) => string>> = {
    hosts: (text) => hostsText(text, names),
    "hosts with a domain": (text) => hostsText(text, { ...names, domain: "lab.example" }),
    ifupdown: (text) => ifupdownText(text, "eth0", address),
    "ifupdown, DHCP": (text) => ifupdownText(text, "eth0", null),
    netplan(text) {
      const edited = netplanText(text, address);
      return edited.ok ? edited.value : text;
    },
    ...Object.fromEntries(
      [networkManagerPins, ifcfgPins, ifupdownPins, networkdPins, netplanPins, udevPins].map(
        (edit, at) => [`pins ${at}`, (text: string) => edit(text, mac).text],
      ),
    ),
  };
  fc.assert(
    fc.property(texts, fc.constantFrom(...Object.keys(edits)), (before, kind) => {
      const edit = edits[kind] as (text: string) => string;
      const after = edit(before);
      assert.equal(edit(after), after);
      if (kind.startsWith("hosts"))
        assert.equal(after.split("\n").length, before.split("\n").length);
      assert(!after.includes("undefined"));
    }),
    { numRuns: 2000 },
  );
});

test("after the edits no MAC of the master is left but in comments, where there was one card", () => {
  fc.assert(
    fc.property(texts, (text) => {
      for (const edit of [networkdPins, netplanPins]) {
        const { text: after, macs } = edit(text, mac);
        const { macs: left } = edit(after, null);
        assert.deepEqual(new Set(left), new Set(macs.length === 0 ? [] : [mac]));
      }
    }),
  );
});

test("fstab(5): entries by depth, blanks unescaped, noauto left out", () => {
  const text =
    "# comment\nUUID=1 / ext4 errors=remount-ro 0 1\n/dev/sda3 /var/lib ext4 defaults\n" +
    "/dev/vg/var /var xfs\nLABEL=data /srv/my\\040data btrfs subvol=@data\n/dev/sdb1 /media auto noauto\nnone none swap\n";
  assert.deepEqual(
    fstabEntries(text).map(({ where }) => where),
    ["/", "/var", "/var/lib", "/srv/my data"],
  );
});

test("a volume is known by each of the names that fstab(5) may have for it", () => {
  const part = { name: "partition 2", uuid: "AB-12", label: "data", partUuid: "F0" };
  const logical = { name: "debian-vg/var-log", uuid: null, label: null, partUuid: null };
  for (const source of ['UUID="ab-12"', "LABEL=data", "PARTUUID=f0", "/dev/disk/by-uuid/AB-12"]) {
    assert(isNamed(source, part, null), source);
    assert(!isNamed(source, logical, null), source);
  }
  assert(isNamed("/dev/mapper/debian--vg-var--log", logical, null));
  assert(isNamed("/dev/debian-vg/var-log", logical, null));
  assert(isNamed("/dev/nvme0n1p2", part, diskOf("/dev/nvme0n1p1")));
  assert(isNamed("/dev/sda2", part, diskOf("/dev/sda1")));
  assert(!isNamed("/dev/sdb2", part, diskOf("/dev/sda1")));
  assert.equal(diskOf("/dev/mapper/vg-root"), null);
});
