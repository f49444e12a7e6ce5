import type { Decoded } from "../../core/errors.ts";
import { u32 } from "../../core/image/byte-source.ts";
import { putU32 } from "../../core/image/little-endian.ts";
import { swapPageBytes } from "../../core/image/swap.ts";
import type { Shrinkable, ShrinkVolume, ShrinkWork } from "./shrink-work.ts";

/** Linux wakes up from swap that is as large as what was in use; less than this saves nothing. */
const leastSwapBytes = 2 ** 30;

// linux/swap.h, union swap_header: version, last_page, nr_badpages
const swapAt = { version: 1024, lastPage: 1028, badPages: 1032 } as const;

/** Swap, by its header. */
export async function openSwap(
  volume: ShrinkVolume,
  work: ShrinkWork,
): Promise<Decoded<Shrinkable>> {
  const { what, start, size } = volume;
  const { file } = work;
  const unknown = { ok: false, reason: `${what} is swap with a header that is not known` } as const;
  const read = (offset: number, length: number) => file.read(start + offset, length);
  const pageBytes = await swapPageBytes({ size, read });
  if (pageBytes === null) return unknown;
  const header = await read(0, pageBytes);
  if (u32(header, swapAt.version) !== 1 || u32(header, swapAt.badPages) !== 0) return unknown;
  const least = Math.min(size, leastSwapBytes);
  return {
    ok: true,
    value: {
      least,
      reasons: [],
      reaches: async (bytes) => bytes >= least,
      async shrink(bytes) {
        putU32(header, swapAt.lastPage, Math.floor(bytes / pageBytes) - 1);
        await file.write(start, header);
      },
    },
  };
}
