import type { Decoded } from "../../errors.ts";
import { type MacAddress, macAt } from "../../units/mac.ts";

/**
 * A DHCP message (RFC 2131 section 2): addresses as dotted quads, options by code with the parts of a
 * long one joined (RFC 3396).
 *
 * | offset | size | field | | offset | size | field |
 * |---|---|---|---|---|---|---|
 * | 0 | 1 | op | | 16 | 4 | yiaddr |
 * | 1 | 1 | htype | | 20 | 4 | siaddr |
 * | 2 | 1 | hlen | | 24 | 4 | giaddr |
 * | 3 | 1 | hops | | 28 | 16 | chaddr |
 * | 4 | 4 | xid | | 44 | 64 | sname |
 * | 8 | 2 | secs | | 108 | 128 | file |
 * | 10 | 2 | flags | | 236 | 4 | magic cookie |
 * | 12 | 4 | ciaddr | | 240 | … | options |
 */
export interface DhcpPacket {
  /** 1: from a client, 2: from a server. */
  readonly op: 1 | 2;
  readonly xid: number;
  readonly secs: number;
  /** The client cannot take unicast before it has its address (RFC 2131 section 4.1). */
  readonly broadcast: boolean;
  readonly ciaddr: string;
  readonly yiaddr: string;
  readonly siaddr: string;
  readonly giaddr: string;
  readonly mac: MacAddress;
  readonly sname: string;
  readonly file: string;
  readonly options: ReadonlyMap<number, Uint8Array>;
}

/** What stands where a client has no address, or no relay is in the way. */
export const noAddress = "0.0.0.0";

const magicCookie = 0x63825363;
const fixedBytes = 240;
/** BOOTP's shortest message: some firmware drops what is shorter (RFC 1542 section 2.1). */
const shortestBytes = 300;

/** Reads a datagram. Options in `file` and `sname` count where option 52 says so (RFC 2132 section 9.3). */
export function decodeDhcp(bytes: Uint8Array): Decoded<DhcpPacket> {
  if (bytes.length < fixedBytes) return { ok: false, reason: "truncated" };
  if (u32At(bytes, 236) !== magicCookie) return { ok: false, reason: "no magic cookie" };
  const op = bytes[0];
  if (op !== 1 && op !== 2) return { ok: false, reason: "neither request nor reply" };
  if (bytes[1] !== 1 || bytes[2] !== 6) return { ok: false, reason: "not Ethernet" };
  const parts = new Map<number, Uint8Array[]>();
  if (!readOptions(bytes.subarray(fixedBytes), parts)) return { ok: false, reason: "cut option" };
  const overload = parts.get(52)?.[0]?.[0] ?? 0;
  if ((overload & 1) !== 0 && !readOptions(bytes.subarray(108, 236), parts)) {
    return { ok: false, reason: "cut option in file" };
  }
  if ((overload & 2) !== 0 && !readOptions(bytes.subarray(44, 108), parts)) {
    return { ok: false, reason: "cut option in sname" };
  }
  const options = new Map([...parts].map(([code, pieces]) => [code, joined(pieces)] as const));
  return {
    ok: true,
    value: {
      op,
      xid: u32At(bytes, 4),
      secs: byteAt(bytes, 8) * 256 + byteAt(bytes, 9),
      broadcast: (byteAt(bytes, 10) & 0x80) !== 0,
      ciaddr: quadAt(bytes, 12),
      yiaddr: quadAt(bytes, 16),
      siaddr: quadAt(bytes, 20),
      giaddr: quadAt(bytes, 24),
      mac: macAt(bytes, 28),
      sname: (overload & 2) === 0 ? textOf(bytes.subarray(44, 108)) : "",
      file: (overload & 1) === 0 ? textOf(bytes.subarray(108, 236)) : "",
      options,
    },
  };
}

/** Writes a message. Throws on a `file` of more than 127 or an `sname` of more than 63 characters: a bug. */
export function encodeDhcp(packet: DhcpPacket): Uint8Array {
  const encoded: number[] = [];
  for (const [code, value] of packet.options) {
    // RFC 3396: a value of more than 255 bytes goes in several options of the same code.
    for (let start = 0; start === 0 || start < value.length; start += 255) {
      const part = value.subarray(start, start + 255);
      encoded.push(code, part.length, ...part);
    }
  }
  encoded.push(255);
  const bytes = new Uint8Array(Math.max(shortestBytes, fixedBytes + encoded.length));
  bytes.set([packet.op, 1, 6, 0]);
  bytes.set(u32Bytes(packet.xid), 4);
  bytes.set([packet.secs >> 8, packet.secs & 255, packet.broadcast ? 0x80 : 0], 8);
  for (const [offset, address] of [
    [12, packet.ciaddr],
    [16, packet.yiaddr],
    [20, packet.siaddr],
    [24, packet.giaddr],
  ] as const) {
    bytes.set(address.split(".").map(Number), offset);
  }
  bytes.set(
    packet.mac.split(":").map((part) => Number.parseInt(part, 16)),
    28,
  );
  bytes.set(asciiBytes(packet.sname, 63), 44);
  bytes.set(asciiBytes(packet.file, 127), 108);
  bytes.set(u32Bytes(magicCookie), 236);
  bytes.set(encoded, fixedBytes);
  return bytes;
}

/** Collects options up to the end mark; false when one claims more than there is. */
function readOptions(bytes: Uint8Array, parts: Map<number, Uint8Array[]>): boolean {
  let offset = 0;
  while (offset < bytes.length) {
    const code = byteAt(bytes, offset++);
    if (code === 0) continue;
    if (code === 255) return true;
    if (offset >= bytes.length) return false;
    const length = byteAt(bytes, offset++);
    if (offset + length > bytes.length) return false;
    const pieces = parts.get(code) ?? [];
    pieces.push(new Uint8Array(bytes.subarray(offset, offset + length)));
    parts.set(code, pieces);
    offset += length;
  }
  return true;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

const byteAt = (bytes: Uint8Array, offset: number): number => bytes[offset] as number;

const u32At = (bytes: Uint8Array, offset: number): number =>
  byteAt(bytes, offset) * 2 ** 24 +
  (byteAt(bytes, offset + 1) << 16) +
  (byteAt(bytes, offset + 2) << 8) +
  byteAt(bytes, offset + 3);

/** A number in four bytes, the highest first. */
export const u32Bytes = (value: number): number[] => [
  (value >>> 24) & 255,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];

const quadAt = (bytes: Uint8Array, offset: number): string =>
  [0, 1, 2, 3].map((index) => byteAt(bytes, offset + index)).join(".");

/** Bytes up to the first NUL, as Latin-1. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return String.fromCharCode(...(end < 0 ? bytes : bytes.subarray(0, end)));
}

/** ASCII text in bytes; throws when it is longer than `limit`. */
export function asciiBytes(text: string, limit = 255): Uint8Array {
  if (text.length > limit) throw new Error(`longer than ${limit}: ${text}`);
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0x7f);
}

/** An option's value as a dotted quad, or undefined when it is none. */
export function addressOption(packet: DhcpPacket, code: number): string | undefined {
  const value = packet.options.get(code);
  return value?.length === 4 ? quadAt(value, 0) : undefined;
}

/** An option's value as text. */
export const textOption = (packet: DhcpPacket, code: number): string | undefined => {
  const value = packet.options.get(code);
  return value === undefined ? undefined : textOf(value);
};

/** RFC 2132 section 9.6, or undefined for BOOTP. */
export const messageType = (packet: DhcpPacket): number | undefined => packet.options.get(53)?.[0];

export const dhcpType = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;
