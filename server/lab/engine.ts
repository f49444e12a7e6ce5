/**
 * All sessions of the server, as one machine: inputs and the time in; what has to be in the journal,
 * and then what has to be sent, out. It knows no kind, no clock and no socket. What it holds is lost
 * when the server dies, and is folded again from the journal.
 */
import { assert } from "../../core/errors.ts";
import { noteInput } from "../../core/session/gauge.ts";
import type { Batch, Journalled } from "../../core/session/journal.ts";
import type { Fact, Input, LabTime, Names, PcId, Stamp } from "../../core/session/kind.ts";
import type { KindName } from "../../core/session/registry.ts";
import { millis } from "../../core/units/units.ts";
import type { SessionView } from "../../core/wire/views.ts";
import type { Report } from "../../core/wire/work.ts";
import { type Decided, Ledger, type LedgerMark, pcsOf } from "./ledger.ts";
import { Reconciler, type ReconcilerPorts, type Send } from "./reconciler.ts";
import {
  beginSession,
  deadlineOf,
  type Running,
  type Session,
  sessionOf,
  unordered,
} from "./session.ts";
import { SessionsByPc } from "./sessions-by-pc.ts";

/** Facts after which PCs that are there already may be ordered. */
const letsOrder = new Set(["planned", "fitted", "canary-passed"]);
/** From a fact follow others; more than these in one turn are a circle, which is a bug. */
const roundsLimit = 100;

/** A fact that is durable now. */
export interface Happened {
  readonly session: Session;
  readonly fact: Fact;
  readonly text: string | null;
}

/** A session whose state has changed, with the PCs that facts were about. */
export interface Changed {
  readonly session: Session;
  readonly pcs: ReadonlySet<PcId>;
}

export interface Written {
  readonly happened: readonly Happened[];
  readonly changed: readonly Changed[];
  /** Those of the sessions that are over. */
  readonly over: readonly Session[];
}

/** What was decided at some moment. */
export interface EngineMark {
  readonly ledger: LedgerMark;
  /** Those that there were, as they were. */
  readonly sessions: ReadonlyMap<Running, Pick<Running, "state" | "endedAt">>;
}

export type EnginePorts = Pick<ReconcilerPorts, "settingsOf">;

export class Engine {
  private readonly running = new Map<string, Running>();
  private readonly byPc = new SessionsByPc();
  private readonly ledger = new Ledger();
  private readonly reconciler: Reconciler;
  /** When the sessions were last asked what follows by time alone. */
  private tickedAt = millis(Number.NEGATIVE_INFINITY);

  constructor({ settingsOf }: EnginePorts) {
    const { running: sessions, byPc, ledger } = this;
    this.reconciler = new Reconciler({
      ...{ sessions, settingsOf },
      knowing: (pc) => byPc.of(pc),
      isAhead: (pc) => ledger.isAhead(pc),
    });
  }

  // --- sessions

  /** A new session; it begins to act once it is written. Throws `failed` while the journal is too far behind. */
  begin(number: number, kindName: KindName, spec: unknown, stamp: Stamp): Session {
    this.ledger.requireRoom();
    const session = beginSession(number, kindName, spec, stamp);
    const pcs = [...session.kind.pcs(session.state)];
    this.running.set(session.id, session);
    this.byPc.add(session, pcs);
    this.ledger.add(session, []);
    for (const pc of pcs) this.takeOver(session, pc, stamp);
    this.decide(session, [...this.greetings(session, pcs), { type: "tick" }], stamp);
    return session;
  }

  /** A session that the journal has: folded as far as it was written. Its PCs are fed as they come. */
  resume({ stored, facts }: Journalled, stamp: Stamp): Session {
    const session = sessionOf({ stored, facts });
    this.running.set(session.id, session);
    this.byPc.add(session, session.kind.pcs(session.state));
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
    for (const session of this.byPc.of(pc))
      if (session.kind.holds(session.state, pc)) return session;
    return undefined;
  }

  /** A session has this PC at work, awaits it, or would let it in again if it came now. */
  wants(pc: PcId, now: LabTime): boolean {
    const coming: Input = { type: "connected", pc, report: null };
    return [...this.byPc.of(pc)].some(
      ({ kind, state, gauges }) =>
        kind.holds(state, pc) ||
        kind.decide(state, coming, now, gauges).some(({ type }) => type === "admitted"),
    );
  }

  /** The sessions under way that have or had this PC. */
  knowing(pc: PcId): Iterable<Session> {
    return this.byPc.of(pc);
  }

