/**
 * The master disk of the room: a small real Debian that boots by itself on BIOS and on UEFI to a
 * login prompt on its screen and on the serial line, asks for an address by DHCP on a virtio network
 * card, and takes SSH connections. Made without mounts and loop devices.
 */
import { createHash } from "node:crypto";
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../../core/errors.ts";
import { run } from "./run.ts";

const mib = 1024 * 1024;
const sectorBytes = 512;

/** Where everything lies on the master disk, in bytes. Fixed ids, so that its boot loader can name them. */
export const masterLayout = {
  diskBytes: 2048 * mib,
  /** BIOS has no room for GRUB's core on a GPT disk but in a partition of its own. */
  biosBoot: { start: mib, size: mib },
  esp: { start: 2 * mib, size: 32 * mib },
  /** Up to the last whole MiB; the backup GPT lies behind it. */
  root: { start: 34 * mib, size: (2048 - 34 - 1) * mib },
  rootPartUuid: "5c1bd1cc-3f0d-4b5a-9a53-1f4a5b3c7e01",
  rootUuid: "0d4f8c52-7a0e-4c0b-8f2b-6e1d2c3b4a50",
} as const;

/** The prompt on the serial line once the master, or a clone of it that goes by this name, is up. */
export const loginPrompt = (name = "master"): RegExp => new RegExp(`\\b${name} login:`);

export type MasterProgress = (step: string) => void;

/**
 * Answers the path of the master disk (raw, sparse) in `folder`, made first when there is none of
 * this recipe. Nobody writes to that file: PCs get copies (`copyDisk`).
 */
