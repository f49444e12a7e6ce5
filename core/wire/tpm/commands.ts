/**
 * The four commands of a TPM 2.0 that a PC's key takes (TCG TPM 2.0 Part 3), each with its answer. All numbers
 * are big-endian. A handle is authorised by the empty password.
 *
 * | offset | size | command | | offset | size | answer |
 * |---|---|---|---|---|---|---|
 * | 0 | 2 | tag: 0x8002 with an authorisation, else 0x8001 | | 0 | 2 | tag, as the command's |
 * | 2 | 4 | length of all | | 2 | 4 | length of all |
 * | 6 | 4 | command code | | 6 | 4 | response code, 0: done |
 * | 10 | 4 | handle, if it takes one | | 10 | 4 | handle, if it makes one |
 * | 14 | 4 | length of the authorisation, if any | | 14 | 4 | length of the parameters, if authorised |
 * | 18 | 9 | the empty password | | 18 | p | parameters |
 * | 27 | p | parameters | | 18 + p | | authorisation |
 */
import type { Decoded } from "../../errors.ts";
import { type PcrSelection, pcrSelections, readPcrSelections } from "./pcr-selection.ts";
import { TpmReader } from "./reader.ts";
import { responseText } from "./response-code.ts";

/** Of an object that the TPM holds until it is flushed. */
export type TpmHandle = number;

/** Part 2, 6.9: TPM_ST_NO_SESSIONS and TPM_ST_SESSIONS. */
const tag = { plain: 0x8001, authorised: 0x8002 };

/** Part 2, 6.5.2: TPM_CC. */
const code = { createPrimary: 0x131, quote: 0x158, flushContext: 0x165, getCapability: 0x17a };

/** Part 2, 7.4: TPM_RH_ENDORSEMENT, whose keys survive TPM2_Clear and a password of the owner. */
const endorsement = 0x4000000b;

/** Part 2, 6.12: TPM_CAP_PCRS. */
const capabilityPcrs = 5;

/** Part 2, 6.3: TPM_ALG_ID. */
const algorithm = { sha256: 0x000b, none: 0x0010, ecdsa: 0x0018, ecc: 0x0023 };

/** Part 2, 6.4: TPM_ECC_NIST_P256. */
const curveP256 = 0x0003;

/** Of each coordinate of a point of P-256, and of each number of its signature. */
const fieldBytes = 32;

/**
 * Part 2, 8.3: fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, sign. Restricted: it
 * signs nothing that looks like a quote and is none.
 */
const attributes = 0x00050472;

/** A TPM's longest answer that anybody knows of (Linux: TPM_BUFSIZE). */
export const responseLimit = 4096;

const u16 = (value: number): number[] => [(value >> 8) & 255, value & 255];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value & 0xffff)];
const sized = (bytes: ArrayLike<number>): number[] => [...u16(bytes.length), ...Array.from(bytes)];

/**
 * The template of the PC's key (TPMT_PUBLIC, Part 2, 12.2.4) up to its point. A TPM makes the same key of the
 * same template and the same hierarchy each time, for as long as the hierarchy's seed is the same.
 *
 * | offset | size | field |
 * |---|---|---|
 * | 0 | 2 | type, ECC |
 * | 2 | 2 | nameAlg, SHA-256 |
 * | 4 | 4 | objectAttributes |
 * | 8 | 2 | authPolicy, empty |
 * | 10 | 2 | symmetric, none |
 * | 12 | 4 | scheme, ECDSA with SHA-256 |
 * | 16 | 2 | curve, P-256 |
 * | 18 | 2 | kdf, none |
 */
const template: readonly number[] = [
  ...u16(algorithm.ecc),
  ...u16(algorithm.sha256),
  ...u32(attributes),
  ...u16(0),
  ...u16(algorithm.none),
  ...u16(algorithm.ecdsa),
  ...u16(algorithm.sha256),
  ...u16(curveP256),
  ...u16(algorithm.none),
];

/** Part 2, 7.4 and 10.13.2: TPM_RS_PW, no nonce, no attributes, no password. */
const emptyPassword = [...u32(0x40000009), ...u16(0), 0, ...u16(0)];

const command = (tagOf: number, commandCode: number, rest: readonly number[]): Uint8Array =>
  Uint8Array.of(...u16(tagOf), ...u32(10 + rest.length), ...u32(commandCode), ...rest);

const authorised = (commandCode: number, handle: TpmHandle, parameters: readonly number[]) =>
  command(tag.authorised, commandCode, [
    ...u32(handle),
    ...u32(emptyPassword.length),
    ...emptyPassword,
    ...parameters,
  ]);

