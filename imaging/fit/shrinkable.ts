/** What can be made smaller in a disk's file, and how: file systems by their own tools, swap by its header. */

import { type Decoded, RoomcastError } from "../../core/errors.ts";
import { ascii, type ByteSource, partOf, u32, u64 } from "../../core/image/byte-source.ts";
import { withMargin } from "../../core/image/fit-estimate.ts";
import { putU32 } from "../../core/image/little-endian.ts";
import { swapPageBytes } from "../../core/image/swap.ts";
import { sizeText } from "../../core/screen/format.ts";
import { partitionDevice } from "../disk/partition-device.ts";
import { runTool, type ToolEnd } from "../disk/tool.ts";
import { sizeBtrfs } from "./file-system.ts";
import type { SparseFile } from "./sparse-file.ts";

/** A disk in a file that nobody else uses. */
export interface ShrinkWork {
  readonly file: SparseFile;
  readonly logicalSector: number;
  readonly signal: AbortSignal;
  /** What is done, in words. */
  log(text: string): void;
}

/** On the disk, in bytes. */
export interface ShrinkPlace {
  readonly start: number;
  readonly size: number;
}

export interface Shrinkable {
  /** Bytes that it needs at least, as far as that is known by now. */
  readonly least: number;
  /** Why some of what is in it keeps its size, in words. */
  readonly reasons: readonly string[];
  /**
   * Whether it can be made so small. If not, `least` says from then on what it can be. What is tried may
   * change it: it stays whole. Rejects with `refused` when it has errors.
   */
  reaches(bytes: number): Promise<boolean>;
  /** Rejects with `failed`. */
  shrink(bytes: number): Promise<void>;
}

export type ShrinkVolume = ShrinkPlace & {
  /** `partition 3`, or `volume vg/root`, to begin a sentence. */
  readonly what: string;
  /** As blkid names it. */
  readonly fs: string;
};

export type OpenShrinkable = (
  volume: ShrinkVolume,
  work: ShrinkWork,
) => Promise<Decoded<Shrinkable>>;

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

const mib = 1 << 20;
/** Milliseconds: what relocates a few hundred GB takes hours. */
const toolLimitMs = 24 * 3600_000;
/** Linux wakes up from swap that is as large as what was in use; less than this saves nothing. */
const leastSwapBytes = 2 ** 30;
/** The kernel's btrfs makes none smaller (fs/btrfs/ioctl.c). */
const leastBtrfsBytes = 256 * mib;
/** What is least is looked for by halves until it is known to this part of the size. */
const searchPart = 64;

/** Runs `use` with a loop device over the place. */
export async function withDevice<T>(
  { file, logicalSector, signal }: ShrinkWork,
  { start, size }: ShrinkPlace,
  write: boolean,
  use: (device: string) => Promise<T>,
): Promise<T> {
  const how = { write, signal, ...(logicalSector === 512 ? {} : { logicalSector }) };
  const device = await partitionDevice(file.path, { index: 1, start, size }, how);
  if (device === null) {
    throw new RoomcastError(
      "failed",
      "the kernel gives no loop device",
      "run it as root, on a host with loop devices (`losetup -f`)",
    );
  }
  try {
    return await use(device.path);
  } finally {
    await device.release();
  }
}

/** Debian's package of each. */
const packages: Readonly<Record<string, string>> = {
  ...{ e2fsck: "e2fsprogs", resize2fs: "e2fsprogs" },
  ...{ ntfsresize: "ntfs-3g", ntfsfix: "ntfs-3g" },
};

/** Rejects with `failed` where there is no such tool: that says nothing of the image. */
async function toolEnd(
  work: ShrinkWork,
  [name = "", ...args]: readonly string[],
): Promise<ToolEnd> {
  const end = await runTool(name, args, work.signal, toolLimitMs);
  if (!end.isMissing) return end;
  const next = `install it where the image is made to fit: apt-get install ${packages[name]}`;
  throw new RoomcastError("failed", `${name} is not there`, next);
}

/** Its last lines, in one. */
function saidBy(name: string, { status, output, complaint }: ToolEnd): string {
  const lines = [output, complaint].join("\n").trim().split("\n").slice(-6);
  return `${name} ended with ${status}: ${lines.map((line) => line.trim()).join("; ")}`;
}

export const sourceIn = ({ file }: ShrinkWork, { start, size }: ShrinkPlace): ByteSource =>
  partOf({ size: start + size, read: (offset, length) => file.read(offset, length) }, start, size);

