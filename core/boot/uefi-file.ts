/**
 * What 64-bit UEFI is given first. `image`: Debian's signed shim, which loads the site's own image. `shim`: the
 * same shim, which loads Debian's signed GRUB. Both work with Secure Boot on or off. `ipxe`: unsigned, for
 * Secure Boot off; it has HTTP, and the shim's GRUB has TFTP alone.
 */
import type { MacAddress } from "../units/mac.ts";
import { secureLoaderPath } from "./secure-boot.ts";

export type UefiLoader = "image" | "shim" | "ipxe";

/** iPXE's file in the boot folder. */
export const ipxeFile = "snponly.efi";

/** Its file in the boot folder, as this PC is to ask for it. */
export function uefiFile(loader: UefiLoader, mac: MacAddress): string {
  if (loader === "image") return secureLoaderPath(mac);
  return loader === "shim" ? "shimx64.efi" : ipxeFile;
}
