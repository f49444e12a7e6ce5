/** Starts the two tools' programs in their namespaces and hears what they say. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { inNamespace } from "../room/run.ts";

export interface End {
  /** Resolves once it has said this line. */
  said(line: string): Promise<void>;
  /** Its last line that is JSON; undefined when there is none. */
  readonly last: () => Record<string, number> | undefined;
  /** Everything that it said, for whoever has to find out what went wrong. */
  readonly output: () => string;
  /** Its exit status; -1 when it was killed. */
  readonly exited: Promise<number>;
  /** Ends its standard input. */
  finish(): void;
  kill(): void;
}

export function startEnd(namespace: string, command: readonly string[]): End {
  const [program, ...args] = inNamespace(namespace, [
    ...["setpriv", "--pdeathsig", "KILL"],
    ...command,
  ]) as [string, ...string[]];
  const child: ChildProcess = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      for (const listener of [...listeners]) listener();
    });
  }
  child.stdin?.on("error", () => {}); // it may have ended before
  return {
    said: (wanted) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!lines.includes(wanted)) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
      }),
    last() {
      const line = lines.findLast((each) => each.startsWith("{"));
      return line === undefined ? undefined : JSON.parse(line);
    },
    output: () => lines.join("\n"),
    exited: new Promise((resolve) => child.on("close", (code) => resolve(code ?? -1))),
    finish: () => void child.stdin?.end(),
    kill: () => void child.kill("SIGKILL"),
  };
}
