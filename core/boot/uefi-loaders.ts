/**
 * What 64-bit UEFI is given first. `shim`: Debian's signed shim, which loads its signed GRUB, with Secure
 * Boot on or off. `ipxe`: unsigned, for Secure Boot off; it has HTTP, and the shim's GRUB has TFTP alone.
 */
import type { MacAddress } from "../units/mac.ts";
import type { Loader } from "./loader.ts";

export type UefiLoader = "shim" | "ipxe";

export const uefiFiles: Readonly<Record<UefiLoader, string>> = {
  shim: "shimx64.efi",
  ipxe: "snponly.efi",
};

export interface UefiLoadersOptions {
  /** Whether the signed files are there, and the clients can follow them. */
  readonly hasSigned: boolean;
  /** Whether this PC's agent said, when it last came, that Secure Boot is off. */
  isSecureBootOff(mac: MacAddress): boolean;
}

/** How many PCs' loaders are remembered; the oldest is forgotten first. */
const rememberedLimit = 4096;

/**
 * DHCP does not say whether Secure Boot is on, so a PC gets the shim until its agent has said that it is
 * off. Should somebody switch it on afterwards, the firmware refuses iPXE once: it asks again without an
 * iPXE having asked in between, and gets the shim.
 */
export class UefiLoaders {
  private readonly options: UefiLoadersOptions;
  /** Sent to iPXE, and not heard from it yet. */
  private readonly sentToIpxe = new Set<MacAddress>();

  constructor(options: UefiLoadersOptions) {
    this.options = options;
  }

  for(mac: MacAddress): UefiLoader {
    const { hasSigned, isSecureBootOff } = this.options;
    if (!hasSigned) return "ipxe";
    return isSecureBootOff(mac) && !this.sentToIpxe.has(mac) ? "ipxe" : "shim";
  }

  /** Notes the loader that a PC got with an ACK, which is final. */
  told(mac: MacAddress, loader: Loader | undefined): void {
    this.sentToIpxe.delete(mac);
    if (loader?.kind !== "tftp" || loader.file !== uefiFiles.ipxe) return;
    const [oldest] = this.sentToIpxe;
    if (this.sentToIpxe.size >= rememberedLimit && oldest !== undefined)
      this.sentToIpxe.delete(oldest);
    this.sentToIpxe.add(mac);
  }
}
