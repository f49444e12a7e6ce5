/**
 * Which disk of a PC a task may touch. Whatever is doubtful is refused in words: an overwritten disk
 * does not come back.
 */
import type { TooSmall } from "../image/fit.ts";
import { anyDisk, type DiskPolicy, type TargetRule, usualRule } from "../wire/disk-policy.ts";
import type { MeantDisk } from "../wire/meant-disk.ts";
import type { DiskView } from "../wire/views.ts";

/** A disk as the PC finds it. */
export interface Candidate {
  readonly disk: DiskView;
  /** What has it in use, in words (`mounted at /home`), or null. */
  readonly inUse: string | null;
}

/** What an image asks of its target. */
export interface TargetNeed {
  /** Why a disk of `targetBytes` does not hold the image; null: it does. */
  misfit(targetBytes: number): TooSmall | null;
  readonly logicalSector: number;
  /** Why a disk with other sectors cannot take the image, in words; null: the copy is made right for them. */
  otherSectors(disk: Pick<DiskView, "path" | "logicalSector">): string | null;
}

export type TargetChoice =
  | { readonly kind: "disk"; readonly disk: DiskView }
  | { readonly kind: "refused"; readonly reason: string; readonly next: string };

/**
 * The disk to write to: the one that is `meant`, and no other; if none is known, the one that is `named`
 * (`/dev/sda`, `sda`, `serial:S3Z9NB0K`, `wwn:…`), else the only one that fits the rule's policy.
 */
export function chooseTarget(
  candidates: readonly Candidate[],
  named: string | null,
  need: TargetNeed | null,
  rule: TargetRule = usualRule,
  meant: MeantDisk | null = null,
): TargetChoice {
  const found = find(candidates, named, rule.policy, ordered, meant);
  if (found.kind === "refused") return found;
  const { disk, inUse } = found.candidate;
  const name = diskText(disk);
  if (named !== null && isCarried(disk) && !named.startsWith(serialPrefix)) {
    return refused(
      `${name} is a ${disk.protection} disk`,
      disk.serial === null
        ? "choose another disk: without a serial number it cannot be told from others"
        : `choose another disk, or name this one by its serial number: ${serialPrefix}${disk.serial}`,
    );
  }
  if (inUse !== null) {
    return refused(`${name} is in use: ${inUse}`, "unmount it or end what uses it");
  }
  if (isFailing(disk) && !rule.failingDisks.includes(disk.serial ?? disk.path)) {
    return refused(
      `${name} says that it is failing (SMART: ${disk.health})`,
      `replace the disk; to use it all the same: --use-failing-disk ${disk.serial ?? disk.path}`,
    );
  }
  if (need === null) return { kind: "disk", disk };
  const misfit = need.misfit(disk.size);
  if (misfit !== null) {
    return refused(
      `${name} is too small: it has ${disk.size} bytes, ${misfit.why}`,
      misfit.instead === null ? "use a larger disk" : `use a larger disk; or ${misfit.instead}`,
    );
  }
  const other = disk.logicalSector === need.logicalSector ? null : need.otherSectors(disk);
  if (other === null) return { kind: "disk", disk };
  return refused(
    `${name} has sectors of ${disk.logicalSector} bytes, the image is of a disk with ${need.logicalSector}: ${other}`,
    "restore it to a disk with the same logical sector size, or capture an image from such a disk",
  );
}

/**
 * The disk to read: the one that is meant or named, else the only one that fits the policy (the source of a
 * cast has none), for an image of the wrong disk overwrites a room. Reading a disk that is in use would
 * capture a file system in motion, so that is refused as well.
 */
export function chooseSource(
  candidates: readonly Candidate[],
  named: string | null,
  policy: DiskPolicy | null = null,
  meant: MeantDisk | null = null,
): TargetChoice {
  const mend = policy === null ? castSource : ordered;
  const found = find(candidates, named, policy ?? anyDisk, mend, meant);
  if (found.kind === "refused") return found;
  const { disk, inUse } = found.candidate;
  if (inUse === null) return { kind: "disk", disk };
  return refused(
    `${diskText(disk)} is in use: ${inUse}`,
    "a disk is captured while nothing on it is mounted: boot the PC from the network",
  );
}

