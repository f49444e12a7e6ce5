/**
 * CRC-32 as GPT has it (UEFI 2.10, 5.3.2: CCITT32 ANSI, polynomial 0x04C11DB7 reflected).
 * Others begin with another state and do not invert the last one: `crc32State`.
 */
export const crc32 = (data: Uint8Array): number => ~crc32State(data, ~0) >>> 0;

export function crc32State(data: Uint8Array, state: number): number {
  let crc = state;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return crc >>> 0;
}
