/** The desk, run: the person's menu, what is said there, and what the person wants done. */
import { atDesk, type Desk, type DeskEvent, emptyDesk } from "../../core/agent/desk.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { Menu, MenuView } from "../menu/view.ts";
import { type DeskEffectPorts, performAtDesk } from "./desk-effects.ts";
import type { AgentPorts } from "./ports.ts";
import type { WorkRequest } from "./workbench.ts";

const deskWords = ["placed", "menu", "waiting", "notice"] as const;
/** What the server says to the person at the PC. */
type DeskMessage = Extract<ServerMessage, { type: (typeof deskWords)[number] }>;

/** Whether it is said there. */
export const isForDesk = (message: ServerMessage): message is DeskMessage =>
  (deskWords as readonly string[]).includes(message.type);

export interface FrontDeskPorts
  extends Omit<DeskEffectPorts, "menu" | "told">,
    Pick<AgentPorts, "openMenu"> {
  /** What is wanted of whoever works. */
  work(request: WorkRequest): void;
  /** What the screen is to show; null while it is not known what this PC is. */
  view(desk: Desk): MenuView | null;
}

export class FrontDesk {
  private readonly ports: FrontDeskPorts;
  private readonly effects: DeskEffectPorts;
  private desk: Desk = emptyDesk;
  private screen: Menu | null = null;

  constructor(ports: FrontDeskPorts) {
    this.ports = ports;
    this.effects = { ...ports, menu: () => this.screen, told: (event) => this.take(event) };
  }

  /** The menu on this PC's screen; null: it has none. */
  get menu(): Menu | null {
    return this.screen;
  }

  /** The PC's name, as the server has it; empty before it has said so. */
  get pcName(): string {
    return this.desk.name ?? "";
  }

  async open(): Promise<void> {
    const { openMenu } = this.ports;
    this.screen = (await openMenu?.((chosen) => this.take({ type: "chose", chosen }))) ?? null;
  }

  close(): void {
    this.screen?.close();
  }

  take(event: DeskEvent): void {
    const { desk: before } = this;
    const [desk, requests] = atDesk(before, event);
    this.desk = desk;
    for (const request of requests) {
      if (request.type === "stop" || request.type === "dismiss" || request.type === "power")
        this.ports.work(request);
      else performAtDesk(request, this.effects);
    }
    if (desk !== before) this.draw();
  }

  hear(message: DeskMessage): void {
    switch (message.type) {
      case "notice":
        return this.notice(message.text);
      case "placed":
        return this.take({ type: "placed", placed: message });
      case "menu":
        return this.take({ type: "menu", menu: message });
      case "waiting":
        return this.take({ type: "waiting", what: message.what });
    }
  }

  /** A line for the person; null takes the last one away. */
  notice(text: string | null): void {
    if (text !== null) this.ports.journal.log(text);
    this.take({ type: "notice", text });
  }

  draw(): void {
    const view = this.screen === null ? null : this.ports.view(this.desk);
    if (view !== null) this.screen?.show(view);
  }
}
