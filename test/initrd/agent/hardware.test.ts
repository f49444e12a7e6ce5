/** What the agent makes of the kernel's small files, from trees as real PCs have them. */
import assert from "node:assert/strict";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { describePath, listDisks } from "../../../imaging/disk/disks.ts";
import { changedBy, diskUsedBy, usedBy } from "../../../imaging/disk/in-use.ts";
import type { Roots } from "../../../imaging/disk/sysfs.ts";
import { readFirmware } from "../../../initrd/agent/hardware/firmware.ts";
import { askHealth, readSmartctl } from "../../../initrd/agent/hardware/health.ts";
import { readIdentity, usableSerial, usableUuid } from "../../../initrd/agent/hardware/identity.ts";
import { describeNic, findUplink } from "../../../initrd/agent/hardware/network.ts";

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A `/sys` and a `/proc` of these files; a content that starts with `-> ` is a link. */
function tree(files: Readonly<Record<string, string | Uint8Array>>): Roots {
  const root = mkdtempSync(join(tmpdir(), "roomcast-sysfs-"));
  folders.push(root);
  const roots = { sys: join(root, "sys"), proc: join(root, "proc") };
  mkdirSync(roots.sys);
  mkdirSync(roots.proc);
  for (const [path, content] of Object.entries(files)) {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    if (typeof content === "string" && content.startsWith("-> ")) {
      const leads = join(root, content.slice(3));
      mkdirSync(leads, { recursive: true });
      symlinkSync(leads, full);
    } else writeFileSync(full, content);
  }
  return roots;
}

/** The files of one disk at a place on the PC's buses. */
function diskFiles(
  name: string,
  device: string,
  more: Record<string, string | Uint8Array> = {},
): Record<string, string | Uint8Array> {
  const files: Record<string, string | Uint8Array> = {
    [`sys/block/${name}/device`]: `-> sys/devices/${device}`,
    [`sys/block/${name}/size`]: "2000000\n",
    [`sys/block/${name}/removable`]: "0\n",
    [`sys/block/${name}/ro`]: "0\n",
    [`sys/block/${name}/queue/logical_block_size`]: "512\n",
    [`sys/block/${name}/queue/rotational`]: "0\n",
  };
  for (const [file, content] of Object.entries(more)) {
    if (file.startsWith("device/")) files[`sys/devices/${device}${file.slice(6)}`] = content;
    else files[`sys/block/${name}/${file}`] = content;
  }
  return files;
}

/** SPC-4, 7.8.15 */
const vpd80 = (serial: string): Uint8Array =>
  Buffer.concat([Buffer.of(0, 0x80, 0, serial.length), Buffer.from(serial)]);