  /** As the journal has it: what waits for that is not shown yet. */
  view(session: Session, names: Pick<Names, "nameOf" | "stateOf">): SessionView {
    const { id, startedAt, gauges, durable, kind } = session;
    const endedAt = kind.isOver(durable) ? session.endedAt : null;
    return kind.view(durable, gauges, { ...names, id, startedAt, endedAt });
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
    if (input.type === "admit") this.ledger.requireRoom();
    const decided = this.decide(session, [input], stamp);
    if (input.type === "admit")
      for (const pc of admittedOf(decided)) this.takeOver(session, pc, stamp);
    return decided.length > 0;
  }

  /**
   * The PC's agent is connected and says what it is at. Throws `failed` while the journal is too far behind: it
   * has to come again.
   */
  connected(pc: PcId, report: Report | null, stamp: Stamp): void {
    this.ledger.requireRoom();
    this.reconciler.connected(pc, report);
    for (const session of this.concerned(pc, report))
      if (this.take(session.id, connectedInput(session, pc, report), stamp)) break;
    this.reconciler.reconcile(pc, stamp.at);
  }

  /** The agent said again what it is at. */
  reported(pc: PcId, report: Report | null, stamp: Stamp): void {
    if (!this.reconciler.reported(pc, report)) return;
    if (report !== null && report.end !== null)
      this.take(report.session, { type: "reported", pc, report }, stamp);
    this.reconciler.reconcile(pc, stamp.at);
  }

  lost(pc: PcId, reason: string, stamp: Stamp): void {
    this.reconciler.lost(pc);
    this.tell({ type: "lost", pc, reason }, stamp);
  }

  /** Whoever has the PC hears it, and whoever waits for it to come up. */
  tell(input: Extract<Input, { type: "lost" | "booting" | "seen" }>, stamp: Stamp): void {
    for (const { id } of [...this.byPc.of(input.pc)]) this.take(id, input, stamp);
  }

  /** The time has come that a session named: asks those whose time it is. */
  tick(stamp: Stamp): void {
    for (const session of this.running.values()) {
      const at = deadlineOf(session, this.tickedAt);
      if (at !== undefined && at <= stamp.at) this.take(session.id, { type: "tick" }, stamp);
    }
    this.tickedAt = stamp.at;
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
    return this.reconciler.reportOf(pc);
  }

  // --- the journal

  /** What has to be written next; null: nothing, or what was asked for last is not written yet. */
  toWrite(): Batch | null {
    return this.ledger.toWrite();
  }

  /** The journal has the batch that was asked for last: now it is acted on. */
  written(now: LabTime): Written {
    const { facts, sessions } = this.ledger.written();
    const touched = pcsOf(facts);
    for (const { session, state } of sessions) {
      session.durable = state;
      session.wanted = session.kind.wanted(state);
      session.letGo.clear();
      // What is wanted from the beginning follows from no fact.
      if (session.isNew) for (const [pc] of session.wanted.orders) touched.add(pc);
      session.isNew = false;
    }
    const about = Map.groupBy(facts, ({ session }) => session);
    const changed = sessions.map(({ session }) => ({
      session,
      pcs: pcsOf(about.get(session) ?? []),
    }));
    for (const pc of touched) this.reconciler.reconcile(pc, now);
    const over = sessions.flatMap(({ session }) =>
      session.kind.isOver(session.durable) ? [session] : [],
    );
    for (const session of over) {
      this.running.delete(session.id);
      this.byPc.remove(session);
    }
    return {
      happened: facts.map(({ session, fact, text }) => ({ session, fact, text })),
      changed,
      over,
    };
  }

  /** The journal could not take the batch: it is asked for again, and nothing of it is acted on before. */
  notWritten(): void {
    this.ledger.notWritten();
  }

  /** Something is decided that the journal does not have. */
  get isBehind(): boolean {
    return this.ledger.isBehind;
  }

  /** What is decided now, to come back to by `withdraw`. */
  mark(): EngineMark {
    const sessions = new Map(
      [...this.running.values()].map((session) => {
        const { state, endedAt } = session;
        return [session, { state, endedAt }];
      }),
    );
    return { ledger: this.ledger.mark(), sessions };
  }

  /** Undoes what was decided since then, none of which is written: as if nobody had said it. */
  withdraw({ ledger, sessions }: EngineMark): void {
    const withdrawn = this.ledger.withdraw(ledger);
    for (const session of [...this.running.values()]) {
      const before = sessions.get(session);
      if (before !== undefined) Object.assign(session, before);
      else {
        this.running.delete(session.id);
        this.byPc.remove(session);
      }
    }
    for (const { session, fact } of withdrawn)
      if (fact.pc !== null && !session.kind.knows(session.state, fact.pc))
        this.byPc.remove(session, [fact.pc]);
  }

