import type { Decoded } from "../../core/errors.ts";
import { ascii, u64 } from "../../core/image/byte-source.ts";
import { withMargin } from "../../core/image/fit-estimate.ts";
import { sizeText } from "../../core/screen/format.ts";
import { sizeBtrfs } from "./file-system.ts";
import { leastThat, searchPart } from "./least-size.ts";
import {
  broken,
  type Shrinkable,
  type ShrinkVolume,
  type ShrinkWork,
  sourceIn,
  withDevice,
} from "./shrink-work.ts";

/** The kernel's btrfs makes none smaller (fs/btrfs/ioctl.c). */
const leastBtrfsBytes = 256 << 20;

/** By the kernel, which has it mounted meanwhile. */
export async function openBtrfs(
  volume: ShrinkVolume,
  work: ShrinkWork,
): Promise<Decoded<Shrinkable>> {
  const { what, size } = volume;
  // struct btrfs_super_block, at 64 KiB: bytes_used, num_devices.
  const head = await sourceIn(work, volume).read(64 * 1024, 4096);
  if (ascii(head, 0x40, 8) !== "_BHRfS_M" || u64(head, 0x88) !== 1) {
    return { ok: false, reason: `${what} is a btrfs of several devices, and keeps its size` };
  }
  let least = Math.min(size, Math.max(leastBtrfsBytes, withMargin(u64(head, 0x78))));
  // The kernel finds out by doing it; a btrfs that it made smaller can be made larger again.
  const fits = async (bytes: number): Promise<boolean> => {
    if (bytes < least) return false;
    const refusal = await withDevice(work, volume, true, (device) =>
      sizeBtrfs(device, bytes, work.signal),
    );
    if (refusal === null) return true;
    // ENOSPC
    if (/errno 28\b/.test(refusal)) return false;
    throw broken(what, refusal);
  };
  return {
    ok: true,
    value: {
      get least() {
        return least;
      },
      reasons: [],
      async reaches(bytes) {
        if (await fits(bytes)) return true;
        work.log(`${what}: looking for the smallest size that the kernel gives it`);
        const found = await leastThat(fits, Math.max(bytes, least), size);
        // Each step has packed it more tightly.
        if (await fits(bytes)) return true;
        // How it is packed depends on the steps: the next time it may take a little more.
        least = Math.min(size, found + Math.ceil(size / searchPart));
        return false;
      },
      async shrink(bytes) {
        if (!(await fits(bytes))) throw broken(what, `it does not become ${sizeText(bytes)}`);
      },
    },
  };
}
