/**
 * DHCP packets that real firmware and loaders sent: SeaBIOS with iPXE ROMs, OVMF by PXE and by HTTP,
 * shim, undionly and snponly, and the kernel's udhcpc, on the wire of QEMU PCs.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type DhcpPacket, decodeDhcp, dhcpType } from "../../../core/wire/dhcp/packet.ts";

export interface GoldenPacket {
  readonly boot: string;
  readonly type: string;
  readonly sentBy: string;
  readonly dstPort: number;
  readonly arch: number | null;
  /** Each option's value in hex, by its code. */
  readonly options: Readonly<Record<string, string>>;
  readonly hex: string;
}

const path = join(import.meta.dirname, "..", "..", "fixtures", "dhcp-boots.json");

export const goldenPackets = JSON.parse(readFileSync(path, "utf8")) as GoldenPacket[];

/** What PCs said to the port of DHCP servers. */
export const goldenRequests = goldenPackets.filter(
  ({ sentBy, dstPort }) => sentBy === "firmware or boot loader" && dstPort === 67,
);

export const bytesOf = ({ hex }: Pick<GoldenPacket, "hex">): Uint8Array =>
  new Uint8Array(Buffer.from(hex, "hex"));

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Throws when it does not decode. */
export function decoded(bytes: Uint8Array): DhcpPacket {
  const result = decodeDhcp(bytes);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}

export const typeNumber = (golden: GoldenPacket): number =>
  dhcpType[golden.type.toLowerCase() as keyof typeof dhcpType];

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
