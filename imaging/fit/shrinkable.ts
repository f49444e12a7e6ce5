/** What can be made smaller: file systems by their own tools, swap by its header. */
import { openBtrfs } from "./shrink-btrfs.ts";
import { openExt } from "./shrink-ext.ts";
import { openNtfs } from "./shrink-ntfs.ts";
import { openSwap } from "./shrink-swap.ts";
import {
  broken,
  type OpenShrinkable,
  type ShrinkVolume,
  type ShrinkWork,
  saidBy,
  toolEnd,
  withDevice,
} from "./shrink-work.ts";

/** By blkid's name; each fails with the reason for which it keeps its size. */
export const shrinkables: Readonly<Record<string, OpenShrinkable>> = {
  ext2: openExt,
  ext3: openExt,
  ext4: openExt,
  ntfs: openNtfs,
  btrfs: openBtrfs,
  swap: openSwap,
  xfs: async ({ what }) => ({
    ok: false,
    reason:
      `${what} has XFS, which cannot be made smaller: on the master, save its files (\`xfsdump\`), ` +
      "make a smaller partition with `mkfs.xfs`, put them back (`xfsrestore`), and capture again",
  }),
};

/** Checks what has become smaller or was moved. Rejects with `failed` when it is not whole. */
export async function requireWhole(work: ShrinkWork, volume: ShrinkVolume): Promise<void> {
  const { fs, what } = volume;
  const [name, ...args] = checks[fs] ?? [];
  if (name === undefined) return;
  const end = await withDevice(work, volume, false, (device) =>
    toolEnd(work, [name, ...args, device]),
  );
  if (end.status !== 0) throw broken(what, `it is not whole afterwards: ${saidBy(name, end)}`);
}

const extCheck = ["e2fsck", "-f", "-n"];
const checks: Readonly<Record<string, readonly string[]>> = {
  ext2: extCheck,
  ext3: extCheck,
  ext4: extCheck,
  ntfs: ["ntfsresize", "--info", "--force", "--force", "--no-progress-bar"],
};
