/**
 * After the disk was verified: the partition table is made to fit a disk of another size than the
 * image's, and the last partition and its file system grow into what is left.
 */
import { errorText, RoomcastError } from "../../core/errors.ts";
import { lastOf, refitTable } from "../../core/image/refit.ts";
import type { Refit } from "../../core/image/table-write.ts";
import type { Manifest, PartitionRecord } from "../../core/image/types.ts";
import { sizeText } from "../../core/screen/format.ts";
import type { StepView } from "../../core/wire/views.ts";
import { alignedBuffer, type Disk, openDisk } from "../disk/disk.ts";
import { partitionDevice } from "../disk/partition-device.ts";
import { growers } from "./file-system.ts";

export interface FitOptions {
  /** What was opened and verified, and is closed now: tools want it for themselves. */
  readonly path: string;
  readonly manifest: Pick<Manifest, "diskBytes" | "partitionTable" | "partitions">;
  /** Whether the last partition grows. */
  readonly grow: boolean;
  readonly signal: AbortSignal;
  /** Each step, as soon as it has ended. */
  said(step: StepView): void;
}

const tableStep = "partition table";
const partitionStep = "last partition";
const fileSystemStep = "file system";

/** Windows Recovery in a GPT and in an MBR: a small one at the end that gains nothing by room. */
const recoveryTypes = new Set(["de94bba4-06d1-4d40-a16a-bfd50179d6ac", "0x27"]);

/** Rejects with `failed` when a step failed; that step was said as well. */
export async function fitDisk(options: FitOptions): Promise<void> {
  const { path, manifest, said, signal } = options;
  const refit = await (async (): Promise<Refit | null> => {
    await using disk = await openDisk(path, { write: true });
    if (manifest.partitionTable === "none" || disk.size === manifest.diskBytes) return null;
    return await step(tableStep, said, () => refitOn(disk, options));
  })();
  const record = lastOf(manifest.partitions);
  const { grown } = refit ?? { grown: null };
  if (grown === null || record === undefined) return;
  const fs = record.fs ?? "";
  signal.throwIfAborted();
  await step(`${fileSystemStep} of partition ${record.index}`, said, async () => {
    // What has begun is not cut off in the middle.
    const whole = new AbortController().signal;
    const device = await partitionDevice(path, grown, { write: true, signal: whole });
    if (device === null) {
      throw new RoomcastError(
        "failed",
        `the kernel shows no device for partition ${record.index}`,
        "restore again; if it stays so, see the PC's log",
      );
    }
    try {
      await growers[fs]?.(device.path, whole);
    } finally {
      await device.release();
    }
    return { value: undefined, detail: `${fs} grown to ${sizeText(grown.size)}` };
  });
}

async function refitOn(
  disk: Disk,
  { manifest, grow, said }: FitOptions,
): Promise<{ value: Refit; detail: string }> {
  const record = lastOf(manifest.partitions);
  const isLarger = disk.size > manifest.diskBytes;
  const reason = isLarger ? whyNot(record, manifest, grow) : null;
  const planned = await refitTable(
    {
      diskBytes: disk.size,
      logicalSector: disk.logicalSector,
      async read(offset, length) {
        const data = alignedBuffer(length);
        await disk.read(offset, data);
        return data;
      },
    },
    {
      formerBytes: manifest.diskBytes,
      grow: isLarger && reason === null ? (record ?? null) : null,
    },
  );
  if (!planned.ok) {
    throw new RoomcastError("failed", planned.reason, "restore to a disk of the master's size");
  }
  const { writes, grown } = planned.value;
  for (const { offset, data } of writes) {
    await disk.write(offset, data);
    // The backup is whole before the first one is changed.
    await disk.flush();
  }
  if (isLarger && record !== undefined && grown === null) {
    said({ name: partitionStep, outcome: "left", detail: reason ?? "there is no room behind it" });
  } else if (grown !== null) {
    const detail = `partition ${grown.index} now ends at ${sizeText(grown.start + grown.size)}`;
    said({ name: partitionStep, outcome: "done", detail });
  }
  const detail =
    writes.length === 0
      ? "nothing to change"
      : manifest.partitionTable === "gpt"
        ? `the backup GPT is at the end of this disk of ${sizeText(disk.size)}`
        : `made for this disk of ${sizeText(disk.size)}`;
  return { value: planned.value, detail };
}

/** Why the last partition does not grow, or null. */
function whyNot(
  record: PartitionRecord | undefined,
  { partitionTable }: FitOptions["manifest"],
  grow: boolean,
): string | null {
  if (!grow) return "the room says that nothing grows";
  if (record === undefined || partitionTable === "none") return "there is no partition";
  const what = `partition ${record.index}`;
  if (recoveryTypes.has(record.type)) return `${what} is Windows' recovery partition`;
  if (record.fs === null) return `${what} has no file system that is known`;
  return Object.hasOwn(growers, record.fs)
    ? null
    : `${what} has ${record.fs}, which is left as it is`;
}

async function step<T>(
  name: string,
  said: (step: StepView) => void,
  work: () => Promise<{ value: T; detail: string }>,
): Promise<T> {
  try {
    const { value, detail } = await work();
    said({ name, outcome: "done", detail });
    return value;
  } catch (error) {
    const detail = errorText(error).slice(0, 2048);
    said({ name, outcome: "failed", detail });
    throw error;
  }
}
