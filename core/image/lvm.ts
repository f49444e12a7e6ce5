/**
 * Which parts of an LVM physical volume belong to which logical volume: the label and the newest
 * metadata (LVM2's lib/format_text/layout.h; the text is that of vgcfgbackup(8)), read and checked.
 */
import type { Decoded } from "../errors.ts";
import { ascii, type ByteSource, u32, u64 } from "./byte-source.ts";
import { crc32State } from "./crc32.ts";
import type { Extent } from "./extents.ts";
import { decodeLvmText, type LvmSection, type LvmValue } from "./lvm-text.ts";

export interface LogicalVolume {
  readonly name: string;
  /** Its parts on this physical volume, in bytes from that one's start, in the order of the volume. */
  readonly parts: readonly Extent[];
  /** Visible, linear, nobody's part, and whole on this physical volume: what is in it can be looked at. */
  readonly isLinear: boolean;
}

export interface PhysicalVolume {
  /** Of the volume group. */
  readonly name: string;
  /** Where extents lie: in bytes from the start. What is outside of it is LVM's own. */
  readonly area: Extent;
  readonly logicalVolumes: readonly LogicalVolume[];
}

/** Segments that follow each other on the disk are one piece; null when it lies in several. */
export function inOnePiece({ parts }: LogicalVolume): Extent | null {
  const [first] = parts;
  if (first === undefined) return null;
  let end = first.start;
  for (const { start, length } of parts) {
    if (start !== end) return null;
    end += length;
  }
  return { start: first.start, length: end - first.start };
}

/** LVM counts in these, whatever the disk's sectors are. */
export const sectorBytes = 512;
/** LVM's own begin of the CRC-32; it is not inverted at the end. */
const crcBegin = 0xf597a6cf;
export const lvmCrc = (data: Uint8Array): number => crc32State(data, crcBegin);

/** The label is in one of the first four sectors. */
const labelSectors = 4;
// label_header: "LABELONE", sector number, CRC of the sector from byte 20 on, offset of what follows, type
export const label = { crc: 16, crcFrom: 20, headerAt: 20, type: 24 } as const;
export const uuidLength = 32;
const areaLimit = 16;
// mda_header: CRC of the rest, magic, version, its own place and length, then raw_locn
export const mdaHeaderBytes = 512;
export const mda = { magic: 4, version: 20, start: 24, size: 32, textAt: 40 } as const;
const mdaMagic = " LVM2 x[5A%r0N*>";
/** LVM makes it 1 MiB by default. */
const textLimit = 4 * 1024 * 1024;

/** Fails for a physical volume of no group as well: nothing says what of it is in use. */
export async function readPhysicalVolume(source: ByteSource): Promise<Decoded<PhysicalVolume>> {
  const header = await readLabel(source);
  if (header === null) return fault("it has no LVM label");
  let newest: { readonly sequence: number; readonly group: Group } | null = null;
  for (const area of header.metadataAreas) {
    const text = await readMetadata(source, area);
    const decoded = text === null ? null : decodeLvmText(text);
    if (decoded === null || !decoded.ok) continue;
    const group = groupOf(decoded.value);
    const sequence = numberOf(group?.section.seqno);
    if (group === null || sequence === null) continue;
    if (newest === null || sequence > newest.sequence) newest = { sequence, group };
  }
  if (newest === null) return fault("its LVM metadata is damaged, or it belongs to no group");
  return volumesOf(newest.group, header.uuid, source.size);
}

const fault = (reason: string): { readonly ok: false; readonly reason: string } => ({
  ok: false,
  reason,
});

export interface Label {
  readonly uuid: string;
  /** The sector that it lies in: its bytes, and where it starts. */
  readonly sector: Uint8Array;
  readonly at: number;
  readonly metadataAreas: readonly Extent[];
}

/** null when there is none that is whole. */
export async function readLabel(source: ByteSource): Promise<Label | null> {
  if (source.size < labelSectors * sectorBytes) return null;
  const sectors = await source.read(0, labelSectors * sectorBytes);
  for (let index = 0; index < labelSectors; index++) {
    const sector = sectors.subarray(index * sectorBytes, (index + 1) * sectorBytes);
    if (ascii(sector, 0, 8) !== "LABELONE" || ascii(sector, label.type, 8) !== "LVM2 001") continue;
    if (lvmCrc(sector.subarray(label.crcFrom)) !== u32(sector, label.crc)) continue;
    const at = u32(sector, label.headerAt);
    // pv_header: UUID, size, then two lists of areas (data, metadata), each ended by zeros.
    const uuid = ascii(sector, at, uuidLength);
    const data = readAreas(sector, at + uuidLength + 8);
    const metadata = data === null ? null : readAreas(sector, data.next);
    if (metadata === null) return null;
    return { uuid, sector, at: index * sectorBytes, metadataAreas: metadata.areas };
  }
  return null;
}

function readAreas(sector: Uint8Array, from: number): { areas: Extent[]; next: number } | null {
  const areas: Extent[] = [];
  for (let at = from; at + 16 <= sector.length && areas.length <= areaLimit; at += 16) {
    const start = u64(sector, at);
    if (start === 0) return { areas, next: at + 16 };
    areas.push({ start, length: u64(sector, at + 8) });
  }
  return null;
}