/**
 * How to name this one of a PC's disks so that no other is meant by it: people carry USB disks about, and the
 * kernel may give another disk its path when the PC is started again.
 */
export function diskReference(disk: DiskView, disks: readonly DiskView[]): string {
  const { serial, path } = disk;
  const isAlone = disks.filter((each) => each.serial === serial).length <= 1;
  return serial !== null && (isAlone || isCarried(disk)) ? `${serialPrefix}${serial}` : path;
}

/** By what the disk is known again. */
export const meantOf = ({ path, size, model, serial, wwn }: MeantDisk): MeantDisk => ({
  ...{ path, size, model, serial, wwn },
});

/** The one of a PC's disks that this name means; null: nothing is named, or not one disk. */
export function diskNamed(disks: readonly DiskView[], named: string | null): DiskView | null {
  const [disk, ...others] = named === null ? [] : disks.filter(isNamed(named));
  return disk === undefined || others.length > 0 ? null : disk;
}

/** The same, to be known again; null also where another of the PC's disks could be taken for it. */
export function meantBy(disks: readonly DiskView[], named: string | null): MeantDisk | null {
  const disk = diskNamed(disks, named);
  return disk !== null && disks.filter(isMeant(disk)).length === 1 ? meantOf(disk) : null;
}

/** Whether it is the same disk, whatever its name is now. Without a serial number or a WWN the name has to do. */
const isMeant =
  (meant: MeantDisk) =>
  ({ path, size, model, serial, wwn }: MeantDisk): boolean => {
    if (size !== meant.size) return false;
    if (meant.serial !== null)
      return serial === meant.serial && (wwn === meant.wwn || wwn === null || meant.wwn === null);
    if (meant.wwn !== null) return wwn === meant.wwn;
    return path === meant.path && model === meant.model;
  };

const isNamed =
  (named: string) =>
  ({ path, serial, wwn }: DiskView): boolean => {
    if (named.startsWith(serialPrefix)) return serial === named.slice(serialPrefix.length);
    if (named.startsWith(wwnPrefix)) return wwn === named.slice(wwnPrefix.length);
    return path === named || path === `/dev/${named}`;
  };

const serialPrefix = "serial:";
const wwnPrefix = "wwn:";

/** Disks that people carry from PC to PC: `sda` may be a stick on one of fifty. */
const isCarried = ({ protection }: DiskView): boolean =>
  protection === "USB" || protection === "SD card";

/** What smartctl says of a disk that will not last. */
export const isFailing = ({ health }: DiskView): boolean => health?.startsWith("failed") ?? false;

/** `/dev/sda (Samsung 860 EVO, serial S3Z9NB0K)` */
const diskText = (disk: MeantDisk): string => described(disk, []);

/** `/dev/sda (Samsung 860 EVO, serial S3Z9NB0K, 500 GB)`: among several, people know a disk by its size. */
const sizedDiskText = (disk: DiskView): string => described(disk, [decimalSize(disk.size)]);

function described({ path, model, serial }: MeantDisk, more: readonly string[]): string {
  const known = [model, serial === null ? null : `serial ${serial}`, ...more].filter(
    (part) => part !== null && part !== "",
  );
  return known.length === 0 ? path : `${path} (${known.join(", ")})`;
}

/** As disks are sold. */
const decimalSize = (sizeBytes: number): string =>
  sizeBytes < 1e10 ? `${Math.round(sizeBytes / 1e6)} MB` : `${Math.round(sizeBytes / 1e9)} GB`;

/** What an operator can do about a choice that is not made for them. */
const ordered =
  "name one with --disk, have the room's settings single one out (`roomcast room set ROOM --disk transport=nvme`, or model=, size=, serial=)";
/** `--disk` of a cast names the disk that is overwritten on the others. */
const castSource = "name the one to read with --source-disk";
const noDisks = "it shows no disks at all: check its cables";

type Found = { readonly kind: "found"; readonly candidate: Candidate } | Refusal;
type Refusal = Extract<TargetChoice, { kind: "refused" }>;

const refused = (reason: string, next: string): Refusal => ({ kind: "refused", reason, next });

