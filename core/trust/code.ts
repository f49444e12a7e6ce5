/** Six digits that say which PC a key belongs to: the same on the PC's screen and on the console. */
import { assert } from "../errors.ts";

const codeDigits = 6;
/** 48 bits modulo a million: no digit is likelier than another by more than one in 10⁸. */
const digestBytesUsed = 6;

/** The code of a digest of `codeBytes`. */
export function codeOf(digest: Uint8Array): string {
  assert(digest.length >= digestBytesUsed, "a digest has at least six bytes");
  let value = 0;
  for (const byte of digest.subarray(0, digestBytesUsed)) value = value * 256 + byte;
  return String(value % 10 ** codeDigits).padStart(codeDigits, "0");
}

/** As people read it: `123 456`. */
export const codeText = (code: string): string => `${code.slice(0, 3)} ${code.slice(3)}`;
