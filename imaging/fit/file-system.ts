/** File systems grown to the end of their partition, by their own tools. */
import { mkdtemp, open, rmdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { resizeBtrfs } from "../../core/node/disk-calls.ts";
import { deviceNumber } from "../disk/disk.ts";
import { forgetUnmountedBtrfs } from "../disk/forget-btrfs.ts";
import { readText, systemRoots } from "../disk/sysfs.ts";
import { resizeLimitMs, runTool, untilItEnds } from "../disk/tool.ts";

/**
 * `device` is the partition. Answers null when the file system has grown, else why it was left as it
 * is. Rejects with `failed`, and the tool's last lines, when it was changed and is not whole.
 */
type Grow = (device: string, signal: AbortSignal) => Promise<string | null>;

/** By blkid's name. */
export const growers: Readonly<Record<string, Grow>> = {
  ext2: growExt,
  ext3: growExt,
  ext4: growExt,
  ntfs: growNtfs,
  xfs: growXfs,
  btrfs: growBtrfs,
};

async function growExt(device: string, signal: AbortSignal): Promise<string | null> {
  const check = await run(["e2fsck", "-f", "-p", device], signal);
  // e2fsck(8): 4 is "errors left uncorrected". What it has corrected by then is sound, and what it
  // has not is on the master as well.
  if (check.status === 4) return check.said;
  // 1 is "errors corrected"; a journal that is replayed counts as well.
  if (check.status !== 0 && check.status !== 1) return leftIfUntouched(check);
  return refusalOf(["resize2fs", device], device, signal);
}

async function growNtfs(device: string, signal: AbortSignal): Promise<string | null> {
  // Twice `-f`: asks nothing, and takes a volume that an earlier resizing has marked for a check.
  const trial = await run(["ntfsresize", "-n", "-f", "-f", device], signal);
  if (trial.status !== 0) return trial.said;
  return refusalOf(["ntfsresize", "-f", "-f", device], device, signal);
}

/** These grow only while they are mounted. */
function growXfs(device: string, signal: AbortSignal): Promise<string | null> {
  const grow = (where: string) => run(["xfs_growfs", "-d", where], signal);
  return growMounted({ fs: "xfs", options: "nouuid", device, grow }, signal);
}

function growBtrfs(device: string, signal: AbortSignal): Promise<string | null> {
  return sizeBtrfs(device, "max", signal);
}

/**
 * As `Grow`, to a size that may be a smaller one. Of several devices, those that are not this one are never
 * looked for: it is not mounted then.
 */
export async function sizeBtrfs(
  device: string,
  size: number | "max",
  signal: AbortSignal,
): Promise<string | null> {
  // Superblock at 64 KiB; the number of the device begins its dev_item, at 0xc9 (btrfs' on-disk format).
  const head = Buffer.alloc(8);
  await using file = await open(device, "r");
  await file.read(head, 0, 8, (64 << 10) + 0xc9);
  try {
    const grow = async (where: string) => {
      await using root = await open(where, "r");
      const errno = await resizeBtrfs(root.fd, head.readBigUInt64LE(), size);
      return { status: errno, said: `the kernel's resizing of btrfs ended with errno ${errno}` };
    };
    const options = "nodiscard,skip_balance";
    return await growMounted({ fs: "btrfs", options, device, grow }, signal);
  } finally {
    await forgetUnmountedBtrfs();
  }
}

async function growMounted(
  what: {
    readonly fs: string;
    /** Of the mount. */
    readonly options: string;
    readonly device: string;
    grow(where: string): Promise<Pick<Ended, "status" | "said">>;
  },
  signal: AbortSignal,
): Promise<string | null> {
  const { fs, options, device } = what;
  // Where the module is part of the kernel, or loads by itself, this is of no use and no harm.
  await runTool("modprobe", ["-q", fs], signal);
  const where = await mkdtemp(join(tmpdir(), `roomcast-${fs}-`));
  const mount = ["mount", "-t", fs, "-o", options, device, where];
  const unmount = async (): Promise<void> => {
    const { status, said } = await run(["umount", where], untilItEnds());
    if (status !== 0) throw broken(said);
  };
  try {
    const refusal = await refusalOf(mount, device, signal);
    if (refusal !== null) return refusal;
    const growth = await what.grow(where);
    await unmount();
    if (growth.status === 0) return null;
    // The kernel grows it in one transaction or not at all; a file system that it has shut down
    // meanwhile cannot be mounted again.
    if ((await run(mount, signal)).status !== 0) throw broken(growth.said);
    await unmount();
    return growth.said;
  } finally {
    await rmdir(where).catch(() => {});
  }
}

interface Ended {
  readonly status: number;
  /** Its name, how it ended, and its last lines. */
  readonly said: string;
  /** Whether the device was written to meanwhile; it may have been when that is not known. */
  readonly hasWritten: boolean;
}

async function run(
  [name = "", ...args]: readonly string[],
  signal: AbortSignal,
  device: string = args.at(-1) ?? "",
): Promise<Ended> {
  const before = await sectorsWritten(device);
  const { status, output, complaint } = await runTool(name, args, signal, resizeLimitMs);
  const after = await sectorsWritten(device);
  const lines = [output, complaint].join("\n").trim().split("\n").slice(-12).join("\n");
  return {
    status,
    said: `${name} ended with ${status === -1 ? "an error" : status}: ${lines}`,
    hasWritten: before === null || before !== after,
  };
}

/** null when the tool did it; why not when it refused. Rejects when it wrote something and broke. */
async function refusalOf(
  command: readonly string[],
  device: string,
  signal: AbortSignal,
): Promise<string | null> {
  const ended = await run(command, signal, device);
  return ended.status === 0 ? null : leftIfUntouched(ended);
}

function leftIfUntouched({ said, hasWritten }: Ended): string {
  if (hasWritten) throw broken(said);
  return said;
}

const broken = (said: string): RoomcastError =>
  new RoomcastError(
    "failed",
    said,
    "check the file system on the master, and capture it again; or let the room's PCs not grow (`roomcast room set ROOM --grow none`)",
  );

/** Since the device is there; null when the kernel does not say. */
async function sectorsWritten(device: string): Promise<string | null> {
  const found = await stat(device).catch(() => null);
  if (found === null || !found.isBlockDevice()) return null;
  // Documentation/block/stat.rst: the seventh field.
  const fields = readText(`${systemRoots.sys}/dev/block/${deviceNumber(found.rdev)}/stat`);
  return fields?.split(/\s+/)[6] ?? null;
}
