/**
 * A pack in shared storage: one object, named by the SHA-256 of its bytes. Records, and at the end a footer
 * that names them, so that the registry can be rebuilt from the storage (docs/image-format.md, "In shared storage").
 */
import { createHash } from "node:crypto";
import { RoomcastError } from "../../core/errors.ts";
import { crc32c } from "../../core/image/crc32c.ts";
import { decodeEntry, encodeEntry } from "../../core/image/index-codec.ts";
import { type IndexEntry, indexEntryBytes } from "../../core/image/types.ts";
import type { CampusPack, CampusPlace } from "./ports.ts";
import { isSealed, noKey, type Seal, sealBytes } from "./seal.ts";

/** One request puts it, and a link of 100 Mbit/s has it in 6 s; a thousand such packs are 64 GB. */
export const packTargetBytes = 64 * 1024 * 1024;
/** So that the footer is read at once, when chunks are stored in a few bytes each. */
export const packRecordLimit = 16_384;

const recordMagic = Buffer.from("RCCK", "latin1");
const footerMagic = Buffer.from("RCCF", "latin1");
const endMagic = Buffer.from("RCCE", "latin1");
/** Magic and CRC-32C, before a record's entry and before a footer's. */
const headBytes = 8;
/** The footer's length, and a magic. */
const endBytes = 8;
const recordBytes = headBytes + indexEntryBytes;

const footerBytesOf = (recordCount: number): number => headBytes + recordCount * indexEntryBytes;

/** The end of a pack, in bytes, in which the whole footer is. */
export const tailBytes = footerBytesOf(packRecordLimit) + sealBytes + endBytes;

/** In the storage. `pack`: its SHA-256, hexadecimal. */
export const packObjectName = (pack: string): string => `packs/${pack.slice(0, 2)}/${pack}.pack`;

/** The pack whose object has this name; null: it is of no pack. */
export function packOfObject(name: string): string | null {
  const pack = /^packs\/[0-9a-f]{2}\/([0-9a-f]{64})\.pack$/.exec(name)?.[1];
  return pack !== undefined && packObjectName(pack) === name ? pack : null;
}

/** What of an image lies in the storage. `id`: 16 hexadecimal digits. */
export const imageObjectName = (id: string, part: "manifest" | "index"): string =>
  `images/${id}/${part}`;

/** Gathers chunks for one pack. */
export class PackBuilder {
  private readonly sealing: { readonly seal: Seal; readonly salt: Uint8Array } | null;
  private readonly content = Buffer.allocUnsafeSlow(packTargetBytes + tailBytes);
  private readonly hash = createHash("sha256");
  private readonly held: Omit<CampusPlace, "pack">[] = [];
  private length = 0;

  /** `salt`: random, `saltBytes` of them, for this pack alone. */
  constructor(sealing: { readonly seal: Seal; readonly salt: Uint8Array } | null) {
    this.sealing = sealing;
  }

  /** Whether there is room for a chunk of so many stored bytes. */
  fits(storedLength: number): boolean {
    const length = recordBytes + storedLength + this.addedBytes;
    return this.held.length < packRecordLimit && this.length + length <= packTargetBytes;
  }

  get chunkCount(): number {
    return this.held.length;
  }

  /** A chunk in its stored form, which must fit. */
  add(entry: IndexEntry, stored: Uint8Array): void {
    if (!this.fits(stored.length) || stored.length !== entry.storedLength) {
      throw new Error(`a chunk of ${stored.length} bytes does not belong into this pack`);
    }
    const held: IndexEntry = { ...entry, chunkIndex: 0 };
    const encoded = encodeEntry(held);
    const record = Buffer.concat([recordMagic, checkOf(encoded), encoded, stored]);
    const offset = this.length;
    const length = this.append("record", record);
    this.held.push({ offset, length, entry: held });
  }

  /** The whole pack, and what the registry is told of it. Nothing can be added any more. */
  finish(): { readonly pack: CampusPack; readonly content: Uint8Array } {
    const entries = Buffer.concat(this.held.map(({ entry }) => encodeEntry(entry)));
    const footer = Buffer.concat([footerMagic, checkOf(entries), entries]);
    const end = Buffer.alloc(endBytes);
    end.writeUInt32LE(this.append("footer", footer), 0);
    end.set(endMagic, 4);
    this.write(end);
    const name = this.hash.digest("hex");
    const places = this.held.map((place) => ({ pack: name, ...place }));
    const content = this.content.subarray(0, this.length);
    return { pack: { name, bytes: this.length, places }, content };
  }

  private get addedBytes(): number {
    return this.sealing === null ? 0 : sealBytes;
  }

  /** How many bytes it became. */
  private append(kind: "record" | "footer", plain: Uint8Array): number {
    const { sealing } = this;
    const bytes =
      sealing === null
        ? plain
        : sealing.seal.seal({ kind, offset: this.length }, sealing.salt, plain);
    this.write(bytes);
    return bytes.length;
  }

