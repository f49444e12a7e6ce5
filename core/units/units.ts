/**
 * Branded quantities. A plain number that holds one of these must end in its unit (`rateBps`,
 * `gapUs`); `chunkIndex`, `chunkCount` and `chunkBytes` are different things.
 */
declare const unit: unique symbol;

/** A length or an offset in bytes; a safe integer, never negative. */
export type Bytes = number & { readonly [unit]: "bytes" };
/** A point on, or a distance along, a monotonic clock, in milliseconds (fractions allowed). */
export type Millis = number & { readonly [unit]: "millis" };

export const bytes = (value: number): Bytes => value as Bytes;
export const millis = (value: number): Millis => value as Millis;

/**
 * The unit of everything: a disk is cut into chunks of this length on its own offset grid. The last
 * chunk of a disk whose size is no multiple of it is shorter.
 */
export const chunkBytes = 1 << 20;

/** The length of a disk that holds `length` bytes: a file that is cut within a sector stands for a longer one. */
export const wholeSectors = (length: number, logicalSector: number): number =>
  Math.ceil(length / logicalSector) * logicalSector;

/** How many chunks a disk of `diskBytes` has, the short last one included. */
export const chunkCountOf = (diskBytes: number): number => Math.ceil(diskBytes / chunkBytes);

/** Raw length of the chunk at `chunkIndex` of a disk of `diskBytes`. */
export const chunkLengthAt = (chunkIndex: number, diskBytes: number): number =>
  Math.min(chunkBytes, diskBytes - chunkIndex * chunkBytes);
