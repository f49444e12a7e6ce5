/**
 * The used clusters of a FAT12, FAT16 or FAT32, from the copies of its file allocation table
 * (Microsoft, "FAT: General Overview of On-Disk Format", 1.03). partclone's map of FAT12 leaves out
 * clusters that files have.
 */
import type { Decoded } from "../errors.ts";
import { type ByteSource, isPowerOfTwo, u16, u32 } from "./byte-source.ts";
import { type Extent, union } from "./extents.ts";

// Of the boot sector (BPB): offset, field
export const bpb = {
  sectorBytes: 0x0b,
  clusterSectors: 0x0d,
  reservedSectors: 0x0e,
  tableCount: 0x10,
  rootEntries: 0x11,
  sectors16: 0x13,
  tableSectors16: 0x16,
  hiddenSectors: 0x1c,
  sectors32: 0x20,
  // FAT12 and FAT16
  state16: 0x25,
  // FAT32
  tableSectors32: 0x24,
  extendedFlags: 0x28,
  rootCluster: 0x2c,
  countSector: 0x30,
  copySector: 0x32,
  state32: 0x41,
} as const;

export const bootSectorBytes = 512;
const rootEntryBytes = 32;
export const firstCluster = 2;
/** Of whole entries of each kind: 768 KiB. */
const pieceBytes = 3 * 256 * 1024;
/** Runs of clusters that follow one another: 12 MiB for what is known of them. */
const runLimit = 1 << 20;

export interface FatUse {
  /** Bits of an entry of the table. */
  readonly kind: 12 | 16 | 32;
  /** Relative to the partition, in order; all that lies in no cluster counts as used. */
  readonly used: readonly Extent[];
  /** All clusters. */
  readonly clusters: Extent;
  /** The copies of the table are not the same; what any of them calls used is in `used`. */
  readonly copiesDiffer: boolean;
}

/** Fails for a file system that is not in order: then its clusters cannot be told. */
export async function fatUse(source: ByteSource): Promise<Decoded<FatUse>> {
  if (source.size < bootSectorBytes) return damaged("it has no boot sector");
  const layout = layoutOf(await source.read(0, bootSectorBytes), source.size);
  if (typeof layout === "string") return damaged(layout);
  const { kind, clusterCount, clusterBytes, tableCount, activeTable, clustersAt } = layout;
  const values = entryValues[kind];
  const used = new Uint8Array(Math.ceil((clusterCount + firstCluster) / 8));
  const chains = new Chains(layout, used);
  const tableBytes = Math.ceil(((clusterCount + firstCluster) * kind) / 8);
  let copiesDiffer = false;
  for (let at = 0; at < tableBytes; at += pieceBytes) {
    const length = Math.min(pieceBytes, tableBytes - at);
    const read = (table: number) =>
      source.read(layout.tablesAt + table * layout.tableBytes + at, length);
    const first = (at * 8) / kind;
    const count = Math.min((pieceBytes * 8) / kind, clusterCount + firstCluster - first);
    const active = await read(activeTable);
    if (at === 0) {
      const broken = headReason(active, layout);
      if (broken !== null) return damaged(broken);
    }
    for (let entry = Math.max(0, firstCluster - first); entry < count; entry++) {
      const broken = chains.add(first + entry, values.read(active, entry));
      if (broken !== null) return damaged(broken);
    }
    for (let table = 0; table < tableCount; table++) {
      if (table === activeTable) continue;
      const other = await read(table);
      if (isSame(active, other)) continue;
      copiesDiffer = true;
      for (let entry = Math.max(0, firstCluster - first); entry < count; entry++) {
        const value = values.read(other, entry);
        if (value !== 0 && value !== values.bad) setBit(used, first + entry);
      }
    }
  }
  const broken = chains.end();
  if (broken !== null) return damaged(broken);
  if (kind === 32 && !hasBit(used, layout.rootCluster)) return damaged("it has no root directory");
  const clusters = { start: clustersAt, length: clusterCount * clusterBytes };
  const clustersEnd = clustersAt + clusters.length;
  const extents = [{ start: 0, length: clustersAt }];
  for (let cluster = firstCluster; cluster < clusterCount + firstCluster; ) {
    const from = cluster;
    while (cluster < clusterCount + firstCluster && hasBit(used, cluster)) cluster++;
    if (cluster > from) {
      if (extents.length > runLimit) return damaged(tooManyRuns);
      const start = clustersAt + (from - firstCluster) * clusterBytes;
      extents.push({ start, length: (cluster - from) * clusterBytes });
    } else cluster++;
  }
  extents.push({ start: clustersEnd, length: source.size - clustersEnd });
  return { ok: true, value: { kind, used: union(extents), clusters, copiesDiffer } };
}

