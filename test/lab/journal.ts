/**
 * The server's own journal, in a state.db that dies with the power and fills up, held against one in memory: what was
 * written is there, folds to what it was, and nothing else is.
 */
import {
  type Batch,
  fold,
  type Journal,
  type Journalled,
  type JournalSession,
} from "../../core/session/journal.ts";
import type { Fact, Stamp, Wanted } from "../../core/session/kind.ts";
import { type AnyKind, kindNamed } from "../../core/session/registry.ts";
import { idOf } from "../../server/lab/session.ts";
import { stateCall } from "../../server/state/faults.ts";
import { sqliteJournal } from "../../server/state/journal.ts";
import { WriteBatch } from "../../server/state/write-batch.ts";
import { must } from "./failures.ts";
import { StateFile, type StateFilePorts } from "./state-file.ts";

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
  private readonly file: StateFile;
  private readonly isUnsynced: boolean;
  /** As the process has it that runs now. */
  private stored: Journal;
  private newest = 0;
  factCount = 0;
  /** A fact is durable: told with the state that it was applied to. */
  onFact: (session: JournalSession, fact: Fact, before: unknown) => void = () => {};
  onSession: (session: JournalSession, wanted: Wanted) => void = () => {};

  /** `isUnsynced`: a planted bug, by which nobody waits for the disk. */
  constructor(ports: StateFilePorts, isUnsynced: boolean) {
    this.file = new StateFile(ports);
    this.isUnsynced = isUnsynced;
    this.stored = this.opened();
  }

  /** The process dies; with `losesPower` its host does. */
  die(losesPower: boolean): void {
    this.file.die(losesPower);
    this.stored = this.opened();
  }

  close(): void {
    this.file.close();
  }

  private opened(): Journal {
    const handle = this.file.handle();
    const batch = new WriteBatch(
      handle,
      () => {},
      async () => {
        if (!this.isUnsynced) this.file.sync();
      },
    );
    const now: typeof batch.now = (write) =>
      this.isUnsynced ? batch.unsynced(write) : batch.now(write);
    return sqliteJournal(handle, { now });
  }

  /** Throws as the state store does. */
  append(batch: Batch): void {
    stateCall("state.db", "append", () => this.stored.append(batch));
    this.appended(batch);
  }

  private appended(batch: Batch): void {
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
    const found = this.stored.open();
    this.compare(found, (row) => row.stored.endedAt === null);
    return [...found];
  }

  ended(limit: number): readonly Journalled[] {
    return this.stored.ended(limit);
  }

  find(number: number): Journalled | undefined {
    const found = this.stored.find(number);
    this.compare(found === undefined ? [] : [found], (row) => row.stored.number === number);
    return found;
  }

  nextNumber(): number {
    const next = this.stored.nextNumber();
    const known = Math.max(0, ...this.rows.keys());
    must(next === known + 1, () => `the next session would be s${next} after s${known}`);
    return next;
  }

  newestAt(): number {
    const newest = this.stored.newestAt();
    must(newest === this.newest, () => `the journal ends at ${newest}, not at ${this.newest}`);
    return newest;
  }

  stateOf(number: number): unknown {
    return this.rows.get(number)?.state;
  }

  kindOf(number: number): AnyKind | undefined {
    const row = this.rows.get(number);
    return row === undefined ? undefined : kindNamed(row.stored.kind);
  }

  wantedOf(number: number): Wanted | undefined {
    return this.rows.get(number)?.wanted;
  }

  get sessionCount(): number {
    return this.rows.size;
  }

  /** What is found is what was written. */
  private compare(found: readonly Journalled[], isWanted: (row: Row) => boolean): void {
    const rows = [...this.rows.values()].filter(isWanted);
    const numbers = found.map(({ stored }) => stored.number);
    for (const { stored } of rows)
      must(
        numbers.includes(stored.number),
        () => `${idOf(stored.number)} was written, and is gone`,
      );
    for (const each of found) {
      const row = this.rows.get(each.stored.number);
      must(
        row !== undefined && JSON.stringify(fold(each)) === JSON.stringify(row.state),
        () => `${idOf(each.stored.number)} folds to another state than it had`,
      );
    }
  }
}
