import { open } from "node:fs/promises";
import { forgetBtrfs } from "../../core/node/disk-calls.ts";

/** Else the kernel remembers one that was mounted, and takes the next restore of its image for it. */
export async function forgetUnmountedBtrfs(): Promise<void> {
  const control = await open("/dev/btrfs-control", "r").catch(() => null);
  if (control !== null) await forgetBtrfs(control.fd);
  await control?.close();
}