test("disks of every kind, and nothing that is no disk", () => {
  const roots = tree({
    ...diskFiles("sda", "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0", {
      "device/model": "ACME SSD 1000   \n",
      "device/vpd_pg80": vpd80("  S3Z9NB0K    "),
      "device/wwid": "t10.ATA     ACME      S3Z9NB0K  \n",
    }),
    ...diskFiles("nvme0n1", "pci0000:00/0000:01:00.0/nvme/nvme0", {
      "device/model": "ACME NVMe\n",
      "device/serial": "N-77  \n",
      wwid: "eui.0025385b71b00a7e\n",
      "queue/logical_block_size": "4096\n",
    }),
    ...diskFiles("mmcblk0", "pci0000:00/mmc_host/mmc0/mmc0:0001", {
      "device/name": "HBG4a2\n",
      "device/serial": "0x1234abcd\n",
      "device/type": "MMC\n",
    }),
    ...diskFiles("mmcblk1", "pci0000:00/mmc_host/mmc1/mmc1:0001", { "device/type": "SD\n" }),
    ...diskFiles("vda", "pci0000:00/virtio1", { serial: "disk-1\n" }),
    ...diskFiles("sdb", "pci0000:00/0000:00:14.0/usb1/1-1/host6/target6:0:0/6:0:0:0"),
    ...diskFiles("sdc", "pci0000:00/0000:00:1f.2/ata2/x", { removable: "1\n" }),
    ...diskFiles("sdd", "pci0000:00/0000:00:1f.2/ata3/x", { ro: "1\n" }),
    ...diskFiles("sde", "pci0000:00/0000:00:1f.2/ata4/x", { size: "0\n" }),
    ...diskFiles("sdaa", "pci0000:00/mpt/host2/port-2:1/end_device-2:1/target", {
      "queue/rotational": "1\n",
    }),
  });
  for (const name of [
    "loop0",
    "ram0",
    "zram0",
    "sr0",
    "dm-0",
    "md0",
    "fd0",
    "mmcblk0boot0",
    "nvme0c0n1",
  ]) {
    mkdirSync(join(roots.sys, "block", name));
    writeFileSync(join(roots.sys, "block", name, "size"), "4096\n");
  }
  const found = listDisks(roots);
  assert.deepEqual(
    found.map(({ path, transport }) => `${path} ${transport}`),
    [
      "/dev/mmcblk0 mmc",
      "/dev/mmcblk1 mmc",
      "/dev/nvme0n1 nvme",
      "/dev/sda sata",
      "/dev/sdaa sas",
      "/dev/sdb usb",
      "/dev/sdc sata",
      "/dev/sdd sata",
      "/dev/vda virtio",
    ],
  );
  const protectedOnes = found.flatMap(({ path, protection }) =>
    protection === null ? [] : [`${path} ${protection}`],
  );
  assert.deepEqual(protectedOnes, [
    "/dev/mmcblk1 SD card",
    "/dev/sdb USB",
    "/dev/sdc removable",
    "/dev/sdd write-protected",
  ]);
  assert.deepEqual(found[3], {
    path: "/dev/sda",
    size: 1_024_000_000,
    logicalSector: 512,
    model: "ACME SSD 1000",
    serial: "S3Z9NB0K",
    wwn: "t10.ATA ACME S3Z9NB0K",
    transport: "sata",
    rotational: false,
    health: null,
    protection: null,
  });
  assert.deepEqual([found[2]?.serial, found[2]?.logicalSector], ["N-77", 4096]);
  assert.deepEqual(
    [found[0]?.model, found[4]?.rotational, found[8]?.serial],
    ["HBG4a2", true, "disk-1"],
  );
});

test("a PC without any of these files has no disks and no numbers, and that is no error", () => {
  const roots = tree({});
  assert.deepEqual(listDisks(roots), []);
  assert.deepEqual(readIdentity(roots), {
    ...{ uuid: null, serials: [], macs: [] },
    ...{ vendor: null, model: null },
  });
  assert.deepEqual(readFirmware(roots), { firmware: "bios", secureBoot: false });
  assert.deepEqual(describeNic("eth0", roots), { driver: null, speedMbps: null });
  assert.equal(diskUsedBy(join(roots.sys, "block/sda"), roots), null);
});

test("a file stands for a disk; what is neither is none", () => {
  const roots = tree({ "sys/image.raw": "x".repeat(1000) });
  const path = join(roots.sys, "image.raw");
  assert.deepEqual(
    [describePath(path, roots)?.size, describePath(path, roots)?.transport],
    [1000, "file"],
  );
  assert.equal(describePath(roots.sys, roots), null);
  assert.equal(describePath(`${path}x`, roots), null);
});

test("mounted, swapped to, held: each is seen on any partition of the disk", () => {
  const base = {
    "sys/block/sda/dev": "8:0\n",
    "sys/block/sda/sda1/dev": "8:1\n",
    "sys/block/sda/sda2/dev": "8:2\n",
    "sys/block/sdb/dev": "8:16\n",
  };
  const use = (files: Record<string, string>, disk = "sda"): string | null => {
    const roots = tree({ ...base, ...files });
    return diskUsedBy(join(roots.sys, "block", disk), roots);
  };
  const mount = (number: string, source: string): Record<string, string> => ({
    "proc/self/mountinfo": `1 0 0:5 / /proc rw - proc proc rw\n36 35 ${number} / /home rw,noatime shared:1 - ext4 ${source} rw\n`,
  });
  assert.equal(use({}), null);
  assert.equal(use(mount("8:2", "/dev/root")), "mounted at /home");
  assert.equal(use(mount("0:44", "/dev/sda1")), "mounted at /home", "btrfs hides the number");
  assert.equal(use(mount("8:2", "/dev/sda2"), "sdb"), null);
  const swaps = "Filename\tType\tSize\n/dev/sda2                partition 999 0 -2\n";
  assert.equal(use({ "proc/swaps": swaps }), "swap space");
  assert.match(use({ "sys/block/sda/sda2/holders/dm-0/x": "" }) ?? "", /sda2 is part of dm-0/);
});

