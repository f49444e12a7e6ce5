/**
 * The partitions inside a FreeBSD slice of an MBR: `struct disklabel` of FreeBSD's
 * sys/sys/disklabel.h, in the second sector of the slice, little endian.
 */
import type { Decoded } from "../errors.ts";
import { type ByteSource, u16, u32 } from "./byte-source.ts";
import type { Extent } from "./extents.ts";

// offset  size  field
//      0     4  magic 0x82564557
//     40     4  bytes a sector
//    132     4  magic again
//    136     2  checksum: all 16-bit words, up to the last partition, XORed are 0
//    138     2  number of partitions
//    148   16n  partitions: size, offset (in sectors), fragment size, type, fragments, groups
/** The type of such a slice in an MBR. */
export const freeBsdSlice = "0xa5";
const magic = 0x82564557;
const partitionsAt = 148;
const entryBytes = 16;
/** BSD_MAXPARTITIONS */
const partitionLimit = 20;
const letters = "abcdefghijklmnopqrst";
/** The partition `c` is the slice itself; offsets may count from the start of the disk. */
const rawPartition = 2;

/** In bytes from the slice's start. */
export interface BsdPartition extends Extent {
  /** As FreeBSD names it: `a` of `ada0s1a`. */
  readonly letter: string;
}

/** The slice's partitions, in order. They may overlap. */
export async function bsdPartitions(slice: ByteSource): Promise<Decoded<BsdPartition[]>> {
  const none = { ok: false, reason: "it has no BSD label" } as const;
  const labelBytes = partitionsAt + partitionLimit * entryBytes;
  if (slice.size < 512 + labelBytes) return none;
  const label = await slice.read(512, labelBytes);
  const sectorBytes = u32(label, 40);
  const count = u16(label, 138);
  if (u32(label, 0) !== magic || u32(label, 132) !== magic) return none;
  if (count > partitionLimit || sectorBytes !== 512) return none;
  let sum = 0;
  for (let at = 0; at < partitionsAt + count * entryBytes; at += 2) sum ^= u16(label, at);
  if (sum !== 0) return { ok: false, reason: "its BSD label is damaged" };
  const entryAt = (index: number) => {
    const at = partitionsAt + index * entryBytes;
    return { size: u32(label, at), offset: u32(label, at + 4), type: label[at + 12] as number };
  };
  const base = count > rawPartition ? entryAt(rawPartition).offset : 0;
  const partitions: BsdPartition[] = [];
  for (let index = 0; index < count; index++) {
    const { size, offset, type } = entryAt(index);
    if (index === rawPartition || size === 0 || type === 0) continue;
    const start = (offset - base) * sectorBytes;
    const length = size * sectorBytes;
    if (start < 0 || start + length > slice.size) {
      return { ok: false, reason: "a partition of its BSD label lies outside of it" };
    }
    partitions.push({ start, length, letter: letters[index] as string });
  }
  partitions.sort((a, b) => a.start - b.start);
  return { ok: true, value: partitions };
}
