/**
 * ATA's Security feature set (ACS-4), by SCSI's ATA PASS-THROUGH (16) of SAT-4: what a disk says of it, and
 * the commands.
 */

export const sectorBytes = 512;

export interface AtaCommand {
  readonly name: string;
  readonly cdb: Uint8Array;
  readonly direction: "none" | "in" | "out";
  /** Read into, or sent. */
  readonly data: Uint8Array;
  readonly timeoutMs: number;
}

/** Protocols of SAT-4, table 149, in bits 4:1 of byte 1. */
const protocol = { none: 3, in: 4, out: 5 } as const;
/** Of commands that answer at once; a disk that stood still has to spin up. In milliseconds. */
const shortTimeoutMs = 30_000;

/**
 * The password that is set for the time of an erase, and that the erase removes. It is no secret: whoever
 * has a disk that lost its power meanwhile has to be able to unlock it.
 */
const password = "roomcast";

function command(
  name: string,
  code: number,
  direction: AtaCommand["direction"],
  more: { readonly data?: Uint8Array; readonly timeoutMs?: number } = {},
): AtaCommand {
  const { data = new Uint8Array(0), timeoutMs = shortTimeoutMs } = more;
  const cdb = new Uint8Array(16);
  cdb[0] = 0x85;
  cdb[1] = protocol[direction] << 1;
  // T_DIR (bit 3): from the disk; BYT_BLOK (2): in blocks; T_LENGTH (1:0): their number is the count.
  cdb[2] = direction === "none" ? 0 : (direction === "in" ? 0x08 : 0) | 0x06;
  cdb[6] = direction === "none" ? 0 : 1;
  cdb[14] = code;
  return { name, cdb, direction, data, timeoutMs };
}

/** Word 0 and, in words 1 to 16, the password. */
function passwordBlock(word0: number): Uint8Array {
  const data = new Uint8Array(sectorBytes);
  data[0] = word0;
  data.set(new TextEncoder().encode(password), 2);
  return data;
}

export const identify = (): AtaCommand =>
  command("IDENTIFY DEVICE", 0xec, "in", { data: new Uint8Array(sectorBytes) });
/** The user's password, at level high: the master's still unlocks. */
export const setPassword = (): AtaCommand =>
  command("SECURITY SET PASSWORD", 0xf1, "out", { data: passwordBlock(0) });
export const disablePassword = (): AtaCommand =>
  command("SECURITY DISABLE PASSWORD", 0xf6, "out", { data: passwordBlock(0) });
export const prepareErase = (): AtaCommand => command("SECURITY ERASE PREPARE", 0xf3, "none");
/** Word 0, bit 1: the enhanced erase, which reaches sectors that were replaced too. */
export const eraseUnit = (isEnhanced: boolean, timeoutMs: number): AtaCommand =>
  command("SECURITY ERASE UNIT", 0xf4, "out", {
    data: passwordBlock(isEnhanced ? 0b10 : 0),
    timeoutMs,
  });

export interface AtaSecurity {
  readonly isSupported: boolean;
  /** It has a password. */
  readonly isEnabled: boolean;
  readonly isFrozen: boolean;
  /** Too many wrong passwords since it got power. */
  readonly isExpired: boolean;
  readonly hasEnhanced: boolean;
  /** Of the better erase that it has, in minutes; null: it does not say, or more than it can say. */
  readonly minutes: number | null;
  readonly zerosAfterDiscard: boolean;
}

/** Words 69, 89, 90, 128 and 169 of IDENTIFY DEVICE; null for what is no answer of a disk. */
export function decodeIdentify(data: Uint8Array): AtaSecurity | null {
  if (data.length !== sectorBytes || data.every((byte) => byte === 0)) return null;
  // Word 255: A5h, then what makes the sum of all bytes 0. Disks from before 1998 have neither.
  const sum = data.reduce((total, byte) => (total + byte) & 0xff, 0);
  if (data[510] === 0xa5 && sum !== 0) return null;
  const word = (index: number): number =>
    (data[2 * index] as number) | ((data[2 * index + 1] as number) << 8);
  const security = word(128);
  const has = (bit: number): boolean => ((security >> bit) & 1) === 1;
  return {
    isSupported: has(0),
    isEnabled: has(1),
    isFrozen: has(3),
    isExpired: has(4),
    hasEnhanced: has(5),
    minutes: minutesOf(word(has(5) ? 90 : 89)),
    // DRAT and RZAT, and that it has TRIM at all.
    zerosAfterDiscard: (word(69) & 0x4020) === 0x4020 && (word(169) & 1) === 1,
  };
}

/** In units of two minutes, in 8 bits or, with bit 15 set, in 15; the largest means more than it says. */
function minutesOf(value: number): number | null {
  const [units, most] = value & 0x8000 ? [value & 0x7fff, 0x7fff] : [value & 0xff, 0xff];
  return units === 0 || units === most ? null : 2 * units;
}
