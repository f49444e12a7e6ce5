/**
 * All sessions of the server, as one machine: inputs and the time in; what has to be in the journal,
 * and then what has to be sent, out. It knows no kind, no clock and no socket. What it holds is lost
 * when the server dies, and is folded again from the journal.
 */
import { assert, RoomcastError } from "../../core/errors.ts";
import { noteInput } from "../../core/session/gauge.ts";
import {
  type Batch,
  fold,
  type Journalled,
  type JournalSession,
} from "../../core/session/journal.ts";
import {
  type Fact,
  type Gauges,
  type Input,
  type LabTime,
  type Names,
  newGauges,
  type Order,
  type OrderSettings,
  type PcId,
  type Stamp,
  type Wanted,
} from "../../core/session/kind.ts";
import { type AnyKind, type KindName, kindNamed } from "../../core/session/registry.ts";
import { millis } from "../../core/units/units.ts";
import type { Report, ServerMessage } from "../../core/wire/control.ts";
import type { SessionView } from "../../core/wire/views.ts";

/** An order that the agent does not report is said again after this; its next report is a second away at most. */
const repeatAfter = millis(2000);
/** Facts of a session until its state is stored anew: what a start of the server has to fold at most. */
const snapshotEvery = 64;
/** Facts after which PCs that are there already may be ordered. */
const letsOrder = new Set(["planned", "fitted", "canary-passed"]);
/** From a fact follow others; more than these in one turn are a circle, which is a bug. */
const roundsLimit = 100;
/**
 * Facts that wait for the journal: beyond these nothing new is begun. A turn decides some thousands at most, when
 * several large rooms come at once; 50,000 take about 25 MB.
 */
export const decidedLimit = 50_000;

/** Something to say to an agent. */
export interface Send {
  readonly pc: PcId;
  readonly message: ServerMessage;
  /** An order for work that the agent is at already: it brings new keys of the cast. */
  readonly isRefresh: boolean;
}

/** A fact that is durable now. */
export interface Happened {
  readonly session: Session;
  readonly fact: Fact;
  readonly text: string | null;
}

export interface Written {
  readonly happened: readonly Happened[];
  /** Sessions whose state has changed. */
  readonly changed: readonly Session[];
  /** Those of them that are over. */
  readonly over: readonly Session[];
}

/** A session under way, or over. */
export interface Session {
  readonly number: number;
  readonly id: string;
  readonly kindName: KindName;
  readonly kind: AnyKind;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** As decided; it may be ahead of the journal. */
  readonly state: unknown;
  /** As the journal has it: what is acted on. */
  readonly durable: unknown;
  readonly gauges: Gauges;
}

interface Running extends Session {
  endedAt: string | null;
  state: unknown;
  durable: unknown;
  wanted: Wanted;
  seq: number;
  snapshotSeq: number;
  isNew: boolean;
  /** The deadline that this state has named; null: it was not asked. */
  due: { readonly state: unknown; readonly at: LabTime | undefined } | null;
}

interface Connected {
  report: Report | null;
  /** What was said last of each kind over this connection, so that it is not said with every report. */
  readonly said: Map<string, { readonly what: string; readonly at: LabTime }>;
}

export interface EnginePorts {
  /** What the order of this attempt takes from elsewhere. */
  settingsOf(pc: PcId, session: Session, attempt: number): OrderSettings;
}

const nothingWanted: Wanted = { orders: new Map(), cast: null };

export class Engine {
  private readonly ports: EnginePorts;
  private readonly running = new Map<string, Running>();
  private readonly connections = new Map<PcId, Connected>();
  private decided: { session: Running; fact: Fact; stamp: Stamp; text: string | null }[] = [];
  /** PCs of which something is decided that is not written: nothing is said to them before it is. */
  private ahead = new Set<PcId>();
  private readonly unwritten = new Set<Running>();
  private underWay: {
    readonly facts: Engine["decided"];
    readonly stored: readonly Running[];
    /** Each with its state as the batch has it. */
    readonly sessions: readonly { readonly session: Running; readonly state: unknown }[];
  } | null = null;
  private sends: Send[] = [];

  constructor(ports: EnginePorts) {
    this.ports = ports;
  }

  // --- sessions

