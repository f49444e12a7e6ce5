/**
 * What goes into the boot image. To add a tool: its package and its path below `tools`; libraries
 * follow by themselves. To add a driver: its module's name below `modules`; what it depends on
 * follows, and it is loaded on PCs that have the hardware.
 */

/** Debian's package whose first dependency is the current kernel's image. */
export const kernelMetaPackage = "linux-image-amd64";

/** A package, and the files of it that the image holds, at the same paths (no leading slash). */
export interface PackageFiles {
  readonly name: string;
  readonly files: readonly string[];
}

export const tools: readonly PackageFiles[] = [
  // The shell of `init`, its tools, and a rescue shell. Static: it works whatever else is broken.
  { name: "busybox-static", files: ["bin/busybox"] },
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
  // Whether a Windows volume is hibernated or unclean, which partclone does not notice.
  { name: "ntfs-3g", files: ["bin/ntfs-3g.probe"] },
  // Which file system, label and UUID a partition has.
  { name: "util-linux", files: ["sbin/blkid"] },
  // Disk health.
  { name: "smartmontools", files: ["usr/sbin/smartctl"] },
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

/** What firmware and loaders are served beside the kernel: name in the output folder, and where it comes from. */
export const loaders: readonly {
  readonly name: string;
  readonly package: string;
  readonly file: string;
}[] = [
  { name: "undionly.kpxe", package: "ipxe", file: "usr/lib/ipxe/undionly.kpxe" },
  { name: "snponly.efi", package: "ipxe", file: "usr/lib/ipxe/snponly.efi" },
  // Secure Boot: signed by Microsoft, and by Debian, whose key the first one holds.
  { name: "shimx64.efi", package: "shim-signed", file: "usr/lib/shim/shimx64.efi.signed" },
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

/** Kernel modules by what they are for. All are loaded by the modalias of what the PC has. */
export const modules: Readonly<Record<string, readonly string[]>> = {
  "network, Intel": ["e100", "e1000", "e1000e", "igb", "igbvf", "igc", "ixgbe", "ixgbevf", "i40e"],
  "network, Realtek": ["8139cp", "8139too", "r8169"],
  "network, Broadcom": ["b44", "bnx2", "bnxt_en", "tg3"],
  "network, Marvell and Aquantia": ["atlantic", "skge", "sky2"],
  "network, Atheros": ["alx", "atl1", "atl1c", "atl1e", "atl2"],
  "network, others on boards": [
    "forcedeth",
    "jme",
    "sis190",
    "sis900",
    "via-rhine",
    "via-velocity",
  ],
  "network, older cards": ["3c59x", "epic100", "ne2k-pci", "pcnet32", "tulip"],
  "network, small boards": ["dwmac-intel", "lan743x", "amd-xgbe"],
  "network, USB": [
    "aqc111",
    "asix",
    "ax88179_178a",
    "cdc_ether",
    "cdc_ncm",
    "dm9601",
    "lan78xx",
    "mcs7830",
    "r8152",
    "r8153_ecm",
    "rndis_host",
    "rtl8150",
    "smsc75xx",
    "smsc95xx",
  ],
  // Asked for by the network driver through modprobe, by the PHY's own number.
  "network, PHYs": [
    "aquantia",
    "at803x",
    "broadcom",
    "davicom",
    "dp83867",
    "icplus",
    "marvell",
    "marvell10g",
    "micrel",
    "microchip",
    "realtek",
    "smsc",
    "vitesse",
  ],
  "virtual machines": [
    "hv_netvsc",
    "hv_storvsc",
    "hv_utils",
    "hyperv-keyboard",
    "pci-hyperv",
    "virtio_blk",
    "virtio_net",
    "virtio_pci",
    "virtio_scsi",
    "vmw_pvscsi",
    "vmxnet3",
    "xen-blkfront",
    "xen-netfront",
  ],
  "disks, SATA and NVMe": ["ahci", "nvme", "sd_mod", "vmd"],
  "disks, older SATA and IDE": [
    "ata_generic",
    "ata_piix",
    "pata_amd",
    "pata_atiixp",
    "pata_jmicron",
    "pata_marvell",
    "pata_sis",
    "pata_via",
    "sata_mv",
    "sata_nv",
    "sata_promise",
    "sata_sil",
    "sata_sil24",
    "sata_sis",
    "sata_uli",
    "sata_via",
  ],
  "disks, RAID and SAS controllers": [
    "aacraid",
    "hpsa",
    "isci",
    "megaraid_sas",
    "mpt3sas",
    "mptsas",
    "mptspi",
    "smartpqi",
  ],
  "disks, eMMC and UFS": ["mmc_block", "sdhci-acpi", "sdhci-pci", "ufshcd-pci"],
  // USB is there for keyboards and network adapters. usb-storage and uas are left out on purpose:
  // what is not seen cannot be overwritten.
  "USB controllers": ["ehci-pci", "ohci-pci", "uhci-hcd", "xhci-pci"],
  keyboards: ["hid-apple", "hid-generic", "hid-logitech-dj", "hid-logitech-hidpp", "usbhid"],
  // Hours of writing at full load on a laptop: the fan and the throttling are the kernel's.
  "heat and power": ["acpi-cpufreq", "button", "fan", "processor", "thermal"],
};

/**
 * Packages with firmware, from Debian's non-free-firmware archive, which a host need not have among
 * its sources. Of them the image holds the files that its modules name. Without them most network
 * adapters work all the same; some of Broadcom's (bnx2) and a few of Realtek's do not.
 */
export const firmwarePackages: readonly string[] = [
  "firmware-bnx2",
  "firmware-misc-nonfree",
  "firmware-realtek",
];

/** Modules that no hardware asks for; loaded on every PC. */
export const alwaysLoaded: readonly string[] = ["efivarfs"];

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
