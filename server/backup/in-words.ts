import { RoomcastError } from "../../core/errors.ts";
import { isFull } from "../../core/node/disk-full.ts";

/** What the file system refuses to `work` is told in words: what was done then, which path, and what to do. */
export async function inWords<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const isOfFiles = cause instanceof Error && "syscall" in cause && "code" in cause;
    if (!isOfFiles) throw cause;
    const hasNoSpace = isFull(cause.code);
    throw new RoomcastError(
      hasNoSpace ? "no-space" : "failed",
      `${doing}: ${cause.message}`,
      hasNoSpace ? "free some space there, and run it again" : "see to that path, and run it again",
      { cause },
    );
  }
}
