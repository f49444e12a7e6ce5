/**
 * The metadata of a volume group that lies on one physical volume, changed: the volume at its full size,
 * and logical volumes at other places. LVM's own tools would need a device mapper, and would look at the
 * groups of other disks. Layout: LVM2's lib/format_text/layout.h.
 */
import { assert, type Decoded } from "../errors.ts";
import { type ByteSource, u64 } from "./byte-source.ts";
import type { Extent } from "./extents.ts";
import { putU32, putU64 } from "./little-endian.ts";
import {
  groupOf,
  isLinearSegment,
  type Label,
  label,
  lvmCrc,
  mda,
  mdaHeaderBytes,
  numberOf,
  readLabel,
  readMetadata,
  sectionsOf,
  sectorBytes,
  segmentsOf,
  stringsOf,
  uuidLength,
} from "./lvm.ts";
import { decodeLvmText, encodeLvmText, type LvmSection, type LvmValue } from "./lvm-text.ts";
import type { TableWrite } from "./table-write.ts";

export interface VolumeGroup {
  readonly label: Label;
  /** The metadata area: a header, and a ring of texts. */
  readonly area: Extent;
  readonly header: Uint8Array;
  /** All of the text that is current, and the group's own section in it. */
  readonly top: LvmSection;
  readonly name: string;
  /** Of the physical volume, in the group's section. */
  readonly volumeName: string;
  /** Where extents begin, and how long one is, in bytes. */
  readonly start: number;
  readonly extentBytes: number;
}

/** Where a logical volume lies from now on, in bytes from where extents begin. */
export interface VolumePlace {
  readonly name: string;
  readonly start: number;
  readonly size: number;
}

/** Fails with the reason for which the group is left as it is. */
export async function readGroup(source: ByteSource): Promise<Decoded<VolumeGroup>> {
  const left = (reason: string): Decoded<VolumeGroup> => ({ ok: false, reason });
  const own = await readLabel(source);
  if (own === null) return left("it has no LVM label");
  const [area] = own.metadataAreas;
  if (area === undefined || own.metadataAreas.length > 1) {
    return left("it has not one metadata area but several, or none");
  }
  const text = await readMetadata(source, area);
  const decoded = text === null ? null : decodeLvmText(text);
  const group = decoded?.ok ? groupOf(decoded.value) : null;
  if (!decoded?.ok || group === null) return left("its metadata cannot be read");
  const { section, name } = group;
  const volumes = sectionsOf(section.physical_volumes);
  const [found] = volumes;
  const isOwn = typeof found?.[1].id === "string" && found[1].id.replaceAll("-", "") === own.uuid;
  if (found === undefined || volumes.length > 1 || !isOwn) {
    return left(`the group ${name} lies on several physical volumes`);
  }
  const status = stringsOf(section.status);
  const isShared = section.lock_type !== undefined && section.lock_type !== "none";
  const mayGrow = status.includes("RESIZEABLE") && status.includes("WRITE");
  if (!mayGrow || status.includes("EXPORTED") || status.includes("CLUSTERED") || isShared) {
    return left(`the group ${name} is exported, shared with others, or not to be changed`);
  }
  const start = (numberOf(found[1].pe_start) ?? 0) * sectorBytes;
  const extentBytes = (numberOf(section.extent_size) ?? 0) * sectorBytes;
  if (start <= 0 || extentBytes <= 0) return left("its metadata is inconsistent");
  const header = new Uint8Array(await source.read(area.start, mdaHeaderBytes));
  const state = { label: own, area, header, top: decoded.value, name, start, extentBytes };
  return { ok: true, value: { ...state, volumeName: found[0] } };
}

/** Bytes for extents on a physical volume of `size` bytes. */
export const roomOf = ({ start, extentBytes }: VolumeGroup, size: number): number =>
  Math.max(0, Math.floor((size - start) / extentBytes)) * extentBytes;

/**
 * The writes, in order, that make the physical volume `size` bytes long and put logical volumes, each of
 * which lies in one piece, to these places. Fails when the new text has no room beside the old one.
 */
export function groupWrites(
  group: VolumeGroup,
  size: number,
  places: readonly VolumePlace[],
): Decoded<TableWrite[]> {
  const { area, header, name } = group;
  const section = group.top[name] as LvmSection;
  const body = Uint8Array.from(
    `${encodeLvmText({ ...group.top, [name]: changed(group, section, size, places) })}\0`,
    (character) => character.charCodeAt(0),
  );
  const oldAt = u64(header, mda.textAt);
  const oldEnd = oldAt + u64(header, mda.textAt + 8);
  // The area is a ring, without its header; a text that does not wrap is the simplest to read.
  const next = Math.ceil(oldEnd / sectorBytes) * sectorBytes;
  const fitsBehind = next + body.length <= area.length;
  const at = fitsBehind ? next : mdaHeaderBytes;
  const fits = fitsBehind || (oldEnd <= area.length && at + body.length <= oldAt);
  if (!fits) return { ok: false, reason: "its metadata area has no room for a new text" };
  const text = new Uint8Array(Math.ceil(body.length / sectorBytes) * sectorBytes);
  text.set(body);
  const head = new Uint8Array(header);
  putU64(head, mda.textAt, at);
  putU64(head, mda.textAt + 8, body.length);
  putU32(head, mda.textAt + 16, lvmCrc(body));
  putU32(head, 0, lvmCrc(head.subarray(mda.magic)));
  const sector = new Uint8Array(group.label.sector);
  // pv_header: UUID, then the size of the device.
  putU64(sector, new DataView(sector.buffer).getUint32(label.headerAt, true) + uuidLength, size);
  putU32(sector, label.crc, lvmCrc(sector.subarray(label.crcFrom)));
  return {
    ok: true,
    value: [
      { offset: area.start + at, data: text },
      { offset: area.start, data: head },
      { offset: group.label.at, data: sector },
    ],
  };
}

function changed(
  group: VolumeGroup,
  section: LvmSection,
  size: number,
  places: readonly VolumePlace[],
): LvmSection {
  const { volumeName, extentBytes } = group;
  const physical = section.physical_volumes as LvmSection;
  const own = {
    ...(physical[volumeName] as LvmSection),
    dev_size: Math.floor(size / sectorBytes),
    pe_count: roomOf(group, size) / extentBytes,
  };
  const logical: Record<string, LvmValue> = Object.assign(
    Object.create(null),
    section.logical_volumes,
  );
  for (const { name, start, size: bytes } of places) {
    const [first] = segmentsOf(logical[name] as LvmSection);
    assert(first !== undefined && isLinearSegment(first), `${name} lies in one piece`);
    const rest = Object.entries(logical[name] as LvmSection).filter(
      ([key]) => !/^segment\d+$/.test(key),
    );
    logical[name] = {
      ...Object.fromEntries(rest),
      segment_count: 1,
      segment1: {
        ...first,
        start_extent: 0,
        extent_count: bytes / extentBytes,
        stripes: [volumeName, start / extentBytes],
      },
    };
  }
  return {
    ...section,
    seqno: (numberOf(section.seqno) ?? 0) + 1,
    physical_volumes: { ...physical, [volumeName]: own },
    logical_volumes: logical,
  };
}
