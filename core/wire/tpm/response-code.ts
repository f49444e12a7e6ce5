/** Response codes (TCG TPM 2.0 Part 2, 6.6) in words, for those that a PC's key can meet. */

/** Codes of the whole command, and warnings: what can be tried again. */
const plainWords: Readonly<Record<number, string>> = {
  30: "it is a TPM 1.2",
  256: "it was not started by the firmware",
  257: "it has failed its own test",
  288: "the command is switched off",
  301: "it waits for an update of its firmware",
  323: "it does not know the command",
  2306: "it has no memory left for keys",
  2307: "it has no memory left for sessions",
  2308: "it has no memory left",
  2314: "it is testing itself",
  2320: "the key is not in it any more",
  2337: "it is locked after too many wrong passwords",
  2338: "it is busy",
  2339: "its storage is not ready",
};

/** Codes about a parameter, a handle or an authorisation, in their lowest six bits. */
const formatWords: Readonly<Record<number, string>> = {
  1: "the algorithm is not supported",
  2: "the key's attributes are not supported",
  3: "the hash is not supported",
  4: "the value is not supported",
  5: "the hierarchy is switched off",
  10: "the type is not supported",
  11: "the handle is not right",
  14: "a password is set",
  18: "the scheme is not supported",
  21: "the length is not right",
  34: "a password is set",
  38: "the curve is not supported",
};

/** Bit 7: the code is about a part of the command; else bit 6 belongs to the number. */
const formatBit = 0x80;

/** As `the hierarchy is switched off (handle 1, response code 0x185)`. */
export function responseText(code: number): string {
  const number = `response code 0x${code.toString(16).padStart(3, "0")}`;
  const unknown = "the TPM refuses it";
  if ((code & formatBit) === 0) return `${plainWords[code] ?? unknown} (${number})`;
  const words = formatWords[code & 0x3f] ?? unknown;
  return `${words} (${partOf(code)}, ${number})`;
}

/** Bit 6: a parameter, counted by bits 8 to 11; else a session if bit 11 is set, else a handle, by bits 8 to 10. */
function partOf(code: number): string {
  const count = (code >> 8) & 0xf;
  if ((code & 0x40) !== 0) return `parameter ${count}`;
  return count >= 8 ? `authorisation ${count - 8}` : `handle ${count}`;
}
