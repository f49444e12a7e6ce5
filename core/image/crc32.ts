/** CRC-32 as GPT has it (UEFI 2.10, 5.3.2: CCITT32 ANSI, polynomial 0x04C11DB7 reflected). */
export function crc32(data: Uint8Array): number {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
