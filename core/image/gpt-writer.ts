/** A GPT and its backup (UEFI 2.10, section 5.3), placed from a copy that a tool kept. */
import type { Decoded } from "../errors.ts";
import { ascii, u32, u64 } from "./byte-source.ts";
import { crc32 } from "./crc32.ts";
import { headerSum } from "./gpt.ts";
import { putU32, putU64 } from "./little-endian.ts";
import type { PlacedBytes } from "./mbr-writer.ts";
import type { DumpedPartition } from "./sfdisk-dump.ts";

export interface KeptGpt {
  /** The primary header's sector. */
  readonly header: Uint8Array;
  /** At least as many bytes as the header says. */
  readonly entries: Uint8Array;
  readonly logicalSector: number;
  /** Where the partitions are, if not where the entries say. */
  readonly layout: readonly DumpedPartition[] | null;
}

/** UEFI 2.10: at least 16 KiB of entries; more than 1 MiB is no table. */
const entriesLimit = 1024 * 1024;

/** Header, entries, and both again at the disk's end, whose size the header tells. */
export function placeGpt(kept: KeptGpt): Decoded<{ diskBytes: number; pieces: PlacedBytes[] }> {
  const { logicalSector, layout } = kept;
  // A copy, which `slice` of a Buffer is not.
  const header = new Uint8Array(kept.header.subarray(0, logicalSector));
  if (ascii(header, 0, 8) !== "EFI PART") {
    return { ok: false, reason: "no GPT header" };
  }
  const headerBytes = u32(header, 12);
  if (headerBytes < 92 || headerBytes > logicalSector) {
    return { ok: false, reason: "a GPT header of no length" };
  }
  if (headerSum(header) !== u32(header, 16)) {
    return { ok: false, reason: "the GPT header does not match its sum" };
  }
  const lastLba = u64(header, 32);
  const entryCount = u32(header, 80);
  const entryBytes = u32(header, 84);
  const length = entryCount * entryBytes;
  if (entryBytes < 128 || length > entriesLimit || kept.entries.length < length) {
    return { ok: false, reason: "the GPT's entries are cut off" };
  }
  if (!Number.isSafeInteger((lastLba + 1) * logicalSector) || lastLba < 67) {
    return { ok: false, reason: "the GPT tells a disk size that cannot be" };
  }
  const entrySectors = Math.ceil(length / logicalSector);
  const entries = new Uint8Array(entrySectors * logicalSector);
  entries.set(kept.entries.subarray(0, length));
  if (crc32(entries.subarray(0, length)) !== u32(header, 88)) {
    return { ok: false, reason: "the GPT's entries do not match their sum" };
  }
  for (const { index, start, count } of layout ?? []) {
    const at = (index - 1) * entryBytes;
    if (index < 1 || index > entryCount) continue;
    putU64(entries, at + 32, start);
    putU64(entries, at + 40, start + count - 1);
  }
  putU32(header, 88, crc32(entries.subarray(0, length)));
  putU32(header, 16, headerSum(header));

  const backup = new Uint8Array(header);
  const backupEntriesLba = lastLba - entrySectors;
  putU64(backup, 24, lastLba);
  putU64(backup, 32, 1);
  putU64(backup, 72, backupEntriesLba);
  putU32(backup, 16, headerSum(backup));
  return {
    ok: true,
    value: {
      diskBytes: (lastLba + 1) * logicalSector,
      pieces: [
        { offset: logicalSector, data: header },
        { offset: u64(header, 72) * logicalSector, data: entries },
        { offset: backupEntriesLba * logicalSector, data: entries },
        { offset: lastLba * logicalSector, data: backup },
      ],
    },
  };
}
