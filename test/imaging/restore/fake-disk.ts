import { createHash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { RoomcastError } from "../../../core/errors.ts";
import { codec, type IndexEntry } from "../../../core/image/types.ts";
import { bytes, chunkBytes, chunkCountOf, chunkLengthAt } from "../../../core/units/units.ts";
import type { FaultyDisk } from "../../../imaging/restore/disk-faults.ts";

export interface DiskCall {
  readonly call: "write" | "zero" | "read" | "flush" | "discard";
  readonly offset: number;
}

/** A disk in memory that remembers what was asked of it, and fails where it is told to. */
export class FakeDisk implements FaultyDisk {
  readonly path = "/dev/sdx";
  readonly size;
  readonly logicalSector = 512;
  readonly content: Uint8Array;
  readonly calls: DiskCall[] = [];
  /** Rejects, or changes what was written, when it likes. */
  onWrite: (offset: number, data: Uint8Array) => Promise<void> | void = () => {};
  onRead: (offset: number, into: Uint8Array) => void = () => {};

  hasDiscard = false;

  constructor(content: Uint8Array) {
    this.content = content.slice();
    this.size = bytes(content.length);
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.calls.push({ call: "read", offset });
    into.set(this.content.subarray(offset, offset + into.length));
    this.onRead(offset, into);
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    this.calls.push({ call: "write", offset });
    const copy = data.slice();
    await this.onWrite(offset, copy);
    this.content.set(copy, offset);
  }

  async zero(offset: number, length: number): Promise<void> {
    this.calls.push({ call: "zero", offset });
    this.content.fill(0, offset, offset + length);
  }

  async discard(offset: number, length: number): Promise<boolean> {
    if (!this.hasDiscard) return false;
    this.calls.push({ call: "discard", offset });
    // What it reads as afterwards is the device's affair.
    this.content.fill(0xd1, offset, offset + length);
    return true;
  }

  async flush(): Promise<void> {
    this.calls.push({ call: "flush", offset: -1 });
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export const ioError = (): RoomcastError =>
  new RoomcastError("failed", "writing /dev/sdx: input/output error", "", {
    cause: Object.assign(new Error("EIO: i/o error, write"), { code: "EIO" }),
  });

export interface FakeImage {
  readonly content: Uint8Array;
  readonly entries: IndexEntry[];
  /** Stored bytes by entry index. */
  readonly stored: Uint8Array[];
}

/**
 * A disk of `diskBytes` and the image of it: every third chunk incompressible, those of `unused` not
 * in the image, those of `zero` used and empty.
 */
export function fakeImage(
  diskBytes: number,
  options: { unused?: readonly number[]; zero?: readonly number[] } = {},
): FakeImage {
  const content = new Uint8Array(diskBytes);
  const entries: IndexEntry[] = [];
  const stored: Uint8Array[] = [];
  for (let chunk = 0; chunk < chunkCountOf(diskBytes); chunk++) {
    const raw = content.subarray(
      chunk * chunkBytes,
      chunk * chunkBytes + chunkLengthAt(chunk, diskBytes),
    );
    const isZero = options.zero?.includes(chunk) ?? false;
    if (!isZero) fill(raw, chunk);
    if (options.unused?.includes(chunk)) continue;
    const kind = isZero ? codec.zero : chunk % 3 === 0 ? codec.raw : codec.zstd;
    const bytesStored =
      kind === codec.zero
        ? new Uint8Array()
        : new Uint8Array(kind === codec.raw ? raw : zstdCompressSync(raw));
    entries.push({
      chunkIndex: chunk,
      codec: kind,
      storedLength: bytesStored.length,
      crc32c: 0,
      sha256: sha256(raw),
    });
    stored.push(bytesStored);
  }
  return { content, entries, stored };
}

/** The image of a disk's bytes, as they are. */
export function imageOf(content: Uint8Array): FakeImage {
  const entries: IndexEntry[] = [];
  const stored: Uint8Array[] = [];
  for (let chunk = 0; chunk < chunkCountOf(content.length); chunk++) {
    const at = chunk * chunkBytes;
    const raw = content.subarray(at, at + chunkLengthAt(chunk, content.length));
    const bytesStored = new Uint8Array(zstdCompressSync(raw));
    entries.push({
      ...{ chunkIndex: chunk, codec: codec.zstd, storedLength: bytesStored.length, crc32c: 0 },
      sha256: sha256(raw),
    });
    stored.push(bytesStored);
  }
  return { content, entries, stored };
}

/** Different in every chunk, and compressible. */
export function fill(raw: Uint8Array, seed: number): void {
  let state = (seed + 1) * 2654435761;
  for (let index = 0; index < raw.length; index += 16) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    raw[index] = 1 + (state % 255);
    raw[index + 1] = seed;
  }
}

export const sha256 = (data: Uint8Array): Uint8Array =>
  new Uint8Array(createHash("sha256").update(data).digest());