const damaged = (reason: string): { readonly ok: false; readonly reason: string } => ({
  ok: false,
  reason,
});
const tooManyRuns = "it lies in too many pieces to be checked";

/** Where things lie on a FAT, in bytes. */
export interface FatLayout {
  readonly kind: 12 | 16 | 32;
  readonly clusterCount: number;
  readonly clusterBytes: number;
  readonly clustersAt: number;
  readonly tableCount: number;
  /** Of a copy. */
  readonly tableBytes: number;
  readonly tablesAt: number;
  /** The copy that counts. */
  readonly activeTable: number;
  /** FAT32 only. */
  readonly rootCluster: number;
  /** The boot sector says so. */
  readonly isDirty: boolean;
}

/** By its boot sector; a text says what is wrong with it. */
export function layoutOf(boot: Uint8Array, size: number): FatLayout | string {
  const senseless = "its boot sector is damaged";
  const sectorBytes = u16(boot, bpb.sectorBytes);
  const clusterSectors = boot[bpb.clusterSectors] as number;
  const reservedSectors = u16(boot, bpb.reservedSectors);
  const tableCount = boot[bpb.tableCount] as number;
  const tableSectors16 = u16(boot, bpb.tableSectors16);
  const sectorCount = u16(boot, bpb.sectors16) || u32(boot, bpb.sectors32);
  // FAT32 has no place for its table's length here, and no other kind can do without it.
  const is32 = tableSectors16 === 0;
  const tableSectors = is32 ? u32(boot, bpb.tableSectors32) : tableSectors16;
  const isSane =
    isPowerOfTwo(sectorBytes) &&
    sectorBytes >= 512 &&
    sectorBytes <= 4096 &&
    isPowerOfTwo(clusterSectors) &&
    reservedSectors > 0 &&
    tableCount > 0 &&
    tableSectors > 0 &&
    sectorCount * sectorBytes <= size;
  if (!isSane) return senseless;
  const rootSectors = Math.ceil((u16(boot, bpb.rootEntries) * rootEntryBytes) / sectorBytes);
  const dataSector = reservedSectors + tableCount * tableSectors + rootSectors;
  const clusterCount = Math.floor((sectorCount - dataSector) / clusterSectors);
  if (clusterCount < 1) return senseless;
  const kind = is32 ? 32 : kindOf(clusterCount);
  if (kind === null) return "it has a number of clusters that tells no kind of FAT";
  const tableBytes = tableSectors * sectorBytes;
  if (clusterCount > entryValues[kind].clusterLimit) return senseless;
  if (((clusterCount + firstCluster) * kind) / 8 > tableBytes) return senseless;
  const flags = u16(boot, bpb.extendedFlags);
  // Bit 7: the copies are not kept the same, and the low four bits name the one that counts.
  const activeTable = is32 && (flags & 0x80) !== 0 ? flags & 0xf : 0;
  const rootCluster = is32 ? u32(boot, bpb.rootCluster) : 0;
  if (activeTable >= tableCount) return senseless;
  if (is32 && (rootCluster < firstCluster || rootCluster >= clusterCount + firstCluster))
    return senseless;
  return {
    kind,
    clusterCount,
    clusterBytes: clusterSectors * sectorBytes,
    clustersAt: dataSector * sectorBytes,
    tableCount,
    tableBytes,
    tablesAt: reservedSectors * sectorBytes,
    activeTable,
    rootCluster,
    isDirty: ((boot[is32 ? bpb.state32 : bpb.state16] as number) & 1) !== 0,
  };
}

/**
 * FAT12 has less than 4085 clusters, FAT16 less than 65525. With 4085 or 4086 Windows takes it for
 * FAT12, and Linux for FAT16.
 */
function kindOf(clusterCount: number): 12 | 16 | null {
  if (clusterCount < 4085) return 12;
  return clusterCount < 4087 ? null : 16;
}

interface EntryValues {
  /** The entry at `index` of a piece of the table. */
  read(piece: Uint8Array, index: number): number;
  readonly bad: number;
  /** From it on: the last of a chain. */
  readonly last: number;
  /** The largest cluster's number has to be less than `bad`. */
  readonly clusterLimit: number;
  /** In the second entry, set: unmounted, and no error of the disk was met. */
  readonly clean: number;
  readonly healthy: number;
}

