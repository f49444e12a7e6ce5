/** The names of files on a FAT (Microsoft, "FAT: General Overview of On-Disk Format", 1.03, and its long names). */
import type { Decoded } from "../errors.ts";
import { ascii, type ByteSource, u16 } from "./byte-source.ts";
import {
  bootSectorBytes,
  entryValues,
  type FatLayout,
  firstCluster,
  layoutOf,
} from "./fat-layout.ts";

// Of an entry: offset, field
const entry = {
  attributes: 11,
  caseFlags: 12,
  checksum: 13,
  clusterHigh: 20,
  cluster: 26,
} as const;
const entryBytes = 32;
const attribute = { label: 0x08, directory: 0x10, longName: 0x0f, mask: 0x3f } as const;
/** The first byte of a name: no entry follows; deleted. Of a long name's entry: its last part. */
const mark = { end: 0x00, deleted: 0xe5, lastPart: 0x40 } as const;
/** Where 13 characters of a long name are. */
const longNameAt = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
/** A directory holds 65536 entries at most. */
const directoryLimitBytes = 65536 * entryBytes;
const fileLimit = 10_000;

/** Paths of all files below a folder of the root, as in `\EFI\debian\shimx64.efi`, some folders deep. */
export async function fatFiles(
  source: ByteSource,
  { folder, depth }: { readonly folder: string; readonly depth: number },
): Promise<Decoded<string[]>> {
  if (source.size < bootSectorBytes) return { ok: false, reason: "it has no boot sector" };
  const layout = layoutOf(await source.read(0, bootSectorBytes), source.size);
  if (typeof layout === "string") return { ok: false, reason: layout };
  const files: string[] = [];
  const root = entriesOf(await rootOf(source, layout), layout);
  const found = root.find(({ name }) => name.toLowerCase() === folder.toLowerCase());
  let folders = found?.isDirectory ? [{ path: `\\${found.name}`, cluster: found.cluster }] : [];
  for (let level = 0; level < depth; level++) {
    const next: typeof folders = [];
    for (const { path, cluster } of folders) {
      const data = await chainFrom(source, layout, cluster);
      if (data === null) return { ok: false, reason: `its folder ${path} is damaged` };
      for (const each of entriesOf(data, layout)) {
        if (each.name === "." || each.name === "..") continue;
        if (files.length + next.length >= fileLimit) return { ok: true, value: files };
        const below = `${path}\\${each.name}`;
        if (each.isDirectory) next.push({ path: below, cluster: each.cluster });
        else files.push(below);
      }
    }
    folders = next;
  }
  return { ok: true, value: files };
}

async function rootOf(source: ByteSource, layout: FatLayout): Promise<Uint8Array> {
  const { kind, rootCluster, tablesAt, tableCount, tableBytes, clustersAt } = layout;
  if (kind === 32) return (await chainFrom(source, layout, rootCluster)) ?? new Uint8Array();
  const at = tablesAt + tableCount * tableBytes;
  return await source.read(at, clustersAt - at);
}

/** What lies in a chain of clusters; null: it leads nowhere, or never ends. */
async function chainFrom(
  source: ByteSource,
  layout: FatLayout,
  first: number,
): Promise<Uint8Array | null> {
  const { kind, clusterBytes, clustersAt, clusterCount } = layout;
  const table = layout.tablesAt + layout.activeTable * layout.tableBytes;
  const { read, last } = entryValues[kind];
  const parts: Uint8Array[] = [];
  for (let cluster = first; cluster < last; ) {
    const isInside = cluster >= firstCluster && cluster < clusterCount + firstCluster;
    if (!isInside || parts.length * clusterBytes >= directoryLimitBytes) return null;
    parts.push(
      await source.read(clustersAt + (cluster - firstCluster) * clusterBytes, clusterBytes),
    );
    // FAT12 has two entries in three bytes.
    const isTwelve = kind === 12;
    const at = isTwelve ? (cluster >> 1) * 3 : (cluster * kind) / 8;
    const piece = await source.read(table + at, isTwelve ? 3 : kind / 8);
    cluster = read(piece, isTwelve ? cluster & 1 : 0);
  }
  const data = new Uint8Array(parts.length * clusterBytes);
  parts.forEach((part, index) => {
    data.set(part, index * clusterBytes);
  });
  return data;
}

interface FatEntry {
  readonly name: string;
  readonly isDirectory: boolean;
  readonly cluster: number;
}

function entriesOf(directory: Uint8Array, { kind }: FatLayout): FatEntry[] {
  const found: FatEntry[] = [];
  // The parts of a long name come last first, and then the short one's entry.
  let longName = "";
  let sum = -1;
  for (let at = 0; at + entryBytes <= directory.length; at += entryBytes) {
    const data = directory.subarray(at, at + entryBytes);
    const first = data[0] as number;
    if (first === mark.end) break;
    const attributes = (data[entry.attributes] as number) & attribute.mask;
    if (first !== mark.deleted && attributes === attribute.longName) {
      const isLast = (first & mark.lastPart) !== 0;
      longName = partOf(data) + (isLast ? "" : longName);
      sum = data[entry.checksum] as number;
      continue;
    }
    if (first !== mark.deleted && (attributes & attribute.label) === 0) {
      found.push({
        name: sum === checksumOf(data) ? longName : shortName(data),
        isDirectory: (attributes & attribute.directory) !== 0,
        cluster:
          u16(data, entry.cluster) + (kind === 32 ? u16(data, entry.clusterHigh) * 65536 : 0),
      });
    }
    sum = -1;
  }
  return found;
}

/** Up to the zero that ends a name, behind which there are ones. */
function partOf(data: Uint8Array): string {
  const units = longNameAt.map((at) => u16(data, at));
  const end = units.indexOf(0);
  return String.fromCharCode(...(end === -1 ? units : units.slice(0, end)));
}

const checksumOf = (data: Uint8Array): number =>
  data.subarray(0, 11).reduce((sum, byte) => (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff, 0);

/** Bits 3 and 4 of the flags: the name, or its ending, is in lower case. */
function shortName(data: Uint8Array): string {
  const flags = data[entry.caseFlags] as number;
  const base = ascii(data, 0, 8).trimEnd();
  const ending = ascii(data, 8, 3).trimEnd();
  const name = (flags & 0x08) !== 0 ? base.toLowerCase() : base;
  if (ending === "") return name;
  return `${name}.${(flags & 0x10) !== 0 ? ending.toLowerCase() : ending}`;
}
