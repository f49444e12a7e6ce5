/** Which of these a PC is given, by what it did with the last. */
import type { MacAddress } from "../units/mac.ts";
import { makeRoom } from "../units/make-room.ts";
import type { Loader } from "./loader.ts";
import { ipxeFile, type UefiLoader } from "./uefi-file.ts";

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
        ? loader.file === ipxeFile
        : loader?.kind === "http" && loader.path === `/boot/${ipxeFile}`;
    if (!isIpxe) return;
    makeRoom(this.sentToIpxe, rememberedLimit);
    this.sentToIpxe.add(mac);
  }
}
