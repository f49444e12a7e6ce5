/**
 * Where things lie on a FAT12, FAT16 or FAT32, and how its table is read (Microsoft, "FAT: General Overview of
 * On-Disk Format", 1.03).
 */
import { isPowerOfTwo, u16, u32 } from "./byte-source.ts";

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
