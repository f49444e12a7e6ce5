/** A FreeBSD's disk made by makefs, personalised, and read by GRUB's own driver. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { HostKey, Personal } from "../../../../core/wire/personal.ts";
import type { StepView } from "../../../../core/wire/views.ts";
import { personaliseFreeBsd } from "../../../../imaging/personalise/freebsd/freebsd.ts";
import {
  differences,
  grubText,
  makeUfs,
  putFlags,
  superblockAt,
  type UfsImage,
  wrongHashes,
} from "./ufs-image.ts";

const marks = { "/etc/defaults/rc.conf": "x", "/boot/defaults/loader.conf": "x" };
const privateKey = (letter: string): string =>
  `-----BEGIN OPENSSH PRIVATE KEY-----\n${`${letter.repeat(70)}\n`.repeat(5)}-----END OPENSSH PRIVATE KEY-----\n`;
const master = {
  ...marks,
  "/etc/rc.conf": 'hostname="master"\nifconfig_em0="DHCP"\nsshd_enable="YES"\n',
  "/etc/hostid": "0f1d6f4e-90c5-11ee-a5b8-525400123456\n",
  "/etc/machine-id": "0f1d6f4e90c511eea5b8525400123456\n",
  "/etc/ssh/ssh_host_ed25519_key": privateKey("m"),
  "/etc/ssh/ssh_host_ed25519_key.pub": "ssh-ed25519 AAAAmaster root@master\n",
  "/etc/ssh/ssh_host_rsa_key": privateKey("r"),
  "/etc/resolv.conf": "search example.org\nnameserver 10.0.0.1\n",
  "/root/.ssh/authorized_keys": "ssh-ed25519 AAAAboss boss",
  "/usr/share/other": "o".repeat(70_000),
};
const key: HostKey = {
  type: "ed25519",
  privateKey: privateKey("p"),
  publicKey: "ssh-ed25519 AAAApc lab1-a3\n",
};
const lab1: Personal = {
  name: "lab1-a3",
  domain: "lab.test",
  room: "lab1",
  seat: "a3",
  address: { kind: "dhcp" },
  sshKeys: ["ssh-ed25519 AAAAadmin admin"],
  hostKeys: [key],
  fields: {},
  bootFirst: "network",
  steps: [],
  windows: null,
};

/** The steps' results by their names' ends; null: it is no FreeBSD. */
async function personalise(
  { path }: Pick<UfsImage, "path">,
  personal: Personal = lab1,
): Promise<Record<string, StepView> | null> {
  const steps: StepView[] = [];
  const said = (step: StepView): void => void steps.push(step);
  const signal = new AbortController().signal;
  const volume = { name: "partition 2", fs: "ufs", device: path };
  const isDone = await personaliseFreeBsd(volume, { personal, signal, said });
  assert.equal(isDone, steps.length > 0);
  if (!isDone) return null;
  return Object.fromEntries(
    steps.map((step) => [step.name.replace("FreeBSD on partition 2: ", ""), step]),
  );
}

