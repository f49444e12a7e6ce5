import { RoomcastError } from "../../core/errors.ts";

const full: readonly string[] = ["ENOSPC", "EDQUOT"];

/** What the file system refuses to `work` is told in words: what was done then, which path, and what to do. */
export async function inWords<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const isOfFiles = cause instanceof Error && "syscall" in cause && "code" in cause;
    if (!isOfFiles) throw cause;
    const isFull = full.includes(String(cause.code));
    throw new RoomcastError(
      isFull ? "no-space" : "failed",
      `${doing}: ${cause.message}`,
      isFull ? "free some space there, and run it again" : "see to that path, and run it again",
      { cause },
    );
  }
}