export async function masterDisk(folder: string, progress: MasterProgress): Promise<string> {
  await mkdir(folder, { recursive: true });
  const recipe = createHash("sha256").update(await readFile(import.meta.filename));
  const path = join(folder, `master-${recipe.digest("hex").slice(0, 12)}.raw`);
  if (await exists(path)) return path;
  for (const name of await readdir(folder)) {
    if (/^master-.*\.raw/.test(name)) await rm(join(folder, name));
  }
  const work = join(folder, `master-work-${process.pid}`);
  await rm(work, { recursive: true, force: true });
  await mkdir(work);
  try {
    progress("installing a small Debian 12 (mmdebstrap)");
    const system = await installSystem(join(work, "system"));
    progress("writing partitions, file systems and boot loaders");
    const disk = join(work, "disk.raw");
    await makePartitions(disk);
    await leaveOldData(disk);
    await makeEsp(disk, work);
    await makeRoot(disk, system);
    await installBiosLoader(disk, work);
    await rename(disk, path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return path;
}

/** Copies a disk file, sparse where the file system can. */
export async function copyDisk(from: string, to: string): Promise<void> {
  await run(["cp", "--sparse=always", "--reflink=auto", from, to]);
}

/** The cloud kernel has NVMe and ext4 built in: it needs no initramfs, which saves 10 s of each boot. */
const packages = [
  ...["linux-image-cloud-amd64", "systemd-sysv", "udev", "kmod", "procps"],
  // What a clone is known by on the wire, beside its name: its host keys.
  "openssh-server",
];
const leftOut = [
  "/usr/share/doc/*",
  "/usr/share/man/*",
  "/usr/share/locale/*",
  "/usr/share/info/*",
];
/** Nothing of use on a machine that only has to reach its login prompt. */
const masked = [
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
  "systemd-binfmt.service",
  "systemd-networkd-wait-online.service",
  "systemd-pstore.service",
];

async function installSystem(root: string): Promise<string> {
  const excludes = leftOut.map((path) => `--dpkgopt=path-exclude=${path}`);
  await run(
    [
      "mmdebstrap",
      "--variant=minbase",
      `--include=${packages.join(",")}`,
      ...excludes,
      "--customize-hook=rm -rf $1/boot/initrd.img* $1/initrd.img* $1/var/lib/apt/lists/*",
      "--customize-hook=chroot $1 passwd --delete root",
      "bookworm",
      root,
    ],
    { env: { INITRD: "No" }, timeoutMs: 600_000 },
  );
  await writeFile(join(root, "etc/hostname"), "master\n");
  await writeFile(join(root, "etc/hosts"), "127.0.0.1 localhost\n127.0.1.1 master\n");
  await writeFile(join(root, "etc/fstab"), `UUID=${masterLayout.rootUuid} / ext4 defaults 0 0\n`);
  await writeFile(join(root, "etc/machine-id"), "6f1c8a4e2b7d4c039e5f7a1b3c5d7e90\n");
  await writeFile(
    join(root, "etc/systemd/network/80-wired.network"),
    "[Match]\nType=ether\n\n[Network]\nDHCP=ipv4\n",
  );
  const wants = join(root, "etc/systemd/system/multi-user.target.wants");
  await symlink(
    "/lib/systemd/system/systemd-networkd.service",
    join(wants, "systemd-networkd.service"),
  );
  await mkdir(join(root, "boot/grub"), { recursive: true });
  await writeFile(join(root, "boot/grub/grub.cfg"), grubMenu(await kernelName(root)));
  for (const unit of masked) await symlink("/dev/null", join(root, "etc/systemd/system", unit));
  return root;
}

async function kernelName(root: string): Promise<string> {
  const name = (await readdir(join(root, "boot"))).find((file) => file.startsWith("vmlinuz-"));
  assert(name !== undefined, "the system has a kernel");
  return name;
}

function grubMenu(kernel: string): string {
  const options = [
    `root=PARTUUID=${masterLayout.rootPartUuid}`,
    "rootwait",
    "rw",
    "quiet",
    "net.ifnames=0",
    "console=tty0",
    "console=ttyS0,115200",
  ];
  return `set timeout=0
set gfxpayload=keep
menuentry "Debian" {
  echo "Starting Debian from the disk"
  linux /boot/${kernel} ${options.join(" ")}
}
`;
}

async function makePartitions(disk: string): Promise<void> {
  await using file = await open(disk, "w");
  await file.truncate(masterLayout.diskBytes);
  const line = ({ start, size }: { start: number; size: number }, rest: string): string =>
    `start=${start / sectorBytes}, size=${size / sectorBytes}, ${rest}`;
  const table = [
    "label: gpt",
    "label-id: 9b1a6f0e-52c7-4d7e-8b8e-2f3c4d5e6f70",
    line(masterLayout.biosBoot, 'type=21686148-6449-6E6F-744E-656564454649, name="BIOS boot"'),
    line(masterLayout.esp, 'type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="EFI system"'),
    line(
      masterLayout.root,
      `type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name="root", uuid=${masterLayout.rootPartUuid}`,
    ),
  ];
  await run(["sfdisk", "--quiet", disk], { input: `${table.join("\n")}\n` });
}

/**
 * A used disk has what was deleted from it still in its free blocks: a MiB of noise every 16 MiB, for
 * a capture to leave out. It is the same noise each time.
 */
async function leaveOldData(disk: string): Promise<void> {
  await using file = await open(disk, "r+");
  const { start, size } = masterLayout.root;
  for (let offset = start; offset + mib <= start + size; offset += 16 * mib) {
    const noise = createHash("shake256", { outputLength: mib }).update(String(offset)).digest();
    await file.write(noise, 0, mib, offset);
  }
}

async function makeEsp(disk: string, work: string): Promise<void> {
  const { start, size } = masterLayout.esp;
  const loader = await grubImage(work, {
    format: "x86_64-efi",
    modules: ["efi_gop", "all_video"],
  });
  const volume = ["-F", "16", "-n", "EFI", "-i", "EF10C0DE", "-h", String(start / sectorBytes)];
  await run([
    "mkfs.vfat",
    ...volume,
    "--offset",
    String(start / sectorBytes),
    disk,
    `${size / 1024}`,
  ]);
  const drive = `${disk}@@${start}`;
  await run(["mmd", "-i", drive, "::/EFI", "::/EFI/BOOT"]);
  await run(["mcopy", "-i", drive, loader, "::/EFI/BOOT/BOOTX64.EFI"]);
}

async function makeRoot(disk: string, system: string): Promise<void> {
  const { start, size } = masterLayout.root;
  await run([
    "mke2fs",
    ...["-q", "-F", "-t", "ext4", "-L", "root", "-U", masterLayout.rootUuid, "-m", "1"],
    // GRUB 2.06 reads no ext4 with a checksum seed or orphan file; nodiscard leaves the old data be.
    ...["-O", "^metadata_csum_seed,^orphan_file", "-J", "size=16"],
    ...["-E", `offset=${start},nodiscard,lazy_itable_init=0`],
    ...["-d", system, disk, `${size / 1024}k`],
  ]);
}

/**
 * What grub-bios-setup does, without a device to do it on. Offsets from GRUB's `grub/i386/pc/boot.h`:
 * the boot sector names the core's first sector at 0x5c; the core's own first sector ends in a
 * blocklist entry (start 8 bytes, length 2, segment 2) for the rest of it.
 */
async function installBiosLoader(disk: string, work: string): Promise<void> {
  const core = await readFile(await grubImage(work, { format: "i386-pc", modules: ["biosdisk"] }));
  const bootSector = await readFile("/usr/lib/grub/i386-pc/boot.img");
  const firstSector = masterLayout.biosBoot.start / sectorBytes;
  assert(core.length <= masterLayout.biosBoot.size, "GRUB's core fits its partition");
  assert(bootSector.length === sectorBytes, "GRUB's boot sector is one sector");
  bootSector.writeBigUInt64LE(BigInt(firstSector), 0x5c);
  core.writeBigUInt64LE(BigInt(firstSector + 1), sectorBytes - 12);
  core.writeUInt16LE(Math.ceil(core.length / sectorBytes) - 1, sectorBytes - 4);
  await using file = await open(disk, "r+");
  // Up to the disk signature and the protective partition table, which stay.
  await file.write(bootSector, 0, 440, 0);
  await file.write(core, 0, core.length, masterLayout.biosBoot.start);
}

async function grubImage(
  work: string,
  target: { format: "i386-pc" | "x86_64-efi"; modules: readonly string[] },
): Promise<string> {
  const early = join(work, "early.cfg");
  await writeFile(
    early,
    `search.fs_uuid ${masterLayout.rootUuid} root\nset prefix=($root)/boot/grub\nnormal\n`,
  );
  const image = join(work, `grub-${target.format}`);
  const common = ["part_gpt", "ext2", "search_fs_uuid", "normal", "configfile", "linux", "echo"];
  const modules = [...common, "test", "minicmd", ...target.modules];
  const prefix = ["-p", "/boot/grub", "-c", early, "-o", image];
  await run(["grub-mkimage", "-O", target.format, ...prefix, ...modules]);
  return image;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
