/** CRC-32C (Castagnoli): polynomial 0x1EDC6F41 reflected, RFC 3720 appendix B.4. */

/** Eight tables: eight bytes a step ("slicing by 8"), some 500 MB/s. */
const tables = makeTables();

/** CRC-32C of `data`, or of what came before (`crc`) and `data`. */
export function crc32c(data: Uint8Array, crc = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  let state = ~crc;
  let at = 0;
  const bytewise = (end: number): void => {
    for (; at < end; at++) {
      state = (state >>> 8) ^ (t0[(state ^ (data[at] as number)) & 0xff] as number);
    }
  };
  bytewise(Math.min(-data.byteOffset & 3, data.length));
  if (at === data.length) return ~state >>> 0;
  // A word has its first byte lowest on every machine that roomcast runs on.
  const pairs = (data.length - at) >>> 3;
  const words = new Int32Array(data.buffer, data.byteOffset + at, pairs * 2);
  for (let index = 0; index < words.length; index += 2) {
    const low = state ^ (words[index] as number);
    const high = words[index + 1] as number;
    state =
      (t7[low & 0xff] as number) ^
      (t6[(low >>> 8) & 0xff] as number) ^
      (t5[(low >>> 16) & 0xff] as number) ^
      (t4[low >>> 24] as number) ^
      (t3[high & 0xff] as number) ^
      (t2[(high >>> 8) & 0xff] as number) ^
      (t1[(high >>> 16) & 0xff] as number) ^
      (t0[high >>> 24] as number);
  }
  at += words.byteLength;
  bytewise(data.length);
  return ~state >>> 0;
}

type Table = Int32Array;

function makeTables(): readonly [Table, Table, Table, Table, Table, Table, Table, Table] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0x82f63b78 : 0);
    first[byte] = value;
  }
  const next = (table: Table): Table =>
    table.map((value) => (value >>> 8) ^ (first[value & 0xff] as number));
  const t1 = next(first);
  const t2 = next(t1);
  const t3 = next(t2);
  const t4 = next(t3);
  const t5 = next(t4);
  const t6 = next(t5);
  return [first, t1, t2, t3, t4, t5, t6, next(t6)];
}
