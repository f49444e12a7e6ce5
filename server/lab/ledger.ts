import { assert, RoomcastError } from "../../core/errors.ts";
import type { Batch } from "../../core/session/journal.ts";
import type { Fact, PcId, Stamp } from "../../core/session/kind.ts";
import { journalSession, type Running, storeEvery } from "./session.ts";

/**
 * Facts that wait for the journal: beyond these nothing new is begun. A turn decides some thousands at most, when
 * several large rooms come at once; 50,000 take about 25 MB.
 */
export const decidedLimit = 50_000;

/** A fact that the journal does not have yet. */
export interface Decided {
  readonly session: Running;
  readonly fact: Fact;
  readonly stamp: Stamp;
  readonly text: string | null;
}

/** What is offered to the journal together. */
interface Offer {
  readonly facts: readonly Decided[];
  /** Each with its state as the batch has it. */
  readonly sessions: readonly { readonly session: Running; readonly state: unknown }[];
  /** Those whose state is stored anew. */
  readonly stored: readonly Running[];
}

/** What waited for the journal at some moment. */
export interface LedgerMark {
  readonly factCount: number;
  readonly unwritten: ReadonlySet<Running>;
}

/** What is decided and not written: between the sessions and their journal. */
export class Ledger {
  private decided: Decided[] = [];
  /** PCs of which something is decided that is not written: nothing is said to them before it is. */
  private ahead = new Set<PcId>();
  private unwritten = new Set<Running>();
  private underWay: Offer | null = null;

  /** More is decided than the journal may be behind. */
  get isFull(): boolean {
    return this.decided.length >= decidedLimit;
  }

  /** Something waits for the journal. */
  get isBehind(): boolean {
    return this.unwritten.size > 0;
  }

  /** Throws `failed` while the journal is too far behind. */
  requireRoom(): void {
    if (!this.isFull) return;
    throw new RoomcastError(
      "failed",
      `${this.decided.length} facts cannot be written down, so nothing new is begun`,
      "see in the server's log why state.db cannot be written; most often its disk is full (`df`)",
    );
  }

  isAhead(pc: PcId): boolean {
    return this.ahead.has(pc);
  }

  /** The session is to be written, with what is decided of it. */
  add(session: Running, decided: readonly Decided[]): void {
    this.unwritten.add(session);
    this.decided.push(...decided);
    for (const { fact } of decided) if (fact.pc !== null) this.ahead.add(fact.pc);
  }

  /** What has to be written next; null: nothing, or what was asked for last is not written yet. */
  toWrite(): Batch | null {
    if (this.underWay !== null || this.unwritten.size === 0) return null;
    const facts = this.decided;
    this.decided = [];
    const sessions = [...this.unwritten];
    this.unwritten = new Set();
    const journalFacts = facts.map(({ session, fact, stamp }) => ({
      ...{ session: session.number, seq: ++session.seq, fact },
      ...{ at: stamp.at, iso: stamp.iso },
    }));
    const stored = sessions.filter(
      (session) => session.isNew || session.endedAt !== null || session.seq >= session.storeAt,
    );
    const offered = sessions.map((session) => ({ session, state: session.state }));
    this.underWay = { facts, stored, sessions: offered };
    return { sessions: stored.map(journalSession), facts: journalFacts };
  }

  /** The journal has the batch that was asked for last. */
  written(): Pick<Offer, "facts" | "sessions"> {
    const { underWay } = this;
    assert(underWay !== null, "what is written was asked for");
    this.underWay = null;
    for (const session of underWay.stored) session.storeAt = session.seq + storeEvery(session);
    this.ahead = pcsOf(this.decided);
    return underWay;
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

  /** What waits now, to come back to. Nothing is offered to the journal meanwhile. */
  mark(): LedgerMark {
    assert(this.underWay === null, "what was offered is written, or is not");
    return { factCount: this.decided.length, unwritten: new Set(this.unwritten) };
  }

  /** Takes back what was decided since, none of which is written; answers it. */
  withdraw({ factCount, unwritten }: LedgerMark): Decided[] {
    assert(this.underWay === null, "what is withdrawn is not on its way to the journal");
    const withdrawn = this.decided.splice(factCount);
    this.unwritten = new Set(unwritten);
    this.ahead = pcsOf(this.decided);
    return withdrawn;
  }
}

/** The PCs that these facts are about. */
export const pcsOf = (decided: readonly { readonly fact: Fact }[]): Set<PcId> =>
  new Set(decided.flatMap(({ fact: { pc } }) => (pc === null ? [] : [pc])));