test("a file behind a loop device is in use", () => {
  const roots = tree({ "sys/disk.raw": "x", "sys/block/loop3/loop/backing_file": "?" });
  const file = join(roots.sys, "disk.raw");
  assert.equal(usedBy(file, roots), null);
  writeFileSync(join(roots.sys, "block/loop3/loop/backing_file"), `${file}\n`);
  assert.equal(usedBy(file, roots), "attached as /dev/loop3");
});

test("what is mounted through another loop device is in use, whatever lies between", () => {
  const mounted = "36 35 7:5 / /mnt rw - ext4 /dev/loop5 rw\n";
  const base = {
    "sys/disk.raw": "x",
    "sys/block/sda/dev": "8:0\n",
    "sys/block/sda/sda2/dev": "8:2\n",
    "sys/block/sdb/dev": "8:16\n",
    "sys/block/loop4/dev": "7:4\n",
    "sys/block/loop5/dev": "7:5\n",
  };
  const use = (files: Record<string, string>, disk: string): string | null => {
    const roots = tree({ ...base, ...files });
    return diskUsedBy(join(roots.sys, "block", disk), roots);
  };
  const over = (backing: string) => ({ "sys/block/loop5/loop/backing_file": `${backing}\n` });
  const mount = { "proc/self/mountinfo": mounted };
  assert.equal(use({ ...over("/dev/sda2"), ...mount }, "sda"), "/dev/loop5 is mounted at /mnt");
  assert.equal(use({ ...over("/dev/sda2"), ...mount }, "sdb"), null);
  assert.equal(use(over("/dev/sda2"), "sda"), null, "attached, and nothing more");
  const second = { "sys/block/loop4/loop/backing_file": "/srv/disk\n", ...over("/srv/disk") };
  assert.equal(use({ ...second, ...mount }, "loop4"), "/dev/loop5 is mounted at /mnt");
  const chain = { "sys/block/loop4/loop/backing_file": "/dev/sdb\n", ...over("/dev/loop4") };
  assert.equal(use({ ...chain, ...mount }, "sdb"), "/dev/loop5 is mounted at /mnt");
  // The disk below a loop device that is to be captured.
  const below = {
    "sys/block/loop4/loop/backing_file": "/dev/sda2\n",
    "sys/block/sda/sda2/partition": "2\n",
    "proc/self/mountinfo": "36 35 8:2 / /home rw - ext4 /dev/sda2 rw\n",
  };
  const under = tree({ ...base, ...below });
  mkdirSync(join(under.sys, "class/block"), { recursive: true });
  symlinkSync(join(under.sys, "block/sda/sda2"), join(under.sys, "class/block/sda2"));
  const loop4 = join(under.sys, "block/loop4");
  assert.equal(diskUsedBy(loop4, under), "/dev/sda is mounted at /home");

  const roots = tree({ ...base, ...over("?"), ...mount });
  const file = join(roots.sys, "disk.raw");
  linkSync(file, join(roots.sys, "other-name"));
  writeFileSync(join(roots.sys, "block/loop5/loop/backing_file"), join(roots.sys, "other-name"));
  assert.equal(changedBy(file, roots), "/dev/loop5 over it is mounted at /mnt");
  writeFileSync(join(roots.proc, "self/mountinfo"), "");
  assert.equal(changedBy(file, roots), null);
  assert.equal(usedBy(file, roots), "attached as /dev/loop5");
});

test("numbers that nobody wrote are not taken for this PC's", () => {
  for (const text of [
    null,
    "",
    "  ",
    "To be filled by O.E.M.",
    "TO BE FILLED BY O.E.M.",
    "Default string",
    "None",
    "System Serial Number",
    "0",
    "0000000000",
    "xxxxxxx",
    "...............",
    "123456789",
  ]) {
    assert.equal(usableSerial(text), null, String(text));
  }
  assert.equal(usableSerial(" 5CG8301XYZ "), "5CG8301XYZ");
  for (const text of [
    "00000000-0000-0000-0000-000000000000",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "03000200-0400-0500-0006-000700080009",
    "Not Settable",
    "4c4c4544",
  ]) {
    assert.equal(usableUuid(text), null, text);
  }
  const own = "4C4C4544-0051-4A10-8052-B4C04F4D3232";
  assert.equal(usableUuid(own), own.toLowerCase());
});