for (const hasHashes of [false, true]) {
  test(`one image becomes two PCs, ${hasHashes ? "with" : "without"} check hashes; only the listed files differ`, async () => {
    using image = makeUfs({ files: master, hasHashes });
    const before = Buffer.from(image.bytes);
    const steps = await personalise(image);
    assert.deepEqual(steps, {
      "name and address": {
        name: "FreeBSD on partition 2: name and address",
        result: "done",
        detail: "lab1-a3.lab.test, em0 on DHCP",
        files: ["/etc/rc.conf"],
      },
      "host id": {
        name: "FreeBSD on partition 2: host id",
        result: "done",
        detail: steps?.["host id"]?.detail,
        files: ["/etc/hostid", "/etc/machine-id"],
      },
      "SSH host keys": {
        name: "FreeBSD on partition 2: SSH host keys",
        result: "done",
        detail: "ed25519: the PC's own; rsa: FreeBSD makes new ones at its first start",
        files: [
          "/etc/ssh/ssh_host_ed25519_key",
          "/etc/ssh/ssh_host_ed25519_key.pub",
          "/etc/ssh/ssh_host_rsa_key",
          "/etc/ssh/old_host_rsa_key",
        ],
      },
      "administrators' SSH keys": {
        name: "FreeBSD on partition 2: administrators' SSH keys",
        result: "done",
        detail: "1 in /root/.ssh/authorized_keys",
        files: ["/root/.ssh/authorized_keys"],
      },
    });
    const id = grubText(image.path, "/etc/hostid");
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}\n$/);
    const expected: Record<string, string> = {
      "/etc/rc.conf": master["/etc/rc.conf"].replace("master", "lab1-a3.lab.test"),
      "/etc/hostid": id,
      "/etc/machine-id": id.replaceAll("-", ""),
      "/etc/ssh/ssh_host_ed25519_key": key.privateKey,
      "/etc/ssh/ssh_host_ed25519_key.pub": key.publicKey,
      "/root/.ssh/authorized_keys": "ssh-ed25519 AAAAboss boss\nssh-ed25519 AAAAadmin admin\n",
      "/etc/ssh/ssh_host_rsa_key": "",
    };
    for (const [path, content] of Object.entries({ ...master, ...expected })) {
      if (content !== "") assert.equal(grubText(image.path, path), content, path);
    }
    assert.equal(grubText(image.path, "/etc/ssh/old_host_rsa_key"), privateKey("r"));
    assert.throws(() => grubText(image.path, "/etc/ssh/ssh_host_rsa_key"));
    const once = readFileSync(image.path);
    if (hasHashes) assert.deepEqual(wrongHashes(once), []);

    // The same PC once more: not a byte, and no file is named.
    const again = await personalise(image);
    for (const { files, result } of Object.values(again ?? {})) {
      assert.deepEqual([files, result], [[], "done"]);
    }
    assert.deepEqual(differences(once, readFileSync(image.path)), []);

    // From the master again, the same PC has the same id, and another PC another.
    writeFileSync(image.path, before);
    await personalise(image);
    assert.equal(grubText(image.path, "/etc/hostid"), id);
    writeFileSync(image.path, before);
    await personalise(image, { ...lab1, name: "lab1-a4" });
    assert.notEqual(grubText(image.path, "/etc/hostid"), id);
    assert.match(grubText(image.path, "/etc/rc.conf"), /hostname="lab1-a4.lab.test"/);
  });
}

test("a static address brings its resolver", async () => {
  using image = makeUfs({ files: master });
  const steps = await personalise(image, {
    ...lab1,
    address: {
      kind: "static",
      address: "192.0.2.7",
      prefix: 24,
      gateway: "192.0.2.1",
      dns: ["192.0.2.2", "192.0.2.3"],
      mac: "02:00:00:00:00:01",
    },
  });
  const step = steps?.["name and address"];
  assert.equal(step?.detail, "lab1-a3.lab.test, em0 on 192.0.2.7/24");
  assert.deepEqual(step?.files, ["/etc/rc.conf", "/etc/resolv.conf"]);
  assert.match(
    grubText(image.path, "/etc/rc.conf"),
    /^ifconfig_em0="inet 192.0.2.7 netmask 255.255.255.0"$/m,
  );
  assert.equal(
    grubText(image.path, "/etc/resolv.conf"),
    "search example.org\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n",
  );
});

test("a PC without keys of its own loses the master's, so that FreeBSD makes new ones", async () => {
  using image = makeUfs({ files: { ...master, "/etc/ssh/old_host_rsa_key": "older" } });
  const steps = await personalise(image, { ...lab1, hostKeys: null });
  const step = steps?.["SSH host keys"];
  assert.equal(step?.detail, "ed25519, rsa: FreeBSD makes new ones at its first start");
  assert(step?.files.includes("/etc/ssh/ol2_host_rsa_key"));
  assert.equal(grubText(image.path, "/etc/ssh/old_host_rsa_key"), "older");
  assert.equal(grubText(image.path, "/etc/ssh/ol2_host_rsa_key"), privateKey("r"));
  for (const type of ["rsa", "ed25519"]) {
    assert.throws(() => grubText(image.path, `/etc/ssh/ssh_host_${type}_key`));
  }
});

