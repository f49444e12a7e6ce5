/** The table of sections of a PE file (Microsoft's PE format, the form that UEFI programs have), read. */
import type { Decoded } from "../errors.ts";

export interface PeSection {
  readonly name: string;
  /** Where its bytes are in the file, and how many: without what fills it up to the file's grid. */
  readonly offset: number;
  readonly bytes: number;
}

export interface PeLayout {
  readonly sections: readonly PeSection[];
  /** Where it is loaded to; 0 for a program that can be loaded anywhere. */
  readonly imageBase: number;
  /** From the image's start, in memory: the first byte after its last section. */
  readonly endAddress: number;
  /** Sections begin at multiples of it in memory. */
  readonly alignment: number;
}

/** The headers of every program here fit into so many bytes. */
export const peHeaderBytes = 4096;
/** What one section's line of the table takes. */
const sectionHeaderBytes = 40;
const pe32Plus = 0x20b;

/** Reads the layout from the first `peHeaderBytes` of a file, or from all of it. */
export function decodePeLayout(head: Uint8Array): Decoded<PeLayout> {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < 64) return { ok: false, reason: "truncated" };
  if (view.getUint16(0, false) !== 0x4d5a) return { ok: false, reason: "no MZ at its start" };
  const header = view.getUint32(60, true);
  if (header + 24 + 64 > head.length) return { ok: false, reason: "truncated" };
  if (view.getUint32(header, false) !== 0x50450000) return { ok: false, reason: "no PE header" };
  const optional = header + 24;
  if (view.getUint16(optional, true) !== pe32Plus)
    return { ok: false, reason: "not a 64-bit program" };
  const table = optional + view.getUint16(header + 20, true);
  const count = view.getUint16(header + 6, true);
  if (table + count * sectionHeaderBytes > head.length) return { ok: false, reason: "truncated" };
  const sections: PeSection[] = [];
  let endAddress = 0;
  for (let index = 0; index < count; index++) {
    const at = table + index * sectionHeaderBytes;
    const name = String.fromCharCode(...head.subarray(at, at + 8)).replace(/\0+$/, "");
    const inMemory = view.getUint32(at + 8, true);
    const inFile = view.getUint32(at + 16, true);
    const bytes = Math.min(inMemory, inFile);
    sections.push({ name, offset: view.getUint32(at + 20, true), bytes });
    endAddress = Math.max(endAddress, view.getUint32(at + 12, true) + Math.max(inMemory, inFile));
  }
  const imageBase = Number(view.getBigUint64(optional + 24, true));
  const alignment = view.getUint32(optional + 32, true);
  return { ok: true, value: { sections, imageBase, endAddress, alignment } };
}
