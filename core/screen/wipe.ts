import type { DiskView } from "../wire/views.ts";
import type { WipeMethod } from "../wire/wipe.ts";

/** The ways to wipe a disk, in the order in which a person chooses; their texts are `wipe.METHOD`. */
export const wipeMethods: readonly WipeMethod[] = ["discard", "zero", "secure-erase"];

/** Of these disks, one at least has it. */
export const wipeMethodsOf = (disks: readonly Pick<DiskView, "secureErase">[]): WipeMethod[] =>
  wipeMethods.filter(
    (method) => method !== "secure-erase" || disks.some(({ secureErase }) => secureErase === true),
  );
