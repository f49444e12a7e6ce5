/** ARP for IPv4 over Ethernet (RFC 826), as far as it takes to find out whether an address is in use. */
import type { Decoded } from "../errors.ts";
import { ipv4ToNumber } from "../units/ipv4.ts";
import { type MacAddress, macAt } from "../units/mac.ts";
import { u32Bytes } from "./dhcp/packet.ts";

/**
 * | offset | size | field | | offset | size | field |
 * |---|---|---|---|---|---|---|
 * | 0 | 2 | hardware, 1 | | 8 | 6 | sender's MAC |
 * | 2 | 2 | protocol, 0x0800 | | 14 | 4 | sender's address |
 * | 4 | 2 | lengths, 6 and 4 | | 18 | 6 | target's MAC |
 * | 6 | 2 | 1 request, 2 reply | | 24 | 4 | target's address |
 */
const packetBytes = 28;

/** RFC 5227 section 2.1.1: a probe names no sender's address, so that nobody learns a wrong one from it. */
export function encodeArpProbe(sender: MacAddress, address: string): Uint8Array {
  const bytes = new Uint8Array(packetBytes);
  bytes.set([0, 1, 8, 0, 6, 4, 0, 1]);
  bytes.set(
    sender.split(":").map((part) => Number.parseInt(part, 16)),
    8,
  );
  bytes.set(u32Bytes(ipv4ToNumber(address) ?? 0), 24);
  return bytes;
}

/** Who says, in a request or a reply, that it has which address. A probe claims none. */
export function decodeArp(
  bytes: Uint8Array,
): Decoded<{ readonly mac: MacAddress; readonly address: string }> {
  if (bytes.length < packetBytes) return { ok: false, reason: "truncated" };
  const isIpv4 = [0, 1, 8, 0, 6, 4].every((value, offset) => bytes[offset] === value);
  if (!isIpv4) return { ok: false, reason: "not IPv4 over Ethernet" };
  return { ok: true, value: { mac: macAt(bytes, 8), address: bytes.subarray(14, 18).join(".") } };
}
