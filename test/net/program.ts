import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { inNamespace } from "../room/run.ts";

const programs: Program[] = [];

/** A program in a namespace, and the lines it has said on both streams. */
export class Program {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  readonly ended: Promise<number | null>;

  constructor(namespace: string, words: readonly string[], env: Record<string, string> = {}) {
    const [command, ...args] = inNamespace(namespace, [
      "setpriv",
      "--pdeathsig",
      "KILL",
      ...words,
    ]) as [string, ...string[]];
    this.child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      let partial = "";
      stream?.setEncoding("utf8").on("data", (text: string) => {
        const parts = (partial + text).split("\n");
        partial = parts.pop() ?? "";
        this.lines.push(...parts);
      });
    }
    this.ended = new Promise((resolve) => this.child.on("close", resolve));
    programs.push(this);
  }

  /** The first line, from the `since`th on, that matches. */
  async line(pattern: RegExp, since = 0, seconds = 20): Promise<string> {
    const deadline = performance.now() + seconds * 1000;
    for (;;) {
      const found = this.lines.slice(since).find((line) => pattern.test(line));
      if (found !== undefined) return found;
      const said = this.lines.slice(since).join("\n");
      assert(this.child.exitCode === null, `it ended before it said ${pattern}: ${said}`);
      assert(performance.now() < deadline, `not within ${seconds} s: ${pattern}; but: ${said}`);
      await sleep(20);
    }
  }

  tell(...lines: object[]): void {
    for (const line of lines) this.child.stdin?.write(`${JSON.stringify(line)}\n`);
  }
}

/** Kills what this process has started and what still runs. */
export async function endPrograms(): Promise<void> {
  for (const { child } of programs) child.kill("SIGKILL");
  await Promise.all(programs.map(({ ended }) => ended));
}
