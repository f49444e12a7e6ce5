import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { RoomcastError } from "../../core/errors.ts";

interface Reply {
  readonly resolve: (value: unknown) => void;
  readonly reject: (cause: Error) => void;
}

/** A line to a QEMU by its machine protocol: JSON objects, one a line; replies come in order. */
export class Qmp {
  private readonly socket: Socket;
  private readonly waiting: Reply[] = [];
  private readonly onEvent: (name: string) => void;
  private buffer = "";

  private constructor(socket: Socket, onEvent: (name: string) => void) {
    this.socket = socket;
    this.onEvent = onEvent;
    socket.setEncoding("utf8").on("data", (text: string) => this.take(text));
    socket.on("error", () => {}); // `close` follows
    socket.on("close", () => {
      for (const { reject } of this.waiting.splice(0)) reject(new Error("QEMU is gone"));
    });
  }

  /** Waits for the socket file: QEMU makes it a moment after its start. */
  static async open(path: string, onEvent: (name: string) => void): Promise<Qmp> {
    for (let attempt = 0; ; attempt++) {
      const socket = connect(path);
      const connected = await new Promise<boolean>((resolve) => {
        socket.once("connect", () => resolve(true));
        socket.once("error", () => resolve(false));
      });
      if (connected) {
        const qmp = new Qmp(socket, onEvent);
        await qmp.execute("qmp_capabilities");
        return qmp;
      }
      if (attempt === 100) {
        throw new RoomcastError("failed", `QEMU does not answer at ${path}`, "see its log");
      }
      await sleep(100);
    }
  }

  /** Runs a command; rejects with QEMU's own words, and when QEMU ends meanwhile. */
  async execute(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    if (this.socket.destroyed) throw new Error("QEMU is gone");
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private take(text: string): void {
    const lines = (this.buffer + text).split("\n");
    this.buffer = lines.pop() ?? "";
    for (const line of lines) {
      const message = JSON.parse(line) as {
        return?: unknown;
        error?: { desc: string };
        event?: string;
      };
      if (message.event !== undefined) this.onEvent(message.event);
      else if (message.error !== undefined)
        this.waiting.shift()?.reject(new Error(`QEMU: ${message.error.desc}`));
      else if ("return" in message) this.waiting.shift()?.resolve(message.return);
    }
  }
}
