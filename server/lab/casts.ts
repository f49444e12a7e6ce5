/** The casts of the sessions: opened, joined and closed as the sessions want it. */

import type {
  CastSender,
  CastSenderStats,
  ReceiverId,
  StragglerReason,
} from "../../core/cast/ends.ts";
import { errorText } from "../../core/errors.ts";
import { stragglerText, withDisk } from "../../core/screen/straggler.ts";
import { gaugesOf, type Input, type Levels, type PcId } from "../../core/session/kind.ts";
import type { CastKeys } from "../../core/wire/cast-address.ts";
import type { SentRun } from "../../core/wire/sent-run.ts";
import type { Session } from "./session.ts";

export interface CastsPorts {
  /** A sender on this network. */
  open(network: string, stats: (stats: CastSenderStats) => void): Promise<CastSender>;
  /** The network to cast on even before a PC has joined; null: only where receivers are. */
  readonly home: string | null;
  /** By which network the PC is reached: its name. */
  networkOf(pc: PcId): string;
  /** What came of the cast, for its session. */
  take(session: string, input: Input): void;
  /** The totals of a session have changed. */
  counted(session: string): void;
}

/** What the wire carries comes in bursts; a person reads the mean of the last two seconds or so. */
const smoothed = (before: number | null, rateBps: number): number =>
  before === null ? rateBps : before + (rateBps - before) / 8;

/** How one receiver stands with its sender. */
export interface Standing {
  readonly receiver: ReceiverId;
  /** Why the others do not wait for it, in words; null: they do. */
  readonly straggling: string | null;
  /** What its figures show to make it slow, in words; absent from a sender that does not say. */
  readonly slow?: string | null | undefined;
  /** As in `ReceiverStanding`; absent from a sender that does not say. */
  readonly sent?: SentRun | null | undefined;
}

type Totals = Omit<CastSenderStats, "receivers">;

/** One receiver of a sender's. */
interface Joined {
  readonly receiver: ReceiverId;
  /** The count of joins that this one met. */
  readonly joins: number;
  readonly network: string;
}

