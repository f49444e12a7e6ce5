/** What the agent is at: its life, run; the task that was started last, its mailbox, and what is measured of it. */
import type { DeskRequest } from "../../core/agent/desk.ts";
import * as lives from "../../core/agent/life.ts";
import { pcState, type TaskProgress } from "../../core/agent/state.ts";
import type { Millis } from "../../core/units/units.ts";
import type { Hello } from "../../core/wire/hello.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { End } from "../../core/wire/work.ts";
import type { TaskView } from "../menu/view.ts";
import { Gauges } from "./gauges.ts";
import { Mailbox } from "./mailbox.ts";
import type { AgentPorts, AgentVoice } from "./ports.ts";
import { taskView } from "./screen.ts";
import type { Task } from "./tasks/task.ts";

const workWords = [
  ...(["restore", "cast", "capture", "wipe"] as const),
  ...(["cancel", "power", "told", "finish", "room"] as const),
] as const;
/** What the server says to whoever works. */
type WorkMessage = Extract<ServerMessage, { type: (typeof workWords)[number] }>;

/** Whether it is said there. */
export const isForWork = (message: ServerMessage): message is WorkMessage =>
  (workWords as readonly string[]).includes(message.type);

/** What the person at the PC wants of whoever works. */
export type WorkRequest = Extract<DeskRequest, { type: "stop" | "dismiss" | "power" }>;

export interface WorkbenchPorts
  extends Pick<AgentPorts, "clock" | "journal" | "startTask" | "power" | "once">,
    Pick<AgentVoice, "send" | "sendBulk"> {
  /** The PC's own name, as the server has it. */
  pcName(): string;
  /** A line for the person at the PC; null takes the last one away. */
  notice(text: string | null): void;
  /** It is at something else, or further at what it was. */
  changed(): void;
  /** The agent ends with this status. */
  exit(status: number): void;
}

export class Workbench {
  private readonly mailbox = new Mailbox();
  private readonly ports: WorkbenchPorts;
  private life: lives.Life = lives.idle;
  private latest: { readonly task: Task; readonly order: lives.Order } | null = null;
  private gauges = new Gauges();

  constructor(ports: WorkbenchPorts) {
    this.ports = ports;
  }

  /** Whether it works at something, as opposed to waiting for an order. */
  get isBusy(): boolean {
    return lives.underWay(this.life) !== null;
  }

  /** The listeners of whatever is under way. */
  get listeners(): Mailbox["current"] {
    return this.mailbox.current;
  }

  /** What it says of itself to the server. */
  standing(isHalfWritten: boolean): Pick<Hello, "state" | "report"> {
    const { life } = this;
    return { state: pcState(life, this.progress(), isHalfWritten), report: lives.report(life) };
  }

  /** Says how far the work is, and looks at the clock. */
  tick(): void {
    const order = lives.underWay(this.life);
    const progress = this.progress();
    if (order !== null && progress !== null)
      this.ports.send({ type: "progress", ...lives.workOf(order), ...progress });
    this.take({ type: "tick" });
  }

  hear(message: WorkMessage): void {
    const { mailbox } = this;
    switch (message.type) {
      case "restore":
      case "cast":
      case "capture":
      case "wipe":
        return this.take({ type: "order", order: message });
      case "cancel":
        return this.take({ type: "cancel", work: message, reason: message.reason });
      case "power":
        return this.take({ type: "power", action: message.action });
      case "told":
        return mailbox.of(message).told?.(message.entryCount);
      case "finish":
        return mailbox.of(message).finish?.();
      case "room":
        return this.takeRoom(message);
    }
  }

  ask(request: WorkRequest): void {
    switch (request.type) {
      case "stop": {
        const order = lives.underWay(this.life);
        if (order === null) return;
        this.ports.send({ type: "ask", want: { action: "stop", session: order.session } });
        // The server may be out of reach, and the person at the PC is not to wait for it.
        return this.take({ type: "stop", reason: "stopped at the PC" });
      }
      case "dismiss":
        return this.take({ type: "dismissed" });
      case "power":
        if (request.action === "boot-disk" && !this.isBusy)
          this.ports.send({ type: "ask", want: { action: "boot-disk" } });
        return this.take({ type: "power", action: request.action });
    }
  }

  /** The agent is to end, its task first. */
  quit(reason: string): void {
    this.take({ type: "quit", reason });
  }

  /** What the screen shows of it; null: the menu has the screen. */
  view(isConnected: boolean, now: Millis): TaskView | null {
    const { life } = this;
    const order = lives.shownOrder(life);
    if (order === null || this.latest === null) return null;
    const { disk, trouble } = this.latest.task;
    const progress = this.progress();
    const { gauges } = this;
    const { room } = gauges;
    const rateBps = gauges.rateBps(progress, now);
    const secondsLeft = gauges.secondsLeft({ order, progress, isConnected }, now);
    const end = lives.shownEnd(life)?.end ?? null;
    const measured = { progress, rateBps, secondsLeft, room };
    return taskView({ order, disk, trouble, ...measured, isConnected, end });
  }

  private take(event: lives.LifeEvent): void {
    const { ports, life: before } = this;
    const [life, actions] = lives.live(before, event, ports.clock.now(), ports);
    this.life = life;
    for (const action of actions) this.perform(action);
    if (life !== before || this.isBusy) ports.changed();
  }

  private perform(action: lives.LifeAction): void {
    const { ports } = this;
    switch (action.type) {
      case "start":
        ports.notice(null);
        return void this.start(action.order);
      case "refresh":
        return this.mailbox.of(action.order).refreshed?.(action.order);
      case "stop":
        return this.latest?.task.stop(action.reason);
      case "power":
        return void ports.power(action.action).then(() => this.take({ type: "stayed" }));
      case "exit":
        return ports.exit(action.status);
      case "notice":
        return ports.notice(action.text);
    }
  }

  private async start(order: lives.Order): Promise<void> {
    const { ports, mailbox } = this;
    const task = ports.startTask(order, {
      pcName: ports.pcName(),
      send: ports.send,
      sendBulk: ports.sendBulk,
      listen: (work, listeners) => mailbox.open(work, listeners),
    });
    this.latest = { task, order };
    this.gauges = new Gauges();
    const end = await task.ended;
    mailbox.close();
    ports.journal.milestone(endLine(end));
    this.take({ type: "finished", work: order, end });
  }

  private progress(): TaskProgress | null {
    return this.latest?.task.progress() ?? null;
  }

  private takeRoom({ session, room, sent }: Extract<ServerMessage, { type: "room" }>): void {
    if (this.latest?.order.session === session) {
      this.gauges.room = room;
      this.mailbox.ofSession(session).sent?.(sent ?? null);
    }
    this.ports.changed();
  }
}

function endLine({ outcome, reason, next }: End): string {
  const said = [reason, next].filter((part) => part !== null).join("; ");
  return said === "" ? outcome : `${outcome}: ${said}`;
}
