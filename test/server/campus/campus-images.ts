/** Chunks, packs and images that no disk has: what a registry is told of in tests. */
import { createHash } from "node:crypto";
import { codec, type Manifest } from "../../../core/image/types.ts";
import type { CampusPack } from "../../../server/campus/ports.ts";
import { draftOf } from "../store/write-image.ts";

const hashOf = (text: string): Uint8Array =>
  new Uint8Array(createHash("sha256").update(text).digest());

/** Hashes one behind the other. */
export const joined = (hashes: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(Buffer.concat(hashes));

/** Hashes of chunks with these numbers. */
export const hashesOf = (...numbers: readonly number[]): Uint8Array =>
  joined(numbers.map((number) => hashOf(`chunk ${number}`)));

/** `salt`: what makes it another pack of the same chunks. */
export function packOf(hashes: Uint8Array, salt = ""): CampusPack {
  const text = Buffer.from(hashes).toString("hex");
  const name = Buffer.from(hashOf(`${salt} ${text}`)).toString("hex");
  const places = Array.from({ length: hashes.length / 32 }, (_, at) => ({
    pack: name,
    offset: at * 1000,
    length: 1000,
    entry: {
      chunkIndex: 0,
      codec: at % 2 === 0 ? codec.zstd : codec.raw,
      storedLength: 944 - at,
      crc32c: 0xffff_ffff - at,
      sha256: hashes.subarray(at * 32, at * 32 + 32),
    },
  }));
  return { name, bytes: places.length * 1000, places };
}

/** `number` makes the id. */
export const manifestOf = (
  number: number,
  name: string,
  version: number,
  more: Partial<Manifest> = {},
): Manifest => ({
  ...draftOf(new Uint8Array(0), 1),
  formatVersion: more.fitOf === undefined ? 2 : 3,
  id: number.toString(16).padStart(16, "0"),
  name,
  version,
  capturedAt: "2026-11-28T10:00:00.000Z",
  storedBytes: 0,
  ...more,
});
