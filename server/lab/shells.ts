import { randomInt } from "node:crypto";
import { RoomcastError } from "../../core/errors.ts";
import { bulkKind, encodeBulk } from "../../core/wire/bulk.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import {
  type ShellEnded,
  type ShellOver,
  type ShellSize,
  shellsLimit,
} from "../../core/wire/shell.ts";
import type { PcRecord } from "../state/records.ts";
import type { Admissions } from "./admissions.ts";
import type { Announcer } from "./announcer.ts";
import type { Inventory } from "./inventory.ts";
import type { LabTimers } from "./timers.ts";

export interface ShellsPorts {
  readonly timers: Pick<LabTimers, "now">;
  readonly inventory: Inventory;
  readonly announcer: Announcer;
  requireOnline(pc: PcRecord): void;
  readonly admissions: Admissions;
  send(pc: string, message: ServerMessage): void;
  sendBytes(pc: string, frame: Uint8Array): void;
}

/** The operator's end of a shell. */
export interface ShellTerminal {
  readonly operator: string;
  readonly term: string;
  readonly size: ShellSize;
  /** `shown` is called when the bytes are on their way: more may come. */
  show(bytes: Uint8Array, shown: () => void): void;
  end(over: ShellOver): void;
}

/** What an operator's terminal does with its shell. */
export interface ShellHandle {
  type(bytes: Uint8Array): void;
  resize(size: ShellSize): void;
  close(): void;
}

interface Shell {
  readonly pc: string;
  readonly terminal: ShellTerminal;
  readonly openedAt: number;
}

/** The shells that operators have open on PCs. Who opened one, where and for how long is an event. */
export class Shells {
  private readonly ports: ShellsPorts;
  private readonly shells = new Map<number, Shell>();

  constructor(ports: ShellsPorts) {
    this.ports = ports;
  }

  /** Throws `refused` when PC or room are to have none, `unreachable`, and `conflict`. */
  requireAllowed(pc: PcRecord, operator: string): void {
    const { inventory, admissions, requireOnline } = this.ports;
    if (!inventory.room(pc.room).settings.shell) {
      throw new RoomcastError(
        "refused",
        `room ${pc.room} is set to allow no shells`,
        `allow them with \`roomcast room set ${pc.room} --shell on\``,
      );
    }
    admissions.requireOrder([pc], { operator, shown: null });
    requireOnline(pc);
    const open = [...this.shells.values()].filter((shell) => shell.pc === pc.id);
    if (open.length < shellsLimit) return;
    throw new RoomcastError(
      "conflict",
      `${open.length} shells are open on ${pc.name} (${open.map(({ terminal }) => terminal.operator).join(", ")})`,
      "close one first",
    );
  }

  open(pc: PcRecord, terminal: ShellTerminal): ShellHandle {
    const { operator, term, size } = terminal;
    this.requireAllowed(pc, operator);
    const { admissions, send, sendBytes } = this.ports;
    admissions.place(pc, operator);
    const shell = randomInt(1, 2 ** 32);
    this.shells.set(shell, { pc: pc.id, terminal, openedAt: this.ports.timers.now() });
    this.ports.announcer.note({ pc: pc.id, operator }, `${operator} opened a shell`);
    send(pc.id, { type: "shell-open", shell, operator, term, ...size });
    const isOpen = (): boolean => this.shells.has(shell);
    return {
      type: (bytes) => {
        if (isOpen()) sendBytes(pc.id, encodeBulk(bulkKind.shell, shell, bytes));
      },
      resize: (next) => {
        if (isOpen()) send(pc.id, { type: "shell-resize", shell, ...next });
      },
      close: () => {
        if (!isOpen()) return;
        send(pc.id, { type: "shell-close", shell });
        this.forget(shell);
      },
    };
  }

  /** What a PC's shell printed. */
  shown(pc: string, number: number, bytes: Uint8Array): void {
    const shell = this.shells.get(number);
    if (shell?.pc !== pc || bytes.length === 0) return;
    shell.terminal.show(bytes, () => {
      if (!this.shells.has(number)) return;
      this.ports.send(pc, { type: "shell-credit", shell: number, bytes: bytes.length });
    });
  }

  ended(pc: string, { shell: number, status, reason }: ShellEnded): void {
    if (this.shells.get(number)?.pc === pc)
      this.forget(number)?.end({ type: "ended", status, reason });
  }

  /** A PC's connection is gone, and its shells with it. */
  lost(pc: string, reason: string): void {
    for (const [number, shell] of this.shells) {
      if (shell.pc === pc) this.forget(number)?.end({ type: "ended", status: null, reason });
    }
  }

  private forget(number: number): ShellTerminal | undefined {
    const shell = this.shells.get(number);
    this.shells.delete(number);
    if (shell === undefined) return undefined;
    const { operator } = shell.terminal;
    const seconds = Math.round((this.ports.timers.now() - shell.openedAt) / 1000);
    const text = `the shell of ${operator} is closed after ${seconds} s`;
    this.ports.announcer.note({ pc: shell.pc, operator }, text);
    return shell.terminal;
  }
}
