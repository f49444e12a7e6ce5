/** File systems grown to the end of their partition, by their own tools. */
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { runTool } from "../disk/tool.ts";

/** `device` is the partition. Rejects with `failed`, and the tool's last lines. */
type Grow = (device: string, signal: AbortSignal) => Promise<void>;

/** By blkid's name. */
export const growers: Readonly<Record<string, Grow>> = {
  ext2: growExt,
  ext3: growExt,
  ext4: growExt,
  ntfs: growNtfs,
  xfs: growXfs,
};

async function growExt(device: string, signal: AbortSignal): Promise<void> {
  // e2fsck(8): 1 is "errors corrected"; a journal that is replayed counts as well.
  await tool(["e2fsck", "-f", "-p", device], signal, [0, 1]);
  await tool(["resize2fs", device], signal);
}

async function growNtfs(device: string, signal: AbortSignal): Promise<void> {
  // Twice `-f`: asks nothing, and takes a volume that an earlier resizing has marked for a check.
  await tool(["ntfsresize", "-n", "-f", "-f", device], signal);
  await tool(["ntfsresize", "-f", "-f", device], signal);
}

/** It grows only while it is mounted. */
async function growXfs(device: string, signal: AbortSignal): Promise<void> {
  // Where the module is part of the kernel, or loads by itself, this is of no use and no harm.
  await runTool("modprobe", ["-q", "xfs"], signal);
  const where = await mkdtemp(join(tmpdir(), "roomcast-xfs-"));
  try {
    await tool(["mount", "-t", "xfs", "-o", "nouuid", device, where], signal);
    try {
      await tool(["xfs_growfs", "-d", where], signal);
    } finally {
      await tool(["umount", where], new AbortController().signal);
    }
  } finally {
    await rmdir(where).catch(() => {});
  }
}

async function tool(
  [name = "", ...args]: readonly string[],
  signal: AbortSignal,
  good: readonly number[] = [0],
): Promise<void> {
  const { status, output, complaint } = await runTool(name, args, signal);
  if (good.includes(status)) return;
  const said = [output, complaint].join("\n").trim().split("\n").slice(-12).join("\n");
  throw new RoomcastError(
    "failed",
    `${name} ended with ${status === -1 ? "an error" : status}: ${said}`,
    "check the file system on the master, and capture it again; or let the room's PCs not grow (`roomcast room set ROOM --grow off`)",
  );
}
