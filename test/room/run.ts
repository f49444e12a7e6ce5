import { spawn } from "node:child_process";
import { RoomcastError } from "../../core/errors.ts";

export interface RunOptions {
  /** Network namespace to run in. */
  readonly namespace?: string;
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** Hears each line of output as it comes, of both streams. */
  readonly onLine?: (line: string) => void;
  /** Given to the program on its standard input. */
  readonly input?: string;
  /** Exit statuses that are no failure; only 0 by default. */
  readonly accept?: readonly number[];
  /** The program is killed after this long. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Prefixes a command so that it runs in a network namespace. */
export function inNamespace(namespace: string | undefined, command: readonly string[]): string[] {
  return namespace === undefined ? [...command] : ["ip", "netns", "exec", namespace, ...command];
}

/**
 * Runs a program to its end. Rejects with a RoomcastError that carries the end of its output when it
 * is missing, exits otherwise than accepted, or takes too long.
 */
export async function run(
  command: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const [program, ...args] = inNamespace(options.namespace, command) as [string, ...string[]];
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, LC_ALL: "C", ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => child.kill("SIGKILL"), options.timeoutMs);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    let partial = "";
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      if (options.onLine === undefined) return;
      const lines = (partial + text).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) options.onLine(line);
    });
  }
  child.stdin.on("error", () => {}); // the program may end without reading its input
  child.stdin.end(options.input ?? "");
  const status = await new Promise<number>((resolve, reject) => {
    child.on("error", (cause) =>
      reject(
        new RoomcastError("failed", `${program} cannot be run`, `install ${program}`, { cause }),
      ),
    );
    child.on("close", (code) => resolve(code ?? -1));
  }).finally(() => clearTimeout(timer));
  if (!(options.accept ?? [0]).includes(status)) {
    const tail = `${output.stderr}\n${output.stdout}`.trim().split("\n").slice(-12).join("\n");
    throw new RoomcastError(
      "failed",
      `${command.join(" ").slice(0, 200)} ended with status ${status}: ${tail}`,
      "read the lines above",
    );
  }
  return { status, ...output };
}
