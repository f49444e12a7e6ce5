import { type Decoded, RoomcastError } from "../../core/errors.ts";
import { u32 } from "../../core/image/byte-source.ts";
import { withMargin } from "../../core/image/fit-estimate.ts";
import {
  broken,
  hasErrors,
  type Shrinkable,
  type ShrinkVolume,
  type ShrinkWork,
  saidBy,
  sourceIn,
  toolEnd,
  withDevice,
} from "./shrink-work.ts";

/** ext2, ext3 and ext4, by resize2fs. */
export async function openExt(
  volume: ShrinkVolume,
  work: ShrinkWork,
): Promise<Decoded<Shrinkable>> {
  const { what, fs, size } = volume;
  const end = await withDevice(work, volume, false, (device) =>
    toolEnd(work, ["resize2fs", "-P", device]),
  );
  if (end.status !== 0 && /unsupported feature/i.test(end.complaint + end.output)) {
    const next = "make it fit where there is a newer e2fsprogs";
    throw new RoomcastError("failed", `${what}: ${saidBy("resize2fs", end)}`, next);
  }
  const [, blocks] = /minimum size of the filesystem: (\d+)/.exec(end.output) ?? [];
  if (end.status !== 0 || blocks === undefined) {
    return { ok: false, reason: `${what} keeps its size: ${saidBy("resize2fs", end)}` };
  }
  // Documentation/filesystems/ext4/super.rst: s_log_block_size.
  const blockBytes = 1024 << u32(await sourceIn(work, volume).read(1024, 1024), 24);
  const least = Math.min(size, withMargin(Number(blocks) * blockBytes));
  let isChecked = false;
  return {
    ok: true,
    value: {
      least,
      reasons: [],
      async reaches(bytes) {
        if (isChecked) return bytes >= least;
        const check = await withDevice(work, volume, true, (device) =>
          toolEnd(work, ["e2fsck", "-f", "-p", device]),
        );
        // e2fsck(8): 1 is "errors corrected"; a journal that is replayed counts as well.
        if (check.status !== 0 && check.status !== 1) {
          const next = "run `e2fsck -f` on it on the master, and capture it again";
          throw hasErrors(`${what} (${fs})`, saidBy("e2fsck", check), next);
        }
        isChecked = true;
        return bytes >= least;
      },
      async shrink(bytes) {
        // In sectors of 512 bytes, whatever the disk has.
        const resized = await withDevice(work, volume, true, (device) =>
          toolEnd(work, ["resize2fs", device, `${Math.floor(bytes / 512)}s`]),
        );
        if (resized.status !== 0) throw broken(what, saidBy("resize2fs", resized));
      },
    },
  };
}
