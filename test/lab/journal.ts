/** A journal in memory that keeps what a real one keeps: what was synced, as JSON. */
import {
  type Batch,
  fold,
  type Journal,
  type Journalled,
  type JournalSession,
} from "../../core/session/journal.ts";
import type { Fact, Stamp, Wanted } from "../../core/session/kind.ts";
import { kindNamed } from "../../core/session/registry.ts";
import { idOf } from "../../server/lab/session.ts";
import { must } from "./failures.ts";

const nothingWanted: Wanted = { orders: new Map(), cast: null };

interface Row {
  stored: JournalSession;
  facts: { fact: Fact; seq: number; session: number; at: Stamp["at"]; iso: string }[];
  /** Folded as the facts come. */
  state: unknown;
  wanted: Wanted;
}

export class LabJournal implements Journal {
  private readonly rows = new Map<number, Row>();
  private newest = 0;
  factCount = 0;
  /** A fact is durable: told with the state that it was applied to. */
  onFact: (session: JournalSession, fact: Fact, before: unknown) => void = () => {};
  onSession: (session: JournalSession, wanted: Wanted) => void = () => {};

  append(batch: Batch): void {
    const { sessions, facts } = JSON.parse(JSON.stringify(batch)) as Batch;
    const touched = new Set<Row>();
    const fresh = new Set<number>();
    for (const stored of sessions) {
      if (this.rows.has(stored.number)) continue;
      // A new session is stored as it is after the facts of this batch.
      const kind = kindNamed(stored.kind);
      const state = kind.read(stored.state);
      const row = { stored, facts: [], state, wanted: kind.wanted(state) };
      this.rows.set(stored.number, row);
      touched.add(row);
      fresh.add(stored.number);
    }
    for (const each of facts) {
      this.factCount++;
      this.newest = Math.max(this.newest, each.at);
      const row = this.rows.get(each.session);
      must(row !== undefined, () => `a fact of ${idOf(each.session)}, which the journal lacks`);
      if (row === undefined) continue;
      touched.add(row);
      const seq = row.facts.at(-1)?.seq ?? (fresh.has(each.session) ? 0 : row.stored.seq);
      must(each.seq === seq + 1, () => `fact ${each.seq} of ${idOf(each.session)} after ${seq}`);
      this.onFact(row.stored, each.fact, fresh.has(each.session) ? null : row.state);
      row.facts.push(each);
      if (!fresh.has(each.session))
        row.state = kindNamed(row.stored.kind).evolve(row.state, each.fact, each);
    }
    for (const stored of sessions) {
      const row = this.rows.get(stored.number) as Row;
      must(
        JSON.stringify(row.state) === JSON.stringify(stored.state),
        () => `the state of ${idOf(stored.number)} is not what its facts make`,
      );
      row.stored = stored;
      row.facts = row.facts.filter(({ seq }) => seq > stored.seq);
    }
    for (const row of touched) row.wanted = kindNamed(row.stored.kind).wanted(row.state);
    // Whoever lets a PC go does so before another takes it.
    for (const { stored } of touched) this.onSession(stored, nothingWanted);
    for (const { stored, wanted } of touched) this.onSession(stored, wanted);
  }

  open(): Journalled[] {
    return this.journalled((row) => row.stored.endedAt === null);
  }

  ended(limit: number): Journalled[] {
    return this.journalled((row) => row.stored.endedAt !== null).slice(-limit);
  }

  find(number: number): Journalled | undefined {
    return this.journalled((row) => row.stored.number === number)[0];
  }

  nextNumber(): number {
    return Math.max(0, ...this.rows.keys()) + 1;
  }

  newestAt(): number {
    return this.newest;
  }

  stateOf(number: number): unknown {
    return this.rows.get(number)?.state;
  }

  wantedOf(number: number): Wanted | undefined {
    return this.rows.get(number)?.wanted;
  }

  get sessionCount(): number {
    return this.rows.size;
  }

  private journalled(isWanted: (row: Row) => boolean): Journalled[] {
    const found = [...this.rows.values()].filter(isWanted);
    for (const row of found) {
      must(
        JSON.stringify(fold(row)) === JSON.stringify(row.state),
        () => `${idOf(row.stored.number)} folds to another state than it had`,
      );
    }
    return found.map(({ stored, facts }) => ({ stored, facts: [...facts] }));
  }
}
