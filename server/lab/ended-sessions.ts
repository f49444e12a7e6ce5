/** The sessions that are over, a line each, as a campus is told of them. */
import { sentence } from "../../core/screen/report.ts";
import type { RestoreState } from "../../core/session/kinds/restore.ts";
import type { LiveState } from "../../core/session/live-state.ts";
import type { EndedSession } from "../../core/wire/campus.ts";
import type { StateStore } from "../state/state-store.ts";
import { historyBegins } from "./history.ts";
import { idOf } from "./session.ts";
import type { Sessions } from "./sessions.ts";

/** Of a line, in characters: the report has all of it. */
const lineLimit = 2048;

export interface EndedSessionsPorts {
  readonly store: Pick<StateStore, "untoldSessions" | "sessionsTold">;
  readonly sessions: Pick<Sessions, "session" | "view" | "has">;
  /** How long the history is kept, in days. */
  readonly keepDays: number;
  isoTime(): string;
}

export class EndedSessions {
  private readonly ports: EndedSessionsPorts;

  constructor(ports: EndedSessionsPorts) {
    this.ports = ports;
  }

  /** Those that were not told yet, the oldest first, but for those that are about to leave the history. */
  untold(limit: number): EndedSession[] {
    const { store, keepDays, isoTime } = this.ports;
    const after = historyBegins(isoTime(), keepDays);
    return store.untoldSessions(after, limit).map((number) => this.lineOf(number));
  }

  told(ended: readonly EndedSession[]): void {
    this.ports.store.sessionsTold(ended.map(({ number }) => number));
  }

  private lineOf(number: number): EndedSession {
    const session = this.ports.sessions.session(idOf(number));
    const { kind, kindName, state, startedAt, endedAt } = session;
    const { spec } = state as RestoreState | LiveState;
    const isOrdered = kindName !== "capture" && "orderedBy" in spec;
    return {
      ...{ number, started: startedAt, ended: endedAt ?? startedAt },
      ...{ room: kind.room(state), image: kind.image(state) },
      operator: isOrdered ? (spec.orderedBy ?? null) : null,
      text: `${kindName}: ${sentence(this.ports.sessions.view(session))}`.slice(0, lineLimit),
    };
  }
}