  private write(bytes: Uint8Array): void {
    this.content.set(bytes, this.length);
    this.length += bytes.length;
    this.hash.update(bytes);
  }
}

/**
 * The stored bytes of a chunk, of which the storage gave the record: they match their CRC, and the record
 * is of the chunk that the place names. Throws `bad-input`.
 */
export function readRecord(record: Uint8Array, place: CampusPlace, seal: Seal | null): Uint8Array {
  const what = `the record at byte ${place.offset} of pack ${place.pack}`;
  if (record.length !== place.length) throw damaged(what, "it is not as long as it was");
  const plain = opened({ kind: "record", offset: place.offset }, record, seal, what);
  const encoded = checkedPart(plain, recordMagic, recordBytes);
  if (encoded === null) throw damaged(what, "its header is not one");
  if (Buffer.compare(encoded, encodeEntry(place.entry)) !== 0) {
    throw damaged(what, "it is of another chunk, or of another form of it");
  }
  const stored = plain.subarray(recordBytes);
  if (stored.length !== place.entry.storedLength || crc32c(stored) !== place.entry.crc32c) {
    throw damaged(what, "its stored bytes do not match their CRC");
  }
  return stored;
}

/**
 * What the footer of a pack says of it, from the end of the pack: `tailBytes`, or all of a shorter pack.
 * Whether the name is the content's hash is for whoever has the whole content. Throws `bad-input`.
 */
export function readFooter(
  tail: Uint8Array,
  name: string,
  packBytes: number,
  seal: Seal | null,
): CampusPack {
  const what = `the footer of pack ${name}`;
  const end = Buffer.from(tail.buffer, tail.byteOffset, tail.length);
  if (end.length < endBytes || !end.subarray(-4).equals(endMagic)) {
    throw damaged(what, "the pack does not end as a pack does");
  }
  const footerBytes = end.readUInt32LE(end.length - endBytes);
  const start = packBytes - endBytes - footerBytes;
  if (footerBytes > end.length - endBytes || start < 0) throw damaged(what, "its length is a lie");
  const sealed = end.subarray(-endBytes - footerBytes, -endBytes);
  const plain = opened({ kind: "footer", offset: start }, sealed, seal, what);
  const entries = checkedPart(plain, footerMagic, plain.length);
  if (entries === null || entries.length % indexEntryBytes !== 0) {
    throw damaged(what, "it does not match its CRC");
  }
  const places: CampusPlace[] = [];
  let offset = 0;
  for (let at = 0; at < entries.length; at += indexEntryBytes) {
    const decoded = decodeEntry(entries, at);
    if (!decoded.ok) throw damaged(what, `entry ${places.length}: ${decoded.reason}`);
    const entry = decoded.value;
    const length = recordBytes + entry.storedLength + (seal === null ? 0 : sealBytes);
    places.push({ pack: name, offset, length, entry });
    offset += length;
  }
  if (offset !== start) throw damaged(what, "it is of a pack of another length");
  return { name, bytes: packBytes, places };
}

/** The bytes of an image's object, as they lie in the storage. */
export const encodeImageObject = (
  name: string,
  plain: Uint8Array,
  seal: Seal | null,
): Uint8Array => (seal === null ? plain : seal.sealObject(name, plain));

/** The reverse. What is in it is for the reader to check: an index by its root hash. Throws `bad-input`. */
export const decodeImageObject = (name: string, bytes: Uint8Array, seal: Seal | null): Uint8Array =>
  opened({ kind: "object", name }, bytes, seal, name);

function opened(
  place: Parameters<Seal["open"]>[0],
  bytes: Uint8Array,
  seal: Seal | null,
  what: string,
): Uint8Array {
  if (seal !== null) return seal.open(place, bytes, what);
  if (isSealed(bytes)) throw noKey(what);
  return bytes;
}

function checkOf(bytes: Uint8Array): Uint8Array {
  const check = Buffer.alloc(4);
  check.writeUInt32LE(crc32c(bytes), 0);
  return check;
}

/** What lies behind magic and CRC, up to `end`; null: the magic is another, or the CRC does not match. */
function checkedPart(plain: Uint8Array, magic: Buffer, end: number): Uint8Array | null {
  const bytes = Buffer.from(plain.buffer, plain.byteOffset, plain.length);
  if (bytes.length < Math.max(headBytes, end) || !bytes.subarray(0, 4).equals(magic)) return null;
  const part = bytes.subarray(headBytes, end);
  return bytes.readUInt32LE(4) === crc32c(part) ? part : null;
}

const damaged = (what: string, why: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `${what} is damaged: ${why}`,
    "put the pack back from a backup of the storage, or store the images that need it again",
  );
