/**
 * Which disk of a PC a task may touch. Whatever is doubtful is refused in words: an overwritten disk
 * does not come back.
 */
import type { DiskView } from "../wire/views.ts";

/** A disk as the PC finds it. */
export interface Candidate {
  readonly disk: DiskView;
  /** What has it in use, in words (`mounted at /home`), or null. */
  readonly inUse: string | null;
}

/** What an image asks of its target. */
export interface TargetNeed {
  /** The disk has to reach to the end of the last chunk that is stored, in bytes. */
  readonly endBytes: number;
  readonly logicalSector: number;
}

export type TargetChoice =
  | { readonly kind: "disk"; readonly disk: DiskView }
  | { readonly kind: "refused"; readonly reason: string; readonly next: string };

/**
 * The disk to write to: the one that is named (`/dev/sda` or `sda`), else the largest internal one.
 * A disk that fails its own health test is taken only if it is named.
 */
export function chooseTarget(
  candidates: readonly Candidate[],
  named: string | null,
  need: TargetNeed | null,
): TargetChoice {
  const found = named === null ? usual(candidates) : byName(candidates, named);
  if (found.kind === "refused") return found;
  const { disk, inUse } = found.candidate;
  const name = diskText(disk);
  if (disk.transport === "usb") {
    return refused(`${name} is a USB disk`, "USB disks are never overwritten: choose another disk");
  }
  if (inUse !== null) {
    return refused(`${name} is in use: ${inUse}`, "unmount it or end what uses it");
  }
  if (named === null && isFailing(disk)) {
    return refused(
      `${name} says that it is failing (health: ${disk.health})`,
      "replace the disk, or name it to use it all the same",
    );
  }
  if (need === null) return { kind: "disk", disk };
  if (disk.logicalSector !== need.logicalSector) {
    return refused(
      `${name} has sectors of ${disk.logicalSector} bytes, the image is of a disk with ${need.logicalSector}`,
      "restore it to a disk with the same logical sector size, or capture an image from such a disk",
    );
  }
  if (disk.size < need.endBytes) {
    return refused(
      `${name} is too small: it has ${disk.size} bytes, the image's data ends at ${need.endBytes}`,
      "use a larger disk, or shrink the last partition on the master and capture it again",
    );
  }
  return { kind: "disk", disk };
}

/**
 * The disk to read: the one that is named, else the largest internal one. Reading a disk that is in
 * use would capture a file system in motion, so that is refused as well.
 */
export function chooseSource(candidates: readonly Candidate[], named: string | null): TargetChoice {
  const found = named === null ? usual(candidates) : byName(candidates, named);
  if (found.kind === "refused") return found;
  const { disk, inUse } = found.candidate;
  if (inUse === null) return { kind: "disk", disk };
  return refused(
    `${diskText(disk)} is in use: ${inUse}`,
    "a disk is captured while nothing on it is mounted: boot the PC from the network",
  );
}

/** `/dev/sda (Samsung 860 EVO, serial S3Z9NB0K)` */
function diskText({ path, model, serial }: DiskView): string {
  const known = [model, serial === null ? null : `serial ${serial}`].filter(
    (part) => part !== null && part !== "",
  );
  return known.length === 0 ? path : `${path} (${known.join(", ")})`;
}

type Found = { readonly kind: "found"; readonly candidate: Candidate } | Refusal;
type Refusal = Extract<TargetChoice, { kind: "refused" }>;

const refused = (reason: string, next: string): Refusal => ({ kind: "refused", reason, next });

/** What smartctl says of a disk that will not last. */
const isFailing = ({ health }: DiskView): boolean => health === "failed";

function byName(candidates: readonly Candidate[], named: string): Found {
  const candidate = candidates.find(
    ({ disk }) => disk.path === named || disk.path === `/dev/${named}`,
  );
  if (candidate !== undefined) return { kind: "found", candidate };
  const there = candidates.map(({ disk }) => disk.path).join(", ");
  return refused(
    `this PC has no disk ${named} that may be used`,
    there === "" ? "it shows no disks at all: check its cables" : `it has ${there}`,
  );
}

function usual(candidates: readonly Candidate[]): Found {
  const internal = candidates.filter(({ disk }) => disk.transport !== "usb");
  const largest = Math.max(...internal.map(({ disk }) => disk.size));
  const [first, ...others] = internal.filter(({ disk }) => disk.size === largest);
  if (first === undefined) {
    return refused(
      "this PC shows no internal disk that can be written",
      "check the disk's cable, and in the firmware's setup that the controller is in AHCI mode, not RAID or VMD",
    );
  }
  if (others.length === 0) return { kind: "found", candidate: first };
  const names = [first, ...others].map(({ disk }) => diskText(disk)).join(" and ");
  return refused(`${names} are of the same size: which one is not clear`, "name one with --disk");
}
