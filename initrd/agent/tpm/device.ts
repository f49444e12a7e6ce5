import { open } from "node:fs/promises";
import { errorText, RoomcastError } from "../../../core/errors.ts";
import { responseLimit } from "../../../core/wire/tpm/commands.ts";

/** The kernel's resource manager: what one program leaves in the TPM is no other program's, and ends with it. */
export const tpmDevice = "/dev/tpmrm0";

/** The slowest TPMs make a key in two or three seconds; one that takes longer would keep the PC from the room. */
const answerLimitMs = 5000;
const limitParts = 10;

/** The way to a TPM: a command in, its answer out, one after the other. */
export interface TpmDevice extends AsyncDisposable {
  /** Rejects with a RoomcastError (`failed`) when it does not answer. */
  transmit(command: Uint8Array): Promise<Uint8Array>;
}

/**
 * Opens a character device that takes a command in one write and gives its answer in one read. Rejects with
 * a RoomcastError: `not-found` when there is none, `failed` when it cannot be opened.
 */
export async function openTpmDevice(path: string, limitMs = answerLimitMs): Promise<TpmDevice> {
  const handle = await open(path, "r+").catch((cause: NodeJS.ErrnoException): never => {
    if (cause.code === "ENOENT" || cause.code === "ENODEV") {
      throw new RoomcastError(
        "not-found",
        "this PC shows no TPM 2.0",
        "if it has one, switch it on in the firmware's setup (TPM, PTT or fTPM)",
        { cause },
      );
    }
    throw failure(`${path} cannot be opened: ${cause.message}`, cause);
  });
  const exchange = async (command: Uint8Array): Promise<Uint8Array> => {
    const { bytesWritten } = await handle.write(command, 0, command.length, null);
    if (bytesWritten !== command.length) throw failure("it took only a part of a command");
    const { bytesRead, buffer } = await handle.read(new Uint8Array(responseLimit), 0, null, null);
    return Uint8Array.from(buffer.subarray(0, bytesRead));
  };
  /** An answer was given up that has not come yet. */
  let isSilent = false;
  const exchangeInTime = async (command: Uint8Array): Promise<Uint8Array> => {
    // What it still says would be taken for the answer to another command.
    if (isSilent) throw failure("it has not answered an earlier command yet");
    const { promise: late, reject } = Promise.withResolvers<never>();
    // In parts, of which a start that keeps this process busy for seconds uses up one: an answer that
    // waits to be heard meanwhile is in time.
    let partsLeft = limitParts;
    const timer = setInterval(() => {
      partsLeft--;
      if (partsLeft > 0) return;
      isSilent = true;
      reject(failure(`it did not answer within ${limitMs / 1000} s`));
    }, limitMs / limitParts);
    const heard = exchange(command).finally(() => {
      isSilent = false;
    });
    try {
      return await Promise.race([heard, late]);
    } catch (cause) {
      throw cause instanceof RoomcastError ? cause : failure(errorText(cause), cause);
    } finally {
      clearInterval(timer);
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    transmit(command) {
      const answer = last.then(() => exchangeInTime(command));
      last = answer.catch(() => {});
      return answer;
    },
    async [Symbol.asyncDispose]() {
      const closed = handle.close().catch(() => {});
      // A file is closed only once a read that hangs has ended.
      if (!isSilent) await closed;
    },
  };
}

const failure = (what: string, cause?: unknown): RoomcastError =>
  new RoomcastError(
    "failed",
    `the TPM is of no use: ${what}`,
    "look at its settings in the firmware",
    {
      cause,
    },
  );
