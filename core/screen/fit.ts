/** What a restore does for disks that are smaller than the image's, in words. */
import { RoomcastError } from "../errors.ts";
import { estimateShrink, windowsPartition } from "../image/fit-estimate.ts";
import { imageName } from "../image/manifest.ts";
import { partitionText } from "../image/partition-text.ts";
import type { PartitionRecord } from "../image/types.ts";
import { type FitDisk, type FitPlan, fits } from "../session/fit-plan.ts";
import type { FitView, ImageView, SessionView } from "../wire/views.ts";
import { durationText, percentText, sizeText } from "./format.ts";

/** Bytes in use of which a version is made in a second; measured (docs/decisions/0028). */
const fitBps = 30e6;
const minuteSeconds = 60;

/** Throws `refused` for an image that cannot be made so small. */
export function requireFit(plan: FitPlan): Exclude<FitPlan, { kind: "cannot" }> {
  if (plan.kind !== "cannot") return plan;
  const { what, next } = cannotFitText(plan);
  throw new RoomcastError("refused", what, next);
}

/** Why an image cannot be made so small, and what to do. */
export function cannotFitText({ origin, disk }: Extract<FitPlan, { kind: "cannot" }>): {
  readonly what: string;
  readonly next: string;
} {
  const { usedBytes, leastDiskBytes } = origin;
  const { name, bytes } = disk;
  const least =
    leastDiskBytes !== null && leastDiskBytes >= usedBytes
      ? `the smallest this image can be is ${sizeText(leastDiskBytes)}`
      : `${imageName(origin)} uses ${sizeText(usedBytes)}`;
  return {
    what: `${least}, and the disk of ${name} has ${sizeText(bytes)}`,
    next:
      `leave ${name} out, or restore with --fit never, which every PC with a disk that is too small refuses; ` +
      "or free space on the master and capture it again",
  };
}

/**
 * What comes before the restore, for whoever has to type the word; empty: nothing. `disks`: those that will
 * be overwritten.
 */
export function fitLines(
  plan: Exclude<FitPlan, { kind: "cannot" }>,
  disks: readonly FitDisk[],
): string[] {
  if (plan.kind === "as-is") return [];
  const { origin } = plan;
  const small = smallerText(origin, disks);
  if (plan.kind === "reuse") return [`${small}: all PCs get ${imageName(plan.image)}, which fits`];
  const layout = estimateShrink(origin, plan.size.bytes) ?? [];
  const sizes = layout.map(
    ({ partition, bytes }, at) =>
      `${nameOf(partition, origin)} ${at === 0 ? "becomes about " : ""}${sizeText(bytes)}`,
  );
  const rest = sizes.length === 0 ? "" : `; ${sizes.join(", ")}`;
  const took = aboutText(origin.usedBytes / fitBps);
  return [`${small}: the image will be fitted first, ${took}${rest}`];
}

/** Of a live cast, which sends the disk as it is. */
export function unfittedLines(sourceBytes: number, disks: readonly FitDisk[]): string[] {
  const small = disks.filter(({ bytes }) => bytes < sourceBytes).length;
  if (small === 0) return [];
  return [
    `${countText(small, disks.length)} smaller than the one that is cast (${sizeText(sourceBytes)}), and a live ` +
      "cast does not fit it to them: where it does not fit, the PC refuses. Capture the disk and restore the " +
      "image, which is fitted first",
  ];
}

/** `fitting 34 %, about 2 min left`; null: nothing is being fitted. */
export function fittingText({ fit }: Pick<SessionView, "fit">): string | null {
  if (fit?.state !== "fitting") return null;
  const { fraction, secondsLeft }: FitView = fit;
  return [
    fraction === null ? "fitting" : `fitting ${percentText(fraction)}`,
    ...(secondsLeft === null ? [] : [`${aboutText(secondsLeft)} left`]),
  ].join(", ");
}

const countText = (small: number, all: number): string =>
  `${small} of ${all} ${all === 1 ? "disk" : "disks"} ${small === 1 ? "is" : "are"}`;

const smallerText = (origin: ImageView, disks: readonly FitDisk[]): string => {
  const small = disks.filter((disk) => !fits(origin, disk)).length;
  return `${countText(small, disks.length)} smaller than the image's (${sizeText(origin.diskBytes)})`;
};

/** As people call it. */
const nameOf = (partition: PartitionRecord, { partitions }: ImageView): string =>
  windowsPartition(partitions)?.index === partition.index ? "C:" : partitionText(partition);

/** `about 3 min`: nobody knows it better. */
const aboutText = (seconds: number): string =>
  seconds < minuteSeconds
    ? `about ${Math.max(10, Math.ceil(seconds / 10) * 10)} s`
    : `about ${durationText(Math.round(seconds / minuteSeconds) * minuteSeconds).replace(/ 00 s$/, "")}`;
