/** Secrets that an operator puts into files. */
import { open } from "node:fs/promises";
import { errorText, RoomcastError } from "../../core/errors.ts";

/** What group and others may do with a file. */
const othersBits = 0o077;
/** Of a key or a password, generously; in bytes. */
const secretLimit = 4096;

/**
 * The text of a file that only its owner may read, without the white space around it. `setting` names the
 * setting that names the file. Throws `refused` when others may read it, and `bad-input` when nothing is to be read.
 */
export async function readSecretFile(path: string, setting: string): Promise<string> {
  let text: string;
  try {
    await using file = await open(path);
    const { mode } = await file.stat();
    if ((mode & othersBits) !== 0) {
      throw new RoomcastError(
        "refused",
        `${path}, which ${setting} names, is open to others than its owner`,
        `run: chmod go-rwx ${path}, and take a new secret if somebody may have read this one`,
      );
    }
    const { buffer, bytesRead } = await file.read(Buffer.alloc(secretLimit + 1));
    text = bytesRead > secretLimit ? "" : buffer.toString("utf8", 0, bytesRead).trim();
  } catch (cause) {
    if (cause instanceof RoomcastError) throw cause;
    throw new RoomcastError("bad-input", errorText(cause), `correct ${setting}`, { cause });
  }
  if (text !== "") return text;
  const next = `put the secret, and nothing else, into the file that ${setting} names`;
  throw new RoomcastError("bad-input", `${path} is empty, or longer than a secret`, next);
}
