import type { IPty } from "@lydell/node-pty";
import { errorText } from "../../core/errors.ts";
import { bulkKind } from "../../core/wire/bulk.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import {
  type ShellEnded,
  type ShellOrder,
  shellsLimit,
  shellWindow,
} from "../../core/wire/shell.ts";

export interface ShellPorts {
  /** Shells are open to operators here; else why not, and what to do. */
  readonly refusal: string | null;
  send(message: ShellEnded): void;
  sendBulk(kind: number, tag: number, payload: Uint8Array): boolean;
  log(text: string): void;
}

interface Shell {
  readonly pty: IPty;
  /** Bytes that may still be sent ahead. */
  credit: number;
}

/** Whether it is said to the shells. */
export const isForShells = (message: ServerMessage): message is ShellOrder =>
  message.type.startsWith("shell-");

/** The shells that operators have open on this PC, each in a terminal of its own. */
export class Shells {
  private readonly ports: ShellPorts;
  private readonly shells = new Map<number, Shell>();
  /** What was ordered and typed, in its order: the first shell waits until its library is loaded. */
  private work: Promise<void> = Promise.resolve();

  constructor(ports: ShellPorts) {
    this.ports = ports;
  }

  take(order: ShellOrder): void {
    this.work = this.work.then(() => this.perform(order));
  }

  /** What the operator typed. */
  type(shell: number, bytes: Uint8Array): void {
    this.work = this.work.then(() => {
      const held = this.shells.get(shell);
      // It takes bytes as well, whatever its types say.
      if (held !== undefined)
        attempt(() => held.pty.write(Buffer.from(bytes) as unknown as string));
    });
  }

  private perform(order: ShellOrder): Promise<void> | void {
    const held = this.shells.get(order.shell);
    switch (order.type) {
      case "shell-open":
        return held === undefined ? this.open(order) : undefined;
      case "shell-resize":
        // A program that has just ended has no terminal to resize.
        if (held !== undefined) attempt(() => held.pty.resize(order.columns, order.lines));
        return;
      case "shell-credit":
        if (held === undefined) return;
        if (held.credit <= 0 && held.credit + order.bytes > 0) held.pty.resume();
        held.credit += order.bytes;
        return;
      case "shell-close":
        return this.end(order.shell);
    }
  }

  /** The connection is gone: nobody is at these terminals any more. */
  closeAll(): void {
    for (const shell of [...this.shells.keys()]) this.end(shell);
  }

  private async open(order: Extract<ShellOrder, { type: "shell-open" }>): Promise<void> {
    const { shell, operator, term, columns, lines } = order;
    const { ports } = this;
    const refuse = (reason: string): void =>
      ports.send({ type: "shell-ended", shell, status: null, reason });
    if (ports.refusal !== null) return refuse(ports.refusal);
    if (this.shells.size >= shellsLimit)
      return refuse(`${shellsLimit} shells are open here already`);
    let pty: IPty;
    try {
      const { spawn } = await import("@lydell/node-pty");
      pty = spawn("/bin/sh", ["-i"], {
        ...{ name: term, cols: columns, rows: lines, cwd: "/" },
        encoding: null,
      });
    } catch (error) {
      return refuse(`no terminal: ${errorText(error)}`);
    }
    ports.log(`${operator} opened a shell`);
    const held: Shell = { pty, credit: shellWindow };
    this.shells.set(shell, held);
    // With `encoding: null` it hands over bytes, whatever its types say.
    pty.onData((data) => this.show(shell, held, data as unknown as Buffer));
    pty.onExit(({ exitCode }) => {
      if (this.shells.delete(shell)) {
        ports.send({ type: "shell-ended", shell, status: exitCode, reason: null });
      }
      ports.log(`the shell of ${operator} is closed`);
    });
  }

  private show(shell: number, held: Shell, bytes: Buffer): void {
    if (!this.shells.has(shell)) return;
    held.credit -= bytes.length;
    if (held.credit <= 0) held.pty.pause();
    if (this.ports.sendBulk(bulkKind.shell, shell, bytes)) return;
    this.end(shell);
    const reason = "the connection does not keep up";
    this.ports.send({ type: "shell-ended", shell, status: null, reason });
  }

  private end(shell: number): void {
    const held = this.shells.get(shell);
    this.shells.delete(shell);
    // The whole session of the terminal gets its hang-up.
    if (held !== undefined) attempt(() => held.pty.kill("SIGHUP"));
  }
}

/** What a terminal refuses because its program has ended meanwhile is no trouble. */
function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // It is over.
  }
}
