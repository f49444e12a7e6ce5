/** How large the blocks of a TFTP transfer may be, so that they arrive. */
import { makeRoom } from "../units/make-room.ts";
import type { Millis } from "../units/units.ts";

/** RFC 1350: the block size without the option. It fits through whatever IPv4 goes over (RFC 791: 576 bytes). */
export const plainBlockBytes = 512;
/** Of an Ethernet of 1500: a larger block is lost as a whole with any fragment of it. */
export const usualMtu = 1500;
/** 20 of IPv4, 8 of UDP, 4 of TFTP (RFC 2348). */
const headerBytes = 32;
/** A cable or switch that is mended is seen within the hour; milliseconds. */
const rememberedMs = 3_600_000;
/** Addresses cost nothing to invent: the oldest is forgotten. */
const rememberedLimit = 1024;

/** The largest block for a server whose interface has this MTU; PCs have the usual one at most. */
export const blockBytesOf = (mtu: number): number =>
  Math.max(plainBlockBytes, Math.min(mtu, usualMtu) - headerBytes);

/**
 * The clients that acknowledged an OACK and none of the large blocks after it: something on the way has a smaller
 * MTU. A transfer cannot change its size any more (RFC 2348), so their next one begins with small blocks.
 */
export class SmallBlocks {
  private readonly lostAt = new Map<string, Millis>();

  /** None of the large blocks to this client was acknowledged. */
  lost(client: string, now: Millis): void {
    this.lostAt.delete(client);
    makeRoom(this.lostAt, rememberedLimit);
    this.lostAt.set(client, now);
  }

  /** The largest block for this client, of a server whose interface has this MTU. */
  blockBytesFor(client: string, mtu: number, now: Millis): number {
    const lostAt = this.lostAt.get(client);
    if (lostAt !== undefined && now - lostAt < rememberedMs) return plainBlockBytes;
    this.lostAt.delete(client);
    return blockBytesOf(mtu);
  }
}
