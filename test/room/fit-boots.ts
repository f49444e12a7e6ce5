/** Debians of each kind as PCs have them, started from a disk that their image was fitted to. */
import { closeSync, openSync, truncateSync } from "node:fs";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ImageView } from "../../core/wire/views.ts";
import type { FitCells } from "../client/transfer/fit-cells.ts";
import { lvm, mib, type Place, placesOf, withLoop } from "../imaging/capture/disks.ts";
import {
  grubImage,
  installBiosLoader,
  installDebian,
  loginPrompt,
  makeEsp,
  writeGrubMenu,
} from "./debian.ts";
import type { RoomNetwork } from "./network.ts";
import { type Firmware, startPc } from "./pc.ts";
import { run } from "./run.ts";

export interface DebianKind {
  readonly title: string;
  readonly name: string;
  readonly firmware: Firmware;
  /** sfdisk's; under UEFI the first partition is the EFI system partition. */
  readonly script: string;
  readonly fs: "ext4" | "btrfs";
  /** Positions in the table that sfdisk lists; of LVM there is no `swap`, and root is the volume group. */
  readonly root: number;
  readonly swap?: number;
  readonly boot?: number;
}

const diskMib = 1600;

export const debianKinds: readonly DebianKind[] = [
  {
    title: "ext4, GPT, UEFI: ESP, root, swap",
    name: "ext4-uefi",
    firmware: "uefi",
    script: "label: gpt\nsize=32M, type=uefi\nsize=1400M, type=linux\nsize=100M, type=swap",
    ...{ fs: "ext4", root: 1, swap: 2 },
  },
  {
    title: "ext4, MBR, BIOS: root, swap in an extended partition",
    name: "ext4-bios",
    firmware: "bios",
    script: `label: dos
start=2048, size=1400M, type=83, bootable
start=2871294, type=5
start=2871296, size=100M, type=82`,
    ...{ fs: "ext4", root: 0, swap: 2 },
  },
  {
    title: "LVM, MBR, BIOS: /boot, a volume group with root and swap",
    name: "lvm-bios",
    firmware: "bios",
    script: `label: dos
start=2048, size=120M, type=83, bootable
start=249854, type=5
start=249856, type=8e`,
    ...{ fs: "ext4", boot: 0, root: 2 },
  },
  {
    title: "btrfs, GPT, UEFI: ESP, root, swap",
    name: "btrfs-uefi",
    firmware: "uefi",
    script: "label: gpt\nsize=32M, type=uefi\nsize=1400M, type=linux\nsize=100M, type=swap",
    ...{ fs: "btrfs", root: 1, swap: 2 },
  },
];

const uuids = {
  root: "0d4f8c52-7a0e-4c0b-8f2b-6e1d2c3b4a51",
  boot: "0d4f8c52-7a0e-4c0b-8f2b-6e1d2c3b4a52",
  swap: "0d4f8c52-7a0e-4c0b-8f2b-6e1d2c3b4a53",
} as const;
const volumeGroup = { name: "debian-vg", extentBytes: 4 * mib, swapExtents: 25 } as const;

/** A tree for all kinds: what their initramfs needs is in it. */
export async function installForBoots(system: string): Promise<void> {
  const packages = ["initramfs-tools", "lvm2", "btrfs-progs", "e2fsprogs"];
  await installDebian(system, { packages, initramfs: true });
  // What the kernel makes of the fitted disk, in a line before the login prompt.
  await writeFile(
    join(system, "usr/local/sbin/room-shown"),
    `#!/bin/sh
root=$(findmnt -nbo SIZE /)
swap=$(swapon --noheadings --bytes --show=SIZE)
failed=$(systemctl --failed --no-legend --plain | cut -d' ' -f1 | tr '\\n' ' ')
echo "room: root $root swap $swap failed: $failed." >/dev/ttyS0
`,
    { mode: 0o755 },
  );
  const units = join(system, "etc/systemd/system");
  await writeFile(
    join(units, "room-shown.service"),
    `[Unit]
After=local-fs.target swap.target
Before=getty.target
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/room-shown
`,
  );
  await symlink("../room-shown.service", join(units, "multi-user.target.wants/room-shown.service"));
}

