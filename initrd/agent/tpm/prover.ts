/** The PC's key in its TPM: the same at every boot, and nobody can take it out. */
import { type Decoded, errorText, RoomcastError } from "../../../core/errors.ts";
import { pinOf } from "../../../core/node/pin.ts";
import type { Prover } from "../../../core/trust/prover.ts";
import { bootPcrs } from "../../../core/trust/quote.ts";
import { p256Spki } from "../../../core/trust/spki.ts";
import {
  decodeCreatePrimary,
  decodeFlushContext,
  decodePcrBanks,
  decodeQuote,
  encodeCreatePrimary,
  encodeFlushContext,
  encodeGetPcrBanks,
  encodeQuote,
} from "../../../core/wire/tpm/commands.ts";
import type { PcrSelection } from "../../../core/wire/tpm/pcr-selection.ts";
import { openTpmDevice, type TpmDevice } from "./device.ts";

/** Signs with the TPM's key until it is disposed of, which frees the key's place in the TPM. */
export interface TpmProver extends Prover, AsyncDisposable {
  readonly kind: "tpm";
}

/**
 * Makes the PC's key in its TPM, which takes up to some seconds. Answers null when there is no TPM 2.0 or it
 * is of no use; `say` hears in a sentence which key it is, or why there is none.
 */
export async function openTpmProver(
  device: string,
  say: (sentence: string) => void,
): Promise<TpmProver | null> {
  try {
    const startedAt = performance.now();
    const prover = await tpmProver(await openTpmDevice(device), say);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(2);
    say(`the TPM's key is ${pinOf(prover.spki)}, ready after ${seconds} s`);
    return prover;
  } catch (error) {
    const next = error instanceof RoomcastError ? `: ${error.next}` : "";
    say(`no key of a TPM: ${errorText(error)}${next}`);
    return null;
  }
}

/** The key of an open TPM, which it closes. Rejects with a RoomcastError (`failed`). */
export async function tpmProver(
  tpm: TpmDevice,
  say: (sentence: string) => void,
): Promise<TpmProver> {
  const ask = async <T>(command: Uint8Array, decode: (bytes: Uint8Array) => Decoded<T>) =>
    understood(decode(await tpm.transmit(command)));
  try {
    // First, for the TPM works on it by itself while the agent starts.
    const { handle, x, y } = await ask(encodeCreatePrimary(), decodeCreatePrimary);
    if (!hasBootPcrs(await ask(encodeGetPcrBanks(), decodePcrBanks))) {
      say(
        "the TPM keeps no SHA-256 of what this PC started; the firmware's setup can switch it on",
      );
    }
    return {
      kind: "tpm",
      spki: p256Spki(x, y),
      async prove(digest) {
        const { attest, signature } = await ask(encodeQuote(handle, digest, bootPcrs), decodeQuote);
        return { quote: attest, signature };
      },
      async [Symbol.asyncDispose]() {
        await ask(encodeFlushContext(handle), decodeFlushContext).catch(() => {});
        await tpm[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await tpm[Symbol.asyncDispose]();
    throw error;
  }
}

function understood<T>(decoded: Decoded<T>): T {
  if (decoded.ok) return decoded.value;
  throw new RoomcastError(
    "failed",
    `the TPM's answer is of no use: ${decoded.reason}`,
    "look at its settings in the firmware's setup",
  );
}

/** Some firmware keeps only SHA-1 of what it starts. */
const hasBootPcrs = (banks: readonly PcrSelection[]): boolean =>
  banks.some(
    ({ hash, pcrs }) => hash === bootPcrs.hash && bootPcrs.pcrs.every((pcr) => pcrs.includes(pcr)),
  );
