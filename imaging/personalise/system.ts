/** What a restored system is to the code that makes it one PC's own. */
import type { VolumeNames } from "../../core/personalise/fstab.ts";
import type { Personal } from "../../core/wire/personal.ts";
import type { StepView } from "../../core/wire/views.ts";

/** A partition of the restored disk, or a linear logical volume in one. */
export interface Volume {
  /** `partition 2`, `debian-vg/root` */
  readonly name: string;
  /** As blkid names it. */
  readonly fs: string;
  /** A block device that is the volume alone. */
  readonly device: string;
}

export interface SystemOptions {
  readonly personal: Personal;
  readonly signal: AbortSignal;
  /** Each step, as soon as it has ended. A step that failed is said, and the others are still done. */
  said(step: StepView): void;
}

/**
 * Makes the system on a volume this PC's own. Answers false, with nothing changed or said, when there
 * is no system of this kind on it. All of it may be done again, with the same result.
 */
export type Personalise = (volume: Volume, options: SystemOptions) => Promise<boolean>;

export interface NamedVolume extends Volume, VolumeNames {}

/** For a system whose files may lie on several volumes, and that runs scripts of the owner's own. */
export interface DiskOptions extends SystemOptions {
  /** All of the disk's, the system's own among them. */
  readonly volumes: readonly NamedVolume[];
  /** Of the card that the PC booted from. */
  readonly mac: string;
  log(text: string): void;
  /** What a file of `personal.windows.drivers` holds, from the server. */
  driver(path: string): AsyncIterable<Uint8Array>;
}