/** How the entries of each kind's table are read. */
export const entryValues: Readonly<Record<12 | 16 | 32, EntryValues>> = {
  12: {
    read(piece, index) {
      const pair = u16(piece, index + (index >> 1));
      return (index & 1) === 0 ? pair & 0xfff : pair >> 4;
    },
    bad: 0xff7,
    last: 0xff8,
    clusterLimit: 4084,
    clean: 0,
    healthy: 0,
  },
  16: {
    read: (piece, index) => u16(piece, index * 2),
    bad: 0xfff7,
    last: 0xfff8,
    clusterLimit: 65524,
    clean: 0x8000,
    healthy: 0x4000,
  },
  32: {
    // The upper four bits mean nothing.
    read: (piece, index) => u32(piece, index * 4) & 0x0fffffff,
    bad: 0x0ffffff7,
    last: 0x0ffffff8,
    clusterLimit: 0x0ffffff5,
    clean: 0x08000000,
    healthy: 0x04000000,
  },
};

/** What the first two entries say against the table; null: nothing. */
function headReason(table: Uint8Array, { kind, isDirty }: FatLayout): string | null {
  const { read, last, clean, healthy } = entryValues[kind];
  // The first one is the medium's byte, 0xf0 or from 0xf8 on, and ones.
  if (read(table, 0) < last - 8) return "its table is damaged";
  const second = read(table, 1);
  if (isDirty || (second & clean) !== clean) return "it was not unmounted";
  return (second & healthy) === healthy ? null : "it is marked as damaged";
}

/**
 * Whether the chains of a table make sense: none goes beyond the end or into a free cluster, no two
 * meet, none is a ring. It takes the entries in order and keeps a chain's runs of clusters that
 * follow one another, not each of them.
 */
class Chains {
  readonly #used: Uint8Array;
  readonly #bad: number;
  readonly #last: number;
  readonly #end: number;
  /** Clusters that another one leads to. */
  readonly #followed: Uint8Array;
  /** The first cluster of each run, in order, and the cluster that its last leads to, 0: none. */
  #starts: Uint32Array = new Uint32Array(1024);
  #targets: Uint32Array = new Uint32Array(1024);
  #runCount = 0;
  /** The last cluster led to the next one. */
  #isOpen = false;

  /** Sets the bits of the clusters that are in chains in `used`. */
  constructor({ kind, clusterCount }: FatLayout, used: Uint8Array) {
    ({ bad: this.#bad, last: this.#last } = entryValues[kind]);
    this.#used = used;
    this.#end = clusterCount + firstCluster;
    this.#followed = new Uint8Array(used.length);
  }

  /** What is wrong with the entry, or null. */
  add(cluster: number, value: number): string | null {
    const isFree = value === 0 || value === this.#bad;
    if (this.#isOpen && isFree) return intoFree;
    if (isFree) return null;
    setBit(this.#used, cluster);
    if (!this.#isOpen) {
      if (this.#runCount === runLimit) return tooManyRuns;
      if (this.#runCount === this.#starts.length) {
        this.#starts = grown(this.#starts);
        this.#targets = grown(this.#targets);
      }
      this.#starts[this.#runCount++] = cluster;
    }
    const isLast = value >= this.#last;
    if (!isLast && (value < firstCluster || value >= this.#end)) {
      return "its table leads beyond its end";
    }
    if (!isLast) {
      if (hasBit(this.#followed, value)) return "two of its files share clusters";
      setBit(this.#followed, value);
    }
    this.#isOpen = value === cluster + 1;
    if (!this.#isOpen) this.#targets[this.#runCount - 1] = isLast ? 0 : value;
    return null;
  }

  /** As `add`, after the last entry. */
  end(): string | null {
    const starts = this.#starts.subarray(0, this.#runCount);
    const next = new Int32Array(this.#runCount).fill(-1);
    for (let run = 0; run < this.#runCount; run++) {
      const target = this.#targets[run] as number;
      if (target === 0) continue;
      // Two lead to what is inside of a run, so that it is its start, or free.
      const found = indexOf(starts, target);
      if (found === -1) return intoFree;
      next[run] = found;
    }
    let reachedCount = 0;
    for (let run = 0; run < this.#runCount; run++) {
      if (hasBit(this.#followed, starts[run] as number)) continue;
      for (let at = run; at !== -1; at = next[at] as number) reachedCount++;
    }
    return reachedCount === this.#runCount ? null : "a chain of its table is a ring";
  }
}

const intoFree = "its table leads to clusters that it calls free";

const hasBit = (bits: Uint8Array, at: number): boolean =>
  (((bits[at >> 3] as number) >> (at & 7)) & 1) === 1;

function setBit(bits: Uint8Array, at: number): void {
  bits[at >> 3] = (bits[at >> 3] as number) | (1 << (at & 7));
}

function grown(numbers: Uint32Array): Uint32Array {
  const out = new Uint32Array(numbers.length * 2);
  out.set(numbers);
  return out;
}

/** Where `value` is in numbers in order; -1: nowhere. */
function indexOf(numbers: Uint32Array, value: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return numbers[low] === value ? low : -1;
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}
