/** A TPM's quote: what it signs of its PCRs and of the digest that it was given. */
import type { Decoded } from "../errors.ts";
import { type PcrSelection, readPcrSelections } from "../wire/tpm/pcr-selection.ts";
import { TpmReader } from "../wire/tpm/reader.ts";

/** A TPMS_ATTEST of a quote (TCG TPM 2.0 Part 2, 10.12). */
export interface Quote {
  /** What the TPM was given to sign along: the login's digest. */
  readonly extraData: Uint8Array;
  /** Milliseconds that the TPM had power since its owner last cleared it. */
  readonly clockMs: bigint;
  /** Starts of the TPM since then: a boot from power-off or a reset each. */
  readonly resetCount: number;
  /** Resumes from sleep since the last reset. */
  readonly restartCount: number;
  /** No higher clock was ever told than this one. */
  readonly isClockSafe: boolean;
  readonly firmwareVersion: bigint;
  readonly pcrSelection: readonly PcrSelection[];
  /** The hash of the selected PCRs' values, one after the other. */
  readonly pcrDigest: Uint8Array;
}

/** What a PC's quote covers: firmware, boot loader, Secure Boot's keys, kernel and initrd, unified kernel image. */
export const bootPcrs: PcrSelection = { hash: "sha256", pcrs: [0, 4, 7, 9, 11] };

/** Part 2, 6.2: TPM_GENERATED_VALUE, which a restricted key signs of no data but the TPM's own. */
const magic = 0xff544347;

/** Part 2, 6.9: TPM_ST_ATTEST_QUOTE. */
const attestQuote = 0x8018;

/** Part 2, 10.4.3: a TPM2B_DATA holds at most a TPMT_HA, an algorithm and the longest digest. */
const dataLimit = 2 + 64;

/** The longest digest, of SHA-512. */
const digestLimit = 64;

/**
 * Reads a quote; its signature is checked elsewhere.
 *
 * | offset | size | field |
 * |---|---|---|
 * | 0 | 4 | magic, 0xff544347 |
 * | 4 | 2 | type, 0x8018 |
 * | 6 | 2 + n | qualifiedSigner, the key's name and place |
 * | 8 + n | 2 + d | extraData |
 * | 10 + n + d | 8 | clockInfo.clock |
 * | 18 + n + d | 4 | clockInfo.resetCount |
 * | 22 + n + d | 4 | clockInfo.restartCount |
 * | 26 + n + d | 1 | clockInfo.safe |
 * | 27 + n + d | 8 | firmwareVersion |
 * | 35 + n + d | 4 + s | pcrSelect, a count and the selections |
 * | 39 + n + d + s | 2 + h | pcrDigest |
 */
export function readQuote(bytes: Uint8Array): Decoded<Quote> {
  const reader = new TpmReader(bytes);
  if (reader.u32() !== magic) return { ok: false, reason: "not made by a TPM" };
  if (reader.u16() !== attestQuote) return { ok: false, reason: "not a quote" };
  const signer = reader.sized();
  const extraData = reader.sized();
  const quote = {
    extraData,
    clockMs: reader.u64(),
    resetCount: reader.u32(),
    restartCount: reader.u32(),
    isClockSafe: reader.u8() === 1,
    firmwareVersion: reader.u64(),
  };
  const pcrSelection = readPcrSelections(reader);
  if (!pcrSelection.ok) return pcrSelection;
  const pcrDigest = reader.sized();
  if (reader.isTruncated) return { ok: false, reason: "truncated" };
  if (reader.left > 0) return { ok: false, reason: "longer than a quote" };
  if (Math.max(signer.length, extraData.length) > dataLimit || pcrDigest.length > digestLimit) {
    return { ok: false, reason: "a field is longer than a TPM makes it" };
  }
  return { ok: true, value: { ...quote, pcrSelection: pcrSelection.value, pcrDigest } };
}
