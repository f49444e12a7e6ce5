/**
 * What goes into the boot image. To add a tool: its package and its path below `tools`; libraries
 * follow by themselves. Drivers are in `drivers.ts`.
 */

import { mokManager } from "../../core/boot/secure-boot.ts";

/** Debian's package that depends on the current kernel's image. */
export const kernelMetaPackage = "linux-image-amd64";

/** A package, and the files of it that the image holds, at the same paths (no leading slash). */
export interface PackageFiles {
  readonly name: string;
  readonly files: readonly string[];
}

/** The shell of `init`, its tools, and a rescue shell. Static: it works whatever else is broken. */
export const rescueShell: PackageFiles = { name: "busybox-static", files: ["bin/busybox"] };

export const tools: readonly PackageFiles[] = [
  {
    // Used blocks of a file system: `partclone.TYPE -D`.
    name: "partclone",
    files: [
      "usr/sbin/partclone.apfs",
      "usr/sbin/partclone.btrfs",
      "usr/sbin/partclone.exfat",
      "usr/sbin/partclone.ext2",
      "usr/sbin/partclone.ext3",
      "usr/sbin/partclone.ext4",
      "usr/sbin/partclone.extfs",
      "usr/sbin/partclone.f2fs",
      "usr/sbin/partclone.fat",
      "usr/sbin/partclone.fat12",
      "usr/sbin/partclone.fat16",
      "usr/sbin/partclone.fat32",
      "usr/sbin/partclone.hfsp",
      "usr/sbin/partclone.hfsplus",
      "usr/sbin/partclone.minix",
      "usr/sbin/partclone.ntfs",
      "usr/sbin/partclone.reiser4",
      "usr/sbin/partclone.vfat",
      "usr/sbin/partclone.xfs",
    ],
  },
  {
    // Whether a Windows volume is hibernated or unclean, which partclone does not notice; its files, to
    // make a restored Windows the PC's own.
    name: "ntfs-3g",
    files: ["bin/ntfs-3g", "bin/ntfs-3g.probe", "sbin/ntfsresize"],
  },
  // The registry of a Windows.
  { name: "libhivex-bin", files: ["usr/bin/hivexsh"] },
  // Growing the file system of the partition that takes the room of a larger disk.
  { name: "e2fsprogs", files: ["sbin/e2fsck", "sbin/resize2fs"] },
  // Whether changes wait in the log of an XFS, which partclone does not notice either.
  { name: "xfsprogs", files: ["usr/sbin/xfs_logprint", "usr/sbin/xfs_growfs"] },
  // A device for the place of a logical volume. busybox's own mounts.
  { name: "mount", files: ["sbin/losetup"] },
  // Which file system, label and UUID a partition has.
  { name: "util-linux", files: ["sbin/blkid"] },
  // Hands the site's certificate to the firmware's next start.
  { name: "mokutil", files: ["usr/bin/mokutil"] },
  // Disk health.
  { name: "smartmontools", files: ["usr/sbin/smartctl"] },
  {
    // The kernel's own font lacks half of the letters of Portuguese; this one has all of ISO 8859-15, in the same shapes.
    name: "console-setup-linux",
    files: ["usr/share/consolefonts/Lat15-VGA16.psf.gz"],
  },
  {
    // Terminals that the menu may run on; the tools of partclone ask for theirs as well.
    name: "ncurses-base",
    files: [
      "lib/terminfo/l/linux",
      "lib/terminfo/s/screen",
      "lib/terminfo/s/screen-256color",
      "lib/terminfo/t/tmux-256color",
      "lib/terminfo/v/vt100",
      "lib/terminfo/v/vt220",
      "lib/terminfo/x/xterm",
      "lib/terminfo/x/xterm-256color",
    ],
  },
];

export interface Loader {
  readonly name: string;
  readonly package: string;
  readonly file: string;
}

/** What firmware and loaders are served beside the kernel: name in the output folder, and where it comes from. */
export const loaders: readonly Loader[] = [
  { name: "undionly.kpxe", package: "ipxe", file: "usr/lib/ipxe/undionly.kpxe" },
  { name: "snponly.efi", package: "ipxe", file: "usr/lib/ipxe/snponly.efi" },
  // Secure Boot: signed by Microsoft, and by Debian, whose key the first one holds.
  { name: "shimx64.efi", package: "shim-signed", file: "usr/lib/shim/shimx64.efi.signed" },
  // For a key that waits to be enrolled: the shim looks for it beside itself.
  {
    name: mokManager,
    package: "shim-helpers-amd64-signed",
    file: "usr/lib/shim/mmx64.efi.signed",
  },
  {
    name: "grubx64.efi",
    package: "grub-efi-amd64-signed",
    file: "usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed",
  },
  { name: "memtest.bin", package: "memtest86+", file: "boot/memtest86+x64.bin" },
  { name: "memtest.efi", package: "memtest86+", file: "boot/memtest86+x64.efi" },
];

/** `localboot.efi`, which starts a UEFI PC's own disk, is made by GRUB's own tool from these. */
export const localBoot = {
  tool: { package: "grub-common", file: "usr/bin/grub-mkimage" },
  modules: { package: "grub-efi-amd64-bin", folder: "usr/lib/grub/x86_64-efi" },
  /** What finds a file on an EFI system partition of any disk, and starts it. */
  built: [
    "part_gpt",
    "part_msdos",
    "fat",
    "search",
    "search_fs_file",
    "chain",
    "normal",
    "echo",
    "test",
    "sleep",
    "minicmd",
    "memdisk",
    "newc",
  ],
} as const;

/** Libraries that no dependency of the packages above leads to. */
export const libraryPackages: readonly string[] = [
  // Node's own.
  "libc6",
  "libgcc-s1",
  "libstdc++6",
  // Of libext2fs2, whose package leaves it to e2fsprogs to name it.
  "libcom-err2",
];

/** Device files that must be there before devtmpfs is mounted: the kernel opens the console for init. */
export const deviceFiles: readonly {
  readonly path: string;
  readonly permissions: number;
  readonly major: number;
  readonly minor: number;
}[] = [
  { path: "dev/console", permissions: 0o600, major: 5, minor: 1 },
  { path: "dev/null", permissions: 0o666, major: 1, minor: 3 },
];
