/**
 * Boot#### variables of UEFI firmware: EFI_LOAD_OPTION (UEFI 2.10, section 3.1.3), its device paths
 * (section 10.3), and the lists of numbers in BootOrder. Little endian.
 */
import type { Decoded } from "../errors.ts";
import { u16, u32, u64 } from "../image/byte-source.ts";
import { guidBytes, guidText } from "../image/guid.ts";
import { putU32, putU64 } from "../image/little-endian.ts";
import { joined } from "../units/joined.ts";

export interface EfiEntry {
  readonly attributes: number;
  /** UCS-2: one character for each 16 bits. */
  readonly description: string;
  /** Of all paths, each with its end node. */
  readonly nodes: readonly PathNode[];
  /** For what is started; Windows has its own there. */
  readonly optional: Uint8Array;
}

export interface PathNode {
  readonly type: number;
  readonly subtype: number;
  /** After the four bytes of its head. */
  readonly data: Uint8Array;
}

/** LOAD_OPTION_ACTIVE, and LOAD_OPTION_CATEGORY_APP in LOAD_OPTION_CATEGORY. */
export const active = 0x1;
const category = 0x1f00;
const appCategory = 0x100;

/** Types and subtypes of nodes. */
const messaging = 3;
const media = 4;
const bios = 5;
const endOfPath = 0x7f;
const hardDrive = 1;
const filePath = 4;
/** USB, USB class, USB WWID. */
const usbKinds = [5, 15, 16];
/** MAC, IPv4, IPv6, URI. */
const networkKinds = [11, 12, 13, 24];
/** EFI_LOAD_OPTION's fields before the description; a node's head; a hard drive's node. */
const headBytes = 6;
const nodeHeadBytes = 4;
const hardDriveBytes = 38;
/** Of a hard drive's node: the partition's format is GPT; its signature is a GUID. */
const gptFormat = 2;
const guidSignature = 2;

/** A partition of a GPT as firmware names it. */
export interface EfiPartition {
  readonly number: number;
  readonly firstLba: number;
  readonly lbaCount: number;
  /** Its own, in lower case. */
  readonly guid: string;
}

export function decodeEntry(bytes: Uint8Array): Decoded<EfiEntry> {
  const cut = { ok: false, reason: "truncated" } as const;
  if (bytes.length < headBytes) return cut;
  let at = headBytes;
  let description = "";
  for (; ; at += 2) {
    if (at + 2 > bytes.length) return cut;
    const unit = u16(bytes, at);
    if (unit === 0) break;
    description += String.fromCharCode(unit);
  }
  at += 2;
  const pathsEnd = at + u16(bytes, 4);
  if (pathsEnd > bytes.length) return cut;
  const nodes: PathNode[] = [];
  while (at < pathsEnd) {
    const length = u16(bytes, at + 2);
    if (length < nodeHeadBytes || at + length > pathsEnd) {
      return { ok: false, reason: "a node of its path has a wrong length" };
    }
    const data = bytes.subarray(at + nodeHeadBytes, at + length);
    nodes.push({ type: bytes[at] as number, subtype: bytes[at + 1] as number, data });
    at += length;
  }
  const optional = bytes.subarray(pathsEnd);
  return { ok: true, value: { attributes: u32(bytes, 0), description, nodes, optional } };
}

export function encodeEntry({ attributes, description, nodes, optional }: EfiEntry): Uint8Array {
  const paths = nodes.flatMap(({ type, subtype, data }) => [
    Uint8Array.of(type, subtype, ...twoBytes(data.length + nodeHeadBytes)),
    data,
  ]);
  const pathsBytes = paths.reduce((sum, { length }) => sum + length, 0);
  const head = new Uint8Array(4);
  putU32(head, 0, attributes);
  return joined([
    head,
    Uint8Array.from(twoBytes(pathsBytes)),
    ucs2(description),
    ...paths,
    optional,
  ]);
}

/** The partition that the entry is on; null: none, or one that is no GPT's. */
export function partitionOf({ nodes }: EfiEntry): EfiPartition | null {
  const node = nodes.find(({ type, subtype }) => type === media && subtype === hardDrive);
  if (node === undefined || node.data.length !== hardDriveBytes) return null;
  const { data } = node;
  if (data[36] !== gptFormat || data[37] !== guidSignature) return null;
  return {
    number: u32(data, 0),
    firstLba: u64(data, 4),
    lbaCount: u64(data, 12),
    guid: guidText(data.subarray(20, 36)),
  };
}

/** `\EFI\debian\shimx64.efi`; null: the entry names no file. */
export function fileOf({ nodes }: EfiEntry): string | null {
  const texts = nodes
    .filter(({ type, subtype }) => type === media && subtype === filePath)
    .map(({ data }) => {
      let text = "";
      for (let at = 0; at < data.length && u16(data, at) !== 0; at += 2) {
        text += String.fromCharCode(u16(data, at));
      }
      return text;
    });
  return texts.length === 0 ? null : texts.join("\\").replace(/\\{2,}/g, "\\");
}

/** An entry that starts the file of the partition. */
export function diskEntry(
  partition: EfiPartition,
  { description, file }: { readonly description: string; readonly file: string },
): EfiEntry {
  return {
    attributes: active,
    description,
    nodes: [
      driveNode(partition),
      { type: media, subtype: filePath, data: ucs2(file) },
      { type: endOfPath, subtype: 0xff, data: new Uint8Array() },
    ],
    optional: new Uint8Array(),
  };
}

/** The same entry, active, on this partition. */
export const movedTo = (entry: EfiEntry, partition: EfiPartition): EfiEntry => ({
  ...entry,
  attributes: (entry.attributes | active) >>> 0,
  nodes: entry.nodes.map((node) =>
    node.type === media && node.subtype === hardDrive ? driveNode(partition) : node,
  ),
});

export const isNetwork = ({ nodes }: EfiEntry): boolean =>
  nodes.some(({ type, subtype }) => type === messaging && networkKinds.includes(subtype));

export const isUsb = ({ nodes }: EfiEntry): boolean =>
  nodes.some(({ type, subtype }) => type === messaging && usbKinds.includes(subtype));

/** On a disk, a disc or in the firmware, or as a BIOS would name it. */
export const isOnMedia = ({ nodes }: EfiEntry): boolean =>
  nodes.some(({ type }) => type === media || type === bios);

export const isApp = ({ attributes }: EfiEntry): boolean => (attributes & category) === appCategory;

/** BootOrder, and the one number of BootCurrent; an odd byte at the end is no number. */
export const decodeNumbers = (bytes: Uint8Array): number[] =>
  Array.from({ length: bytes.length >> 1 }, (_, index) => u16(bytes, index * 2));

export const encodeNumbers = (numbers: readonly number[]): Uint8Array =>
  Uint8Array.from(numbers.flatMap(twoBytes));

/** `0003` */
export const entryNumber = (number: number): string =>
  number.toString(16).toUpperCase().padStart(4, "0");

function driveNode({ number, firstLba, lbaCount, guid }: EfiPartition): PathNode {
  const data = new Uint8Array(hardDriveBytes);
  putU32(data, 0, number);
  putU64(data, 4, firstLba);
  putU64(data, 12, lbaCount);
  data.set(guidBytes(guid), 20);
  data[36] = gptFormat;
  data[37] = guidSignature;
  return { type: media, subtype: hardDrive, data };
}

const twoBytes = (value: number): number[] => [value & 0xff, value >> 8];

const ucs2 = (text: string): Uint8Array =>
  encodeNumbers([...Array.from({ length: text.length }, (_, at) => text.charCodeAt(at)), 0]);
