/**
 * `roomcast image fit` as a program of its own, at the lowest priority: it reads disks that nobody vouches
 * for, takes hours of a core, and may be killed without the server. It reaches the server by the local
 * socket, as whoever may use it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type FitPart, fitParts } from "../../core/wire/fit-size.ts";

const program = join(import.meta.dirname, "../../bin/roomcast.js");
/** How long one that is told to stop may tidy up before it is killed, in milliseconds. */
const tidyMs = 10_000;
/** Characters of what it says on stderr that are kept: its last line has the error. */
const complaintLimit = 8192;

export interface FitProgramOptions {
  readonly dataFolder: string;
  readonly imageId: string;
  readonly size: string;
  /** The local socket answers. */
  readonly reachable: Promise<void>;
  progress(part: FitPart, done: number, total: number): void;
  /** What it has done, in words. */
  log(text: string): void;
  /** Once; null: it has done its work. */
  ended(failure: string | null): void;
}

/** Answers how to end it, which resolves when it is gone. */
export function startFitProgram(options: FitProgramOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const over = run(options, stopping.signal).then((failure) => {
    if (!stopping.signal.aborted) options.ended(failure);
  });
  return {
    async stop() {
      stopping.abort();
      await over;
    },
  };
}

async function run(options: FitProgramOptions, signal: AbortSignal): Promise<string | null> {
  const { dataFolder, imageId, size } = options;
  const stopped = new Promise<void>((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true }),
  );
  await Promise.race([options.reachable, stopped]);
  if (signal.aborted) return null;
  const words = ["--data", dataFolder, "--json", "image", "fit", imageId, "--disk-size", size];
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", program, ...words],
    {
      // With the channel it sees that this process is gone; in a group of its own it does not hear Ctrl-C.
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true,
    },
  );
  const stop = (): void => end(child);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await watch(child, options);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function watch(child: ChildProcess, options: FitProgramOptions): Promise<string | null> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("its output is a pipe");
  let complaint = "";
  stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-complaintLimit);
  });
  createInterface(stdout).on("line", (line) => {
    const event = parsed(line);
    const part = fitParts.find((each) => each === event?.doing);
    if (part !== undefined) options.progress(part, Number(event?.done), Number(event?.total));
  });
  const started = new Promise<string | null>((resolve) => {
    child.once("error", (error) => resolve(`it cannot be started: ${error.message}`));
    child.once("spawn", () => resolve(null));
  });
  const failure = await started;
  if (failure !== null) return failure;
  const [status, killedBy] = await once(child, "close");
  const lines = complaint.trim().split("\n");
  for (const line of lines.slice(0, status === 0 ? undefined : -1))
    if (line.startsWith(prefix)) options.log(line.slice(prefix.length));
  if (status === 0) return null;
  const last = lines.at(-1) ?? "";
  if (last.startsWith(prefix)) return last.slice(prefix.length);
  return `its program ended with ${killedBy ?? `status ${status}`}${last === "" ? "" : `: ${last}`}`;
}

/** Before each line that the command line has for people. */
const prefix = "roomcast: ";

function parsed(line: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
}

/** With its tools, which are of its group. */
function end(child: ChildProcess): void {
  child.kill("SIGTERM");
  const kill = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  }, tidyMs);
  child.once("close", () => clearTimeout(kill));
}