test("an administrator's key that is there stays as it stands, and a name is written in UTF-8", async () => {
  const own = 'from="10.0.0.0/8" ssh-ed25519 AAAAadmin another comment\n';
  using image = makeUfs({ files: { ...master, "/root/.ssh/authorized_keys": own } });
  const sshKeys = ["ssh-ed25519 AAAAadmin admin", "ssh-ed25519 AAAAnext Żółw"];
  await personalise(image, { ...lab1, sshKeys });
  const text = Buffer.from(grubText(image.path, "/root/.ssh/authorized_keys"), "latin1");
  assert.equal(text.toString("utf8"), `${own}${sshKeys[1]}\n`);
});

test("what does not fit is left, and the DHCP way is named", async () => {
  const full = `${'hostname="m"\n'.padEnd(4096 - 5, "#")}end\n`;
  using image = makeUfs({ files: { ...marks, "/etc/rc.conf": full } });
  const before = Buffer.from(image.bytes);
  const steps = await personalise(image);
  const step = steps?.["name and address"];
  assert.equal(step?.result, "left");
  assert.match(step?.detail ?? "", /rc.conf: \d+ bytes, and its blocks hold 4096\. .*option 12/);
  assert.deepEqual(step?.files, []);
  assert.match(steps?.["administrators' SSH keys"]?.detail ?? "", /authorized_keys is not there/);
  assert.match(steps?.["host id"]?.detail ?? "", /the master has none/);
  assert.equal(steps?.["SSH host keys"]?.result, "done");
  assert.deepEqual(differences(before, readFileSync(image.path)), []);
});

test("no rc.conf: left; no FreeBSD: no word", async () => {
  using image = makeUfs({ files: marks });
  const steps = await personalise(image);
  assert.match(steps?.["name and address"]?.detail ?? "", /rc.conf is not there/);
  using data = makeUfs({ files: { "/etc/rc.conf": 'hostname="x"\n' } });
  assert.equal(await personalise(data), null);
  const options = {
    personal: lab1,
    signal: new AbortController().signal,
    said: () => assert.fail("nothing is said"),
  };
  const volume = { name: "partition 1", fs: "ext4", device: "/nonexistent" };
  assert.equal(await personaliseFreeBsd(volume, options), false);
});

test("unclean, with snapshots, over a gjournal, UFS1: not a byte is written", async () => {
  const cases: [(bytes: Buffer) => void, string, RegExp][] = [
    [
      (bytes) => bytes.writeUInt8(0, superblockAt + 209),
      "failed",
      /not unmounted cleanly.*capture/,
    ],
    [(bytes) => putFlags(bytes, { flags: 0x4, metackhash: 0 }), "failed", /not unmounted cleanly/],
    [(bytes) => bytes.writeUInt32LE(7, superblockAt + 1116), "left", /snapshots/],
    [(bytes) => putFlags(bytes, { flags: 0x40, metackhash: 0 }), "left", /gjournal/],
  ];
  for (const [damage, result, detail] of cases) {
    using image = makeUfs({ files: master });
    damage(image.bytes);
    writeFileSync(image.path, image.bytes);
    const steps = await personalise(image);
    assert.equal(steps?.["name and address"]?.result, result);
    assert.match(steps?.["name and address"]?.detail ?? "", detail);
    assert.deepEqual(differences(image.bytes, readFileSync(image.path)), []);
  }
  using image = makeUfs({ files: master, version: 1 });
  const steps = await personalise(image);
  assert.match(steps?.["name and address"]?.detail ?? "", /UFS1: only UFS2 is written/);
  assert.deepEqual(differences(image.bytes, readFileSync(image.path)), []);
});

test("a journal of soft updates is no hindrance when it was unmounted", async () => {
  using image = makeUfs({ files: master });
  putFlags(image.bytes, { flags: 0x2 | 0x8, metackhash: 0 });
  writeFileSync(image.path, image.bytes);
  const steps = await personalise(image);
  assert.equal(steps?.["name and address"]?.result, "done");
});
