/** The casts of the sessions: opened, joined and closed as the sessions want it. */

import type { CastSender, CastSenderStats, ReceiverId } from "../../core/cast/ends.ts";
import { errorText } from "../../core/errors.ts";
import { stragglerText } from "../../core/screen/straggler.ts";
import type { Input, PcId } from "../../core/session/kind.ts";
import type { CastKeys } from "../../core/wire/control.ts";
import type { Session } from "./engine.ts";

export interface CastsPorts {
  open(session: Session, stats: (stats: CastSenderStats) => void): Promise<CastSender>;
  /** What came of the cast, for its session. */
  take(session: string, input: Input): void;
  /** The totals of a session have changed. */
  counted(session: string): void;
}

/** What the wire carries comes in bursts; a person reads the mean of the last two seconds or so. */
const smoothed = (before: number | null, rateBps: number): number =>
  before === null ? rateBps : before + (rateBps - before) / 8;

/** What one receiver's standing is, in words; null: the others wait for it. */
export interface Standing {
  readonly receiver: ReceiverId;
  readonly straggling: string | null;
}

/** The cast of one session. */
export class Cast {
  private readonly session: Session;
  private readonly ports: CastsPorts;
  private readonly wants = new Map<PcId, Uint8Array>();
  /** Those that have joined, with the count of joins that this one met. */
  private readonly joined = new Map<
    PcId,
    { readonly receiver: ReceiverId; readonly joins: number }
  >();
  private readonly standings = new Map<PcId, string | null>();
  private nextReceiver = 1;
  private sender: CastSender | null = null;
  private isOpen = false;
  /** What the cast has to do, one thing after the other. */
  private work: Promise<void> = Promise.resolve();

  constructor(session: Session, ports: CastsPorts) {
    this.session = session;
    this.ports = ports;
  }

  /** A `wants` frame of a PC; it is used when the PC joins. */
  takeWants(pc: PcId, bitmap: Uint8Array): void {
    if (this.session.kind.knows(this.session.state, pc)) this.wants.set(pc, new Uint8Array(bitmap));
  }

  takeReport(pc: PcId, payload: Uint8Array): void {
    const found = this.joined.get(pc);
    if (found !== undefined) this.sender?.report(found.receiver, payload);
  }

  /** Brings the cast to what the session wants: these PCs with their counts of joins; null: no cast. */
  sync(wanted: ReadonlyMap<PcId, number> | null): void {
    if (wanted !== null && !this.isOpen) this.open();
    for (const [pc, { receiver, joins }] of this.joined) {
      if (wanted?.get(pc) === joins) continue;
      this.joined.delete(pc);
      this.standings.delete(pc);
      this.enqueue(async () => this.sender?.leave(receiver));
    }
    if (wanted === null) return this.close();
    for (const [pc, joins] of wanted) if (!this.joined.has(pc)) this.join(pc, joins);
  }

  /** The session's keys are others now. */
  rekey(keys: CastKeys): void {
    this.enqueue(async () => this.sender?.rekey(keys));
  }

  /** What the sender says of the cast, and of those that the others do not wait for. */
  takeStats(totals: Omit<CastSenderStats, "receivers">, receivers: readonly Standing[]): void {
    const { gauges, id } = this.session;
    gauges.totals = {
      ...totals,
      rateBps: smoothed(gauges.totals?.rateBps ?? null, totals.rateBps),
    };
    const byReceiver = new Map(receivers.map(({ receiver, straggling }) => [receiver, straggling]));
    for (const [pc, { receiver }] of this.joined) {
      const reason = byReceiver.get(receiver);
      if (reason === undefined || this.standings.get(pc) === reason) continue;
      this.standings.set(pc, reason);
      this.ports.take(id, { type: "lane", pc, reason });
    }
    this.ports.counted(id);
  }

  /** Resolves when the cast is closed, or is left as it is with the server. */
  async end(): Promise<void> {
    this.close();
    await this.work;
  }

  private open(): void {
    this.isOpen = true;
    const { ports, session } = this;
    this.enqueue(async () => {
      const sender = await ports.open(session, ({ receivers, ...totals }) =>
        this.takeStats(
          totals,
          receivers.map(({ receiver, reason }) => ({
            receiver,
            straggling: reason === null ? null : stragglerText(reason),
          })),
        ),
      );
      this.sender = sender;
      sender.ended.catch((error: unknown) => this.broken(error));
    });
  }

  private close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.enqueue(async () => {
      await this.sender?.close();
      this.sender = null;
    });
  }

  private join(pc: PcId, joins: number): void {
    const wants = this.wants.get(pc);
    if (wants === undefined) return this.ports.take(this.session.id, { type: "no-wants", pc });
    const receiver = this.nextReceiver++;
    this.joined.set(pc, { receiver, joins });
    this.enqueue(async () => this.sender?.join(receiver, wants));
  }

  private enqueue(work: () => Promise<void>): void {
    this.work = this.work.then(work).catch((error: unknown) => this.broken(error));
  }

  private broken(error: unknown): void {
    const reason = errorText(error);
    this.ports.take(this.session.id, { type: "cast-broken", reason });
  }
}
