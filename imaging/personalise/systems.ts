import { personaliseFreeBsd } from "./freebsd/freebsd.ts";
import { personaliseLinux } from "./linux/linux.ts";
import type { DiskOptions, Volume } from "./system.ts";
import { personaliseWindows } from "./windows/windows.ts";

/** The systems that roomcast knows; each is tried on each volume. */
export const systems: readonly ((volume: Volume, options: DiskOptions) => Promise<boolean>)[] = [
  personaliseLinux,
  personaliseWindows,
  personaliseFreeBsd,
];
