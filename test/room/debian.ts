/** Parts of a small real Debian for the PCs of the virtual room: the installed tree, and its boot loaders. */
import { mkdir, open, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../../core/errors.ts";
import { run } from "./run.ts";

const sectorBytes = 512;

/** The prompt on the serial line once a Debian of this host name is up. */
export const loginPrompt = (name = "master"): RegExp => new RegExp(`\\b${name} login:`);

const usualPackages = ["linux-image-cloud-amd64", "systemd-sysv", "udev", "kmod", "procps"];
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

export interface DebianOptions {
  /** Beside those of a Debian that starts, in Debian 12's names. */
  readonly packages: readonly string[];
  /**
   * The cloud kernel has NVMe and ext4 built in, and needs no initramfs for a root on those, which saves 10 s
   * of each boot.
   */
  readonly initramfs: boolean;
}

/** Installs it into the folder `root`: it asks for an address by DHCP, and root has no password. */
export async function installDebian(
  root: string,
  { packages, initramfs }: DebianOptions,
): Promise<void> {
  const excludes = leftOut.map((path) => `--dpkgopt=path-exclude=${path}`);
  const without = initramfs ? "" : "$1/boot/initrd.img* $1/initrd.img* ";
  await run(
    [
      "mmdebstrap",
      "--variant=minbase",
      `--include=${[...usualPackages, ...packages].join(",")}`,
      ...excludes,
      `--customize-hook=rm -rf ${without}$1/var/lib/apt/lists/*`,
      "--customize-hook=chroot $1 passwd --delete root",
      "bookworm",
      root,
    ],
    { env: initramfs ? {} : { INITRD: "No" }, timeoutMs: 600_000 },
  );
  await writeFile(join(root, "etc/hostname"), "master\n");
  await writeFile(join(root, "etc/hosts"), "127.0.0.1 localhost\n127.0.1.1 master\n");
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
  for (const unit of masked) await symlink("/dev/null", join(root, "etc/systemd/system", unit));
}

export interface BootOptions {
  /** As the kernel takes it: `PARTUUID=…`. */
  readonly root: string;
  /** Where GRUB finds the kernel: `/boot`, or nothing where that is a file system of its own. */
  readonly folder: string;
}

/** GRUB's menu: one entry, started at once, with a console on the serial line. */
export async function writeGrubMenu(system: string, { root, folder }: BootOptions): Promise<void> {
  const names = await readdir(join(system, "boot"));
  const kernel = names.find((file) => file.startsWith("vmlinuz-"));
  const initrd = names.find((file) => file.startsWith("initrd.img-"));
  assert(kernel !== undefined, "the system has a kernel");
  const options = [
    `root=${root}`,
    "rootwait",
    "rw",
    "quiet",
    "net.ifnames=0",
    "console=tty0",
    "console=ttyS0,115200",
  ];
  const lines = [
    `echo "Starting Debian from the disk"`,
    `linux ${folder}/${kernel} ${options.join(" ")}`,
    ...(initrd === undefined ? [] : [`initrd ${folder}/${initrd}`]),
  ];
  await writeFile(
    join(system, "boot/grub/grub.cfg"),
    `set timeout=0
set gfxpayload=keep
menuentry "Debian" {
  ${lines.join("\n  ")}
}
`,
  );
}

export interface GrubOptions {
  readonly format: "i386-pc" | "x86_64-efi";
  /** Of the file system that has its menu. */
  readonly uuid: string;
  /** Of its menu there. */
  readonly folder: string;
  /** Beside the usual ones: file systems and firmware. */
  readonly modules: readonly string[];
}

/** GRUB's core image, in `work`. */
export async function grubImage(work: string, options: GrubOptions): Promise<string> {
  const { format, uuid, folder, modules } = options;
  const early = join(work, "early.cfg");
  await writeFile(early, `search.fs_uuid ${uuid} root\nset prefix=($root)${folder}/grub\nnormal\n`);
  const image = join(work, `grub-${format}`);
  const common = ["part_gpt", "part_msdos", "search_fs_uuid", "normal", "configfile", "linux"];
  const all = [...common, "echo", "test", "minicmd", ...firmware[format], ...modules];
  const prefix = ["-p", `${folder}/grub`, "-c", early, "-o", image];
  await run(["grub-mkimage", "-O", format, ...prefix, ...all]);
  return image;
}

const firmware = { "i386-pc": ["biosdisk"], "x86_64-efi": ["efi_gop", "all_video"] } as const;

/** An EFI system partition with GRUB where firmware looks for itself. `place`: in bytes. */
export async function makeEsp(
  disk: string,
  { start, size }: { readonly start: number; readonly size: number },
  loader: string,
): Promise<void> {
  const volume = ["-F", "16", "-n", "EFI", "-i", "EF10C0DE", "-h", String(start / sectorBytes)];
  const at = ["--offset", String(start / sectorBytes), disk, `${size / 1024}`];
  await run(["mkfs.vfat", ...volume, ...at]);
  const drive = `${disk}@@${start}`;
  await run(["mmd", "-i", drive, "::/EFI", "::/EFI/BOOT"]);
  await run(["mcopy", "-i", drive, loader, "::/EFI/BOOT/BOOTX64.EFI"]);
}

/**
 * What grub-bios-setup does, without a device to do it on: GRUB's core goes to `place`, the gap behind an
 * MBR or a partition of its own. Offsets from GRUB's `grub/i386/pc/boot.h`: the boot sector names the core's
 * first sector at 0x5c; the core's own first sector ends in a blocklist entry (start 8 bytes, length 2,
 * segment 2) for the rest of it.
 */
export async function installBiosLoader(
  disk: string,
  image: string,
  place: { readonly start: number; readonly size: number },
): Promise<void> {
  const core = await readFile(image);
  const bootSector = await readFile("/usr/lib/grub/i386-pc/boot.img");
  const firstSector = place.start / sectorBytes;
  assert(core.length <= place.size, "GRUB's core fits its place");
  assert(bootSector.length === sectorBytes, "GRUB's boot sector is one sector");
  bootSector.writeBigUInt64LE(BigInt(firstSector), 0x5c);
  core.writeBigUInt64LE(BigInt(firstSector + 1), sectorBytes - 12);
  core.writeUInt16LE(Math.ceil(core.length / sectorBytes) - 1, sectorBytes - 4);
  await using file = await open(disk, "r+");
  // Up to the disk signature and the partition table, which stay.
  await file.write(bootSector, 0, 440, 0);
  await file.write(core, 0, core.length, place.start);
}
