/** What DHCP gives a PC because of its seat. */
import type { MacAddress } from "../units/mac.ts";

export interface DhcpSeat {
  /** Option 12; null: the PC's name is no host name. */
  readonly name: string | null;
  /** Option 15. */
  readonly domain: string | null;
  /** Kept for this PC alone; null: it takes what is free. */
  readonly address: string | null;
}

/** Asked for each packet, so that neither answer may take longer with more PCs. */
export interface DhcpSeats {
  /** Of the PC with this MAC; null: it is not known, or not which PC that is. */
  of(mac: MacAddress): DhcpSeat | null;
  /** Whether the address is kept for a PC. */
  isKept(address: string): boolean;
}
