/** Boot entries of the tests, made of bytes by the specification. */
import { encodeEntry } from "../../../core/boot/efi-entry.ts";

const hex = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text.replace(/\s/g, ""), "hex"));

/** Written by efibootmgr 17: `-c -p 1 -L debian -l '\EFI\debian\shimx64.efi'`, without efivarfs's attributes. */
export const debianBytes = hex(`
  0100 0000 6200 6400 6500 6200 6900 6100 6e00 0000 0401 2a00 0100 0000
  0008 0000 0000 0000 0000 0100 0000 0000
  6745 2301 ab89 efcd 0123 4567 89ab cdef 0202
  0404 3400 5c00 4500 4600 4900 5c00 6400 6500 6200 6900 6100 6e00 5c00 7300
  6800 6900 6d00 7800 3600 3400 2e00 6500 6600 6900 0000 7fff 0400`);
export const debianPartition = {
  number: 1,
  firstLba: 2048,
  lbaCount: 65536,
  guid: "01234567-89ab-cdef-0123-456789abcdef",
};

type Node = readonly [type: number, subtype: number, data: string];

/** `nodes` without the end. */
export const entryOf = (description: string, nodes: readonly Node[], attributes = 1): Uint8Array =>
  encodeEntry({
    attributes,
    description,
    nodes: [...nodes, [0x7f, 0xff, ""] as const].map(([type, subtype, data]) => ({
      type,
      subtype,
      data: hex(data),
    })),
    optional: new Uint8Array(),
  });

/** PciRoot(0x0)/Pci(0x3,0x0) */
const card: readonly Node[] = [
  [2, 1, "d041030a 00000000"],
  [1, 1, "00 03"],
];
const mac: Node = [3, 11, `525400123456 ${"00".repeat(26)} 01`];
export const network4 = entryOf("UEFI PXEv4 (MAC:525400123456)", [
  ...card,
  mac,
  [3, 12, "00".repeat(23)],
]);
export const network6 = entryOf("UEFI PXEv6 (MAC:525400123456)", [
  ...card,
  mac,
  [3, 13, "00".repeat(56)],
]);
/** VenMsg(bc7838d2-0f82-4d60-8316-c068ee79d25b,…): a card that firmware names in its own way. */
export const lanByVendor = entryOf("PCI LAN", [
  [3, 10, "d23878bc820f604d8316c068ee79d25b 78a84aaf2b2afc4ea79cf5cc8f3d3803"],
]);
/** Fv(…)/FvFile(462caa21-7614-4503-836e-8ab6f4662331): the firmware's setup, an application. */
export const setupApp = entryOf(
  "UiApp",
  [
    [4, 7, "c9bdb87cebf8344faaea3ee4af6516a1"],
    [4, 6, "21aa2c4614760345836e8ab6f4662331"],
  ],
  0x109,
);
/** PciRoot(0x0)/Pci(0x1f,0x2)/Sata(1,65535,0): a DVD drive. */
export const disc = entryOf("UEFI DVD", [
  card[0] as Node,
  [1, 1, "02 1f"],
  [3, 18, "0100 ffff 0000"],
]);
