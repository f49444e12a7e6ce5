import { existsSync } from "node:fs";
import { type Roots, readBytes } from "../../../imaging/disk/sysfs.ts";

/** UEFI 2.10, 3.3: `SecureBoot` of the global variables. */
const secureBootVariable = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

export function readFirmware(roots: Roots): {
  readonly firmware: "bios" | "uefi";
  readonly secureBoot: boolean | null;
} {
  const efi = `${roots.sys}/firmware/efi`;
  if (!existsSync(efi)) return { firmware: "bios", secureBoot: false };
  // efivarfs: four bytes of attributes, then the variable, here one byte.
  const variable = readBytes(`${efi}/efivars/${secureBootVariable}`);
  const value = variable?.[4];
  return { firmware: "uefi", secureBoot: value === undefined ? null : value === 1 };
}
