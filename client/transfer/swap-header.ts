/** Swap space as mkswap(8) makes it: a page with version, size, UUID and label, and a signature at its end. */
const pageBytes = 4096;
const signature = "SWAPSPACE2";

export function swapHeader(swap: {
  readonly uuid: string;
  readonly label: string;
  readonly size: number;
}): Uint8Array {
  const page = Buffer.alloc(Math.min(pageBytes, swap.size));
  if (page.length < pageBytes) return page;
  // linux/swap.h, union swap_header: 1024 bytes for a boot sector, then version, last_page, nr_badpages.
  page.writeUInt32LE(1, 1024);
  page.writeUInt32LE(Math.min(Math.floor(swap.size / pageBytes) - 1, 0xffff_ffff), 1028);
  Buffer.from(swap.uuid.replaceAll("-", ""), "hex").copy(page, 1036, 0, 16);
  Buffer.from(swap.label, "utf8").copy(page, 1052, 0, 16);
  page.write(signature, pageBytes - signature.length, "latin1");
  return page;
}
