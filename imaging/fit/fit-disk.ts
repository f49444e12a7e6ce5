/**
 * After the disk was verified: the partition table is made to fit a disk of another size than the
 * image's, and the last partition and its file system grow into what is left.
 */
import { errorText, RoomcastError } from "../../core/errors.ts";
import { lastOf, refitTable } from "../../core/image/refit.ts";
import { noRoom, type Refit } from "../../core/image/table-write.ts";
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
/** Characters of `StepView.detail`. */
const detailLimit = 2048;

/** Windows Recovery in a GPT and in an MBR: a small one at the end that gains nothing by room. */
const recoveryTypes = new Set(["de94bba4-06d1-4d40-a16a-bfd50179d6ac", "0x27"]);

/**
 * What cannot be made larger stays as it is, and is said. Rejects with `failed` when a step failed, so
 * that the disk is in doubt; that step was said as well.
 */
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
    let refusal: string | null = `the kernel shows no device for partition ${record.index}`;
    if (device !== null) {
      try {
        refusal = (await growers[fs]?.(device.path, whole)) ?? null;
      } finally {
        await device.release();
      }
    }
    return refusal === null
      ? { value: undefined, detail: `${fs} grown to ${sizeText(grown.size)}` }
      : {
          value: undefined,
          outcome: "left",
          detail: `${fs} keeps its size of ${sizeText(record.size)}: ${refusal}`,
        };
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
  const { writes, grown, whyNot: tableReason, notes } = planned.value;
  for (const { offset, data } of writes) {
    await disk.write(offset, data);
    // The backup is whole before the first one is changed.
    await disk.flush();
  }
  if (isLarger && record !== undefined && grown === null) {
    said({ name: partitionStep, outcome: "left", detail: reason ?? tableReason ?? noRoom });
  } else if (grown !== null) {
    const detail = `partition ${grown.index} now ends at ${sizeText(grown.start + grown.size)}`;
    said({ name: partitionStep, outcome: "done", detail });
  }
  const made =
    writes.length === 0
      ? "nothing to change"
      : manifest.partitionTable === "gpt"
        ? `the backup GPT is at the end of this disk of ${sizeText(disk.size)}`
        : `made for this disk of ${sizeText(disk.size)}`;
  return { value: planned.value, detail: [made, ...notes].join("; ") };
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
  work: () => Promise<{ value: T; outcome?: "left"; detail: string }>,
): Promise<T> {
  try {
    const { value, outcome = "done", detail } = await work();
    said({ name, outcome, detail: detail.slice(0, detailLimit) });
    return value;
  } catch (error) {
    const detail = errorText(error).slice(0, detailLimit);
    said({ name, outcome: "failed", detail });
    throw error;
  }
}
