import { type DhcpPacket, textOption } from "../wire/dhcp/packet.ts";

/** What a booting client is told to load. */
export type Loader =
  /** By TFTP, as `file` of the server. */
  | { readonly kind: "tftp"; readonly file: string }
  /** By HTTP; `class` goes back as option 60. */
  | {
      readonly kind: "http";
      readonly path: string;
      readonly vendorClass: "PXEClient" | "HTTPClient";
    }
  | { readonly kind: "unsupported"; readonly reason: string };

/** RFC 4578 section 2.1 and the IANA registry of processor architecture types. */
const architectureNames: Readonly<Record<number, string>> = {
  0: "BIOS",
  6: "UEFI on 32-bit x86",
  7: "UEFI",
  9: "UEFI",
  10: "UEFI on 32-bit ARM",
  11: "UEFI on 64-bit ARM",
  15: "UEFI HTTP on 32-bit x86",
  16: "UEFI HTTP",
  18: "UEFI HTTP on 32-bit ARM",
  19: "UEFI HTTP on 64-bit ARM",
};

const script = { kind: "http", path: "/boot/ipxe", vendorClass: "PXEClient" } as const;

/**
 * The table that holds the field's knowledge: architecture (option 93), vendor class (60) and user
 * class (77) to loader. Undefined: the client is not booting, it only wants an address.
 */
export function loaderFor(packet: DhcpPacket): Loader | undefined {
  const vendorClass = textOption(packet, 60) ?? "";
  const isHttp = vendorClass.startsWith("HTTPClient");
  if (!isHttp && !vendorClass.startsWith("PXEClient")) return undefined;
  const value = packet.options.get(93);
  const [high = 0, low = 0] = value ?? [];
  const architecture = high * 256 + low;
  const isIpxe = (textOption(packet, 77) ?? "").includes("iPXE");

  if (isHttp) {
    if (architecture === 16) {
      return { kind: "http", path: "/boot/snponly.efi", vendorClass: "HTTPClient" };
    }
  } else if (architecture === 7 || architecture === 9) {
    return isIpxe ? script : { kind: "tftp", file: "snponly.efi" };
  } else if (architecture === 0) {
    // An iPXE in a network card's ROM is of unknown age, so ours is loaded over it. Ours (undionly)
    // names a bare `PXEClient`; a ROM says `PXEClient:Arch:…`.
    return isIpxe && vendorClass === "PXEClient" ? script : { kind: "tftp", file: "undionly.kpxe" };
  }
  const name = architectureNames[architecture] ?? `architecture ${architecture}`;
  return { kind: "unsupported", reason: `${name} is not supported` };
}
