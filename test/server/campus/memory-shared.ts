/** The list of what all servers of a campus have alike, in memory: several servers on one, each with a way to it of its own. */
import { type SharedEntry, written } from "../../../core/campus/shared-list.ts";
import { RoomcastError } from "../../../core/errors.ts";
import type { SharedTables } from "../../../server/campus/shared-tables.ts";
import { MayBeAway } from "./may-be-away.ts";

type Listener = { readonly server: MemorySharedTables; hint(isThereAgain: boolean): void };

export class MemoryShared {
  rows: { readonly entry: SharedEntry; readonly changed: number }[] = [];
  private changes = 0;
  private readonly listeners = new Set<Listener>();

  tables(): MemorySharedTables {
    return new MemorySharedTables(this);
  }

  put(entries: readonly SharedEntry[], why: "change" | "hand-on"): number {
    const changed = this.changes + 1;
    let refused = 0;
    for (const entry of entries) {
      const isNamesake = ({ kind, name }: SharedEntry) =>
        kind === entry.kind && name === entry.name;
      const rows = this.rows.map((row) => row.entry);
      const now = written(rows.filter(isNamesake), entry, why);
      if (now === "refused") refused++;
      if (now === "refused" || now === null) continue;
      this.changes = changed;
      this.rows = this.rows.filter(
        (row) => !isNamesake(row.entry) || row.entry.since !== entry.since,
      );
      this.rows.push({ entry: now, changed });
    }
    if (this.changes === changed) this.notify();
    return refused;
  }

  listen(listener: Listener): Disposable {
    this.listeners.add(listener);
    return { [Symbol.dispose]: () => void this.listeners.delete(listener) };
  }

  private notify(): void {
    for (const { server, hint } of this.listeners) if (server.away() === null) hint(false);
  }

  reached(of: MemorySharedTables): void {
    for (const { server, hint } of this.listeners) if (server === of) hint(true);
  }
}

/** As one server has it. */
export class MemorySharedTables extends MayBeAway implements SharedTables {
  /** Of the next calls that write, so many are done and not answered. */
  lostAnswers = 0;
  private readonly shared: MemoryShared;

  constructor(shared: MemoryShared) {
    super();
    this.shared = shared;
  }

  /** Null: it is there again. */
  setAway(reason: string | null): void {
    this.absence = reason === null ? null : { since: "2026-01-01T00:00:00.000Z", reason };
    if (reason === null) this.shared.reached(this);
  }

  writtenAfter(changed: number): ReturnType<SharedTables["writtenAfter"]> {
    return this.step(() => {
      const rows = this.shared.rows.filter((row) => row.changed > changed);
      return {
        entries: rows.map(({ entry }) => entry),
        changed: Math.max(changed, ...rows.map((row) => row.changed)),
      };
    });
  }

  write(entry: SharedEntry): Promise<boolean> {
    return this.writing(() => this.shared.put([entry], "change") === 0);
  }

  handOn(entries: readonly SharedEntry[]): Promise<void> {
    return this.writing(() => void this.shared.put(entries, "hand-on"));
  }

  onHint(hint: (isThereAgain: boolean) => void): Disposable {
    return this.shared.listen({ server: this, hint });
  }

  private writing<T>(work: () => T): Promise<T> {
    return this.step(() => {
      const done = work();
      if (this.lostAnswers > 0) {
        this.lostAnswers--;
        throw new RoomcastError("away", "the answer was lost", "ask again");
      }
      return done;
    });
  }
}
