import { errorText } from "../../core/errors.ts";
import type { Batch, Journal } from "../../core/session/journal.ts";
import type { Input } from "../../core/session/kind.ts";
import { millis } from "../../core/units/units.ts";
import type { Announcer } from "./announcer.ts";
import type { Engine, Written } from "./engine.ts";
import type { Session } from "./session.ts";
import type { LabTimers } from "./timers.ts";
import { unwritten } from "./unwritten.ts";

/** A journal that could not be written, because the disk is full, is tried again after this. */
const journalRetryMs = 1000;

export interface TurnsPorts {
  readonly engine: Engine;
  readonly journal: Pick<Journal, "append">;
  readonly timers: Pick<LabTimers, "now" | "stamp" | "soon" | "later" | "wakeAt">;
  readonly announcer: Pick<Announcer, "stuck">;
  /** What follows from what is durable now. */
  act(written: Written): void;
  /** Says to agents what the engine has for them. */
  send(): void;
  /** An operator has ended work that the journal does not know to be over. */
  letGo(session: Session): void;
}

/** A session that an operator begins. */
export interface Beginning {
  /** In words, as the history has it: "restore of win@3 to 20 PCs". */
  readonly text: string;
  /** Has the engine begin it. */
  begin(): Session;
  /** The journal has it, and nothing has followed from that yet. */
  written(session: Session): void;
  /** There will be no such session. */
  undone(session: Session): void;
}

/** The turns of the engine: what is decided together is written into the journal, and then done. */
export class Turns {
  private readonly ports: TurnsPorts;
  /** The journal could not be written; how to call off the next try. */
  private retry: (() => void) | null = null;
  /** When the sessions were last asked what follows by time alone. */
  private tickedAt = millis(Number.NEGATIVE_INFINITY);

  constructor(ports: TurnsPorts) {
    this.ports = ports;
  }

  /** Goes on with the sessions that were there when the server was started: what follows by time alone follows for them, too. */
  resume(): void {
    this.goOn(true);
  }

  /** After what has come in together is taken. */
  soon(): void {
    this.ports.timers.soon(() => this.flush());
  }

  /** Writes what was decided, does what follows, until there is nothing more. */
  flush(): void {
    this.goOn(false);
  }

  /** `mayBeDue`: other moments may be waited for than the timer knows of. */
  private goOn(mayBeDue: boolean): void {
    const { engine, send } = this.ports;
    // A disk that takes nothing is not asked with every event: all that waits is offered anew each time.
    if (this.retry !== null) return send();
    let hasChanged = mayBeDue;
    for (let batch = engine.toWrite(); batch !== null; batch = engine.toWrite()) {
      hasChanged = true;
      const fault = this.append(batch);
      if (fault !== null) return this.standStill(fault.error);
      this.written();
    }
    send();
    if (hasChanged) this.wakeInTime();
  }

  close(): void {
    this.retry?.();
    this.retry = null;
    this.flush();
  }

  // --- what operators say: it is in the journal when a call returns

  /** Begins a session, or nothing at all. Throws what the journal says. */
  begin({ text, begin, written, undone }: Beginning): Session {
    return this.operate(begin, written, (error, session, withdraw) => {
      withdraw();
      undone(session);
      const afterwards = "then order it again";
      return unwritten(`the ${text}`, error, { stands: "nothing is begun", afterwards });
    });
  }

  /** Has a session take what an operator says, or nothing of it. Throws as `begin`. `what`: "the start of session s7". */
  order(id: string, inputs: readonly Input[], what: string): void {
    this.operate(
      () => this.take(id, inputs),
      () => {},
      (error, _, withdraw) => {
        withdraw();
        const afterwards = "then say it again";
        return unwritten(what, error, { stands: "nothing has changed", afterwards });
      },
    );
  }

  /**
   * The same for a word that ends work. Where the journal does not take it, who is at work is told to stop all the
   * same, and it is written as soon as that can be; it throws, too.
   */
  halt(id: string, input: Input, what: string): void {
    const { engine, timers, letGo } = this.ports;
    const session = engine.get(id);
    const before = session?.state;
    this.operate(
      () => this.take(id, [input]),
      () => {},
      (error) => {
        if (session !== undefined) {
          letGo(session);
          engine.letGo(session, before, timers.now());
        }
        return unwritten(what, error, {
          stands:
            "whoever is at work there is told to stop all the same, but goes on if the server is started anew before it is written",
          afterwards: `it is then written by itself: see \`roomcast session show ${id}\``,
        });
      },
    );
  }

  /**
   * Has the engine decide something, and writes it at once: a disk that took nothing lately is asked again. Where
   * the journal does not take it, what `refused` answers is thrown. `withdraw` has the engine forget it.
   */
  private operate<T>(
    decide: () => T,
    written: (decided: T) => void,
    refused: (error: unknown, decided: T, withdraw: () => void) => Error,
  ): T {
    const { engine } = this.ports;
    const mark = engine.mark();
    const withdraw = (): void => engine.withdraw(mark);
    const decided = orWithdraw(decide, withdraw);
    const batch = engine.toWrite();
    const fault = batch === null ? null : this.append(batch);
    if (fault !== null) {
      const told = refused(fault.error, decided, withdraw);
      this.standStill(fault.error);
      throw told;
    }
    written(decided);
    if (batch !== null) this.written();
    this.goOn(batch !== null);
    return decided;
  }

  private take(id: string, inputs: readonly Input[]): void {
    const { engine, timers } = this.ports;
    for (const input of inputs) engine.take(id, input, timers.stamp());
  }

  // --- the journal

  /** Why the journal did not take it; null: it has it now. */
  private append(batch: Batch): { readonly error: unknown } | null {
    const { engine, journal, announcer } = this.ports;
    try {
      journal.append(batch);
    } catch (error) {
      engine.notWritten();
      return { error };
    }
    this.retry?.();
    this.retry = null;
    announcer.stuck(null);
    return null;
  }

  private written(): void {
    const { engine, timers, act } = this.ports;
    act(engine.written(timers.now()));
  }

  /** What waits for the journal is offered to it again. */
  private standStill(error: unknown): void {
    const { engine, timers, announcer, send } = this.ports;
    if (engine.isBehind) {
      announcer.stuck(errorText(error));
      this.retry ??= timers.later(journalRetryMs, () => {
        this.retry = null;
        this.flush();
      });
    }
    send();
  }

  /** A timer may come a little early, and what follows may take long: what came due since the last tick is not passed over. */
  private wakeInTime(): void {
    const { engine, timers } = this.ports;
    timers.wakeAt(engine.deadline(this.tickedAt), () => {
      const stamp = timers.stamp();
      this.tickedAt = stamp.at;
      engine.tick(stamp);
      this.flush();
      this.wakeInTime();
    });
  }
}

/** What throws has decided nothing. */
function orWithdraw<T>(decide: () => T, withdraw: () => void): T {
  try {
    return decide();
  } catch (error) {
    withdraw();
    throw error;
  }
}
