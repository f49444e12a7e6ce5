import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Candidate,
  chooseSource,
  chooseTarget,
  type TargetChoice,
} from "../../../core/session/target.ts";
import type { DiskView } from "../../../core/wire/views.ts";

const gb = 1e9;

const disk = (name: string, size: number, more: Partial<DiskView> = {}): Candidate => ({
  disk: {
    path: `/dev/${name}`,
    size,
    logicalSector: 512,
    model: "Acme 1000",
    serial: `S-${name}`,
    wwn: null,
    transport: "sata",
    rotational: false,
    health: null,
    ...more,
  },
  inUse: null,
});

const need = { endBytes: 200 * gb, logicalSector: 512 };

const chosen = (choice: TargetChoice): string =>
  choice.kind === "disk" ? choice.disk.path : `refused: ${choice.reason}`;

test("the largest internal disk is taken, whatever its kind", () => {
  const disks = [
    disk("sda", 250 * gb),
    disk("nvme0n1", 500 * gb, { transport: "nvme" }),
    disk("sdb", 4000 * gb, { transport: "usb" }),
    disk("mmcblk0", 64 * gb, { transport: "mmc" }),
  ];
  assert.equal(chosen(chooseTarget(disks, null, need)), "/dev/nvme0n1");
  assert.equal(chosen(chooseTarget(disks.toReversed(), null, need)), "/dev/nvme0n1");
});

test("a disk that is named is taken, by its path or its short name", () => {
  const disks = [disk("sda", 250 * gb), disk("sdb", 500 * gb)];
  assert.equal(chosen(chooseTarget(disks, "/dev/sda", need)), "/dev/sda");
  assert.equal(chosen(chooseTarget(disks, "sda", need)), "/dev/sda");
  assert.match(chosen(chooseTarget(disks, "sdc", need)), /no disk sdc/);
});

test("two disks of one size are refused by name, unless one is named", () => {
  const disks = [disk("sda", 500 * gb), disk("sdb", 500 * gb), disk("sdc", 250 * gb)];
  const choice = chooseTarget(disks, null, need);
  assert.match(chosen(choice), /refused: .*sda.*S-sda.* and .*sdb.*S-sdb/);
  assert.doesNotMatch(chosen(choice), /sdc/);
  assert.equal(chosen(chooseTarget(disks, "sdb", need)), "/dev/sdb");
});

test("no disk at all leads to the firmware's setup", () => {
  for (const disks of [[], [disk("sdb", 500 * gb, { transport: "usb" })]]) {
    const choice = chooseTarget(disks, null, need);
    assert(choice.kind === "refused");
    assert.match(choice.next, /AHCI/);
  }
});

test("refused: USB even if named, too small, other sectors, in use, failing", () => {
  const refusals: [Candidate, RegExp][] = [
    [disk("sda", 500 * gb, { transport: "usb" }), /USB/],
    [disk("sda", 200 * gb - 512), /too small.*199999999488.*200000000000/],
    [disk("sda", 500 * gb, { logicalSector: 4096 }), /sectors of 4096 bytes.*512/],
    [{ ...disk("sda", 500 * gb), inUse: "mounted at /home" }, /in use: mounted at \/home/],
  ];
  for (const [candidate, reason] of refusals) {
    assert.match(chosen(chooseTarget([candidate], "sda", need)), reason);
  }
  const failing = disk("sda", 500 * gb, { health: "failed" });
  assert.match(chosen(chooseTarget([failing], null, need)), /failing/);
  assert.equal(chosen(chooseTarget([failing], "sda", need)), "/dev/sda", "named: on purpose");
});

test("exactly large enough is large enough, and a wipe needs no size", () => {
  assert.equal(chosen(chooseTarget([disk("sda", 200 * gb)], null, need)), "/dev/sda");
  assert.equal(chosen(chooseTarget([disk("sda", gb)], null, null)), "/dev/sda");
});

test("the largest disk being in use does not lead to a smaller one", () => {
  const busy = { ...disk("sda", 500 * gb), inUse: "mounted at /" };
  assert.match(chosen(chooseTarget([busy, disk("sdb", 250 * gb)], null, need)), /sda.*in use/);
});

test("a source is chosen alike, but never while it is in use", () => {
  assert.equal(chosen(chooseSource([disk("sda", gb), disk("sdb", 2 * gb)], null)), "/dev/sdb");
  assert.equal(chosen(chooseSource([disk("sda", gb), disk("sdb", gb)], "sda")), "/dev/sda");
  assert.match(chosen(chooseSource([disk("sda", gb), disk("sdb", gb)], null)), /same size/);
  const busy = { ...disk("sda", gb), inUse: "mounted at /" };
  assert.match(chosen(chooseSource([busy], null)), /in use/);
});
