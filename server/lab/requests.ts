import { randomBytes } from "node:crypto";
import { RoomcastError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import * as table from "../../core/trust/requests.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { RequestView } from "../../core/wire/trust.ts";
import type { SessionView } from "../../core/wire/views.ts";
import type { PcRecord } from "../state/records.ts";
import type { Announcer } from "./announcer.ts";
import type { LabTimers } from "./timers.ts";

/** What somebody at a PC wants done, as it is shown to who has to say yes. */
export interface Asked extends Pick<RequestView, "action" | "what" | "overwrites" | "word"> {
  /**
   * Does exactly that, in the name of `orderedBy`. Throws `conflict` where it would not be what was shown
   * any more.
   */
  perform(orderedBy: string): SessionView;
}

export interface RequestsPorts {
  readonly timers: Pick<LabTimers, "now" | "later">;
  readonly announcer: Announcer;
  readonly clock: Clock;
  send(pc: string, message: ServerMessage): void;
}

type Request = table.OpenRequest<{ readonly asked: Asked; readonly view: RequestView }>;

/** What people at PCs have asked for, until an operator answers. One yes is one order of what was shown. */
export class Requests {
  private readonly ports: RequestsPorts;
  private table: table.Requests<Request["asked"]> = table.noRequests;
  private stopTimer: (() => void) | undefined;

  constructor(ports: RequestsPorts) {
    this.ports = ports;
  }

  /** Oldest first. */
  list(): RequestView[] {
    return this.table.open.map(({ asked }) => asked.view);
  }

  /** Throws `not-found` for one that is over. */
  find(id: string): RequestView {
    const found = this.list().find((each) => each.id === id);
    if (found === undefined) throw isOver(id);
    return found;
  }

  /** It waits for an operator. Throws `conflict` and `too-many`. */
  ask(pc: PcRecord, asked: Asked): void {
    const { timers, announcer, clock, send } = this.ports;
    const { action, what, overwrites, word } = asked;
    const at = timers.now();
    const id = `r-${randomBytes(3).toString("hex")}`;
    const askedAt = clock.isoTime();
    const endsAt = new Date(Date.parse(askedAt) + table.requestLife).toISOString();
    const view: RequestView = {
      ...{ id, pc: pc.id, name: pc.name, room: pc.room, action, what, overwrites, word },
      ...{ askedAt, endsAt },
    };
    const [next, refusal] = table.ask(this.table, { id, pc: pc.id, asked: { asked, view }, at });
    if (refusal !== null) throw refused(refusal);
    this.table = next;
    this.setTimer();
    announcer.note({ pc: pc.id }, `asks to ${what}`);
    announcer.feed.say({ type: "request", request: view });
    send(pc.id, { type: "waiting", what });
  }

  /** An operator says yes. Throws `not-found`, and what the order itself throws. */
  yes(id: string, operator: string): SessionView {
    const request = this.take(id);
    const { what } = request.asked.view;
    this.ports.announcer.note({ pc: request.pc, operator }, `${operator} said yes: ${what}`);
    try {
      const session = request.asked.asked.perform(operator);
      this.end(request, "The server's operator said yes.");
      return session;
    } catch (error) {
      const why =
        error instanceof RoomcastError ? `${error.message}: ${error.next}` : "see its log";
      this.end(request, `The operator said yes, but the server could not do it: ${why}`);
      throw error;
    }
  }

  /** An operator says no. Throws `not-found`. */
  no(id: string, operator: string): void {
    const request = this.take(id);
    const { what } = request.asked.view;
    this.ports.announcer.note({ pc: request.pc, operator }, `${operator} said no: ${what}`);
    this.end(request, "The server's operator said no.");
  }

  /** The person at the PC wants it no more. */
  withdraw(pc: string): void {
    this.endOf(pc, "it was withdrawn at the PC");
  }

  /** The PC's connection is gone: whoever is there next asks anew. */
  lost(pc: string): void {
    this.endOf(pc, "the PC is gone");
  }

  close(): void {
    this.stopTimer?.();
  }

  private endOf(pc: string, why: string): void {
    const found = table.ofPc(this.table, pc);
    if (found === undefined) return;
    this.ports.announcer.note({ pc }, `its request ended, since ${why}: ${found.asked.view.what}`);
    this.end(this.take(found.id), null);
  }

  private take(id: string): Request {
    const [next, found] = table.taken(this.table, id);
    if (found === undefined) throw isOver(id);
    this.table = next;
    this.setTimer();
    return found;
  }

  /** `answer`: for the person at the PC; null: who ended it knows. */
  private end({ id, pc }: Request, answer: string | null): void {
    const { announcer, send } = this.ports;
    announcer.feed.say({ type: "request-gone", id });
    send(pc, { type: "waiting", what: null });
    if (answer !== null) send(pc, { type: "notice", text: answer });
  }

  private setTimer(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
    const due = table.deadline(this.table);
    if (due === undefined) return;
    const { timers } = this.ports;
    this.stopTimer = timers.later(Math.max(0, due - timers.now()), () => this.expire());
  }

  private expire(): void {
    for (const { id, pc, asked } of table.expired(this.table, this.ports.timers.now())) {
      this.ports.announcer.note({ pc }, `nobody answered: ${asked.view.what}`);
      this.end(this.take(id), "No operator has answered. Call one, and ask again.");
    }
    this.setTimer();
  }
}

const isOver = (id: string): RoomcastError =>
  new RoomcastError(
    "not-found",
    `no request ${JSON.stringify(id)} waits`,
    "it was answered or withdrawn, or its PC is gone; see `roomcast request list`",
  );

function refused(refusal: table.AskRefusal): RoomcastError {
  switch (refusal) {
    case "waiting":
      return new RoomcastError(
        "conflict",
        "this PC has asked for something already",
        "withdraw that first, or wait for the answer",
      );
    case "often":
      return new RoomcastError(
        "too-many",
        "this PC has asked too often",
        "wait ten minutes, or call the operator",
      );
    case "full":
      return new RoomcastError(
        "too-many",
        "too many requests wait for an operator",
        "call the operator, and ask again",
      );
  }
}
