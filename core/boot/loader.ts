import type { MacAddress } from "../units/mac.ts";
import { type DhcpPacket, textOption } from "../wire/dhcp/packet.ts";
import { type UefiLoader, uefiFile } from "./uefi-file.ts";

/** The loader that a booting client gets. */
export type Loader =
  /** By TFTP, as `file` of the server. */
  | { readonly kind: "tftp"; readonly file: string }
  /** By HTTP, as `path` of the server; `vendorClass` goes back as option 60. */
  | {
      readonly kind: "http";
      readonly path: string;
      readonly vendorClass: "PXEClient" | "HTTPClient";
    }
  | {
      readonly kind: "unsupported";
      readonly reason: string;
      /** False: what asks has no use of an address alone. */
      readonly getsAddress: boolean;
    };

/** Where the script of one PC is. */
export const scriptPath = (mac: MacAddress): string => `/boot/ipxe/${mac.replaceAll(":", "-")}`;

/**
 * The table that holds the field's knowledge: vendor class (option 60), architecture (93) and user
 * class (77) to loader. Undefined: the client is not booting, it only wants an address.
 */
export function loaderFor(packet: DhcpPacket, uefi: UefiLoader): Loader | undefined {
  const vendorClass = textOption(packet, 60) ?? "";
  const isHttp = vendorClass.startsWith("HTTPClient");
  if (!isHttp && !vendorClass.startsWith("PXEClient")) return undefined;
  const architecture = architectureOf(packet, vendorClass);
  // RFC 3004 puts a length before each class; iPXE sends its name bare.
  const isIpxe = (textOption(packet, 77) ?? "").includes("iPXE");
  const script = { kind: "http", path: scriptPath(packet.mac), vendorClass: "PXEClient" } as const;

  if (isHttp) {
    if (architecture === 16) {
      // Debian's signed GRUB speaks TFTP alone, and a PC that booted by HTTP names it no TFTP server.
      const file = uefiFile(uefi === "image" ? "image" : "ipxe", packet.mac);
      return { kind: "http", path: `/boot/${file}`, vendorClass: "HTTPClient" };
    }
  } else if (architecture === 7 || architecture === 9) {
    return isIpxe ? script : { kind: "tftp", file: uefiFile(uefi, packet.mac) };
  } else if (architecture === 0 && !isIpxe && isRaspberryPi(packet.mac)) {
    const reason = "it is a Raspberry Pi, though it calls itself a PC with BIOS";
    return { kind: "unsupported", reason, getsAddress: false };
  } else if (architecture === 0) {
    // An iPXE in a network card's ROM is of unknown age. One that can follow the script is kept: it
    // drives its card itself, and undionly, through the ROM's UNDI, may hear nothing there. Ours
    // (undionly) names a bare `PXEClient`; a ROM says `PXEClient:Arch:…`.
    const follows = isIpxe && (vendorClass === "PXEClient" || canFollowScript(packet));
    return follows ? script : { kind: "tftp", file: "undionly.kpxe" };
  }
  const name = architectureNames[architecture] ?? `architecture ${architecture}`;
  return {
    kind: "unsupported",
    reason: `a boot as ${name} is not supported`,
    getsAddress: true,
  };
}

/** As the IEEE's register (oui.txt) gives them to the Raspberry Pi's makers. */
const raspberryPiPrefixes: ReadonlySet<string> = new Set([
  ...["28:cd:c1", "2c:cf:67", "88:a2:9e", "b8:27:eb", "d8:3a:dd", "dc:a6:32", "e4:5f:01"],
]);

/** Its boot loader sends `PXEClient:Arch:00000:UNDI:002001`, as the ROMs of PCs do: only the maker tells them apart. */
const isRaspberryPi = (mac: MacAddress): boolean => raspberryPiPrefixes.has(mac.slice(0, 8));

/** What the script asks of an iPXE for BIOS, as ipxe.org numbers features in option 175: HTTP, bzImage, menus. */
const scriptFeatures: readonly number[] = [0x13, 0x18, 0x27];

/** Option 175 is a list of code, length and value; a feature's value is its version, 0 for none. */
function canFollowScript({ options }: DhcpPacket): boolean {
  const value = options.get(175) ?? new Uint8Array();
  const features = new Set<number>();
  for (let at = 0; at + 2 < value.length; at += 2 + (value[at + 1] as number))
    if (value[at + 1] === 1 && value[at + 2] !== 0) features.add(value[at] as number);
  return scriptFeatures.every((feature) => features.has(feature));
}

/** RFC 4578 section 2.1 and the IANA registry of processor architecture types. */
const architectureNames: Readonly<Record<number, string>> = {
  6: "UEFI on 32-bit x86",
  10: "UEFI on 32-bit ARM",
  11: "UEFI on 64-bit ARM",
  15: "UEFI HTTP on 32-bit x86",
  18: "UEFI HTTP on 32-bit ARM",
  19: "UEFI HTTP on 64-bit ARM",
};

/** Option 93 is a list of 16-bit numbers, the preferred first. Old ROMs say it in option 60 alone, or are BIOS. */
function architectureOf(packet: DhcpPacket, vendorClass: string): number {
  const value = packet.options.get(93);
  if (value !== undefined && value.length >= 2)
    return (value[0] as number) * 256 + (value[1] as number);
  return Number(/:Arch:(\d{5})/.exec(vendorClass)?.[1] ?? 0);
}
