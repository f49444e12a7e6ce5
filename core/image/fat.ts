/**
 * The used clusters of a FAT12, FAT16 or FAT32, from the copies of its file allocation table
 * (Microsoft, "FAT: General Overview of On-Disk Format", 1.03). partclone's map of FAT12 leaves out
 * clusters that files have.
 */
import type { Decoded } from "../errors.ts";
import { bitAt, setBit } from "../units/bits.ts";
import type { ByteSource } from "./byte-source.ts";
import { type Extent, union } from "./extents.ts";
import { Chains, runLimit, tooManyRuns } from "./fat-chains.ts";
import {
  bootSectorBytes,
  entryValues,
  type FatLayout,
  firstCluster,
  layoutOf,
} from "./fat-layout.ts";

/** Of whole entries of each kind: 768 KiB. */
const pieceBytes = 3 * 256 * 1024;

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
  if (kind === 32 && !bitAt(used, layout.rootCluster)) return damaged("it has no root directory");
  const clusters = { start: clustersAt, length: clusterCount * clusterBytes };
  const clustersEnd = clustersAt + clusters.length;
  const extents = [{ start: 0, length: clustersAt }];
  for (let cluster = firstCluster; cluster < clusterCount + firstCluster; ) {
    const from = cluster;
    while (cluster < clusterCount + firstCluster && bitAt(used, cluster)) cluster++;
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

/** What the first two entries say against the table; null: nothing. */
function headReason(table: Uint8Array, { kind, isDirty }: FatLayout): string | null {
  const { read, last, clean, healthy } = entryValues[kind];
  // The first one is the medium's byte, 0xf0 or from 0xf8 on, and ones.
  if (read(table, 0) < last - 8) return "its table is damaged";
  const second = read(table, 1);
  if (isDirty || (second & clean) !== clean) return "it was not unmounted";
  return (second & healthy) === healthy ? null : "it is marked as damaged";
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}
