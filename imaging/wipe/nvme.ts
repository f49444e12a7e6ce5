/**
 * NVM Express, Base Specification 2.0 and NVM Command Set 1.0: what a controller says of its ways to erase
 * itself, and the commands. As `linux/nvme_ioctl.h` passes them on.
 */

/** struct nvme_passthru_cmd. */
export const commandBytes = 72;
/** Of both Identify structures and of the namespace list. */
export const identifyBytes = 4096;
export const sanitizeLogBytes = 512;

const opcode = { getLogPage: 0x02, identify: 0x06, format: 0x80, sanitize: 0x84 } as const;
/** Identify, CNS: the namespace, the controller, the list of active namespaces. */
const cns = { namespace: 0, controller: 1, activeList: 2 } as const;
const allNamespaces = 0xffff_ffff;
/** Of commands that answer at once, in milliseconds. */
const shortTimeoutMs = 60_000;
/** An erase of user data takes minutes on a flash disk, and as long as writing it on others. */
const formatTimeoutMs = 6 * 3600 * 1000;

interface AdminCommand {
  readonly opcode: number;
  readonly nsid: number;
  readonly cdw10: number;
  readonly dataBytes?: number;
  readonly timeoutMs?: number;
}

/** Offsets: 0 u8 opcode, 4 u32 nsid, 24 u64 address (whoever sends it fills it in), 36 u32 data length, 40 u32 cdw10, 64 u32 timeout in ms. */
function encode({ opcode: code, nsid, cdw10, dataBytes = 0, timeoutMs }: AdminCommand): Uint8Array {
  const bytes = new Uint8Array(commandBytes);
  const view = new DataView(bytes.buffer);
  bytes[0] = code;
  view.setUint32(4, nsid, true);
  view.setUint32(36, dataBytes, true);
  view.setUint32(40, cdw10, true);
  view.setUint32(64, timeoutMs ?? shortTimeoutMs, true);
  return bytes;
}

const identify = (what: number, nsid: number): Uint8Array =>
  encode({ opcode: opcode.identify, nsid, cdw10: what, dataBytes: identifyBytes });
export const identifyNamespace = (nsid: number): Uint8Array => identify(cns.namespace, nsid);
export const identifyController = (): Uint8Array => identify(cns.controller, 0);
/** The active namespaces with a number above 0, the first 1024. */
export const listNamespaces = (): Uint8Array => identify(cns.activeList, 0);

/** Get Log Page, Sanitize Status (81h): bits 7:0 the page, 31:16 its dwords less one. */
export const sanitizeLog = (): Uint8Array =>
  encode({
    opcode: opcode.getLogPage,
    nsid: allNamespaces,
    cdw10: (((sanitizeLogBytes / 4 - 1) << 16) | 0x81) >>> 0,
    dataBytes: sanitizeLogBytes,
  });

export type SanitizeAction = "block" | "crypto";

/** SANACT in bits 2:0; bit 3, AUSE: a disk whose sanitize failed can be used again. */
export const sanitize = (action: SanitizeAction): Uint8Array =>
  encode({ opcode: opcode.sanitize, nsid: 0, cdw10: 0x8 | (action === "block" ? 0b010 : 0b100) });

export interface FormatErase {
  readonly nsid: number;
  /** All bits of cdw10 that keep the namespace's format as it is. */
  readonly keep: number;
  readonly isCrypto: boolean;
}

/** SES in bits 11:9: user data erase, or cryptographic erase. */
export const format = ({ nsid, keep, isCrypto }: FormatErase): Uint8Array =>
  encode({
    opcode: opcode.format,
    nsid,
    cdw10: keep | ((isCrypto ? 0b010 : 0b001) << 9),
    timeoutMs: formatTimeoutMs,
  });

export interface Controller {
  readonly canFormat: boolean;
  readonly canCryptoFormat: boolean;
  /** A format, or the erase in it, reaches all namespaces. */
  readonly formatsAll: boolean;
  readonly canBlockSanitize: boolean;
  readonly canCryptoSanitize: boolean;
}

/** Identify Controller: OACS at 256, SANICAP at 328, FNA at 524. */
export function decodeController(data: Uint8Array): Controller {
  const view = new DataView(data.buffer, data.byteOffset, identifyBytes);
  const oacs = view.getUint16(256, true);
  const sanicap = view.getUint32(328, true);
  const fna = view.getUint8(524);
  return {
    canFormat: (oacs & 0b10) !== 0,
    canCryptoFormat: (fna & 0b100) !== 0,
    formatsAll: (fna & 0b011) !== 0,
    canCryptoSanitize: (sanicap & 0b01) !== 0,
    canBlockSanitize: (sanicap & 0b10) !== 0,
  };
}

export interface Namespace {
  /** As in `FormatErase`. */
  readonly keep: number;
  readonly zerosAfterDiscard: boolean;
}

/**
 * Identify Namespace: FLBAS at 26 (bits 3:0 and 6:5 the format's number, bit 4 metadata in line), DPS at 29
 * (bits 2:0 protection, bit 3 where), DLFEAT at 33 (bits 2:0 = 1: what is deallocated reads as zeros).
 */
export function decodeNamespace(data: Uint8Array): Namespace {
  const [flbas, dps, dlfeat] = [data[26] ?? 0, data[29] ?? 0, data[33] ?? 0];
  const number = (flbas & 0xf) | (((flbas >> 5) & 0b11) << 12);
  const metadata = ((flbas >> 4) & 1) << 4;
  const protection = ((dps & 0b111) << 5) | (((dps >> 3) & 1) << 8);
  return { keep: number | metadata | protection, zerosAfterDiscard: (dlfeat & 0b111) === 0b001 };
}

/** Numbers up to the first 0. */
export function decodeNamespaces(data: Uint8Array): readonly number[] {
  const view = new DataView(data.buffer, data.byteOffset, identifyBytes);
  const found: number[] = [];
  for (let at = 0; at < identifyBytes; at += 4) {
    const nsid = view.getUint32(at, true);
    if (nsid === 0) break;
    found.push(nsid);
  }
  return found;
}

export type SanitizeState =
  | { readonly state: "running"; readonly fraction: number }
  | { readonly state: "done" | "failed" | "never" };

/** Sanitize Status: SPROG at 0 in 65536ths, SSTAT at 2 with the state in bits 2:0. */
export function decodeSanitizeLog(data: Uint8Array): SanitizeState {
  const view = new DataView(data.buffer, data.byteOffset, 4);
  switch (view.getUint16(2, true) & 0b111) {
    case 1:
    case 4:
      return { state: "done" };
    case 2:
      return { state: "running", fraction: view.getUint16(0, true) / 65536 };
    case 0:
      return { state: "never" };
    default:
      return { state: "failed" };
  }
}