/** Makes the PC's key: a primary of the endorsement hierarchy that signs ECDSA P-256 with SHA-256. */
export const encodeCreatePrimary = (): Uint8Array =>
  authorised(code.createPrimary, endorsement, [
    // inSensitive: no password of its own, no data.
    ...sized([...sized([]), ...sized([])]),
    // inPublic, with an empty point.
    ...sized([...template, ...sized([]), ...sized([])]),
    // outsideInfo and creationPCR: none.
    ...sized([]),
    ...u32(0),
  ]);

/** The PC's key as the TPM has it. */
export interface TpmKey {
  readonly handle: TpmHandle;
  /** The point's coordinates, 32 bytes each. */
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

export function decodeCreatePrimary(bytes: Uint8Array): Decoded<TpmKey> {
  const opened = openResponse(bytes);
  if (!opened.ok) return opened;
  const reader = opened.value;
  const handle = reader.u32();
  // The length of the parameters; they hold their own.
  reader.u32();
  const key = new TpmReader(reader.sized());
  const made = key.bytes(template.length);
  const x = number256(key.sized());
  const y = number256(key.sized());
  if (reader.isTruncated || key.isTruncated) return { ok: false, reason: "truncated" };
  if (x === null || y === null || template.some((byte, index) => byte !== made[index]))
    return { ok: false, reason: "another key than was asked for" };
  return { ok: true, value: { handle, x, y } };
}

/** Has the PCRs and the data signed, at most 64 bytes of it. */
export const encodeQuote = (
  handle: TpmHandle,
  extraData: Uint8Array,
  selection: PcrSelection,
): Uint8Array =>
  authorised(code.quote, handle, [
    ...sized(extraData),
    ...u16(algorithm.ecdsa),
    ...u16(algorithm.sha256),
    ...pcrSelections([selection]),
  ]);

/** What the TPM signed (a TPMS_ATTEST), and r and s of 32 bytes each. */
export function decodeQuote(
  bytes: Uint8Array,
): Decoded<{ readonly attest: Uint8Array; readonly signature: Uint8Array }> {
  const opened = openResponse(bytes);
  if (!opened.ok) return opened;
  const reader = opened.value;
  reader.u32();
  const attest = reader.sized();
  const scheme = [reader.u16(), reader.u16()];
  const r = number256(reader.sized());
  const s = number256(reader.sized());
  if (reader.isTruncated) return { ok: false, reason: "truncated" };
  if (scheme[0] !== algorithm.ecdsa || scheme[1] !== algorithm.sha256 || r === null || s === null)
    return { ok: false, reason: "another signature than ECDSA P-256 with SHA-256" };
  return { ok: true, value: { attest, signature: Uint8Array.of(...r, ...s) } };
}

/** Asks which PCRs the TPM keeps, of which hashes. */
export const encodeGetPcrBanks = (): Uint8Array =>
  command(tag.plain, code.getCapability, [...u32(capabilityPcrs), ...u32(0), ...u32(1)]);

export function decodePcrBanks(bytes: Uint8Array): Decoded<readonly PcrSelection[]> {
  const opened = openResponse(bytes);
  if (!opened.ok) return opened;
  const reader = opened.value;
  // moreData: a TPM has all its banks in one answer.
  reader.u8();
  if (reader.u32() !== capabilityPcrs) return { ok: false, reason: "another capability's answer" };
  return readPcrSelections(reader);
}

/** Frees the place of an object. */
export const encodeFlushContext = (handle: TpmHandle): Uint8Array =>
  command(tag.plain, code.flushContext, u32(handle));

export function decodeFlushContext(bytes: Uint8Array): Decoded<null> {
  const opened = openResponse(bytes);
  return opened.ok ? { ok: true, value: null } : opened;
}

/** What follows an answer's header; the reason of one that the TPM refused is its response code in words. */
function openResponse(bytes: Uint8Array): Decoded<TpmReader> {
  const reader = new TpmReader(bytes);
  // A TPM 1.2, and one that does not take the command's tag, answer with other tags.
  reader.u16();
  const length = reader.u32();
  const responseCode = reader.u32();
  if (reader.isTruncated || length !== bytes.length) return { ok: false, reason: "truncated" };
  return responseCode === 0
    ? { ok: true, value: reader }
    : { ok: false, reason: responseText(responseCode) };
}

/** Some TPMs leave out leading zeros. Null when it is longer than P-256's numbers. */
function number256(bytes: Uint8Array): Uint8Array | null {
  if (bytes.length > fieldBytes) return null;
  const padded = new Uint8Array(fieldBytes);
  padded.set(bytes, fieldBytes - bytes.length);
  return padded;
}