  /** A new session; it begins to act once it is written. Throws `failed` while the journal is too far behind. */
  begin(number: number, kindName: KindName, spec: unknown, stamp: Stamp): Session {
    this.requireRoom();
    const kind = kindNamed(kindName);
    const state = kind.begin(spec, stamp.at);
    const session: Running = {
      ...{ number, id: idOf(number), kindName, kind, startedAt: stamp.iso, endedAt: null },
      ...{ state, durable: null, wanted: nothingWanted, gauges: newGauges() },
      ...{ seq: 0, snapshotSeq: 0, isNew: true, due: null },
    };
    this.running.set(session.id, session);
    this.unwritten.add(session);
    this.take(session.id, { type: "tick" }, stamp);
    for (const pc of kind.pcs(state)) {
      this.takeOver(session, pc, stamp);
      this.greet(session, pc, stamp);
    }
    return session;
  }

  /** A session that the journal has: folded as far as it was written. Its PCs are fed as they come. */
  resume({ stored, facts }: Journalled, stamp: Stamp): Session {
    const session = sessionOf({ stored, facts });
    this.running.set(session.id, session);
    this.take(session.id, { type: "resumed" }, stamp);
    return session;
  }
  get(id: string): Session | undefined {
    return this.running.get(id);
  }

  all(): Session[] {
    return [...this.running.values()];
  }

  /** The session that has this PC at work or awaits it. */
  of(pc: PcId): Session | undefined {
    for (const session of this.running.values())
      if (session.kind.holds(session.state, pc)) return session;
    return undefined;
  }

  view(session: Session, names: Pick<Names, "nameOf" | "stateOf">): SessionView {
    const { id, startedAt, endedAt, gauges, state, kind } = session;
    return kind.view(state, gauges, { ...names, id, startedAt, endedAt });
  }

  // --- inputs

  /**
   * Takes what happened; answers whether it led to a fact. While the journal is too far behind, nobody is let
   * in (throws `failed`), and of what is said again and again nothing is kept. Everything else can come but once
   * for each PC that was let in, so that there is an end to it.
   */
  take(id: string, input: Input, stamp: Stamp): boolean {
    const session = this.running.get(id);
    if (session === undefined) return false;
    if (input.type === "admit") this.requireRoom();
    this.gauge(session, input, stamp.at);
    if (this.isFull && isRepeated(input)) return false;
    const before = this.decided.length;
    let facts = session.kind.decide(session.state, input, stamp.at, session.gauges);
    const admitted: PcId[] = [];
    for (let round = 0; facts.length > 0; round++) {
      assert(round < roundsLimit, `the facts of a ${session.kindName} go in a circle`);
      for (const fact of facts) {
        session.state = session.kind.evolve(session.state, fact, stamp);
        const text = session.kind.text(fact, session.state);
        this.decided.push({ session, fact, stamp, text });
        if (fact.pc !== null) this.ahead.add(fact.pc);
        if (fact.type === "admitted" && fact.pc !== null && input.type === "admit")
          admitted.push(fact.pc);
      }
      facts = session.kind.decide(session.state, { type: "tick" }, stamp.at, session.gauges);
    }
    if (this.decided.length === before) return false;
    const mayOrderMore = this.decided
      .slice(before)
      .some(({ fact: { type } }) => letsOrder.has(type));
    this.unwritten.add(session);
    if (session.endedAt === null && session.kind.isOver(session.state)) session.endedAt = stamp.iso;
    for (const pc of admitted) this.takeOver(session, pc, stamp);
    const greeted = mayOrderMore ? unordered(session) : admitted;
    for (const pc of greeted) this.greet(session, pc, stamp);
    return true;
  }

  /**
   * The PC's agent is connected and says what it is at. Throws `failed` while the journal is too far behind: it
   * has to come again.
   */
  connected(pc: PcId, report: Report | null, stamp: Stamp): void {
    this.requireRoom();
    this.connections.set(pc, { report, said: new Map() });
    for (const session of this.concerned(pc, report))
      if (this.take(session.id, connectedInput(session, pc, report), stamp)) break;
    this.reconcile(pc, stamp.at);
  }

  /** The agent said again what it is at. */
  reported(pc: PcId, report: Report | null, stamp: Stamp): void {
    const connection = this.connections.get(pc);
    if (connection === undefined) return;
    connection.report = report;
    if (report !== null && report.end !== null)
      this.take(report.session, { type: "reported", pc, report }, stamp);
    this.reconcile(pc, stamp.at);
  }

  lost(pc: PcId, reason: string, stamp: Stamp): void {
    this.connections.delete(pc);
    this.tell({ type: "lost", pc, reason }, stamp);
  }

  /** Whoever has the PC hears it, and whoever waits for it to come up. */
  tell(input: Extract<Input, { type: "lost" | "booting" | "seen" }>, stamp: Stamp): void {
    for (const { id, kind, state } of this.all())
      if (kind.knows(state, input.pc)) this.take(id, input, stamp);
  }