function find(
  candidates: readonly Candidate[],
  named: string | null,
  policy: DiskPolicy,
  mend: string,
  meant: MeantDisk | null,
): Found {
  if (meant !== null) return again(candidates, meant, mend);
  return named === null ? usual(candidates, policy, mend) : byName(candidates, named, mend);
}

function byName(candidates: readonly Candidate[], named: string, mend: string): Found {
  const fits = isNamed(named);
  const [candidate, ...others] = candidates.filter(({ disk }) => fits(disk));
  if (candidate === undefined) {
    const there = candidates.map(({ disk }) => diskText(disk)).join(", ");
    return refused(
      `this PC has no disk ${named} that may be used`,
      there === "" ? noDisks : `it has ${there}`,
    );
  }
  if (others.length === 0) return { kind: "found", candidate };
  return ambiguous([candidate, ...others], ` by ${named}`, mend);
}

function again(candidates: readonly Candidate[], meant: MeantDisk, mend: string): Found {
  const fits = isMeant(meant);
  const [candidate, ...others] = candidates.filter(({ disk }) => fits(disk));
  if (candidate === undefined) {
    const there = candidates.map(({ disk }) => diskText(disk)).join(", ");
    return refused(
      `this PC does not show the disk that its order is for: ${diskText(meant)}`,
      there === ""
        ? noDisks
        : `check that disk's cable; to use another one, order it anew, since a retry takes the same disk (it has ${there})`,
    );
  }
  if (others.length === 0) return { kind: "found", candidate };
  return ambiguous([candidate, ...others], "", mend);
}

function usual(candidates: readonly Candidate[], policy: DiskPolicy, mend: string): Found {
  const [first, ...others] = candidates.filter(({ disk }) => fitsPolicy(disk, policy));
  if (first === undefined) return noneFits(candidates);
  if (others.length === 0) return { kind: "found", candidate: first };
  return ambiguous([first, ...others], "", mend);
}

function ambiguous(candidates: readonly Candidate[], how: string, mend: string): Refusal {
  const names = candidates.map(({ disk }) => sizedDiskText(disk)).join(" and ");
  return refused(
    `which of ${candidates.length} disks is meant${how} is not clear: ${names}`,
    `${mend}, or choose it at the PC's menu`,
  );
}

function noneFits(candidates: readonly Candidate[]): Refusal {
  const internal = candidates.filter(({ disk }) => disk.protection === null);
  if (internal.length > 0) {
    const there = internal.map(({ disk }) => diskText(disk)).join(", ");
    return refused(
      "none of this PC's disks is one that the room's settings allow",
      `it has ${there}; see \`roomcast room show\`, or name a disk with --disk`,
    );
  }
  const [other] = candidates;
  const but = other === undefined ? "" : `; ${diskText(other.disk)} is ${other.disk.protection}`;
  return refused(
    `this PC shows no internal disk that can be written${but}`,
    "check the disk's cable, and in the firmware's setup that the controller is in AHCI mode, not RAID or VMD",
  );
}

function fitsPolicy(disk: DiskView, policy: DiskPolicy): boolean {
  const { transports, model, serials, minBytes, maxBytes } = policy;
  const ids = [disk.serial, disk.wwn].filter((id) => id !== null);
  const isListed = serials !== null && ids.some((id) => serials.includes(id));
  if (serials === null ? disk.protection !== null : !isListed) return false;
  if (transports !== null && !transports.includes(disk.transport ?? "")) return false;
  if (model !== null && !matches(disk.model ?? "", model)) return false;
  return disk.size >= (minBytes ?? 0) && disk.size <= (maxBytes ?? Number.POSITIVE_INFINITY);
}

/** `*` in the pattern is any text. Linear: the pieces between the stars, each at its first place. */
function matches(text: string, pattern: string): boolean {
  const pieces = pattern.toLowerCase().split("*");
  const whole = text.toLowerCase();
  const first = pieces[0] as string;
  if (pieces.length === 1) return whole === first;
  const last = pieces.at(-1) as string;
  if (!whole.startsWith(first) || whole.length < first.length + last.length) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = whole.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return whole.length - last.length >= at && whole.endsWith(last);
}
