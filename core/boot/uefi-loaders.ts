/**
 * What 64-bit UEFI is given first. `image`: Debian's signed shim, which loads the site's own image. `shim`: the
 * same shim, which loads Debian's signed GRUB. Both work with Secure Boot on or off. `ipxe`: unsigned, for
 * Secure Boot off; it has HTTP, and the shim's GRUB has TFTP alone.
 */

import type { MacAddress } from "../units/mac.ts";
import { makeRoom } from "../units/make-room.ts";
import type { Loader } from "./loader.ts";
import { secureLoaderPath } from "./secure-boot.ts";

export type UefiLoader = "image" | "shim" | "ipxe";

const ipxe = "snponly.efi";

/** Its file in the boot folder, as this PC is to ask for it. */
export function uefiFile(loader: UefiLoader, mac: MacAddress): string {
  if (loader === "image") return secureLoaderPath(mac);
  return loader === "shim" ? "shimx64.efi" : ipxe;
}

export interface UefiLoadersOptions {
  /** What is signed, and the clients can follow. */
  readonly signed: Exclude<UefiLoader, "ipxe"> | null;
  /** Whether this PC's agent said, when it last came, that Secure Boot is off. */
  isSecureBootOff(mac: MacAddress): boolean;
}

/** How many PCs' loaders are remembered; the oldest is forgotten first. */
const rememberedLimit = 4096;

/**
 * DHCP does not say whether Secure Boot is on, so a PC gets the shim until its agent has said that it is
 * off. Should somebody switch it on afterwards, the firmware refuses iPXE once: it asks again without an
 * iPXE having asked in between, and gets what is signed.
 */
export class UefiLoaders {
  private readonly options: UefiLoadersOptions;
  /** Sent to iPXE, and not heard from it yet. */
  private readonly sentToIpxe = new Set<MacAddress>();

  constructor(options: UefiLoadersOptions) {
    this.options = options;
  }

  for(mac: MacAddress): UefiLoader {
    const { signed, isSecureBootOff } = this.options;
    if (signed === null) return "ipxe";
    return isSecureBootOff(mac) && !this.sentToIpxe.has(mac) ? "ipxe" : signed;
  }

  /** Notes the loader that a PC got with an ACK, which is final. */
  told(mac: MacAddress, loader: Loader | undefined): void {
    this.sentToIpxe.delete(mac);
    const isIpxe =
      loader?.kind === "tftp"
        ? loader.file === ipxe
        : loader?.kind === "http" && loader.path === `/boot/${ipxe}`;
    if (!isIpxe) return;
    makeRoom(this.sentToIpxe, rememberedLimit);
    this.sentToIpxe.add(mac);
  }
}
