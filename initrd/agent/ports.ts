import type { Finding, MenuAction } from "../../core/agent/desk.ts";
import type { Order, Power } from "../../core/agent/life.ts";
import type { PinnedServer } from "../../core/node/pinned.ts";
import type { Clock } from "../../core/ports.ts";
import type { Prover } from "../../core/trust/prover.ts";
import type { Hello } from "../../core/wire/hello.ts";
import type { Language } from "../../core/wire/language.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { DiskView } from "../../core/wire/views.ts";
import type { Menu } from "../menu/view.ts";
import type { Listening } from "./check/listen.ts";
import type { Journal } from "./journal.ts";
import type { ServerFiles } from "./link/http.ts";
import type { Task, TaskVoice } from "./tasks/task.ts";

/** All of `hello` that the PC itself is. */
export type Described = Omit<Hello, "type" | "protocol" | "state" | "report">;

/** What a task has of the agent. */
export interface AgentVoice extends TaskVoice {
  /** The PC's own name, as the server has it. */
  readonly pcName: string;
}

/** What the agent has of the PC that it runs on. */
export interface AgentPorts {
  readonly server: PinnedServer;
  /** The server's address, for people. */
  readonly serverUrl: string;
  /** Of the screen, until the server has said which. */
  readonly language: Language;
  /** The PC's key; a TPM takes seconds to make it. */
  readonly prover: Promise<Prover>;
  readonly clock: Clock;
  readonly journal: Journal;
  /** The server may show these keys from now on. */
  learnKeys(keys: readonly string[]): Promise<void>;
  describe(): Promise<Described>;
  /** The server knows this PC; said after each login. */
  welcomed(): void;
  startTask(order: Order, voice: AgentVoice): Task;
  /** `grant` answers the one that counts at that moment. */
  files(signal: AbortSignal, grant: () => string): ServerFiles;
  /** Resolves when the PC stays all the same. */
  power(action: Power): Promise<void>;
  /** Whether one of the disks was left by a restore that did not finish. */
  isHalfWritten(disks: readonly DiskView[]): boolean;
  /** What is wrong with the PC as it stands, in sentences with the cure, for its screen. */
  troubles(disks: readonly DiskView[]): readonly string[];
  /** Whether the shell on the PC's second console is held back. */
  lockShell(isLocked: boolean): void;
  /** Looks at the way to the server; tells after each step all that was found. */
  check(signal: AbortSignal, grant: () => Promise<string>): AsyncIterable<readonly Finding[]>;
  /** Counts what comes of a check of the room's network. */
  listen(order: Extract<ServerMessage, { type: "listen" }>): Listening;
  openMenu: ((onAction: (action: MenuAction) => void) => Promise<Menu>) | null;
  readonly once: boolean;
  /** Why operators get no shell here, or null. */
  readonly shellRefusal: string | null;
}