/** The cast of one session: a sender on each network that has receivers, and none on any other. */
export class Cast {
  private readonly session: Session;
  private readonly ports: CastsPorts;
  private readonly wants = new Map<PcId, Uint8Array>();
  /** By network, the PCs that were ordered before the cast opened, until they join. */
  private readonly coming = new Map<string, Set<PcId>>();
  private readonly joined = new Map<PcId, Joined>();
  private readonly byReceiver = new Map<ReceiverId, PcId>();
  private readonly standings = new Map<PcId, Standing>();
  private nextReceiver = 1;
  /** By network. */
  private readonly senders = new Map<string, CastSender>();
  /** By network, also of what was sent before the cast was closed. */
  private readonly totals = new Map<string, Totals>();
  private isOpen = false;
  private wasOpen = false;
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
    if (found !== undefined) this.senders.get(found.network)?.report(found.receiver, payload);
  }

  /** The first PCs get their disks ready: the sender that they will hear is opened meanwhile. */
  prepare(pc: PcId): void {
    if (this.wasOpen) return;
    const network = this.ports.networkOf(pc);
    this.coming.set(network, (this.coming.get(network) ?? new Set()).add(pc));
    // Where it cannot be opened, the join says so.
    this.enqueue(() =>
      this.senderOn(network).then(
        () => {},
        () => {},
      ),
    );
  }

  /**
   * Brings the cast to what the session wants: these PCs with their counts of joins; null: no cast. `changed`: of whom
   * something else may be wanted than before, while there is a cast.
   */
  sync(wanted: Levels | null, changed: Iterable<PcId>): void {
    if (wanted === null) {
      for (const pc of this.joined.keys()) this.leave(pc);
      if (this.isOpen) this.close();
      return;
    }
    const { home } = this.ports;
    if (!this.isOpen && home !== null) this.enqueue(async () => void (await this.senderOn(home)));
    const all = this.isOpen ? null : [...wanted].map(([pc]) => pc);
    this.isOpen = true;
    this.wasOpen = true;
    for (const pc of all ?? changed) {
      const joins = wanted.get(pc);
      if (this.joined.get(pc)?.joins === joins) continue;
      this.leave(pc);
      if (joins !== undefined) this.join(pc, joins);
    }
  }

  /** The session's keys are others now. */
  rekey(keys: CastKeys): void {
    this.enqueue(async () => {
      for (const sender of this.senders.values()) sender.rekey(keys);
    });
  }

  /** What the sender on a network says of the cast, and of those that the others do not wait for. */
  takeStats(network: string, totals: Totals, receivers: readonly Standing[]): void {
    const { gauges, id } = this.session;
    const { rateBps } = this.totals.get(network) ?? { rateBps: null };
    this.totals.set(network, { ...totals, rateBps: smoothed(rateBps, totals.rateBps) });
    gauges.totals = together([...this.totals.values()]);
    for (const standing of receivers) {
      const pc = this.byReceiver.get(standing.receiver);
      if (pc === undefined || this.joined.get(pc)?.network !== network) continue;
      const before = this.standings.get(pc);
      this.standings.set(pc, standing);
      gaugesOf(gauges, pc).slow = standing.slow ?? null;
      const { straggling: reason } = standing;
      if ((before?.straggling ?? null) !== reason)
        this.ports.take(id, { type: "lane", pc, reason });
    }
    this.ports.counted(id);
  }

  /** What the PC must have heard of, if it hears its sender; null: too little was sent to it. */
  sentTo(pc: PcId): SentRun | null {
    return this.standings.get(pc)?.sent ?? null;
  }

  private textOf(reason: StragglerReason | null, receiver: ReceiverId): string | null {
    return reason === null ? null : stragglerText(withDisk(reason, this.diskBusyAt(receiver)));
  }

  /** What the PC that is this receiver says of its disk. */
  private diskBusyAt(receiver: ReceiverId): number | null {
    const pc = this.byReceiver.get(receiver);
    if (pc === undefined) return null;
    return this.session.gauges.members.get(pc)?.counters?.diskBusy ?? null;
  }

  /** Resolves when the cast is closed, or is left as it is with the server. */
  async end(): Promise<void> {
    this.close();
    await this.work;
  }

  private async senderOn(network: string): Promise<CastSender> {
    const found = this.senders.get(network);
    if (found !== undefined) return found;
    const sender = await this.ports.open(network, ({ receivers, ...totals }) =>
      this.takeStats(
        network,
        totals,
        receivers.map(({ receiver, reason, shown, sent }) => ({
          ...{ receiver, sent },
          straggling: this.textOf(reason, receiver),
          slow: this.textOf(shown, receiver),
        })),
      ),
    );
    this.senders.set(network, sender);
    sender.ended.catch((error: unknown) => this.broken(error));
    return sender;
  }

  private close(): void {
    this.isOpen = false;
    this.enqueue(async () => {
      for (const sender of this.senders.values()) await sender.close();
      this.senders.clear();
    });
  }

  private leave(pc: PcId): void {
    const found = this.joined.get(pc);
    if (found === undefined) return;
    const { receiver, network } = found;
    this.joined.delete(pc);
    this.byReceiver.delete(receiver);
    this.standings.delete(pc);
    gaugesOf(this.session.gauges, pc).slow = null;
    this.enqueue(async () => this.senders.get(network)?.leave(receiver));
  }

  private join(pc: PcId, joins: number): void {
    const wants = this.wants.get(pc);
    if (wants === undefined) return this.ports.take(this.session.id, { type: "no-wants", pc });
    const receiver = this.nextReceiver++;
    const network = this.ports.networkOf(pc);
    const coming = this.coming.get(network);
    coming?.delete(pc);
    const comingCount = coming?.size ?? null;
    this.joined.set(pc, { receiver, joins, network });
    this.byReceiver.set(receiver, pc);
    this.enqueue(async () => (await this.senderOn(network)).join(receiver, wants, comingCount));
  }

  private enqueue(work: () => Promise<void>): void {
    this.work = this.work.then(work).catch((error: unknown) => this.broken(error));
  }

  private broken(error: unknown): void {
    const reason = errorText(error);
    this.ports.take(this.session.id, { type: "cast-broken", reason });
  }
}

/** What a session with a sender on each of its networks has sent. The rate is that of the busiest wire. */
function together(all: readonly Totals[]): Totals {
  const sum = (of: (totals: Totals) => number): number =>
    all.reduce((total, each) => total + of(each), 0);
  const most = (of: (totals: Totals) => number): number => Math.max(...all.map(of));
  return {
    rateBps: most(({ rateBps }) => rateBps),
    bytesSent: sum(({ bytesSent }) => bytesSent),
    parityBytes: sum(({ parityBytes }) => parityBytes),
    repairBytes: sum(({ repairBytes }) => repairBytes),
    passes: most(({ passes }) => passes),
    entriesOpen: most(({ entriesOpen }) => entriesOpen),
    framesIgnored: sum(({ framesIgnored }) => framesIgnored),
  };
}
