/** One session, as decided and as the journal has it. */
import { fold, type Journalled, type JournalSession } from "../../core/session/journal.ts";
import {
  type Gauges,
  type LabTime,
  newGauges,
  type PcId,
  type Stamp,
  type Wanted,
} from "../../core/session/kind.ts";
import { type AnyKind, type KindName, kindNamed } from "../../core/session/registry.ts";

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

/** A session as the engine holds it. */
export interface Running extends Session {
  endedAt: string | null;
  state: unknown;
  durable: unknown;
  wanted: Wanted;
  seq: number;
  /** With the fact of this number its state is stored anew. */
  storeAt: number;
  isNew: boolean;
  /** Whose work an operator's word ends that is decided and not written: they are told to stop all the same. */
  readonly letGo: Set<PcId>;
  /** The deadline that this state has named; null: it was not asked. */
  due: { readonly state: unknown; readonly at: LabTime | undefined } | null;
}

const storeEveryAtLeast = 64;

/** `s1`, `s2`, … */
export const idOf = (number: number): string => `s${number}`;

/** A new one. */
export function beginSession(
  number: number,
  kindName: KindName,
  spec: unknown,
  stamp: Stamp,
): Running {
  const kind = kindNamed(kindName);
  return {
    ...{ number, id: idOf(number), kindName, kind, startedAt: stamp.iso, endedAt: null },
    ...{ state: kind.begin(spec, stamp.at), durable: null, gauges: newGauges() },
    ...{
      wanted: { orders: new Map(), cast: null },
      seq: 0,
      storeAt: 0,
      isNew: true,
      letGo: new Set(),
      due: null,
    },
  };
}

/** A session as the journal tells it. */
export function sessionOf({ stored, facts }: Journalled): Running {
  const kind = kindNamed(stored.kind);
  const state = fold({ stored, facts });
  return {
    ...{ number: stored.number, id: idOf(stored.number), kindName: stored.kind, kind },
    ...{ startedAt: stored.startedAt, endedAt: stored.endedAt, state, durable: state },
    ...{ wanted: kind.wanted(state), gauges: { ...newGauges(), totals: stored.totals } },
    ...{ seq: facts.at(-1)?.seq ?? stored.seq, isNew: false, letGo: new Set() },
    due: null,
    storeAt: stored.seq + storeEvery({ kind, state }),
  };
}

/**
 * Facts of a session until its state is stored anew, which is as long as it has PCs: of a fact it takes the time that one
 * PC's part of it takes. It is also what a start of the server has to fold at most, beside the facts of one batch.
 */
export const storeEvery = ({ kind, state }: Pick<Session, "kind" | "state">): number =>
  Math.max(storeEveryAtLeast, [...kind.pcs(state)].length);

/** A session as the journal is to have it. */
export const journalSession = (session: Running): JournalSession => ({
  number: session.number,
  kind: session.kindName,
  startedAt: session.startedAt,
  endedAt: session.endedAt,
  seq: session.seq,
  state: session.state,
  totals: session.gauges.totals,
});

/** Asked of the kind once for each state: what is to come next stays so until it has come. */
export function deadlineOf(session: Running, now: LabTime): LabTime | undefined {
  const { kind, state, due } = session;
  if (due !== null && due.state === state && (due.at === undefined || due.at > now)) return due.at;
  const at = kind.deadline(state, now);
  session.due = { state, at };
  return at;
}

/** The PCs that the session has not told anything yet. */
export function unordered({ kind, state }: Session): PcId[] {
  const { orders } = kind.wanted(state);
  return [...kind.pcs(state)].filter((pc) => orders.get(pc) === undefined);
}
