/** What is made smaller in a disk's file, and the tools by which that is done. */
import { type Decoded, RoomcastError } from "../../core/errors.ts";
import { type ByteSource, partOf } from "../../core/image/byte-source.ts";
import { partitionDevice } from "../disk/partition-device.ts";
import { resizeLimitMs, runTool, type ToolEnd } from "../disk/tool.ts";
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

/** Rejects with `failed` where there is no such tool, or it was ended: that says nothing of the image. */
export async function toolEnd(
  work: ShrinkWork,
  [name = "", ...args]: readonly string[],
): Promise<ToolEnd> {
  const end = await runTool(name, args, work.signal, resizeLimitMs);
  if (end.status >= 0) return end;
  if (!end.isMissing) {
    const next = "see the kernel's log (`dmesg`): was the memory too little? Then try again";
    throw new RoomcastError("failed", `${name} was ended: ${end.complaint}`, next);
  }
  const next = `install it where the image is made to fit: apt-get install ${packages[name]}`;
  throw new RoomcastError("failed", `${name} is not there`, next);
}

/** Its last lines, in one. */
export function saidBy(name: string, { status, output, complaint }: ToolEnd): string {
  const lines = [output, complaint].join("\n").trim().split("\n").slice(-6);
  return `${name} ended with ${status}: ${lines.map((line) => line.trim()).join("; ")}`;
}

export const sourceIn = ({ file }: ShrinkWork, { start, size }: ShrinkPlace): ByteSource =>
  partOf({ size: start + size, read: (offset, length) => file.read(offset, length) }, start, size);

export const hasErrors = (what: string, said: string, next: string): RoomcastError =>
  new RoomcastError("refused", `${what} has errors, and is not made smaller: ${said}`, next);

export const broken = (what: string, said: string): RoomcastError =>
  new RoomcastError("failed", `${what}: ${said}`, "choose a larger size, and try again");
