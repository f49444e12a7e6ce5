import type { MacAddress } from "../units/mac.ts";
import { makeRoom } from "../units/make-room.ts";
import type { Millis } from "../units/units.ts";
import { restMs } from "./lease-pool.ts";

/**
 * Addresses of the range that one host is believed to have: a firewall or a host of containers may have a dozen. One
 * that answers for more answers for whatever is asked, as a router with proxy ARP (RFC 1027) does. In a small range
 * it is a quarter of it, but not fewer than `fewAddresses`.
 */
const hostAddressesLimit = 16;
const fewAddresses = 4;
/** A MAC costs nothing to invent: the host that was silent for longest is forgotten. */
export const doubtedLimit = 64;

/** How many addresses of a range of `length` one host is believed to have. */
export const believedCount = (length: number): number =>
  Math.max(fewAddresses, Math.min(hostAddressesLimit, Math.floor(length / 4)));

/** Hosts that answer for more addresses than that. Each is doubted until it has been silent for ten minutes. */
export class DoubtedHosts {
  private readonly until = new Map<MacAddress, number>();

  /** It has answered once more. */
  heard(mac: MacAddress, now: Millis): void {
    this.until.delete(mac);
    makeRoom(this.until, doubtedLimit);
    this.until.set(mac, now + restMs);
  }

  has(mac: MacAddress): boolean {
    return this.until.has(mac);
  }

  /** All of them; forgets those that were silent. */
  at(now: Millis): readonly MacAddress[] {
    for (const [mac, until] of this.until) if (until <= now) this.until.delete(mac);
    return [...this.until.keys()];
  }
}
