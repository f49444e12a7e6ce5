import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { storageTroubles } from "../../../initrd/agent/hardware/storage-trouble.ts";

const root = mkdtempSync(join(tmpdir(), "storage-trouble-"));
after(() => rmSync(root, { recursive: true }));
let pcs = 0;

interface Device {
  readonly class: string;
  readonly vendor: string;
  readonly device: string;
  readonly driven: boolean;
  readonly remapped_nvme?: string;
}

/** What is said of a PC with these PCI devices, where `diskCount` disks are seen. */
function troubles(devices: readonly Device[], diskCount: number): string[] {
  const sys = join(root, `pc${pcs++}`);
  for (const [index, { driven, ...texts }] of devices.entries()) {
    const folder = join(sys, "bus/pci/devices", `0000:00:0${index}.0`);
    mkdirSync(driven ? join(folder, "driver") : folder, { recursive: true });
    for (const [name, text] of Object.entries(texts))
      writeFileSync(join(folder, name), `${text}\n`);
  }
  return storageTroubles({ sys, proc: sys }, diskCount);
}

const ahci: Device = { class: "0x010601", vendor: "0x8086", device: "0xa102", driven: true };
const nic: Device = { class: "0x020000", vendor: "0x8086", device: "0x10d3", driven: false };

test("a PC whose disks are seen and whose controllers have drivers is not troubled", () => {
  assert.deepEqual(troubles([{ ...ahci, remapped_nvme: "0" }, nic], 1), []);
});

test("Intel RST hides an NVMe disk: said even where another disk is seen", () => {
  const [said, ...more] = troubles([{ ...ahci, remapped_nvme: "1" }], 1);
  assert.match(said ?? "", /1 NVMe disk hidden by Intel RST\. .*AHCI instead of RAID, RST/);
  assert.deepEqual(more, []);
});

test("a controller without a driver is named; Intel's RAID class with its cure", () => {
  const vmd: Device = { class: "0x010400", vendor: "0x8086", device: "0xb06f", driven: false };
  assert.match(troubles([vmd], 0).join(), /RST or VMD controller 8086:b06f\. .*AHCI/);
  const other: Device = { class: "0x010700", vendor: "0x1000", device: "0x00e6", driven: false };
  assert.match(troubles([other], 1).join(), /1000:00e6 \(0000:00:00\.0\)\. .*another kernel/);
});

test("no disk at all, and nothing that explains it", () => {
  assert.match(troubles([ahci], 0).join(), /NO DISK FOUND.*its cable.*AHCI/);
});
