/**
 * What a network check multicasts, and a PC counts: a burst that it asked its server for, or those of a check
 * of its room. Numbers are little-endian.
 *
 * | offset | size | name | meaning |
 * |-------:|-----:|------|---------|
 * | 0 | 4 | magic | `RCNC` |
 * | 4 | 4 | nonce | the burst's, random: another one is not counted; of a room's check one more with each rate |
 * | 8 | 4 | number | of this packet, from 0 |
 * | 12 | 1416 | | zeros: as long as a packet of a cast |
 */
import type { Decoded } from "../errors.ts";
import { wireOverheadBytes } from "./cast.ts";

/** Beside the groups of the sessions (239.77.1.1 to 239.77.254.254). */
export const checkGroup = "239.77.255.1";
/** MTU 1500 − 28 IP and UDP − the room that a repair's header takes: as a cast's data packet. */
export const checkPacketBytes = 1428;
/** Of such a packet on the wire, with its headers and the gap behind it. */
export const checkPacketBits = (checkPacketBytes + wireOverheadBytes) * 8;
/** Of zeros, to be timed: half a second of 1 Gbit/s. A PC hangs up when it has seen enough. */
export const checkPayloadBytes = 64 * 1024 * 1024;
/** 0.85 MB, some 0.15 s at the 45 Mbit/s that it is paced to: a link of 100 Mbit/s has room beside it. */
export const checkPacketCount = 600;
/** Rates that a room is checked at. */
export const checkStepsLimit = 8;

const magic = [0x52, 0x43, 0x4e, 0x43] as const;

export interface CheckPacket {
  readonly nonce: number;
  readonly number: number;
}

export function encodeCheckPacket({ nonce, number }: CheckPacket): Uint8Array {
  const bytes = new Uint8Array(checkPacketBytes);
  bytes.set(magic);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, nonce, true);
  view.setUint32(8, number, true);
  return bytes;
}

export function decodeCheckPacket(bytes: Uint8Array): Decoded<CheckPacket> {
  if (bytes.length !== checkPacketBytes) return { ok: false, reason: "wrong length" };
  if (magic.some((byte, at) => bytes[at] !== byte)) return { ok: false, reason: "no check packet" };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [nonce, number] = [view.getUint32(4, true), view.getUint32(8, true)];
  return { ok: true, value: { nonce, number } };
}