const hasErrors = (what: string, said: string, next: string): RoomcastError =>
  new RoomcastError("refused", `${what} has errors, and is not made smaller: ${said}`, next);

const broken = (what: string, said: string): RoomcastError =>
  new RoomcastError("failed", `${what}: ${said}`, "choose a larger size, and try again");

async function openExt(volume: ShrinkVolume, work: ShrinkWork): Promise<Decoded<Shrinkable>> {
  const { what, fs, size } = volume;
  const end = await withDevice(work, volume, false, (device) =>
    toolEnd(work, ["resize2fs", "-P", device]),
  );
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

async function openNtfs(volume: ShrinkVolume, work: ShrinkWork): Promise<Decoded<Shrinkable>> {
  const { what, size } = volume;
  const resize = (write: boolean, args: readonly string[]): Promise<ToolEnd> =>
    withDevice(work, volume, write, (device) =>
      toolEnd(work, ["ntfsresize", "--no-progress-bar", ...args, device]),
    );
  const found = await resize(false, ["--info"]);
  const [, needed] = /might resize at (\d+) bytes/.exec(found.output) ?? [];
  if (found.status !== 0 || needed === undefined) {
    const said = saidBy("ntfsresize", found);
    if (!/inconsistent|scheduled for check|chkdsk/i.test(said)) {
      return { ok: false, reason: `${what} keeps its size: ${said}` };
    }
    const next = "let Windows on the master check it (`chkdsk /f`), and capture it again";
    return { ok: false, reason: `${what} (ntfs) has errors: ${said}; ${next}` };
  }
  let least = Math.min(size, withMargin(Number(needed)));
  // Of what cannot be moved nothing is known before it is tried.
  const fits = async (bytes: number): Promise<boolean> =>
    bytes >= least && (await resize(false, ["-n", "-f", "-s", String(bytes)])).status === 0;
  return {
    ok: true,
    value: {
      get least() {
        return least;
      },
      reasons: [],
      async reaches(bytes) {
        if (await fits(bytes)) return true;
        work.log(`${what}: looking for the smallest size that its files let it have`);
        least = await leastThat(fits, Math.max(bytes, least), size);
        return false;
      },
      async shrink(bytes) {
        const resized = await resize(true, ["-f", "-s", String(bytes)]);
        if (resized.status !== 0) throw broken(what, saidBy("ntfsresize", resized));
        await copyBootSector(work, volume, bytes);
        // It has marked the volume as one to be checked, of which no map of used clusters is believed.
        await markNtfs(work, { ...volume, size: bytes }, "clean");
      },
    },
  };
}

/** NTFS has a copy of its boot sector in the last sector of its partition. */
async function copyBootSector(
  { file, logicalSector }: ShrinkWork,
  { start }: ShrinkPlace,
  bytes: number,
): Promise<void> {
  await file.write(start + bytes - logicalSector, await file.read(start, logicalSector));
}

/** Whether Windows checks it at its next start. Rejects with `failed`. */
export async function markNtfs(
  work: ShrinkWork,
  place: ShrinkPlace & { readonly what: string },
  state: "clean" | "to be checked",
): Promise<void> {
  const end = await withDevice(work, place, true, (device) =>
    toolEnd(work, ["ntfsfix", ...(state === "clean" ? ["-d"] : []), device]),
  );
  if (end.status !== 0) throw broken(place.what, saidBy("ntfsfix", end));
}

async function openBtrfs(volume: ShrinkVolume, work: ShrinkWork): Promise<Decoded<Shrinkable>> {
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

/** Between a size that does not do and one that does. */
export async function leastThat(
  fits: (bytes: number) => Promise<boolean>,
  tooSmall: number,
  enough: number,
): Promise<number> {
  let [low, high] = [tooSmall, enough];
  while (high - low > Math.max(mib, enough / searchPart)) {
    const middle = Math.ceil((low + high) / 2 / mib) * mib;
    if (middle >= high) break;
    if (await fits(middle)) high = middle;
    else low = middle;
  }
  return high;
}

// linux/swap.h, union swap_header: version, last_page, nr_badpages
const swapAt = { version: 1024, lastPage: 1028, badPages: 1032 } as const;

async function openSwap(volume: ShrinkVolume, work: ShrinkWork): Promise<Decoded<Shrinkable>> {
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
