/** Keys of a cast for tests. */
import type { CastKeys } from "../../../core/wire/cast-address.ts";

export const keysOf = (seed: number): CastKeys => ({
  chunk: Buffer.alloc(32, seed).toString("base64"),
  packet: Buffer.alloc(8, seed + 1).toString("base64"),
});
export const castKeys = keysOf(1);
export const packetKey = new Uint8Array(8).fill(2);
