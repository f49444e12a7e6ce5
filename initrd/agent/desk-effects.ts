/** What the person at the PC wants, done: each request of the desk ends in an event for it. */
import { spawn } from "node:child_process";
import type { DeskEvent, DeskRequest, Finding } from "../../core/agent/desk.ts";
import { errorText, RoomcastError } from "../../core/errors.ts";
import type { ViewRole } from "../../core/trust/grant.ts";
import type { AgentMessage } from "../../core/wire/agent-message.ts";
import type { Menu } from "../menu/view.ts";
import type { Journal } from "./journal.ts";
import type { ServerFiles } from "./link/http.ts";

/** Of these the desk's own effects take care; the others are the agent's. */
export type DeskEffect = Exclude<DeskRequest, { type: "stop" | "dismiss" | "power" }>;

export interface DeskEffectPorts {
  readonly journal: Journal;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
  /** A grant for what the person wants to look at; rejects when there is none. */
  grantOf(view: ViewRole): Promise<string>;
  files(signal: AbortSignal, grant: () => string): ServerFiles;
  /** Looks at the way to the server; tells after each step all that was found. */
  check(signal: AbortSignal, grant: () => Promise<string>): AsyncIterable<readonly Finding[]>;
  /** Whether the shell on the PC's second console is held back. */
  lockShell(isLocked: boolean): void;
  menu(): Menu | null;
  send(message: AgentMessage): boolean;
  told(event: DeskEvent): void;
}

export function performAtDesk(request: DeskEffect, ports: DeskEffectPorts): void {
  const { told } = ports;
  switch (request.type) {
    case "ask":
      return send(ports, { type: "ask", want: request.want });
    case "unlock":
      return send(ports, { type: "unlock", pin: request.pin });
    case "fetch-images":
      return unlessFailed(ports, async () => {
        told({ type: "images", images: await (await filesFor("list", ports)).images() });
      });
    case "fetch-targets":
      return unlessFailed(ports, async () => {
        const files = await filesFor("targets", ports);
        told({ type: "targets", targets: await files.targets(request.room) });
      });
    case "check":
      return void check(ports);
    case "lock-shell":
      return ports.lockShell(request.isLocked);
    case "open-shell":
      return openShell(ports);
  }
}

function send({ send: say, told }: DeskEffectPorts, message: AgentMessage): void {
  const text = say(message) ? null : "there is no connection to the server: try again";
  told({ type: "notice", text });
}

async function filesFor(view: ViewRole, ports: DeskEffectPorts): Promise<ServerFiles> {
  const grant = await ports.grantOf(view);
  return ports.files(ports.signal, () => grant);
}

function unlessFailed({ signal, told }: DeskEffectPorts, act: () => Promise<void>): void {
  act().catch((error: unknown) => {
    if (signal.aborted) return;
    const next = error instanceof RoomcastError ? `: ${error.next}` : "";
    told({ type: "notice", text: `${errorText(error)}${next}` });
  });
}

async function check(ports: DeskEffectPorts): Promise<void> {
  let trouble: string | null = null;
  try {
    for await (const findings of ports.check(ports.signal, () => ports.grantOf("check"))) {
      ports.told({ type: "findings", findings });
    }
  } catch (error) {
    if (!ports.signal.aborted) trouble = `the network check broke: ${error}`;
  }
  ports.told({ type: "checked", trouble });
}

/** On the PC's own screen, in the menu's place. */
function openShell({ journal, menu: menuOf, told }: DeskEffectPorts): void {
  const menu = menuOf();
  if (menu === null) return;
  menu.suspend();
  const back = (trouble: string | null): void => {
    menu.resume();
    told({ type: "notice", text: trouble });
  };
  process.stdout.write("A shell of this PC; `exit` leads back to roomcast.\n");
  journal.log("a shell was opened at the PC");
  const child = spawn("/bin/sh", ["-i"], { stdio: "inherit" });
  child.on("error", (error) => back(`no shell: ${error.message}`));
  child.on("exit", () => back(null));
}