  /** The time has come that a session named; asks all of them. */
  tick(stamp: Stamp): void {
    for (const id of this.running.keys()) this.take(id, { type: "tick" }, stamp);
  }

  /** The next moment after `now` at which a session wants a `tick`. */
  deadline(now: LabTime): LabTime | undefined {
    let soonest: LabTime | undefined;
    for (const session of this.running.values()) {
      const at = deadlineOf(session, now);
      if (at !== undefined && (soonest === undefined || at < soonest)) soonest = at;
    }
    return soonest;
  }

  /** What a connected agent says that it is at; undefined: it is not connected. */
  reportOf(pc: PcId): Report | null | undefined {
    return this.connections.get(pc)?.report;
  }

  // --- the journal

  /** What has to be written next; null: nothing, or what was asked for last is not written yet. */
  toWrite(): Batch | null {
    if (this.underWay !== null || this.unwritten.size === 0) return null;
    const facts = this.decided;
    this.decided = [];
    const sessions = [...this.unwritten];
    this.unwritten.clear();
    const journalFacts = facts.map(({ session, fact, stamp }) => ({
      ...{ session: session.number, seq: ++session.seq, fact },
      ...{ at: stamp.at, iso: stamp.iso },
    }));
    const stored = sessions.filter(
      (session) =>
        session.isNew ||
        session.endedAt !== null ||
        session.seq - session.snapshotSeq >= snapshotEvery,
    );
    const batch = { sessions: stored.map(journalSession), facts: journalFacts };
    this.underWay = {
      facts,
      stored,
      sessions: sessions.map((session) => ({ session, state: session.state })),
    };
    return batch;
  }

  /** The journal has the batch that was asked for last: now it is acted on. */
  written(now: LabTime): Written {
    const { underWay } = this;
    assert(underWay !== null, "what is written was asked for");
    this.underWay = null;
    const { facts, stored, sessions } = underWay;
    for (const session of stored) session.snapshotSeq = session.seq;
    this.ahead = pcsOf(this.decided);
    const touched = pcsOf(facts);
    for (const { session, state } of sessions) {
      session.isNew = false;
      session.durable = state;
      const wanted = session.kind.wanted(session.durable);
      for (const pc of differing(session.wanted, wanted)) touched.add(pc);
      session.wanted = wanted;
    }
    const changed = sessions.map(({ session }) => session);
    const over = changed.filter(({ kind, durable }) => kind.isOver(durable));
    for (const pc of touched) this.reconcile(pc, now);
    for (const { id } of over) this.running.delete(id);
    return {
      happened: facts.map(({ session, fact, text }) => ({ session, fact, text })),
      changed,
      over,
    };
  }

  /** The journal could not take the batch: it is asked for again, and nothing of it is acted on before. */
  notWritten(): void {
    const { underWay } = this;
    assert(underWay !== null, "what is not written was asked for");
    this.underWay = null;
    for (const { session } of underWay.facts) session.seq--;
    this.decided = [...underWay.facts, ...this.decided];
    for (const { session } of underWay.sessions) this.unwritten.add(session);
  }

  // --- what is sent

  /** What is to be said to agents, in order; each is answered once. */
  takeSends(): Send[] {
    const { sends } = this;
    this.sends = [];
    return sends;
  }

  /** The attempt that is wanted of the PC by this session now; null: nothing is. */
  attemptOf(id: string, pc: PcId): number | null {
    return this.running.get(id)?.wanted.orders.get(pc) ?? null;
  }

  /** What the session's orders carry was made anew: whoever is at work there is told. */
  renew(id: string, now: LabTime): void {
    for (const pc of this.running.get(id)?.wanted.orders.keys() ?? []) {
      this.connections.get(pc)?.said.delete("order");
      this.reconcile(pc, now);
    }
  }

  /** More is decided than the journal may be behind. */
  private get isFull(): boolean {
    return this.decided.length >= decidedLimit;
  }

  private requireRoom(): void {
    if (!this.isFull) return;
    throw new RoomcastError(
      "failed",
      `${this.decided.length} facts cannot be written down, so nothing new is begun`,
      "see in the server's log why state.db cannot be written; most often its disk is full (`df`)",
    );
  }

  /** Holds what is wanted of the PC against what it reports. */
  private reconcile(pc: PcId, now: LabTime): void {
    const connection = this.connections.get(pc);
    if (connection === undefined || this.ahead.has(pc)) return;
    const { report } = connection;
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
    for (const session of this.running.values()) if (session.wanted.orders.has(pc)) return session;
    return undefined;
  }

