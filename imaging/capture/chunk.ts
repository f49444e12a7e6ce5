/** One chunk of a disk on its way into an image. Everything costly happens in libuv's pool. */
import { crc32c } from "../../core/image/crc32c.ts";
import { worthwhile } from "../../core/image/forms.ts";
import type { KeptChunk } from "../../core/image/plan.ts";
import { codec } from "../../core/image/types.ts";
import { chunkCalls } from "../../core/node/chunk-calls.ts";
import type { BlockDevice } from "../../core/ports.ts";
import { chunkBytes, chunkLengthAt } from "../../core/units/units.ts";
import type { StoredChunk } from "./uplink.ts";

/** A chunk as it was read, raw bytes with zeros for what nothing uses, and its hash. */
export interface HashedChunk {
  readonly data: Uint8Array;
  readonly isZero: boolean;
  readonly sha256: Uint8Array;
}

const zeros = Buffer.alloc(chunkBytes);

/** Reads a chunk into `into`, which has room for it and is aligned: its raw bytes. Rejects as `disk.read` does. */
export async function readChunk(
  disk: BlockDevice,
  { chunkIndex, zeroed }: KeptChunk,
  into: Uint8Array,
): Promise<Uint8Array> {
  const data = into.subarray(0, chunkLengthAt(chunkIndex, disk.size));
  await disk.read(chunkIndex * chunkBytes, data);
  for (const { start, length } of zeroed) data.fill(0, start, start + length);
  return data;
}

/** Of the raw bytes of a chunk. */
export async function hashChunk(data: Uint8Array): Promise<HashedChunk> {
  const isZero = zeros.subarray(0, data.length).equals(data);
  return { data, isZero, sha256: await chunkCalls.hash(data) };
}

/** The chunk as it is stored: the same bytes and level always give the same form. The result shares no memory with `data`. */
export async function storedForm(
  chunkIndex: number,
  { data, isZero, sha256 }: HashedChunk,
  level: number,
): Promise<StoredChunk> {
  if (isZero) {
    const entry = { chunkIndex, codec: codec.zero, storedLength: 0, crc32c: 0, sha256 };
    return { entry, stored: new Uint8Array() };
  }
  const room = Buffer.allocUnsafeSlow(Math.floor(data.length * worthwhile));
  const small = await chunkCalls.compress(data, room, level);
  const stored = small === null ? new Uint8Array(data) : room.subarray(0, small);
  const kind = small === null ? codec.raw : codec.zstd;
  const storedLength = stored.length;
  return {
    entry: { chunkIndex, codec: kind, storedLength, crc32c: crc32c(stored), sha256 },
    stored,
  };
}
