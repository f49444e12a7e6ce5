/**
 * Sessions of the journal as earlier versions wrote them. What they did not write down is added as it was then:
 * nobody was first, nobody was waited for to come up, no file was listed, and no packet was counted as forged.
 */
import type { DatabaseSync } from "node:sqlite";
import type { ReceiversSpec } from "../../core/session/kinds/restore.ts";
import type { Member } from "../../core/session/member.ts";
import type { Receivers } from "../../core/session/receivers.ts";
import type { StepView } from "../../core/wire/views.ts";
import type { Counters } from "../../core/wire/work.ts";

type OlderCounters = Partial<Counters> | null;
type OlderSteps = readonly (Omit<StepView, "files"> & Partial<StepView>)[];

interface OlderMember extends Partial<Omit<Member, "counters" | "steps">> {
  readonly counters: OlderCounters;
  readonly steps: OlderSteps;
}

interface OlderReceivers extends Partial<Omit<Receivers, "members">> {
  readonly members: Readonly<Record<string, OlderMember>>;
}

/** Of a restore or a live cast. */
interface OlderSession {
  readonly spec: Pick<ReceiversSpec, "startTimeoutMs">;
  readonly receivers: OlderReceivers;
}

/** Of a capture or a wipe. */
interface OlderWork {
  readonly worker: { readonly counters: OlderCounters };
}

/** What ends a member, or a worker, which has no steps. */
interface OlderEnd {
  readonly counters: OlderCounters;
  readonly steps?: OlderSteps;
}

/** Brings the states, and the facts behind them, into the form that this version writes. */
export function completeSessions(db: DatabaseSync): void {
  const saveState = db.prepare("UPDATE session SET state = ? WHERE number = ?");
  for (const { number, kind, state } of db.prepare("SELECT * FROM session").all()) {
    const older = JSON.parse(String(state));
    const whole = stateOf(String(kind), older);
    saveState.run(JSON.stringify(whole), Number(number));
  }
  const saveFact = db.prepare("UPDATE fact SET body = ? WHERE session = ? AND seq = ?");
  for (const { session, seq, body } of db
    .prepare("SELECT * FROM fact WHERE type = 'ended'")
    .all()) {
    const whole = endOf(JSON.parse(String(body)));
    saveFact.run(JSON.stringify(whole), Number(session), Number(seq));
  }
}

function stateOf(kind: string, older: OlderSession & OlderWork): object {
  switch (kind) {
    case "restore":
      return { ...received(older), spec: { canary: [], ...ownSpec, ...older.spec } };
    case "cast":
      return { ...received(older), spec: { ...ownSpec, ...older.spec } };
    default: {
      const { worker } = older;
      return { ...older, worker: { ...worker, counters: countersOf(worker.counters) } };
    }
  }
}

const ownSpec = { personalise: "none", proveBootMs: null } as const;

function received(older: OlderSession): object {
  const { spec, receivers } = older;
  const members = Object.entries(receivers.members).map(([pc, member]) => [
    pc,
    { boot: null, ...member, ...endOf(member) },
  ]);
  const room = { startTimeoutMs: spec.startTimeoutMs, proveBootMs: null, canary: [] };
  return {
    ...older,
    receivers: { ...room, ...receivers, members: Object.fromEntries(members) },
  };
}

const endOf = (older: OlderEnd): OlderEnd => ({
  ...older,
  counters: countersOf(older.counters),
  ...(older.steps === undefined
    ? {}
    : { steps: older.steps.map((step) => ({ ...step, files: step.files ?? [] })) }),
});

const countersOf = (older: OlderCounters): OlderCounters =>
  older === null ? null : { forgedPackets: 0, ...older };
