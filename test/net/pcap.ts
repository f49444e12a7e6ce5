/** Reads what tcpdump wrote. */
import type { DhcpPacket } from "../../core/wire/dhcp/packet.ts";
import { decodeDhcp } from "../../core/wire/dhcp/packet.ts";
import { decodeUdpFrame, type UdpFrame } from "../../core/wire/udp-frame.ts";

const fileHeaderBytes = 24;
const packetHeaderBytes = 16;
const ethernetBytes = 14;
/** IEEE 802.1Q: 0x8100 where the protocol stands, then priority and VLAN, then the protocol. */
const tagType = 0x8100;
const tagBytes = 4;

export interface CapturedFrame extends UdpFrame {
  /** By its tag; null: it has none. */
  readonly vlan: number | null;
}

/** The UDP datagrams of a capture of Ethernet frames (pcap-savefile(5), little endian, version 2.4). */
export function udpFrames(pcap: Buffer): CapturedFrame[] {
  if (pcap.readUInt32LE(0) !== 0xa1b2c3d4 || pcap.readUInt32LE(20) !== 1)
    throw new Error("not a capture of Ethernet frames");
  const frames: CapturedFrame[] = [];
  for (let offset = fileHeaderBytes; offset + packetHeaderBytes <= pcap.length; ) {
    const length = pcap.readUInt32LE(offset + 8);
    const start = offset + packetHeaderBytes;
    const frame = pcap.subarray(start, start + length);
    const isTagged = frame.length > ethernetBytes + 2 && frame.readUInt16BE(12) === tagType;
    const decoded = decodeUdpFrame(frame.subarray(ethernetBytes + (isTagged ? tagBytes : 0)));
    const vlan = isTagged ? frame.readUInt16BE(14) & 0xfff : null;
    if (decoded.ok) frames.push({ ...decoded.value, vlan });
    offset = start + length;
  }
  return frames;
}

/** The DHCP messages among them, with where they came from. */
export const dhcpOf = (
  frames: readonly UdpFrame[],
): { readonly frame: UdpFrame; readonly packet: DhcpPacket }[] =>
  frames.flatMap((frame) => {
    const decoded = decodeDhcp(frame.payload);
    return decoded.ok ? [{ frame, packet: decoded.value }] : [];
  });
