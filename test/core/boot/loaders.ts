import type { DhcpSeats } from "../../../core/boot/dhcp-seats.ts";
import { UefiLoaders } from "../../../core/boot/uefi-loaders.ts";

/** As for a PC that was never here, from a boot folder that has everything. */
export const shimFirst = new UefiLoaders({ signed: "shim", isSecureBootOff: () => false });
/** As beside another DHCP server. */
export const ipxeAlone = new UefiLoaders({ signed: null, isSecureBootOff: () => false });

/** Nobody has a seat. */
export const noSeats: DhcpSeats = { of: () => null, isKept: () => false };