  /**
   * What an operator has ended in this session, which was `before` then, waits for the journal: whose work that ends
   * is told to stop all the same. It is no order, and no word that an end is written.
   */
  letGo({ id }: Pick<Session, "id">, before: unknown, now: LabTime): void {
    const session = this.running.get(id);
    if (session === undefined) return;
    const { kind, state, letGo } = session;
    const { orders } = kind.wanted(state);
    for (const [pc] of kind.wanted(before).orders) {
      if (orders.get(pc) !== undefined) continue;
      letGo.add(pc);
      this.reconciler.reconcile(pc, now);
    }
  }

  // --- what is sent

  /** What is to be said to agents, in order; each is answered once. */
  takeSends(): Send[] {
    return this.reconciler.takeSends();
  }

  /** The attempt that is wanted of the PC by this session now; null: nothing is. */
  attemptOf(id: string, pc: PcId): number | null {
    return this.running.get(id)?.wanted.orders.get(pc) ?? null;
  }

  /** What the session's orders carry was made anew: whoever is at work there is told. */
  renew(id: string, now: LabTime): void {
    this.reconciler.renew(id, now);
  }

  /** Whom it concerns that the PC is there: the session that has it, else those that may let it in again. */
  private concerned(pc: PcId, report: Report | null): Session[] {
    const holder = this.of(pc);
    if (holder !== undefined) return [holder];
    return [...this.byPc.of(pc)].sort(
      (one, other) => isOf(report, other) - isOf(report, one) || one.number - other.number,
    );
  }

  /** Nobody else lets the PC in again from here on. */
  private takeOver(session: Running, pc: PcId, stamp: Stamp): void {
    for (const other of [...this.byPc.of(pc)])
      if (other !== session) this.take(other.id, { type: "taken", pc }, stamp);
  }

  /**
   * Takes the inputs in turn, and then what follows by time alone. PCs that are there already and that the session
   * may order from now on are greeted before time counts: a start timeout of 0 would be over without them.
   */
  private decide(session: Running, inputs: readonly Input[], stamp: Stamp): readonly Decided[] {
    const decided: Decided[] = [];
    const isAdmission = inputs.some(({ type }) => type === "admit");
    let next = inputs;
    for (let round = 0; next.length > 0; round++) {
      assert(round < roundsLimit, `the facts of a ${session.kindName} go in a circle`);
      const facts = next.flatMap((input) => this.step(session, input, stamp));
      decided.push(...facts);
      const mayOrderMore = facts.some(({ fact: { type } }) => letsOrder.has(type));
      const greeted = mayOrderMore ? unordered(session) : isAdmission ? admittedOf(facts) : [];
      next = facts.length === 0 ? [] : [...this.greetings(session, greeted), { type: "tick" }];
    }
    if (decided.length === 0) return decided;
    this.ledger.add(session, decided);
    if (session.endedAt === null && session.kind.isOver(session.state)) session.endedAt = stamp.iso;
    return decided;
  }

  /** What follows from one input alone. */
  private step(session: Running, input: Input, stamp: Stamp): readonly Decided[] {
    this.gauge(session, input, stamp.at);
    if (this.ledger.isFull && isRepeated(input)) return [];
    const facts = session.kind.decide(session.state, input, stamp.at, session.gauges);
    return facts.map((fact) => {
      session.state = session.kind.evolve(session.state, fact, stamp);
      if (fact.type === "admitted" && fact.pc !== null) this.byPc.add(session, [fact.pc]);
      return { session, fact, stamp, text: session.kind.text(fact, session.state) };
    });
  }

  /** What the session hears of those PCs that were connected before it wanted them. */
  private greetings(session: Session, pcs: readonly PcId[]): Input[] {
    return pcs.flatMap((pc) => {
      const report = this.reconciler.reportOf(pc);
      const holder = this.of(pc);
      if (report === undefined || (holder !== undefined && holder !== session)) return [];
      return [connectedInput(session, pc, report)];
    });
  }

  /** Keeps what is shown; a word of another attempt shows nothing. */
  private gauge(session: Running, input: Input, now: LabTime): void {
    if (!("pc" in input) || !session.kind.knows(session.state, input.pc)) return;
    if ("attempt" in input && session.wanted.orders.get(input.pc) !== input.attempt) return;
    noteInput(session.gauges, input, now);
  }
}

const admittedOf = (decided: readonly Decided[]): PcId[] =>
  decided.flatMap(({ fact }) => (fact.type === "admitted" ? (fact.pc ?? []) : []));

/** What is said again as long as it is so, or only shown: what is left out of it shows later. */
function isRepeated({ type }: Input): boolean {
  return ["progress", "delivery", "lane", "booting", "seen"].includes(type);
}

/** 1 when the agent reports this session, else 0. */
const isOf = (report: Report | null, session: Session): number =>
  report?.session === session.id ? 1 : 0;

const connectedInput = (session: Session, pc: PcId, report: Report | null): Input => ({
  type: "connected",
  pc,
  report: report?.session === session.id ? report : null,
});