test("identity: usable numbers once each, and the MACs of cards alone", () => {
  const net = (name: string, mac: string, more: Record<string, string> = {}) => ({
    [`sys/class/net/${name}/address`]: `${mac}\n`,
    [`sys/class/net/${name}/type`]: "1\n",
    ...Object.fromEntries(
      Object.entries(more).map(([file, text]) => [`sys/class/net/${name}/${file}`, text]),
    ),
  });
  const roots = tree({
    "sys/class/dmi/id/product_uuid": "4c4c4544-0051-4a10-8052-b4c04f4d3232\n",
    "sys/class/dmi/id/product_serial": "QJ1R2\n",
    "sys/class/dmi/id/board_serial": "Default string\n",
    "sys/class/dmi/id/chassis_serial": "QJ1R2\n",
    "sys/class/dmi/id/sys_vendor": "Dell Inc. \n",
    "sys/class/dmi/id/product_name": "System Product Name\n",
    ...net("eth0", "52:54:00:00:00:01", { "device/vendor": "0x8086\n", speed: "1000\n" }),
    ...net("eth1", "52:54:00:00:00:02", { "device/vendor": "0x8086\n", speed: "-1\n" }),
    ...net("br0", "52:54:00:00:00:01"),
    ...net("wg0", "", { type: "65534\n", "device/x": "" }),
    ...net("ib0", "52:54:00:00:00:09", { type: "32\n", "device/x": "" }),
  });
  assert.deepEqual(readIdentity(roots), {
    uuid: "4c4c4544-0051-4a10-8052-b4c04f4d3232",
    serials: ["QJ1R2"],
    macs: ["52:54:00:00:00:01", "52:54:00:00:00:02"],
    ...{ vendor: "Dell Inc.", model: null },
  });
  assert.equal(describeNic("eth0", roots).speedMbps, 1000);
  assert.equal(describeNic("eth1", roots).speedMbps, null);
});

test("a network card's driver", () => {
  const roots = tree({ "sys/class/net/eth0/device/driver": "-> sys/bus/pci/drivers/e1000e" });
  assert.equal(describeNic("eth0", roots).driver, "e1000e");
});

test("firmware and Secure Boot", () => {
  const variable = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
  const read = (files: Record<string, Uint8Array | string>) => readFirmware(tree(files));
  assert.deepEqual(read({ [variable]: Buffer.of(6, 0, 0, 0, 1) }), {
    firmware: "uefi",
    secureBoot: true,
  });
  assert.deepEqual(read({ [variable]: Buffer.of(6, 0, 0, 0, 0) }), {
    firmware: "uefi",
    secureBoot: false,
  });
  assert.deepEqual(read({ "sys/firmware/efi/fw_platform_size": "64\n" }), {
    firmware: "uefi",
    secureBoot: null,
  });
});

test("the uplink is the interface that the system would send by", async () => {
  assert.deepEqual(await findUplink(new URL("http://127.0.0.1:8080"), null), {
    name: "lo",
    ip: "127.0.0.1",
    mac: "00:00:00:00:00:00",
  });
  assert.equal((await findUplink(new URL("http://192.0.2.1"), "lo")).ip, "127.0.0.1");
  assert.deepEqual(await findUplink(new URL("http://127.0.0.1"), "none9"), {
    name: "none9",
    ip: null,
    mac: null,
  });
});

test("health is what smartctl says, and unknown when it says nothing", async () => {
  assert.equal(readSmartctl('{"smart_status":{"passed":true,"nvme":{"value":0}}}'), "passed");
  assert.equal(readSmartctl('{"smart_status":{"passed":false}}'), "failed");
  for (const text of ["", "{", "null", "[]", "{}", '{"smart_status":{"passed":"yes"}}', '"x"']) {
    assert.equal(readSmartctl(text), null, text);
  }
  const ata = {
    table: [5, 9, 197, 198].map((id) => ({
      id,
      raw: { value: id === 197 ? 8 : id === 9 ? 3e4 : 0 },
    })),
  };
  assert.equal(
    readSmartctl(JSON.stringify({ smart_status: { passed: true }, ata_smart_attributes: ata })),
    "passed; 8 sectors pending",
  );
  const log = { critical_warning: 0b101, percentage_used: 104, media_errors: 0 };
  assert.equal(
    readSmartctl(
      JSON.stringify({ smart_status: { passed: false }, nvme_smart_health_information_log: log }),
    ),
    "failed; spare blocks nearly used up; reliability degraded; 104 % of its life used",
  );
  for (const odd of [{ table: 7 }, { table: [null, {}, { id: 5 }] }, null]) {
    const said = { smart_status: { passed: true }, ata_smart_attributes: odd };
    assert.equal(readSmartctl(JSON.stringify(said)), "passed");
  }
  assert.equal(await askHealth({ path: "/nowhere/sdx" }), null);
});
