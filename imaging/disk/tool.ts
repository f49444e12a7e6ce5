/** Programs that the boot image brings along. */
import { execFile } from "node:child_process";

/** Milliseconds for a tool: a map of a large, slow disk takes minutes. */
const toolLimitMs = 15 * 60_000;
/** For one that resizes a file system, and leaves it broken when it is ended: relocating a few hundred GB takes hours. */
export const resizeLimitMs = 24 * 3600_000;
const outputLimitBytes = 64 * 1024 * 1024;
const complaintLimitCharacters = 2000;
/** How long an abort waits for the tool to be gone, in milliseconds; a hung disk may hold it for good. */
const goneLimitMs = 5000;

/** Where Debian, and the boot image, have them; the caller's own path is not asked. */
const toolPath = "/usr/sbin:/usr/bin:/sbin:/bin";

export interface ToolEnd {
  /** -1 when the tool is not there or was ended. */
  readonly status: number;
  /** Never in the boot image; on a host that imports, whose packages are its own. */
  readonly isMissing: boolean;
  readonly output: string;
  /** Its last lines on stderr. */
  readonly complaint: string;
}

/**
 * For what is soon over, and would be undone by nobody if the tool were ended in the middle of it: an
 * abort counts before, and after.
 */
export const untilItEnds = (): AbortSignal => new AbortController().signal;

/**
 * Runs a tool without a shell, in the C locale. Rejects only as `signal` says, and not before the tool
 * has let go of its disk.
 */
export function runTool(
  tool: string,
  args: readonly string[],
  signal: AbortSignal,
  limitMs = toolLimitMs,
): Promise<ToolEnd> {
  signal.throwIfAborted();
  const options = {
    timeout: limitMs,
    maxBuffer: outputLimitBytes,
    env: { LC_ALL: "C", PATH: toolPath },
  };
  return new Promise((resolve, reject) => {
    const child = execFile(tool, args, options, (error, stdout, stderr) => {
      signal.removeEventListener("abort", stop);
      if (signal.aborted) return reject(signal.reason);
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      const isMissing = error?.code === "ENOENT";
      const complaint = stderr.trim() === "" && status === -1 ? String(error?.message) : stderr;
      resolve({
        status,
        isMissing,
        output: stdout,
        complaint: complaint.trim().slice(-complaintLimitCharacters),
      });
    });
    // Node's own `signal` would end the wait at once, with the tool still at its work.
    const stop = (): void => {
      child.kill();
      setTimeout(() => reject(signal.reason), goneLimitMs).unref();
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}
