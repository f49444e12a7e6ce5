/** The task that was started last, its mailbox, and what is measured of it. */
import { type Life, type Order, shownEnd, shownOrder } from "../../core/agent/life.ts";
import type { TaskProgress } from "../../core/agent/state.ts";
import type { Millis } from "../../core/units/units.ts";
import type { End, ServerMessage } from "../../core/wire/control.ts";
import type { TaskView } from "../menu/view.ts";
import { Gauges } from "./gauges.ts";
import { Mailbox } from "./mailbox.ts";
import type { AgentPorts, AgentVoice } from "./ports.ts";
import { taskView } from "./screen.ts";
import type { Task } from "./tasks/task.ts";

export class Workbench {
  readonly mailbox = new Mailbox();
  private readonly ports: Pick<AgentPorts, "startTask" | "journal">;
  private latest: { readonly task: Task; readonly order: Order } | null = null;
  private gauges = new Gauges();

  constructor(ports: Pick<AgentPorts, "startTask" | "journal">) {
    this.ports = ports;
  }

  /** Resolves when the task has ended. */
  async start(order: Order, voice: Omit<AgentVoice, "listen">): Promise<End> {
    const task = this.ports.startTask(order, {
      ...voice,
      listen: (work, listeners) => this.mailbox.open(work, listeners),
    });
    this.latest = { task, order };
    this.gauges = new Gauges();
    const end = await task.ended;
    this.mailbox.close();
    const said = [end.reason, end.next].filter((part) => part !== null).join("; ");
    this.ports.journal.milestone(said === "" ? end.outcome : `${end.outcome}: ${said}`);
    return end;
  }

  stop(reason: string): void {
    this.latest?.task.stop(reason);
  }

  progress(): TaskProgress | null {
    return this.latest?.task.progress() ?? null;
  }

  takeRoom({ session, room }: Extract<ServerMessage, { type: "room" }>): void {
    if (this.latest?.order.session !== session) return;
    this.gauges.room = room;
    this.mailbox.ofSession(session).roomRate?.(room.rateBps);
  }

  /** What the screen shows of it; null: the menu has the screen. */
  view(life: Life, isConnected: boolean, now: Millis): TaskView | null {
    const order = shownOrder(life);
    if (order === null || this.latest === null) return null;
    const { disk, trouble } = this.latest.task;
    const progress = this.progress();
    const { room } = this.gauges;
    const rateBps = this.gauges.rateBps(progress, now);
    const end = shownEnd(life)?.end ?? null;
    return taskView({ order, disk, trouble, progress, rateBps, room, isConnected, end });
  }
}