/** A disk of the kind, with the tree in it and boot loaders. Answers its path, in `work`. */
export async function makeDebianDisk(
  work: string,
  system: string,
  kind: DebianKind,
): Promise<string> {
  await mkdir(work, { recursive: true });
  const disk = join(work, `${kind.name}.raw`);
  closeSync(openSync(disk, "w"));
  truncateSync(disk, diskMib * mib);
  await run(["sfdisk", "--quiet", disk], { input: `${kind.script}\n` });
  const places = placesOf(disk);
  const placeOf = (position: number): Place => places[position] as Place;
  const isLvm = kind.swap === undefined;
  const { root, swap } = isLvm
    ? makeVolumes(disk, placeOf(kind.root))
    : { root: placeOf(kind.root), swap: placeOf(kind.swap ?? 0) };

  const mapped = `/dev/mapper/${volumeGroup.name.replaceAll("-", "--")}`;
  const rootName = isLvm ? `${mapped}-root` : `UUID=${uuids.root}`;
  const swapName = isLvm ? `${mapped}-swap_1` : `UUID=${uuids.swap}`;
  const boot = kind.boot === undefined ? null : placeOf(kind.boot);
  await writeFile(
    join(system, "etc/fstab"),
    `${rootName} / ${kind.fs} defaults 0 1
${swapName} none swap sw 0 0
${boot === null ? "" : `UUID=${uuids.boot} /boot ext2 defaults 0 2`}
`,
  );
  const folder = boot === null ? "/boot" : "";
  await writeGrubMenu(system, { root: rootName, folder });
  await fillPlace(disk, root, makerOf[kind.fs](system, uuids.root));
  if (boot !== null) {
    await fillPlace(disk, boot, makerOf.ext2(join(system, "boot"), uuids.boot));
  }
  await fillPlace(disk, swap, ["mkswap", "-q", "-U", uuids.swap]);

  const where = { uuid: boot === null ? uuids.root : uuids.boot, folder };
  const modules = [kind.fs === "btrfs" ? "btrfs" : "ext2"];
  const format = kind.firmware === "uefi" ? "x86_64-efi" : "i386-pc";
  const loader = await grubImage(work, { ...where, modules, format });
  if (kind.firmware === "uefi") await makeEsp(disk, placeOf(0), loader);
  // The gap between an MBR and the first partition, as GRUB's own installer takes it.
  else await installBiosLoader(disk, loader, { start: 512, size: mib - 512 });
  return disk;
}

// GRUB 2.06 reads no ext4 with a checksum seed or orphan file.
const ext = (type: string) => (tree: string, uuid: string) => [
  ...["mke2fs", "-q", "-F", "-t", type, "-U", uuid, "-d", tree],
  ...(type === "ext4" ? ["-O", "^metadata_csum_seed,^orphan_file"] : []),
];
const makerOf = {
  ext2: ext("ext2"),
  ext4: ext("ext4"),
  btrfs: (tree: string, uuid: string) => ["mkfs.btrfs", "-q", "-f", "-U", uuid, "--rootdir", tree],
} as const;

const fillPlace = (disk: string, { start, size }: Place, maker: readonly string[]): Promise<void> =>
  withLoop(disk, ["-o", String(start), "--sizelimit", String(size)], async (device) => {
    await run([...maker, device]);
  });

function makeVolumes(disk: string, place: Place): { root: Place; swap: Place } {
  const { name, extentBytes, swapExtents } = volumeGroup;
  const rootExtents = Math.floor((place.size - mib) / extentBytes) - swapExtents;
  const make = ["lvcreate", "--yes", "-an", "-Zn", "-Wn"];
  lvm(disk, place, [
    ["pvcreate", "PV"],
    ["vgcreate", "-s", "4M", name, "PV"],
    [...make, "-l", String(rootExtents), "-n", "root", name],
    [...make, "-l", String(swapExtents), "-n", "swap_1", name],
  ]);
  // LVM's own takes the first MiB.
  const root = { start: place.start + mib, size: rootExtents * extentBytes };
  return { root, swap: { start: root.start + root.size, size: swapExtents * extentBytes } };
}

/** Parts of the master's size. */
export const bootTargets = { shrunk: 0.8, grown: 1.5 } as const;
/** Three times what two busy cores without KVM take. */
const bootLimitMs = 400_000;

/** Starts it from its fitted disk. Answers what was seen, in words; rejects when it does not come up. */
export async function bootFitted(
  cells: FitCells,
  origin: ImageView,
  how: {
    readonly kind: DebianKind;
    readonly target: keyof typeof bootTargets;
    readonly network: RoomNetwork;
    /** Of the PC's logs; each PC of a run has a number of its own. */
    readonly folder: string;
    readonly number: number;
  },
): Promise<string> {
  const { kind, target, network, folder, number } = how;
  const bytes = Math.floor((origin.diskBytes * bootTargets[target]) / 512) * 512;
  const image = target === "shrunk" ? (await cells.fit(origin.id, bytes)).image : origin;
  const { disk } = await cells.restored(image, bytes);
  const name = `${kind.name}-${target}`;
  const { firmware } = kind;
  const startedAt = performance.now();
  const pc = await startPc(
    {
      ...{ name, number, firmware, disk, folder, memoryMib: 768 },
      ...{ bus: "nvme", nic: "virtio", bootFirst: "disk" },
    },
    network,
  );
  try {
    const shown = /room: root (\d+) swap (\d+) failed: (.*)\./;
    await pc.waitForSerial(loginPrompt(), bootLimitMs);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    await pc.waitForSerial(shown, 60_000);
    const [, root, swap, failed] = shown.exec(pc.serial()) ?? [];
    const [rootMib, swapMib] = [root, swap].map((size) => Math.round(Number(size) / mib));
    if (failed !== "") throw new Error(`units failed: ${failed}`);
    return `${Math.round(bytes / mib)} MiB, login prompt after ${seconds} s, root ${rootMib} MiB, swap ${swapMib} MiB`;
  } finally {
    await pc.powerOff();
    await rm(disk);
  }
}
