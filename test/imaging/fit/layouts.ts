/** Layouts that PCs have, on disks as small as their tools make them, and what growth does to each. */
import type { DiskLayout } from "./made-disks.ts";

export interface OrdinaryLayout extends DiskLayout {
  readonly title: string;
  /** The partition that takes the room of a larger disk; null: none can. */
  readonly grows: number | null;
  /** What moves to the end of a larger disk, in order; of an MBR the extended one with all that is in it. */
  readonly moves: readonly number[];
}

const microsoft = {
  reserved: "E3C9E316-0B5C-4DB8-817D-F92DF00215AE",
  data: "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7",
  recovery: 'DE94BBA4-06D1-4D40-A16A-BFD50179D6AC, attrs="RequiredPartition GUID:63"',
} as const;

export const ordinaryLayouts: readonly OrdinaryLayout[] = [
  {
    title: "Windows: ESP, MSR, C:, recovery",
    name: "windows",
    sizeMib: 40,
    script: `label: gpt
start=2048, size=2M, type=uefi, name="EFI system partition"
size=1M, type=${microsoft.reserved}, name="Microsoft reserved partition"
size=26M, type=${microsoft.data}, name="Basic data partition"
size=8M, type=${microsoft.recovery}`,
    fs: { 1: "vfat", 3: "ntfs", 4: "ntfs" },
    grows: 3,
    moves: [4],
  },
  {
    title: "Windows: recovery before C:",
    name: "windows-old",
    sizeMib: 40,
    script: `label: gpt
start=2048, size=8M, type=${microsoft.recovery}
size=2M, type=uefi
size=1M, type=${microsoft.reserved}
size=26M, type=${microsoft.data}`,
    fs: { 1: "ntfs", 2: "vfat", 4: "ntfs" },
    grows: 4,
    moves: [],
  },
  {
    title: "Debian guided, MBR: root, swap in an extended partition",
    name: "debian-mbr",
    sizeMib: 36,
    script: `label: dos
start=2048, size=26M, type=83, bootable
start=57342, size=8194, type=5
start=57344, size=8192, type=82`,
    fs: { 1: "ext4", 5: "swap" },
    grows: 1,
    moves: [2],
  },
  {
    title: "Debian guided, GPT: ESP, root, swap",
    name: "debian-gpt",
    sizeMib: 36,
    script: `label: gpt
size=2M, type=uefi
size=26M, type=linux
size=4M, type=swap`,
    fs: { 1: "vfat", 2: "ext4", 3: "swap" },
    grows: 2,
    moves: [3],
  },
  {
    title: "Debian guided, LVM: /boot, root and swap in a volume group",
    name: "debian-lvm",
    sizeMib: 72,
    script: `label: dos
start=2048, size=8M, type=83, bootable
start=20478, type=5
start=20480, type=8e`,
    fs: { 1: "ext2", 5: "LVM2_member" },
    grows: 5,
    moves: [],
  },
  {
    title: "Ubuntu's cloud image: 14 and 15 before 1",
    name: "ubuntu-cloud",
    sizeMib: 36,
    script: `label: gpt
14: start=2048, size=1M, type=21686148-6449-6E6F-744E-656564454649
15: size=4M, type=uefi
1: type=linux`,
    fs: { 15: "vfat", 1: "ext4" },
    grows: 1,
    moves: [],
  },
  {
    title: "ten partitions, MBR: seven of them in an extended one",
    name: "ten",
    sizeMib: 64,
    script: `label: dos
start=2048, size=2M, type=83, bootable
size=2M, type=83
size=57M, type=5
5: size=2M, type=83
6: size=2M, type=82
7: size=20M, type=83
8: size=2M, type=83
9: size=18M, type=83
10: size=2M, type=82
11: type=83`,
    fs: {
      ...{ 1: "swap", 2: "vfat", 5: "vfat", 6: "swap", 7: "ext4" },
      ...{ 8: "swap", 9: "ext4", 10: "swap", 11: "vfat" },
    },
    grows: null,
    moves: [],
  },
  {
    title: "dual boot: ESP, C:, Linux, swap",
    name: "dual-boot",
    sizeMib: 60,
    script: `label: gpt
size=4M, type=uefi
size=25M, type=${microsoft.data}
size=20M, type=linux
size=4M, type=swap`,
    fs: { 1: "vfat", 2: "ntfs", 3: "ext4", 4: "swap" },
    grows: 2,
    moves: [4, 3],
  },
  {
    // The kernel makes no btrfs of less than 256 MiB.
    title: "btrfs with swap behind it",
    name: "btrfs",
    sizeMib: 330,
    script: `label: gpt
size=320M, type=linux
size=6M, type=swap`,
    fs: { 1: "btrfs", 2: "swap" },
    grows: 1,
    moves: [2],
  },
];
