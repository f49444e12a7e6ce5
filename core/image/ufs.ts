/**
 * The used blocks of a UFS2 (FreeBSD), from the free maps of its cylinder groups. Offsets are those of
 * `struct cg` in FreeBSD's sys/ufs/ffs/fs.h, little endian.
 */
import type { Decoded } from "../errors.ts";
import { bitAt } from "../units/bits.ts";
import { type ByteSource, u32 } from "./byte-source.ts";
import type { Extent } from "./extents.ts";
import { ufsSuperblock } from "./ufs-superblock.ts";

// struct cg: offset, field. `freeoff`: where its map lies, a bit for each fragment, 1 = free.
const cg = { magic: 4, cgx: 12, ndblk: 20, nbfree: 28, nffree: 36, freeoff: 96 } as const;

const cgMagic = 0x00090255;

/**
 * Relative to the partition, in order; the boot area before the superblock and what lies after the
 * file system count as used. Fails if anything is inconsistent: then its map cannot be trusted.
 */
export async function ufsUse(source: ByteSource): Promise<Decoded<Extent[]>> {
  const found = await ufsSuperblock(source);
  if (!found.ok) return found;
  if (!found.value.isClean) return { ok: false, reason: "it was not unmounted cleanly" };
  const { groupCount, fragBytes, fragsPerGroup, fragCount, fragsPerBlock, cgOffset, cgBytes } =
    found.value;
  const used: Extent[] = [];
  const use = (start: number, end: number): void => {
    const last = used.at(-1);
    if (end <= start) return;
    if (last !== undefined && last.start + last.length === start) {
      used[used.length - 1] = { start: last.start, length: end - last.start };
    } else used.push({ start, length: end - start });
  };
  for (let group = 0; group < groupCount; group++) {
    const first = group * fragsPerGroup;
    const count = Math.min(fragsPerGroup, fragCount - first);
    const bad = { ok: false, reason: `cylinder group ${group} is damaged` } as const;
    const at = (first + cgOffset) * fragBytes;
    if (at + cgBytes > source.size) return bad;
    const data = await source.read(at, cgBytes);
    const freeAt = u32(data, cg.freeoff);
    if (u32(data, cg.magic) !== cgMagic || u32(data, cg.cgx) !== group) return bad;
    if (u32(data, cg.ndblk) !== count || freeAt + Math.ceil(count / 8) > cgBytes) return bad;
    const free = data.subarray(freeAt);
    let freeCount = 0;
    let from = 0;
    for (let frag = 0; frag < count; frag++) {
      if (!bitAt(free, frag)) continue;
      freeCount++;
      use((first + from) * fragBytes, (first + frag) * fragBytes);
      from = frag + 1;
    }
    use((first + from) * fragBytes, (first + count) * fragBytes);
    // The file system counts them itself, independently of the map.
    if (freeCount !== u32(data, cg.nbfree) * fragsPerBlock + u32(data, cg.nffree)) return bad;
  }
  use(fragCount * fragBytes, source.size);
  return { ok: true, value: used };
}
