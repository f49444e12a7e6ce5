import type { LabTime, Order, OrderSettings, PcId } from "../../core/session/kind.ts";
import { millis } from "../../core/units/units.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { Report } from "../../core/wire/work.ts";
import type { Running, Session } from "./session.ts";

/** An order that the agent does not report is said again after this; its next report is a second away at most. */
const repeatAfter = millis(2000);

/** Something to say to an agent. */
export interface Send {
  readonly pc: PcId;
  readonly message: ServerMessage;
  /** An order for work that the agent is at already: it brings new keys of the cast. */
  readonly isRefresh: boolean;
}

interface Connected {
  report: Report | null;
  /** What was said last of each kind over this connection, so that it is not said with every report. */
  readonly said: Map<string, { readonly what: string; readonly at: LabTime }>;
}

export interface ReconcilerPorts {
  readonly sessions: ReadonlyMap<string, Running>;
  /** The sessions that know this PC. */
  knowing(pc: PcId): Iterable<Running>;
  /** Something is decided of the PC that is not written: nothing is said to it before it is. */
  isAhead(pc: PcId): boolean;
  /** What the order of this attempt takes from elsewhere. */
  settingsOf(pc: PcId, session: Session, attempt: number): OrderSettings;
}

/** Holds what the sessions want of each PC against what its agent reports, and says to it where they differ. */
export class Reconciler {
  private readonly ports: ReconcilerPorts;
  private readonly connections = new Map<PcId, Connected>();
  private sends: Send[] = [];

  constructor(ports: ReconcilerPorts) {
    this.ports = ports;
  }

  /** Of a PC whose agent is connected anew nothing was heard and said. */
  connected(pc: PcId, report: Report | null): void {
    this.connections.set(pc, { report, said: new Map() });
  }

  /** Answers whether the PC is connected. */
  reported(pc: PcId, report: Report | null): boolean {
    const connection = this.connections.get(pc);
    if (connection !== undefined) connection.report = report;
    return connection !== undefined;
  }

  lost(pc: PcId): void {
    this.connections.delete(pc);
  }

  /** What a connected agent says that it is at; undefined: it is not connected. */
  reportOf(pc: PcId): Report | null | undefined {
    return this.connections.get(pc)?.report;
  }

  /** What is to be said to agents, in order; each is answered once. */
  takeSends(): Send[] {
    const { sends } = this;
    this.sends = [];
    return sends;
  }

  /** What the session's orders carry was made anew: whoever is at work there is told. */
  renew(id: string, now: LabTime): void {
    for (const [pc] of this.ports.sessions.get(id)?.wanted.orders ?? []) {
      this.connections.get(pc)?.said.delete("order");
      this.reconcile(pc, now);
    }
  }

  /** Holds what is wanted of the PC against what it reports. */
  reconcile(pc: PcId, now: LabTime): void {
    const connection = this.connections.get(pc);
    if (connection === undefined) return;
    const { report } = connection;
    const worksFor = report?.end === null ? this.ports.sessions.get(report.session) : undefined;
    if (report !== null && worksFor !== undefined && isLetGo(worksFor, pc)) {
      const { session: id, attempt } = report;
      const reason = worksFor.kind.release(worksFor.state, pc);
      return this.say(connection, pc, { type: "cancel", session: id, attempt, reason }, now);
    }
    if (this.ports.isAhead(pc)) return;
    const session = this.wanting(pc);
    const attempt = session?.wanted.orders.get(pc);
    const isAtIt = report !== null && report.session === session?.id && report.attempt === attempt;
    if (report !== null && !isAtIt) {
      const { session: id, attempt: stale } = report;
      const reason = this.releaseOf(id, pc);
      this.say(connection, pc, { type: "cancel", session: id, attempt: stale, reason }, now);
    }
    if (session === undefined || attempt === undefined) return;
    const isWorking = isAtIt && report.phase === "working";
    const hasHeard = connection.said.get("order")?.what === keyOf(session.id, attempt);
    // An agent that is at work already takes from the order what has become new of it.
    if (!isAtIt || (isWorking && !hasHeard))
      this.say(connection, pc, this.order(session, pc, attempt), now, isAtIt);
    if (isWorking && session.wanted.finish === pc)
      this.say(connection, pc, { type: "finish", session: session.id, attempt }, now);
  }

  private order(session: Running, pc: PcId, attempt: number): Order {
    const settings = this.ports.settingsOf(pc, session, attempt);
    return session.kind.order(session.durable, session.id, pc, settings);
  }

  private say(
    connection: Connected,
    pc: PcId,
    message: Order | Extract<ServerMessage, { type: "cancel" | "finish" }>,
    now: LabTime,
    isRefresh = false,
  ): void {
    const subject = message.type === "cancel" || message.type === "finish" ? message.type : "order";
    const what = keyOf(message.session, message.attempt);
    const before = connection.said.get(subject);
    if (before?.what === what && now < before.at + repeatAfter) return;
    connection.said.set(subject, { what, at: now });
    this.sends.push({ pc, message, isRefresh });
  }

  private wanting(pc: PcId): Running | undefined {
    for (const session of this.ports.knowing(pc))
      if (session.wanted.orders.get(pc) !== undefined) return session;
    return undefined;
  }

  private releaseOf(id: string, pc: PcId): string {
    const session = this.ports.sessions.get(id);
    if (session === undefined || session.durable === null) return "the session is over";
    return session.kind.release(session.durable, pc);
  }
}

/** An operator has ended the PC's work there, and the journal does not have that yet. */
const isLetGo = ({ letGo, kind, state }: Running, pc: PcId): boolean =>
  letGo.has(pc) && kind.wanted(state).orders.get(pc) === undefined;

const keyOf = (session: string, attempt: number): string => `${session} ${attempt}`;
