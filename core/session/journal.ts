/** What the server has to find again after a crash: facts, in the order in which they became true. */
import type { CastTotals, Fact, Stamp } from "./kind.ts";
import { type KindName, kindNamed } from "./registry.ts";

/** A fact as the journal keeps it. */
export interface JournalFact extends Stamp {
  readonly session: number;
  /** Counts the session's facts from 1. */
  readonly seq: number;
  readonly fact: Fact;
}

/** A session as the journal keeps it: a state, and the facts behind it. */
export interface JournalSession {
  readonly number: number;
  readonly kind: KindName;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** The state that the facts up to `seq` made: of one that is read, as JSON. */
  readonly seq: number;
  readonly state: unknown;
  readonly totals: CastTotals | null;
}

/** What has to be durable before anything is sent: all of it, or nothing. */
export interface Batch {
  /** Sessions that are new, and those whose state is stored anew. */
  readonly sessions: readonly JournalSession[];
  readonly facts: readonly JournalFact[];
}

/** Where sessions outlive the server. */
export interface Journal {
  /** Writes all of it or nothing; durable when it returns. Throws when it cannot. */
  append(batch: Batch): void;
  /** The sessions that are not over, oldest first. */
  open(): readonly Journalled[];
  /** The last `limit` that ended, oldest first. */
  ended(limit: number): readonly Journalled[];
  find(number: number): Journalled | undefined;
  /** A number that no session has had. */
  nextNumber(): number;
  /** The lab time of the newest fact; 0: there is none. */
  newestAt(): number;
}

export interface Journalled {
  readonly stored: JournalSession;
  /** Those behind the stored state. */
  readonly facts: readonly JournalFact[];
}

/** The state that the journal tells. */
export function fold({ stored, facts }: Journalled): unknown {
  const kind = kindNamed(stored.kind);
  return facts.reduce(
    (state, { fact, at, iso }) => kind.evolve(state, fact, { at, iso }),
    kind.read(stored.state),
  );
}
