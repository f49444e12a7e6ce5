/** What one file system uses, by the tools that know it: partclone, ntfs-3g.probe, xfs_logprint. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Decoded, RoomcastError } from "../../core/errors.ts";
import { btrfsUse } from "../../core/image/btrfs.ts";
import type { ByteSource } from "../../core/image/byte-source.ts";
import { decodeDomainMap } from "../../core/image/domain-map.ts";
import { exfatUse } from "../../core/image/exfat.ts";
import { extHeadBytes, extUse, isExt } from "../../core/image/ext.ts";
import { type Extent, union } from "../../core/image/extents.ts";
import { fatUse } from "../../core/image/fat.ts";
import { dirtyNtfs, type Unclean, uncleanState } from "../../core/image/file-system-state.ts";
import { swapPageBytes } from "../../core/image/swap.ts";
import { ufsUse } from "../../core/image/ufs.ts";
import { runTool } from "../disk/tool.ts";
import { windowsDoubt } from "../personalise/windows/state.ts";

/**
 * Relative to the file system, with what is to be said of it; or why it has to be taken whole, null when that
 * needs no words.
 */
export type FileSystemUse =
  | { readonly used: readonly Extent[]; readonly doubts: readonly string[] }
  | { readonly used: null; readonly why: string | null };

export interface FileSystemPlace {
  /** As blkid names it. */
  readonly fs: string;
  /** In words, to begin a sentence. */
  readonly what: string;
  /** A device that is just this file system. */
  readonly device: string;
  readonly source: ByteSource;
}

const partcloneOf: Readonly<Record<string, string>> = {
  ntfs: "ntfs",
  xfs: "xfs",
  f2fs: "f2fs",
};
/** partclone.xfs numbers blocks in 32 bits, and takes those beyond for the first ones. */
const xfsBlockLimit = 2 ** 32;
interface OwnMap {
  map(source: ByteSource): Promise<Decoded<Extent[]>>;
  /** What helps when it fails. */
  readonly next: string;
}
const extMap = { map: extUse, next: "run `e2fsck -f` on it and capture again" };
/** What we read ourselves, and why: see each. */
const ownMaps: Readonly<Record<string, OwnMap>> = {
  ext2: extMap,
  ext3: extMap,
  ext4: extMap,
  btrfs: { map: btrfsUse, next: "see what `btrfs check` says of it" },
  exfat: { map: exfatUse, next: "let Windows check it (`chkdsk /f`) and capture again" },
  ufs: { map: ufsUse, next: "run `fsck_ufs` on it and capture again" },
};

/** Rejects with `refused` when an image of it would be wrong, and as `signal` says. */
export async function fileSystemUse(
  place: FileSystemPlace,
  signal: AbortSignal,
): Promise<FileSystemUse> {
  const { fs, what, device, source } = place;
  const whole = (why: string): FileSystemUse => ({ used: null, why });
  switch (fs) {
    case "swap": {
      const used = await swapUse(source);
      return used === null ? whole("its header is not known") : { used, doubts: [] };
    }
    case "swsuspend":
      throw hibernated(
        what,
        "Linux",
        "start Linux from it and shut it down (`systemctl poweroff`)",
      );
    case "BitLocker":
      return whole(
        "encrypted by BitLocker, so that other PCs will ask for its recovery key: " +
          "run `manage-bde -off C:` in Windows, wait until it is decrypted and capture again",
      );
    case "crypto_LUKS":
      return whole("encrypted, so that what it uses cannot be told");
    case "vfat":
      return fatMap(device, source, signal);
  }
  const own = ownMaps[fs];
  const kind = partcloneOf[fs];
  if (own === undefined && kind === undefined) return whole("what it uses cannot be told");
  const unclean =
    (fs === "ntfs" ? await ntfsState(what, device, signal) : null) ??
    (await uncleanState(fs, source)) ??
    (fs === "xfs" ? await xfsState(device, signal) : null);
  if (unclean !== null) return whole(`${unclean.reason}: ${unclean.next} and capture again`);
  if (own !== undefined) {
    const use = await own.map(source);
    return use.ok ? { used: use.value, doubts: [] } : whole(`${use.reason}: ${own.next}`);
  }
  if (fs === "xfs" && (await xfsBlockCount(source)) > xfsBlockLimit) {
    return whole(
      "it has more blocks than partclone can number, so that what it uses cannot be told",
    );
  }
  const use = partcloneUse(await domainMap(kind as string, device, source.size, signal));
  const doubt = fs === "ntfs" && use.used !== null ? await windowsDoubt(device, signal) : null;
  return use.used === null || doubt === null ? use : { ...use, doubts: [doubt] };
}

/** What partclone calls used, or why it cannot say. */
type DomainMap = { readonly used: Extent[] } | Unclean;

