import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Candidate,
  chooseSource,
  chooseTarget,
  diskReference,
  type TargetChoice,
  type TargetNeed,
} from "../../../core/session/target.ts";
import { anyDisk, type DiskPolicy } from "../../../core/wire/disk-policy.ts";
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
    protection: null,
    ...more,
  },
  inUse: null,
});

const usb = { transport: "usb", protection: "USB" };

const need: TargetNeed = {
  logicalSector: 512,
  otherSectors: () => "partition 3 (ntfs) counts in sectors",
  misfit: (targetBytes) =>
    targetBytes < 200 * gb ? { why: `the image's data ends at ${200 * gb}`, instead: null } : null,
};

const chosen = (choice: TargetChoice): string =>
  choice.kind === "disk" ? choice.disk.path : `refused: ${choice.reason}`;

test("the only internal disk is taken, whatever else is plugged in", () => {
  const disks = [
    disk("nvme0n1", 500 * gb, { transport: "nvme" }),
    disk("sdb", 4000 * gb, usb),
    disk("sdc", 4000 * gb, { protection: "removable" }),
    disk("sdd", 4000 * gb, { protection: "write-protected" }),
    disk("mmcblk1", 4000 * gb, { transport: "mmc", protection: "SD card" }),
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

test("several internal disks are refused by name, the larger one too, unless one is named", () => {
  const disks = [
    disk("nvme0n1", 500.1 * gb, { transport: "nvme", model: "Acme SSD" }),
    disk("sda", 4000 * gb, { model: "Acme Data" }),
    disk("sdb", 4000 * gb, usb),
  ];
  for (const choice of [chooseTarget(disks, null, need), chooseSource(disks, null, anyDisk)]) {
    assert(choice.kind === "refused");
    assert.equal(
      choice.reason,
      "which of 2 disks is meant is not clear: /dev/nvme0n1 (Acme SSD, serial S-nvme0n1, 500 GB)" +
        " and /dev/sda (Acme Data, serial S-sda, 4000 GB)",
    );
    assert.match(choice.next, /--disk.*room set ROOM --disk/);
  }
  const source = chooseSource(disks, null);
  assert(source.kind === "refused");
  assert.match(source.next, /--source-disk/, "--disk of a cast is the disk that is overwritten");
  assert.doesNotMatch(source.next, / --disk/);
  assert.equal(chosen(chooseTarget(disks, "sda", need)), "/dev/sda");
  const policy = { ...anyDisk, transports: ["nvme"] };
  const rule = { policy, failingDisks: [] };
  assert.equal(chosen(chooseTarget(disks, null, need, rule)), "/dev/nvme0n1");
  assert.equal(chosen(chooseSource(disks, null, policy)), "/dev/nvme0n1");
});

test("no disk at all leads to the firmware's setup", () => {
  for (const disks of [[], [disk("sdb", 500 * gb, usb)]]) {
    const choice = chooseTarget(disks, null, need);
    assert(choice.kind === "refused");
    assert.match(choice.next, /AHCI/);
  }
});

test("refused: too small, other sectors, in use, failing", () => {
  const refusals: [Candidate, RegExp][] = [
    [disk("sda", 200 * gb - 512), /too small.*199999999488.*200000000000/],
    [
      disk("sda", 500 * gb, { logicalSector: 4096 }),
      /sectors of 4096 bytes.*512: partition 3 \(ntfs\)/,
    ],
    [{ ...disk("sda", 500 * gb), inUse: "mounted at /home" }, /in use: mounted at \/home/],
  ];
  for (const [candidate, reason] of refusals) {
    assert.match(chosen(chooseTarget([candidate], "sda", need)), reason);
  }
  const failing = disk("sda", 500 * gb, { health: "failed: spare blocks used up" });
  assert.match(chosen(chooseTarget([failing], null, need)), /failing \(SMART: failed: spare/);
  assert.match(chosen(chooseTarget([failing], "sda", need)), /failing/, "naming it is not enough");
  const accepting = (...failingDisks: string[]) => ({ policy: anyDisk, failingDisks });
  assert.equal(chosen(chooseTarget([failing], null, need, accepting("S-sda"))), "/dev/sda");
  assert.match(chosen(chooseTarget([failing], null, need, accepting("S-sdb", "sda"))), /failing/);
});

test("where a disk is too small, what can be done is said: a larger one, and what else there is", () => {
  const nextWith = (instead: string | null): string => {
    const small = { ...need, misfit: () => ({ why: "it has more", instead }) };
    const choice = chooseTarget([disk("sda", gb)], null, small);
    assert(choice.kind === "refused");
    return choice.next;
  };
  assert.equal(nextWith(null), "use a larger disk");
  assert.equal(nextWith("capture anew"), "use a larger disk; or capture anew");
});

test("exactly large enough is large enough, and a wipe needs no size", () => {
  assert.equal(chosen(chooseTarget([disk("sda", 200 * gb)], null, need)), "/dev/sda");
  assert.equal(chosen(chooseTarget([disk("sda", gb)], null, null)), "/dev/sda");
});

test("that one disk cannot be used does not single the other one out", () => {
  const busy = { ...disk("sda", 500 * gb), inUse: "mounted at /" };
  const failing = disk("sdb", 500 * gb, { health: "failed: spare blocks used up" });
  for (const other of [
    busy,
    failing,
    disk("sdc", gb),
    disk("sdd", 500 * gb, { logicalSector: 4096 }),
  ])
    assert.match(
      chosen(chooseTarget([other, disk("sde", 250 * gb)], null, need)),
      /which of 2 disks/,
    );
});

test("a source is chosen alike, but never while it is in use", () => {
  assert.equal(chosen(chooseSource([disk("sda", gb), disk("sdb", 2 * gb, usb)], null)), "/dev/sda");
  assert.equal(chosen(chooseSource([disk("sda", gb), disk("sdb", gb)], "sda")), "/dev/sda");
  const busy = { ...disk("sda", gb), inUse: "mounted at /" };
  assert.match(chosen(chooseSource([busy], null)), /in use/);
});

test("what people carry about is taken only by its serial number", () => {
  const stick = disk("sda", 500 * gb, usb);
  assert.match(chosen(chooseTarget([stick], "sda", need)), /USB/);
  assert.equal(chosen(chooseTarget([stick], "serial:S-sda", need)), "/dev/sda");
  const card = disk("mmcblk0", 500 * gb, { protection: "SD card" });
  assert.match(chosen(chooseTarget([card], "/dev/mmcblk0", need)), /SD card/);
  const bay = disk("sdb", 500 * gb, { protection: "removable" });
  assert.equal(chosen(chooseTarget([bay], "sdb", need)), "/dev/sdb");
  assert.match(
    chosen(
      chooseTarget([disk("sda", gb), disk("sdb", gb, { serial: "S-sda" })], "serial:S-sda", null),
    ),
    /which of 2 disks is meant by serial:S-sda is not clear/,
  );
});

test("a disk is named by its serial number where that is its own, so that another boot's names change nothing", () => {
  const nameless = disk("sdc", gb, { serial: null }).disk;
  const twin = disk("sdd", gb, { serial: "S-sdb" }).disk;
  const stick = disk("sda", gb, { ...usb, serial: "S-sdb" }).disk;
  const named = (...disks: DiskView[]): string[] => disks.map((each) => diskReference(each, disks));
  assert.deepEqual(named(disk("sda", gb).disk, nameless), ["serial:S-sda", "/dev/sdc"]);
  assert.deepEqual(named(disk("sdb", gb).disk, twin), ["/dev/sdb", "/dev/sdd"]);
  // A path does not do for what people carry about.
  assert.deepEqual(named(stick, twin), ["serial:S-sdb", "/dev/sdd"]);
});

test("a room's policy: by transport, model, serial, and size", () => {
  const disks = [
    disk("sda", 250 * gb, { model: "Samsung SSD 860 EVO" }),
    disk("sdb", 500 * gb, { model: "WDC WD5000", wwn: "0x5001" }),
    disk("nvme0n1", 1000 * gb, { transport: "nvme", model: "Samsung SSD 970" }),
    disk("sdc", 2000 * gb, usb),
  ];
  const take = (policy: Partial<DiskPolicy>): string =>
    chosen(
      chooseTarget(disks, null, null, { policy: { ...anyDisk, ...policy }, failingDisks: [] }),
    );
  assert.match(take({}), /which of 3 disks/);
  assert.match(take({ transports: ["sata"] }), /which of 2 disks/);
  assert.equal(take({ transports: ["nvme"] }), "/dev/nvme0n1");
  assert.equal(take({ transports: ["mmc", "virtio"] }).slice(0, 7), "refused");
  assert.equal(take({ model: "samsung*860*" }), "/dev/sda");
  assert.equal(take({ model: "*860 evo" }), "/dev/sda");
  assert.match(take({ model: "samsung*" }), /which of 2 disks/);
  assert.equal(take({ model: "samsung*", transports: ["sata"] }), "/dev/sda");
  assert.match(take({ model: "860" }), /settings allow/);
  assert.match(
    take({ model: "samsung*860 evo*860 evo" }),
    /settings allow/,
    "pieces do not overlap",
  );
  assert.equal(take({ minBytes: 300 * gb, maxBytes: 500 * gb }), "/dev/sdb");
  assert.equal(take({ minBytes: 100 * gb, maxBytes: 499 * gb }), "/dev/sda");
  assert.equal(take({ serials: ["S-sda", "S-sdx"] }), "/dev/sda");
  assert.equal(take({ serials: ["0x5001"] }), "/dev/sdb");
  assert.equal(take({ serials: ["S-sdc"] }), "/dev/sdc", "named by its serial number");
  assert.match(take({ transports: ["usb"] }), /settings allow/);
  assert.equal(take({ serials: ["S-sda"], transports: ["nvme"] }).slice(0, 7), "refused");
});
