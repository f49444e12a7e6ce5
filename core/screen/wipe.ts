import type { DiskView } from "../wire/views.ts";

/** The ways to wipe a disk, as a person chooses them. */
export const wipeMethods = [
  { method: "discard", text: "Discard (TRIM): seconds on an SSD; else zeros" },
  { method: "zero", text: "Write zeros everywhere: hours on a large disk" },
  { method: "secure-erase", text: "Secure erase: the disk's own command, where it has one" },
] as const;

/** Of these disks, one at least has it. */
export const wipeMethodsOf = (disks: readonly Pick<DiskView, "secureErase">[]) =>
  wipeMethods.filter(
    ({ method }) =>
      method !== "secure-erase" || disks.some(({ secureErase }) => secureErase === true),
  );
