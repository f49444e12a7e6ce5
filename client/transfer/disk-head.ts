/** What a disk's first MiB tells of the whole. */
import { u64 } from "../../core/image/byte-source.ts";
import { mbrRecords } from "../../core/image/mbr.ts";

const isGptAt = (head: Uint8Array, offset: number): boolean =>
  Buffer.from(head.subarray(offset, offset + 8)).toString("latin1") === "EFI PART";

/** A file has no sectors of its own: a GPT lies in the disk's second one. */
export const logicalSectorOf = (head: Uint8Array): 512 | 4096 =>
  !isGptAt(head, 512) && isGptAt(head, 4096) ? 4096 : 512;

/** How long the disk was that the GPT was made for, in bytes; 0 without one. */
export function gptDiskBytes(head: Uint8Array): number {
  const logicalSector = logicalSectorOf(head);
  if (!isGptAt(head, logicalSector)) return 0;
  // UEFI 2.10, 5.3.2: AlternateLBA is the disk's last sector.
  return (u64(head, logicalSector + 32) + 1) * logicalSector;
}

/** Where the last primary or extended partition of an MBR ends, in bytes. */
export const mbrEndBytes = (head: Uint8Array): number =>
  Math.max(...mbrRecords(head).map(({ type, first, count }) => (type === 0 ? 0 : first + count))) *
  logicalSectorOf(head);
