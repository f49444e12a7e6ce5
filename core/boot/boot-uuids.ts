/**
 * Which machine booted last with a MAC. Firmware sends its UUID with each request (RFC 4578 section 2.3),
 * so that two laptops on one dock are told apart before anything runs on them.
 */
import { makeRoom } from "../units/make-room.ts";
import type { DhcpPacket } from "../wire/dhcp/packet.ts";

/** How many PCs are remembered: MACs cost nothing to invent, and the oldest is forgotten first. */
const rememberedLimit = 4096;
/** Type 0, then the UUID. */
const optionBytes = 17;

export class BootUuids {
  /** By MAC. */
  private readonly heardLast = new Map<string, string>();

  /** A booting client's packet. */
  heard({ mac, options }: DhcpPacket): void {
    const value = options.get(97);
    if (value?.length !== optionBytes || value[0] !== 0) return;
    this.heardLast.delete(mac);
    makeRoom(this.heardLast, rememberedLimit);
    const digits = [...value.subarray(1)].map((byte) => byte.toString(16).padStart(2, "0"));
    this.heardLast.set(mac, digits.join(""));
  }

  /** As firmware said it, 32 hexadecimal digits in the order of the wire; null: it never did. */
  of(mac: string): string | null {
    return this.heardLast.get(mac) ?? null;
  }
}