const partcloneUse = (map: DomainMap): FileSystemUse =>
  "reason" in map
    ? { used: null, why: `${map.reason}: ${map.next} and capture again` }
    : { ...map, doubts: [] };

/** Without it what is to be told cannot be, and the file system is taken whole. */
const missing = (tool: string, what: string, from: string): Unclean => ({
  reason: `${tool} is not there to say ${what}`,
  next: `apt-get install ${from}`,
});

/** The union of our map and partclone's, since either may be wrong; partclone's map of FAT12 always is. */
async function fatMap(
  device: string,
  source: ByteSource,
  signal: AbortSignal,
): Promise<FileSystemUse> {
  const own = await fatUse(source);
  const next = "let Windows check it (`chkdsk /f`), or run `fsck.vfat -a` on it";
  if (!own.ok) return { used: null, why: `${own.reason}: ${next} and capture again` };
  const { kind, used, copiesDiffer } = own.value;
  const doubts = copiesDiffer
    ? [`the copies of its table differ, and what any of them calls used is taken: ${next}`]
    : [];
  if (kind === 12) return { used, doubts };
  const theirs = await domainMap("fat", device, source.size, signal);
  if ("reason" in theirs) return partcloneUse(theirs);
  const either = union([...used, ...theirs.used]);
  const bytes = sumOf(either);
  if (!copiesDiffer && (bytes > sumOf(used) || bytes > sumOf(theirs.used))) {
    doubts.push(`partclone has another map of it, and what either calls used is taken: ${next}`);
  }
  return { used: either, doubts };
}

const sumOf = (extents: readonly Extent[]): number =>
  extents.reduce((sum, { length }) => sum + length, 0);

/** What is in a volume that no device shows, because it lies in pieces; null if that is unknown. */
export async function deviceless(source: ByteSource): Promise<readonly Extent[] | null> {
  const swap = await swapUse(source);
  if (swap !== null) return swap;
  if (source.size < extHeadBytes) return null;
  const head = await source.read(0, extHeadBytes);
  if (!isExt(head) || (await uncleanState("ext4", source)) !== null) return null;
  const use = await extUse(source);
  return use.ok ? use.value : null;
}

/** The header's page: what comes after it was in some memory. */
async function swapUse(source: ByteSource): Promise<Extent[] | null> {
  const length = await swapPageBytes(source);
  return length === null ? null : [{ start: 0, length }];
}

async function ntfsState(what: string, device: string, signal: AbortSignal) {
  const name = "ntfs-3g.probe";
  const { status, isMissing } = await runTool(name, ["-w", device], signal);
  if (isMissing) return missing(name, "whether Windows is hibernated", "ntfs-3g");
  if (status === 14) {
    throw hibernated(
      what,
      "Windows",
      "run `shutdown /s /f /t 0` in Windows (fast startup hibernates: `powercfg /h off` ends it)",
    );
  }
  // 15: its log file has changes that wait.
  return status === 15 ? dirtyNtfs : null;
}

/** partclone.xfs takes the free space of the last checkpoint, and so leaves out what waits in the log. */
async function xfsState(device: string, signal: AbortSignal) {
  const name = "xfs_logprint";
  const { output, isMissing } = await runTool(name, ["-t", device], signal);
  if (/state: <CLEAN>/.test(output)) return null;
  if (isMissing) return missing(name, "whether changes wait in its log", "xfsprogs");
  const reason = "it was not unmounted, and changes wait in its log";
  return { reason, next: "start the PC from it and shut it down properly" };
}

/** xfs_format.h, struct xfs_dsb: sb_dblocks, big endian. */
async function xfsBlockCount(source: ByteSource): Promise<number> {
  const { buffer, byteOffset } = await source.read(8, 8);
  return Number(new DataView(buffer, byteOffset).getBigUint64(0));
}

async function domainMap(
  kind: string,
  device: string,
  size: number,
  signal: AbortSignal,
): Promise<DomainMap> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-map-"));
  const unreadable = {
    reason: "its map of used blocks cannot be read",
    next: "let its own checker repair it",
  };
  try {
    const path = join(folder, "map");
    // Its display, which -q does not end, else sleeps for two seconds at a time, and it waits for that.
    const args = ["-q", "-f", "0", "-D", "-s", device, "-O", path, "-L", "/dev/null"];
    const name = `partclone.${kind}`;
    const { status, isMissing } = await runTool(name, args, signal);
    if (isMissing) return missing(name, "what it uses", "partclone");
    if (status !== 0) return unreadable;
    const decoded = decodeDomainMap(await readFile(path, "utf8"), size);
    return decoded.ok ? { used: decoded.value } : unreadable;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const hibernated = (what: string, system: string, next: string): RoomcastError =>
  new RoomcastError("refused", `${what}: ${system} is hibernated`, `${next}; then capture again`);
