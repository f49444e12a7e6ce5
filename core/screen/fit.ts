/** What a restore does for disks that are smaller than the image's, in words. */
import { RoomcastError } from "../errors.ts";
import { leastDiskOf } from "../image/fit.ts";
import { estimateShrink, windowsPartition } from "../image/fit-estimate.ts";
import { imageName } from "../image/manifest.ts";
import { partitionText } from "../image/partition-text.ts";
import type { PartitionRecord } from "../image/types.ts";
import { type FitDisk, type FitPlan, fits } from "../session/fit-plan.ts";
import type { FitView, ImageView, SessionView } from "../wire/views.ts";
import { english, type ScreenSpeech } from "../words/english.ts";

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
export function cannotFitText(
  { origin, disk }: Extract<FitPlan, { kind: "cannot" }>,
  { t, size }: ScreenSpeech = english,
): { readonly what: string; readonly next: string } {
  const { name: pc, bytes } = disk;
  const bytesNeeded = size(leastDiskOf(origin));
  const least =
    origin.leastDiskBytes === null
      ? t("fit.uses", { image: imageName(origin), size: bytesNeeded })
      : t("fit.least", { size: bytesNeeded });
  return {
    what: t("fit.tooSmall", { least, pc, size: size(bytes) }),
    next: t("fit.tooSmallNext", { pc }),
  };
}

/** The same of a size that somebody chose, whatever disks there are. */
export function cannotFitSizeText(
  { origin, disk }: Extract<FitPlan, { kind: "cannot" }>,
  { t, size }: ScreenSpeech = english,
): { readonly what: string; readonly next: string } {
  const least = size(leastDiskOf(origin));
  const facts = { image: imageName(origin), size: least, asked: size(disk.bytes) };
  return { what: t("fit.sizeTooSmall", facts), next: t("fit.sizeTooSmallNext") };
}

/**
 * What comes before the restore, for whoever has to type the word; empty: nothing. `disks`: those that will
 * be overwritten.
 */
export function fitLines(
  plan: Exclude<FitPlan, { kind: "cannot" }>,
  disks: readonly FitDisk[],
  speech: ScreenSpeech = english,
): string[] {
  if (plan.kind === "as-is") return [];
  const { origin } = plan;
  const { t, size } = speech;
  const smaller = smallerText(origin, disks, speech);
  if (plan.kind === "reuse") return [t("fit.reuse", { smaller, image: imageName(plan.image) })];
  const layout = estimateShrink(origin, plan.size.bytes) ?? [];
  const sizes = layout.map(({ partition, bytes }, at) => {
    const name = nameOf(partition, origin);
    return at === 0
      ? t("fit.becomes", { partition: name, size: size(bytes) })
      : `${name} ${size(bytes)}`;
  });
  const rest = sizes.length === 0 ? "" : `; ${sizes.join(", ")}`;
  const took = aboutText(origin.usedBytes / fitBps, speech);
  return [`${t("fit.first", { smaller, took })}${rest}`];
}

/** Of a live cast, which sends the disk as it is. */
export function unfittedLines(
  sourceBytes: number,
  disks: readonly FitDisk[],
  { t, size }: ScreenSpeech = english,
): string[] {
  const small = disks.filter(({ bytes }) => bytes < sourceBytes).length;
  if (small === 0) return [];
  const some = t("fit.ofDisks", { small, count: disks.length });
  return [t("fit.smallerLive", { count: small, disks: some, size: size(sourceBytes) })];
}

/** `fitting 34 %, about 2 min left`; null: nothing is being fitted. */
export function fittingText(
  { fit }: Pick<SessionView, "fit">,
  speech: ScreenSpeech = english,
): string | null {
  if (fit?.state !== "fitting") return null;
  const { fraction, secondsLeft }: FitView = fit;
  const { t, percent } = speech;
  return [
    fraction === null ? t("fit.fitting") : t("fit.fittingAt", { percent: percent(fraction) }),
    ...(secondsLeft === null ? [] : [t("time.left", { time: aboutText(secondsLeft, speech) })]),
  ].join(", ");
}

const smallerText = (
  origin: ImageView,
  disks: readonly FitDisk[],
  { t, size }: ScreenSpeech,
): string => {
  const small = disks.filter((disk) => !fits(origin, disk)).length;
  const some = t("fit.ofDisks", { small, count: disks.length });
  return t("fit.smaller", { count: small, disks: some, size: size(origin.diskBytes) });
};

/** As people call it. */
const nameOf = (partition: PartitionRecord, { partitions }: ImageView): string =>
  windowsPartition(partitions)?.index === partition.index ? "C:" : partitionText(partition);

/** `about 3 min`: nobody knows it better. */
const aboutText = (seconds: number, { t, duration }: ScreenSpeech): string => {
  const rounded =
    seconds < minuteSeconds
      ? Math.max(10, Math.ceil(seconds / 10) * 10)
      : Math.round(seconds / minuteSeconds) * minuteSeconds;
  return t("time.about", { time: duration(rounded).replace(/ 00 s$/, "") });
};
