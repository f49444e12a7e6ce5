/** A chunk source for tests: incompressible bytes that the entry's number and length determine. */
import { createHash } from "node:crypto";
import type { ChunkSource } from "../../../core/ports.ts";

export interface NoiseConfig {
  readonly storedLengths: readonly number[];
  /** An entry whose reading fails. */
  readonly damagedEntry?: number;
}

/** 4 MiB to cut entries from: made once, in less than 20 ms. */
const noise = Buffer.concat(
  Array.from({ length: 1 << 17 }, (_, index) => createHash("sha256").update(`${index}`).digest()),
);

export function noiseOf(entryIndex: number, length: number): Uint8Array {
  const start = (entryIndex * 7919 * 16) % (noise.length - length);
  return noise.subarray(start, start + length);
}

export async function openChunkSource(config: NoiseConfig): Promise<ChunkSource> {
  return {
    async read(entryIndex) {
      if (entryIndex === config.damagedEntry) throw new Error(`entry ${entryIndex} is damaged`);
      return noiseOf(entryIndex, config.storedLengths[entryIndex] as number);
    },
    async close() {},
  };
}
