/** Linux' swap space, as mkswap(8) makes it. */
import { ascii, type ByteSource } from "./byte-source.ts";

/** The header is a page, whose size is that of the machine; the signature ends it. */
const pageSizes = [4096, 8192, 16384, 32768, 65536];
const signature = "SWAPSPACE2";

/** Of the header, in bytes; null where there is none that is known. */
export async function swapPageBytes(source: ByteSource): Promise<number | null> {
  const { length } = signature;
  for (const bytes of pageSizes) {
    if (bytes > source.size) break;
    if (ascii(await source.read(bytes - length, length), 0, length) === signature) return bytes;
  }
  return null;
}
