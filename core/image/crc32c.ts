/** CRC-32C (Castagnoli): polynomial 0x1EDC6F41 reflected, RFC 3720 appendix B.4. */
import { compiled, programBytes, programMemory, started } from "../units/web-assembly.ts";

/** `crc32c.wat`, assembled; a test does that anew and compares. */
export const crcProgram = programBytes(
  "0061736d0100000001080160037f7f7f017f0210010473756d73066d656d6f72790200010302010007070103",
  "73756d00000ad70201d40201057f2000200120006b4170716a21030340200020034904402002200028020073",
  "21042000280204210520002802082106200028020c2107200541027441fc077128028058200541067641fc07",
  "7128028050732005410e7641fc077128028048200541167641fc0771280280407373200641027441fc077128",
  "028038200641067641fc077128028030732006410e7641fc077128028028200641167641fc07712802802073",
  "7373200741027441fc077128028018200741067641fc077128028010732007410e7641fc0771280280082007",
  "41167641fc07712802007373200441027441fc077128028078200441067641fc077128028070732004410e76",
  "41fc077128028068200441167641fc077128028060737373732102200041106a21000c010b0b034020002001",
  "490440200220002d00007341027441fc07712802002002410876732102200041016a21000c010b0b20020b",
);

const tableWords = 256;
/** As many bytes are taken at a step, each by a table of its own ("slicing by 16"). */
const tableCount = 16;
const dataAt = tableCount * tableWords * 4;
/** Of what is summed at a time: with the tables, what the nearest caches of a processor hold. */
const pieceBytes = 48 * 1024;

interface Summer {
  /** In the program's memory. */
  readonly data: Uint8Array;
  sum(at: number, end: number, state: number): number;
}

let summer: Summer | null = null;

/** CRC-32C of `data`, or of what came before (`crc`) and `data`. */
export function crc32c(data: Uint8Array, crc = 0): number {
  summer ??= newSummer();
  let state = ~crc;
  for (let at = 0; at < data.length; at += pieceBytes) {
    const piece = data.subarray(at, at + pieceBytes);
    summer.data.set(piece);
    state = summer.sum(dataAt, dataAt + piece.length, state);
  }
  return ~state >>> 0;
}

function newSummer(): Summer {
  const memory = programMemory(dataAt + pieceBytes);
  fillTables(new Int32Array(memory.buffer, 0, tableCount * tableWords));
  const { sum } = started<Pick<Summer, "sum">>(compiled(crcProgram), { sums: memory });
  return { sum, data: new Uint8Array(memory.buffer, dataAt, pieceBytes) };
}

/** Of a byte that so many others follow as the table has before it. */
function fillTables(tables: Int32Array): void {
  for (let byte = 0; byte < tableWords; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0x82f63b78 : 0);
    tables[byte] = value;
  }
  for (let at = tableWords; at < tables.length; at++) {
    const before = tables[at - tableWords] as number;
    tables[at] = (before >>> 8) ^ (tables[before & 0xff] as number);
  }
}
