/**
 * The packets of a cast, sender to receivers by UDP multicast. All numbers are little-endian; a test
 * holds the code to these tables, which `docs/cast.md` repeats for people.
 *
 * | offset | size | name       | meaning                                                            |
 * |-------:|-----:|------------|--------------------------------------------------------------------|
 * |      0 |    2 | form       | bits 12–15 version (2), 10–11 kind, 0–9 symbol or count            |
 * |      2 |    2 | generation | random for each key of a sender: another one, another numbering    |
 * |      4 |    4 | tag        | the session's; packets that carry another are not ours             |
 * |      8 |    4 | entry      | place in the image's index                                         |
 * |     12 |    4 | sequence   | counts every packet of this sender, modulo 2^32                    |
 *
 * `data` (0): one symbol, its index in `form`. `repair` (1): the XOR of `count` symbols of the entry,
 * which 44 bytes before it name. `sync` (2): no symbol; it says that the sender is there, how far it
 * is, and how often it wants to hear. The last 4 bytes of each are its seal (`core/cast/seal.ts`).
 */

/** Raised when a receiver of the former version would misread a packet. */
export const castVersion = 2;
export const packetKind = { data: 0, repair: 1, sync: 2 } as const;

/** The largest UDP payload: MTU 1500 − 20 IPv4 − 8 UDP. */
export const packetLimit = 1472;
export const headerBytes = 16;
/** Members of a repair, 10 bits each: 35 × 10 = 350 bits. */
export const memberBytes = 44;
export const memberLimit = 35;
/** The keyed tag that ends a packet. */
export const sealBytes = 4;
/** What one packet carries of an entry: the largest payload less header, members and seal. */
export const symbolBytes = packetLimit - headerBytes - memberBytes - sealBytes;
export const dataPacketBytes = headerBytes + symbolBytes + sealBytes;
export const repairPacketBytes = headerBytes + memberBytes + symbolBytes + sealBytes;
/** Header, u16 `reportEveryMs`, u16 zero, seal. */
export const syncPacketBytes = headerBytes + 4 + sealBytes;

/** What goes on an Ethernet for each packet beside its payload: 28 IPv4 and UDP, 18 frame, 20 preamble and gap. */
export const wireOverheadBytes = 66;

/** The symbols that the stored bytes of an entry make, at most 745 of a chunk's; the last is padded with zeros. */
export const symbolCountOf = (storedLength: number): number =>
  Math.ceil(storedLength / symbolBytes);

/** A header to fill: each reader has one and uses it for every packet, so that nothing is allocated. */
export interface PacketHeader {
  kind: number;
  /** Symbol index of `data`, number of members of `repair`. */
  symbol: number;
  generation: number;
  tag: number;
  entryIndex: number;
  sequence: number;
}

export const emptyHeader = (): PacketHeader => ({
  kind: 0,
  symbol: 0,
  generation: 0,
  tag: 0,
  entryIndex: 0,
  sequence: 0,
});

/** Writes the 16 bytes of a header at `offset`; the caller has made room. */
export function writeHeader(packet: Uint8Array, offset: number, header: PacketHeader): void {
  writeU16(packet, offset, (castVersion << 12) | (header.kind << 10) | header.symbol);
  writeU16(packet, offset + 2, header.generation);
  writeU32(packet, offset + 4, header.tag);
  writeU32(packet, offset + 8, header.entryIndex);
  writeU32(packet, offset + 12, header.sequence);
}

/** Reads a header into `header`. False when the packet is of another version, or of the wrong length for its kind. */
export function readHeader(
  packet: Uint8Array,
  offset: number,
  length: number,
  header: PacketHeader,
): boolean {
  if (length < headerBytes || offset + length > packet.length) return false;
  const form = readU16(packet, offset);
  header.kind = (form >>> 10) & 3;
  header.symbol = form & 1023;
  header.generation = readU16(packet, offset + 2);
  header.tag = readU32(packet, offset + 4);
  header.entryIndex = readU32(packet, offset + 8);
  header.sequence = readU32(packet, offset + 12);
  if (form >>> 12 !== castVersion) return false;
  switch (header.kind) {
    case packetKind.data:
      return length === dataPacketBytes;
    case packetKind.repair:
      return length === repairPacketBytes && header.symbol >= 1 && header.symbol <= memberLimit;
    case packetKind.sync:
      return length === syncPacketBytes;
    default:
      return false;
  }
}

/** Packs the members of a repair, ascending, behind its header at `offset`; the rest of the 44 bytes is zero. */
export function writeMembers(packet: Uint8Array, offset: number, members: readonly number[]): void {
  const start = offset + headerBytes;
  packet.fill(0, start, start + memberBytes);
  for (let place = 0; place < members.length; place++) {
    const bit = place * 10;
    const at = start + (bit >>> 3);
    // Ten bits lie in two bytes at each of the shifts 0, 2, 4 and 6.
    const value = (members[place] as number) << (bit & 7);
    packet[at] = (packet[at] as number) | (value & 0xff);
    packet[at + 1] = (packet[at + 1] as number) | (value >>> 8);
  }
}

/** Reads `count` members into `members`. False unless they ascend and are all below `symbolCount`. */
export function readMembers(
  packet: Uint8Array,
  offset: number,
  count: number,
  symbolCount: number,
  members: Uint16Array,
): boolean {
  const start = offset + headerBytes;
  let before = -1;
  for (let place = 0; place < count; place++) {
    const bit = place * 10;
    const value = (readU16(packet, start + (bit >>> 3)) >>> (bit & 7)) & 1023;
    if (value <= before || value >= symbolCount) return false;
    members[place] = value;
    before = value;
  }
  return true;
}

/** A sync's own field: how often each receiver is to report, in milliseconds. */
export const writeReportEvery = (packet: Uint8Array, offset: number, everyMs: number): void =>
  writeU32(packet, offset + headerBytes, everyMs & 0xffff);
export const readReportEvery = (packet: Uint8Array, offset: number): number =>
  readU16(packet, offset + headerBytes);

export const readU16 = (bytes: Uint8Array, at: number): number =>
  (bytes[at] as number) | ((bytes[at + 1] as number) << 8);

export const readU32 = (bytes: Uint8Array, at: number): number =>
  (readU16(bytes, at) | (readU16(bytes, at + 2) << 16)) >>> 0;

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >>> 8) & 0xff;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  writeU16(bytes, at, value & 0xffff);
  writeU16(bytes, at + 2, value >>> 16);
}

/**
 * How far `later` is ahead of `earlier` in a numbering modulo 2^32; negative when it is behind. Right
 * while they are less than 2^31 apart (RFC 1982, serial number arithmetic).
 */
export const sequenceDistance = (later: number, earlier: number): number => (later - earlier) | 0;
