/** IPv6 neighbour discovery (RFC 4861), as far as a network boot needs it. */
import type { MacAddress } from "../units/mac.ts";

/**
 * A router advertisement that says: there is no router here, no prefix, and no DHCPv6. The checksum is
 * left to the kernel.
 *
 * | offset | size | field |
 * |---|---|---|
 * | 0 | 1 | type, 134 |
 * | 1 | 1 | code, 0 |
 * | 2 | 2 | checksum |
 * | 4 | 1 | hop limit, 0: not said |
 * | 5 | 1 | flags: neither managed nor other configuration |
 * | 6 | 2 | router lifetime, 0: no default router |
 * | 8 | 4 | reachable time, 0: not said |
 * | 12 | 4 | retransmission timer, 0: not said |
 */
export const nothingAdvertised: Uint8Array = Uint8Array.of(134, ...new Array<number>(15).fill(0));

/** The link-local address (16 bytes) that a host makes of its MAC (RFC 4291 appendix A). */
export function linkLocalOf(mac: MacAddress): Uint8Array {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac
    .split(":")
    .map((part) => Number.parseInt(part, 16));
  return Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f);
}
