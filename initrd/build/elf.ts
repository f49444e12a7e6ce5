/**
 * As much of ELF (64-bit, little-endian, x86-64) as packing an initrd needs: what a program loads,
 * what a kernel module says about itself, and a program without its symbols.
 * Source: System V ABI, "Object Files" and "Dynamic Linking"; Linux `include/linux/module.h`.
 */
import type { Decoded } from "../../core/errors.ts";

/** What the dynamic loader reads of a program or a shared object. */
export interface Dynamic {
  /** The program's loader (PT_INTERP), as an absolute path; null in a shared object or static program. */
  readonly interpreter: string | null;
  /** DT_NEEDED, in its order; empty in a static program. */
  readonly needed: readonly string[];
}

/** Reads the interpreter and DT_NEEDED of a program or shared object. */
export const readDynamic = (file: Uint8Array): Decoded<Dynamic> =>
  guarded(file, (elf) => {
    const segments = programHeaders(elf);
    const interp = segments.find((segment) => segment.type === segmentType.interp);
    const dynamic = segments.find((segment) => segment.type === segmentType.dynamic);
    return {
      interpreter: interp === undefined ? null : stringAt(elf, interp.offset),
      needed: dynamic === undefined ? [] : neededOf(elf, dynamic, segments),
    };
  });

/** The `key=value` strings of a kernel module's `.modinfo` section, in its order (keys repeat). */
export const readModinfo = (
  file: Uint8Array,
): Decoded<readonly { readonly key: string; readonly value: string }[]> =>
  guarded(file, (elf) => {
    const section = sectionNamed(elf, ".modinfo");
    if (section === undefined) throw new Malformed("no .modinfo section");
    const fields: { key: string; value: string }[] = [];
    for (const text of latin1(slice(elf, section.offset, section.size)).split("\0")) {
      const equals = text.indexOf("=");
      if (equals > 0) fields.push({ key: text.slice(0, equals), value: text.slice(equals + 1) });
    }
    return fields;
  });

/**
 * A program or shared object cut after the last byte that any segment loads: no symbols, no debug
 * data, no section table. Not for kernel modules, which are loaded by their sections.
 */
export const withoutSections = (file: Uint8Array): Decoded<Uint8Array> =>
  guarded(file, (elf) => {
    const segments = programHeaders(elf);
    if (!segments.some((segment) => segment.type === segmentType.load))
      throw new Malformed("nothing to load");
    const headersEnd = number64(elf, 32) + u16(elf, 54) * u16(elf, 56);
    const end = segments.reduce(
      (last, segment) => Math.max(last, segment.offset + segment.fileBytes),
      headersEnd,
    );
    const cut = new Uint8Array(slice(elf, 0, end));
    cut.fill(0, 40, 48); // e_shoff
    cut.fill(0, 58, 64); // e_shentsize, e_shnum, e_shstrndx
    return cut;
  });

const segmentType = { load: 1, dynamic: 2, interp: 3 } as const;
const dynamicTag = { end: 0, needed: 1, stringTable: 5 } as const;
/** A longer name is no file's name (Linux NAME_MAX is 255). */
const stringLimit = 4096;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
}

/** Elf64_Ehdr: e_phoff at 32, e_phentsize at 54, e_phnum at 56. Elf64_Phdr: type 0, offset 8, vaddr 16, filesz 32. */
function programHeaders(elf: DataView): Segment[] {
  const table = number64(elf, 32);
  const entryBytes = u16(elf, 54);
  return Array.from({ length: u16(elf, 56) }, (_, index) => {
    const at = table + index * entryBytes;
    return {
      type: u32(elf, at),
      offset: number64(elf, at + 8),
      address: number64(elf, at + 16),
      fileBytes: number64(elf, at + 32),
    };
  });
}

function neededOf(elf: DataView, dynamic: Segment, segments: readonly Segment[]): string[] {
  const names: number[] = [];
  let strings: number | undefined;
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.fileBytes; at += 16) {
    const tag = number64(elf, at);
    if (tag === dynamicTag.end) break;
    if (tag === dynamicTag.needed) names.push(number64(elf, at + 8));
    if (tag === dynamicTag.stringTable) strings = number64(elf, at + 8);
  }
  if (names.length === 0) return [];
  const address = strings;
  if (address === undefined) throw new Malformed("no string table");
  const home = segments.find(
    ({ type, address: start, fileBytes }) =>
      type === segmentType.load && address >= start && address < start + fileBytes,
  );
  if (home === undefined) throw new Malformed("string table outside every segment");
  const base = home.offset + (address - home.address);
  return names.map((name) => stringAt(elf, base + name));
}

/** Elf64_Ehdr: e_shoff at 40, e_shentsize at 58, e_shnum at 60, e_shstrndx at 62. Elf64_Shdr: name 0, offset 24, size 32. */
function sectionNamed(
  elf: DataView,
  wanted: string,
): { readonly offset: number; readonly size: number } | undefined {
  const table = number64(elf, 40);
  const entryBytes = u16(elf, 58);
  const names = number64(elf, table + u16(elf, 62) * entryBytes + 24);
  for (let index = 0; index < u16(elf, 60); index++) {
    const at = table + index * entryBytes;
    if (stringAt(elf, names + u32(elf, at)) === wanted)
      return { offset: number64(elf, at + 24), size: number64(elf, at + 32) };
  }
  return undefined;
}

class Malformed extends Error {}

function guarded<T>(file: Uint8Array, read: (elf: DataView) => T): Decoded<T> {
  const elf = new DataView(file.buffer, file.byteOffset, file.byteLength);
  try {
    if (u32(elf, 0) !== 0x464c457f) throw new Malformed("not ELF");
    if (elf.getUint8(4) !== 2 || elf.getUint8(5) !== 1 || u16(elf, 18) !== 62)
      throw new Malformed("not 64-bit x86");
    return { ok: true, value: read(elf) };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, reason: error.message };
    // DataView throws RangeError past its end.
    if (error instanceof RangeError) return { ok: false, reason: "truncated" };
    throw error;
  }
}

const u16 = (elf: DataView, at: number): number => elf.getUint16(at, true);
const u32 = (elf: DataView, at: number): number => elf.getUint32(at, true);

function number64(elf: DataView, at: number): number {
  const value = Number(elf.getBigUint64(at, true));
  if (!Number.isSafeInteger(value)) throw new Malformed("number too large");
  return value;
}

function slice(elf: DataView, offset: number, length: number): Uint8Array {
  if (offset + length > elf.byteLength) throw new Malformed("truncated");
  return new Uint8Array(elf.buffer, elf.byteOffset + offset, length);
}

function stringAt(elf: DataView, offset: number): string {
  for (let end = offset; end < offset + stringLimit; end++)
    if (elf.getUint8(end) === 0) return latin1(slice(elf, offset, end - offset));
  throw new Malformed("string without end");
}

const latin1 = (data: Uint8Array): string =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1");
