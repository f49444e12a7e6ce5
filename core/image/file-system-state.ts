/**
 * What a file system says of itself that makes its map of used blocks untrue: changes that wait in a
 * journal or a log, or damage. partclone does not look at most of it.
 */
import { ascii, type ByteSource, u16, u32, u64 } from "./byte-source.ts";

/** In words, and what helps; null: nothing is amiss, or nothing is known of that kind. */
export interface Unclean {
  readonly reason: string;
  readonly next: string;
}

/** `fs` as blkid names it. */
export async function uncleanState(fs: string, source: ByteSource): Promise<Unclean | null> {
  const check = checks[fs];
  if (check === undefined || source.size < headBytes) return null;
  return check(await source.read(0, headBytes), source);
}

/** The superblocks of all of these lie in it. */
const headBytes = 68 * 1024;

type Check = (head: Uint8Array, source: ByteSource) => Unclean | null | Promise<Unclean | null>;

const notUnmounted: Unclean = {
  reason: "it was not unmounted, and changes wait in its journal",
  next: "start the PC from it and shut it down properly",
};

/** Documentation/filesystems/ext4/super.rst: s_state, s_feature_incompat (from 1024 on). */
const extState: Check = (head) => {
  const state = u16(head, 1024 + 0x3a);
  const needsRecovery = (u32(head, 1024 + 0x60) & 0x4) !== 0;
  const damaged = { reason: "it is marked as damaged", next: "run `e2fsck -f` on it" };
  if ((state & 2) !== 0) return damaged;
  if (needsRecovery) return notUnmounted;
  return (state & 1) === 0 ? { ...notUnmounted, reason: "it was not unmounted" } : null;
};

/** Microsoft's exFAT specification, 3.1.13 VolumeFlags: VolumeDirty, MediaFailure. */
const exfatState: Check = (head) =>
  (u16(head, 106) & 0b110) === 0
    ? null
    : { reason: "it is marked as not removed safely", next: "let Windows check it (`chkdsk /f`)" };

/** btrfs's struct btrfs_super_block, at 64 KiB: log_root. */
const btrfsState: Check = (head) => (u64(head, 65536 + 0x60) === 0 ? null : notUnmounted);

/** linux/f2fs_fs.h: the two checkpoint packs, of which the newer counts; CP_UMOUNT_FLAG. */
const f2fsState: Check = async (head, source) => {
  const superblock = 1024;
  const damaged = { reason: "its checkpoint is damaged", next: "run `fsck.f2fs` on it" };
  const blockBytes = 2 ** u32(head, superblock + 16);
  const segmentBytes = blockBytes * 2 ** u32(head, superblock + 20);
  const first = u32(head, superblock + 76) * blockBytes;
  if (!(blockBytes >= 4096 && blockBytes <= 65536)) return damaged;
  if (!(first + segmentBytes + 4096 <= source.size)) return damaged;
  const packs = [await source.read(first, 4096), await source.read(first + segmentBytes, 4096)];
  packs.sort((a, b) => u64(b, 0) - u64(a, 0));
  return (u32(packs[0] as Uint8Array, 132) & 1) === 1 ? null : notUnmounted;
};

/** The dirty flag in $VOLUME_INFORMATION, the attribute 0x70 of MFT record 3, $Volume. */
const ntfsState: Check = async (head, source) => {
  const clusterBytes = u16(head, 0x0b) * (head[0x0d] as number);
  const perRecord = head[0x40] as number;
  // Clusters, or from 0x80 on the power of two of the bytes, negative.
  const recordBytes = perRecord < 0x80 ? perRecord * clusterBytes : 2 ** (256 - perRecord);
  const at = u64(head, 0x30) * clusterBytes + 3 * recordBytes;
  if (!(recordBytes >= 512 && recordBytes <= 65536 && at + recordBytes <= source.size)) return null;
  const record = await source.read(at, recordBytes);
  for (let attribute = u16(record, 0x14); attribute < recordBytes; ) {
    const length = u32(record, attribute + 4);
    if (u32(record, attribute) === 0x70) {
      const isDirty = (u16(record, attribute + u16(record, attribute + 0x14) + 10) & 1) !== 0;
      return isDirty ? dirtyNtfs : null;
    }
    if (length === 0) return null;
    attribute += length;
  }
  return null;
};

export const dirtyNtfs: Unclean = {
  reason: "it was not shut down cleanly",
  next: "run `chkdsk /f` in Windows and shut it down with `shutdown /s /f /t 0`",
};

const checks: Readonly<Record<string, Check>> = {
  ext2: extState,
  ext3: extState,
  ext4: extState,
  exfat: exfatState,
  btrfs: btrfsState,
  f2fs: f2fsState,
  ntfs: ntfsState,
};

/** Whether a partition begins as BitLocker's do (`-FVE-FS-` for the OEM name). */
export const isBitLocker = (head: Uint8Array): boolean => ascii(head, 3, 8) === "-FVE-FS-";