/** The text that the area's header names as current, or null. */
export async function readMetadata(source: ByteSource, area: Extent): Promise<string | null> {
  if (!isInside(area, source.size) || area.length < 2 * mdaHeaderBytes) return null;
  const header = await source.read(area.start, mdaHeaderBytes);
  if (ascii(header, mda.magic, 16) !== mdaMagic || u32(header, mda.version) !== 1) return null;
  if (lvmCrc(header.subarray(mda.magic)) !== u32(header, 0)) return null;
  if (u64(header, mda.start) !== area.start || u64(header, mda.size) !== area.length) return null;
  const start = u64(header, mda.textAt);
  const length = u64(header, mda.textAt + 8);
  const isSane =
    start >= mdaHeaderBytes && start < area.length && length > 0 && length <= textLimit;
  if (!isSane || length > area.length - mdaHeaderBytes) return null;
  // The area is a ring, without its header.
  const first = Math.min(length, area.length - start);
  const text = new Uint8Array(length);
  text.set(await source.read(area.start + start, first));
  if (first < length) {
    text.set(await source.read(area.start + mdaHeaderBytes, length - first), first);
  }
  return lvmCrc(text) === u32(header, mda.textAt + 16) ? ascii(text, 0, length) : null;
}

export interface Group {
  readonly name: string;
  readonly section: LvmSection;
}

/** The one section at the top is the group; beside it stand facts of the text itself. */
export function groupOf(top: LvmSection): Group | null {
  for (const [name, value] of Object.entries(top)) {
    if (isSection(value)) return { name, section: value };
  }
  return null;
}

function volumesOf({ name, section }: Group, uuid: string, size: number): Decoded<PhysicalVolume> {
  const senseless = fault("its LVM metadata is inconsistent");
  const own = sectionsOf(section.physical_volumes).find(
    ([, { id }]) => typeof id === "string" && id.replaceAll("-", "") === uuid,
  );
  const extentBytes = (numberOf(section.extent_size) ?? 0) * sectorBytes;
  if (own === undefined || extentBytes <= 0) return senseless;
  const [ownName, { pe_start, pe_count }] = own;
  const start = (numberOf(pe_start) ?? -1) * sectorBytes;
  const area = { start, length: (numberOf(pe_count) ?? -1) * extentBytes };
  if (start < 0 || !isInside(area, size)) return senseless;

  const volumes = sectionsOf(section.logical_volumes);
  const taken = new Set<string>();
  for (const [, volume] of volumes) {
    for (const segment of segmentsOf(volume)) {
      if (isLinearSegment(segment)) continue;
      // A volume that is named there is a part of another: a pool's data, a mirror's leg, an origin.
      for (const named of stringsOf(segment)) taken.add(named);
    }
  }
  const logicalVolumes: LogicalVolume[] = [];
  for (const [volumeName, volume] of volumes) {
    const segments = segmentsOf(volume);
    const parts: Extent[] = [];
    let isLinear = stringsOf(volume.status).includes("VISIBLE") && !taken.has(volumeName);
    for (const segment of segments) {
      const stripes = Array.isArray(segment.stripes) ? segment.stripes : [];
      const extentCount = numberOf(segment.extent_count) ?? -1;
      if (!isLinearSegment(segment) || stripes[0] !== ownName) isLinear = false;
      for (let at = 0; at + 1 < stripes.length; at += 2) {
        if (stripes[at] !== ownName) continue;
        const first = numberOf(stripes[at + 1]) ?? -1;
        // A stripe has its share of the segment's extents.
        const count = Math.ceil(extentCount / (stripes.length / 2));
        const part = { start: start + first * extentBytes, length: count * extentBytes };
        const fits = first >= 0 && count > 0 && isInside(part, start + area.length);
        if (!fits) return senseless;
        parts.push(part);
      }
    }
    if (segments.length !== numberOf(volume.segment_count)) return senseless;
    if (parts.length > 0) logicalVolumes.push({ name: volumeName, parts, isLinear });
  }
  return { ok: true, value: { name, area, logicalVolumes } };
}

const isInside = ({ start, length }: Extent, end: number): boolean =>
  Number.isSafeInteger(start + length) && start >= 0 && length >= 0 && start + length <= end;

export const isLinearSegment = ({ type, stripe_count }: LvmSection): boolean =>
  type === "striped" && stripe_count === 1;

/** In the order of the volume. */
export const segmentsOf = (volume: LvmSection): LvmSection[] =>
  sectionsOf(volume)
    .map(([, segment]) => segment)
    .sort((a, b) => (numberOf(a.start_extent) ?? 0) - (numberOf(b.start_extent) ?? 0));

const isSection = (value: LvmValue | undefined): value is LvmSection =>
  typeof value === "object" && !Array.isArray(value);

export const sectionsOf = (value: LvmValue | undefined): [string, LvmSection][] =>
  isSection(value)
    ? Object.entries(value).filter((entry): entry is [string, LvmSection] => isSection(entry[1]))
    : [];

export const numberOf = (value: LvmValue | undefined): number | null =>
  typeof value === "number" ? value : null;

export function stringsOf(value: LvmValue | undefined): string[] {
  if (typeof value === "string") return [value];
  if (value === undefined || typeof value === "number") return [];
  return (Array.isArray(value) ? value : Object.values(value)).flatMap(stringsOf);
}