  private releaseOf(id: string, pc: PcId): string {
    const session = this.running.get(id);
    if (session === undefined || session.durable === null) return "the session is over";
    return session.kind.release(session.durable, pc);
  }

  /** Whom it concerns that the PC is there: the session that has it, else those that may let it in again. */
  private concerned(pc: PcId, report: Report | null): Session[] {
    const holder = this.of(pc);
    if (holder !== undefined) return [holder];
    const knowing = [...this.running.values()].filter(({ kind, state }) => kind.knows(state, pc));
    return knowing.sort((one, other) => isOf(report, other) - isOf(report, one));
  }

  /** Nobody else lets the PC in again from here on. */
  private takeOver(session: Running, pc: PcId, stamp: Stamp): void {
    for (const other of this.running.values())
      if (other !== session && other.kind.knows(other.state, pc))
        this.take(other.id, { type: "taken", pc }, stamp);
  }

  /** The session hears of a PC that was connected before it wanted it. */
  private greet(session: Running, pc: PcId, stamp: Stamp): void {
    const connection = this.connections.get(pc);
    const holder = this.of(pc);
    if (connection === undefined || (holder !== undefined && holder !== session)) return;
    this.take(session.id, connectedInput(session, pc, connection.report), stamp);
  }

  /** Keeps what is shown; a word of another attempt shows nothing. */
  private gauge(session: Running, input: Input, now: LabTime): void {
    if (!("pc" in input) || !session.kind.knows(session.state, input.pc)) return;
    if ("attempt" in input && session.wanted.orders.get(input.pc) !== input.attempt) return;
    noteInput(session.gauges, input, now);
  }
}

/** What is said again as long as it is so, or only shown: what is left out of it shows later. */
function isRepeated({ type }: Input): boolean {
  return ["progress", "delivery", "lane", "booting", "seen"].includes(type);
}

/** `s1`, `s2`, … */
export const idOf = (number: number): string => `s${number}`;

const keyOf = (session: string, attempt: number): string => `${session} ${attempt}`;

/** A session as the journal tells it. */
export function sessionOf({ stored, facts }: Journalled): Running {
  const kind = kindNamed(stored.kind);
  const state = fold({ stored, facts });
  return {
    ...{ number: stored.number, id: idOf(stored.number), kindName: stored.kind, kind },
    ...{ startedAt: stored.startedAt, endedAt: stored.endedAt, state, durable: state },
    ...{ wanted: kind.wanted(state), gauges: { ...newGauges(), totals: stored.totals } },
    ...{ seq: facts.at(-1)?.seq ?? stored.seq, snapshotSeq: stored.seq, isNew: false },
    due: null,
  };
}

/** Asked of the kind once for each state, for it looks at every member: what is to come next stays so until it has come. */
function deadlineOf(session: Running, now: LabTime): LabTime | undefined {
  const { kind, state, due } = session;
  if (due !== null && due.state === state && (due.at === undefined || due.at > now)) return due.at;
  const at = kind.deadline(state, now);
  session.due = { state, at };
  return at;
}

/** 1 when the agent reports this session, else 0. */
const isOf = (report: Report | null, session: Session): number =>
  report?.session === session.id ? 1 : 0;

const connectedInput = (session: Session, pc: PcId, report: Report | null): Input => ({
  type: "connected",
  pc,
  report: report?.session === session.id ? report : null,
});

const journalSession = (session: Running): JournalSession => ({
  number: session.number,
  kind: session.kindName,
  startedAt: session.startedAt,
  endedAt: session.endedAt,
  seq: session.seq,
  state: session.state,
  totals: session.gauges.totals,
});

/** The PCs that the session has not told anything yet. */
function unordered({ kind, state }: Session): PcId[] {
  const { orders } = kind.wanted(state);
  return [...kind.pcs(state)].filter((pc) => !orders.has(pc));
}

const pcsOf = (decided: readonly { readonly fact: Fact }[]): Set<PcId> =>
  new Set(decided.flatMap(({ fact: { pc } }) => (pc === null ? [] : [pc])));

/** The PCs of which something else is wanted now. */
function differing(before: Wanted, after: Wanted): PcId[] {
  const pcs = new Set([...before.orders.keys(), ...after.orders.keys()]);
  return [...pcs].filter(
    (pc) =>
      before.orders.get(pc) !== after.orders.get(pc) ||
      (before.finish === pc) !== (after.finish === pc),
  );
}
