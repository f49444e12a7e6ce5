/** A UDP datagram with its IPv4 header, for a host that has to speak before it has an address. */
import type { Decoded } from "../errors.ts";
import { ipv4ToNumber } from "../units/ipv4.ts";
import { u32Bytes } from "./dhcp/packet.ts";

/**
 * RFC 791, RFC 768. Without IP options.
 *
 * | offset | size | field | | offset | size | field |
 * |---|---|---|---|---|---|---|
 * | 0 | 1 | version 4, header length 5 | | 12 | 4 | source |
 * | 2 | 2 | total length | | 16 | 4 | destination |
 * | 6 | 2 | flags, fragment offset | | 20 | 2 | source port |
 * | 8 | 1 | time to live | | 22 | 2 | destination port |
 * | 9 | 1 | protocol, 17 | | 24 | 2 | UDP length |
 * | 10 | 2 | header checksum | | 26 | 2 | UDP checksum, 0: none |
 */
export interface UdpFrame {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

const ipBytes = 20;
const udpBytes = 8;
const udpProtocol = 17;

export function encodeUdpFrame(frame: UdpFrame): Uint8Array {
  const { source, sourcePort, destination, destinationPort, payload } = frame;
  const bytes = new Uint8Array(ipBytes + udpBytes + payload.length);
  const udpLength = udpBytes + payload.length;
  bytes.set([0x45, 0, bytes.length >> 8, bytes.length & 255]);
  bytes.set([64, udpProtocol], 8);
  bytes.set(u32Bytes(ipv4ToNumber(source) ?? 0), 12);
  bytes.set(u32Bytes(ipv4ToNumber(destination) ?? 0), 16);
  const checksum = headerChecksum(bytes);
  bytes.set([checksum >> 8, checksum & 255], 10);
  bytes.set([sourcePort >> 8, sourcePort & 255, destinationPort >> 8, destinationPort & 255], 20);
  bytes.set([udpLength >> 8, udpLength & 255], 24);
  bytes.set(payload, ipBytes + udpBytes);
  return bytes;
}

/** Reads what `encodeUdpFrame` writes, with IP options too; no fragments. The checksums are not looked at. */
export function decodeUdpFrame(bytes: Uint8Array): Decoded<UdpFrame> {
  const header = (byteAt(bytes, 0) & 15) * 4;
  if (bytes.length < ipBytes || byteAt(bytes, 0) >> 4 !== 4 || header < ipBytes)
    return { ok: false, reason: "not IPv4" };
  if (byteAt(bytes, 9) !== udpProtocol) return { ok: false, reason: "not UDP" };
  if ((u16At(bytes, 6) & 0x3fff) !== 0) return { ok: false, reason: "a fragment" };
  const end = u16At(bytes, 2);
  if (end > bytes.length || end < header + udpBytes) return { ok: false, reason: "truncated" };
  return {
    ok: true,
    value: {
      source: bytes.subarray(12, 16).join("."),
      sourcePort: u16At(bytes, header),
      destination: bytes.subarray(16, 20).join("."),
      destinationPort: u16At(bytes, header + 2),
      payload: bytes.subarray(header + udpBytes, end),
    },
  };
}

/** RFC 1071, over the header with a checksum of 0. */
function headerChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let offset = 0; offset < ipBytes; offset += 2) sum += u16At(bytes, offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const byteAt = (bytes: Uint8Array, offset: number): number => bytes[offset] ?? 0;
const u16At = (bytes: Uint8Array, offset: number): number =>
  byteAt(bytes, offset) * 256 + byteAt(bytes, offset + 1);
