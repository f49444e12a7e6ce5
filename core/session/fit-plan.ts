/** Which version of an image a restore gives to its PCs, where some of their disks are smaller than the image's. */
import { leastDiskOf, misfitOf } from "../image/fit.ts";
import { type DiskSize, decodeDiskSize } from "../wire/fit-size.ts";
import type { ImageView } from "../wire/views.ts";

/** A disk that will be overwritten, as far as it is known. */
export interface FitDisk {
  /** Of its PC. */
  readonly name: string;
  readonly bytes: number;
}

export type FitPlan =
  /** Every disk holds it, as far as that is known. */
  | { readonly kind: "as-is"; readonly image: ImageView }
  /** A version that was made to fit, and does. */
  | { readonly kind: "reuse"; readonly image: ImageView; readonly origin: ImageView }
  /** A version has to be made of `origin`, for a disk of `diskBytes`. */
  | {
      readonly kind: "make";
      readonly origin: ImageView;
      readonly size: DiskSize;
      readonly diskBytes: number;
    }
  /** `disk` is smaller than anything that can be made of `origin`. */
  | { readonly kind: "cannot"; readonly origin: ImageView; readonly disk: FitDisk };

/** Fitted versions are for disks of a class: those of 240057409536 bytes are sold as 240 GB. */
const classBytes = 1e9;

/** All PCs get one version: the one for the smallest of `disks`. `images`: all that there are. */
export function planFit(
  image: ImageView,
  images: readonly ImageView[],
  disks: readonly FitDisk[],
): FitPlan {
  const smallest = disks.toSorted((one, other) => one.bytes - other.bytes)[0];
  if (smallest === undefined || fits(image, smallest)) return { kind: "as-is", image };
  const origin = images.find(({ id }) => id === image.fitOf) ?? image;
  const [best] = images
    .filter((each) => each.fitOf === origin.id && fits(each, smallest))
    .toSorted((one, other) => other.diskBytes - one.diskBytes);
  if (best !== undefined) return { kind: "reuse", image: best, origin };
  const needed = leastDiskOf(origin);
  if (needed > smallest.bytes) return { kind: "cannot", origin, disk: smallest };
  const { bytes: diskBytes } = smallest;
  const classes = Math.floor(diskBytes / classBytes);
  const isClass = classes > 0 && classes * classBytes >= needed;
  const size = sizeNamed(isClass ? `${classes}GB` : `${diskBytes}`);
  return { kind: "make", origin, size, diskBytes };
}

/**
 * Whether the disk holds all partitions of the image. What a raw image has outside of them only the PC
 * finds, which then refuses.
 */
export const fits = (image: ImageView, { bytes }: Pick<FitDisk, "bytes">): boolean =>
  misfitOf(image, [], bytes, "restore") === null;

function sizeNamed(text: string): DiskSize {
  const decoded = decodeDiskSize(text);
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.value;
}
