/**
 * The site's own boot image for Secure Boot: kernel, initrd and boot line in one program that the site signs.
 * The shim starts it as its second stage, so that no script of GRUB is fetched from the network.
 */
import { type MacAddress, parseMac } from "../units/mac.ts";

/** Its files, below the boot folder. `make secure-boot-image` makes them. */
export const secureBootFiles = {
  /** Debian's shim, with the site's signature beside Microsoft's. */
  shim: "secure/shimx64.efi",
  image: "secure/roomcast.efi",
  /** The way to the PC's own disk, signed by the site. */
  localDisk: "secure/local-disk.efi",
  /** The site's certificate in DER, to be enrolled. */
  certificate: "secure/site.cer",
} as const;

/** Debian's, signed; the shim starts it when a key waits to be enrolled, or when a signature is of no known key. */
export const mokManager = "mmx64.efi";

/** Where a PC's shim is, by TFTP, and below `/boot/` by HTTP: it asks for all else beside itself. */
export const secureLoaderPath = (mac: MacAddress): string =>
  `secure/${mac.replaceAll(":", "-")}/shimx64.efi`;

/** What a PC asks for in its own folder: its MAC, and the file of the boot folder by the decision for it. */
export interface SecureBootRequest {
  readonly mac: MacAddress;
  /** The shim has started, and asks for what it is to start. */
  readonly isSecondStage: boolean;
  file(decision: "agent" | "local-disk"): string;
}

/** Undefined for what is not in such a folder. The shim writes two slashes before a name by HTTP. */
export function secureBootRequest(path: string): SecureBootRequest | undefined {
  const [, address = "", name = ""] =
    /^secure\/([0-9a-f-]{17})\/{1,2}(shimx64|grubx64|mmx64)\.efi$/.exec(path) ?? [];
  const mac = parseMac(address);
  if (mac === undefined) return undefined;
  const { shim, image, localDisk } = secureBootFiles;
  // The name of its second stage is compiled into the shim.
  const isSecondStage = name === "grubx64";
  return {
    mac,
    isSecondStage,
    file(decision) {
      if (isSecondStage) return decision === "agent" ? image : localDisk;
      return name === "mmx64" ? mokManager : shim;
    },
  };
}

/** What a boot image is made of: names in the boot folder, in the order in which they are packed. */
export const packedFiles = ["vmlinuz", "initrd.img", "drivers.img"] as const;

/** In the image's section `.osrel`: the files that it was made of, by their SHA-256 in hexadecimal. */
export const madeOfField = "ROOMCAST_FILES";
export const madeOf = (hashes: Readonly<Record<(typeof packedFiles)[number], string>>): string =>
  packedFiles.map((name) => `${name}:${hashes[name]}`).join(" ");
