import type { CastSender, CastSenderStats, ReceiverId } from "../../core/cast/ends.ts";
import type { Clock } from "../../core/ports.ts";
import { resultCounts, sessionFraction, sessionSecondsLeft } from "../../core/screen/progress.ts";
import { stragglerText } from "../../core/screen/straggler.ts";
import {
  deadlineOf,
  handle,
  isOver,
  type SessionAction,
  type SessionEvent,
} from "../../core/session/session.ts";
import { memberView, sessionNotices, sessionState } from "../../core/session/view.ts";
import type { ServerMessage } from "../../core/wire/control.ts";
import type { DiskPolicy } from "../../core/wire/disk-policy.ts";
import type { PcState, SessionView } from "../../core/wire/views.ts";
import type { CastTotals, RestoreRecord } from "../state/records.ts";
import type { LiveRun } from "./live-run.ts";

/** What a room is set to about its PCs' disks. */
export interface DiskSettings {
  readonly disk: DiskPolicy;
  readonly grow: boolean;
}

/** What a run needs of the rest of the server. */
export interface RunPorts {
  readonly clock: Clock;
  send(pc: string, message: ServerMessage): void;
  nameOf(pc: string): string;
  stateOf(pc: string): PcState;
  /** Of the PC's room. */
  diskSettingsOf(pc: string): DiskSettings;
  openSender(record: RestoreRecord, stats: (stats: CastSenderStats) => void): Promise<CastSender>;
  persist(record: RestoreRecord): void;
  /** Something that a screen shows has changed. */
  changed(run: RestoreRun): void;
  note(session: string, pc: string | null, text: string): void;
  ended(run: RestoreRun): void;
}

/** Counters are stored at most this often, in milliseconds; transitions at once. */
const persistEvery = 2000;
/** How often the PCs' own screens hear of the room, in milliseconds. */
const tellRoomEvery = 1000;

/** What the wire carries comes in bursts; a person reads the mean of the last two seconds or so. */
const smoothed = (before: number | null, { rateBps }: CastTotals): number =>
  before === null ? rateBps : before + (rateBps - before) / 8;

/** A restore under way: the session machine, its timer, and its cast. */
export class RestoreRun {
  readonly record: RestoreRecord;
  /** A PC of the room is the sender. */
  live: LiveRun | null = null;
  private readonly ports: RunPorts;
  private readonly wants = new Map<string, Uint8Array>();
  private readonly receivers = new Map<string, ReceiverId>();
  /** What the machine was last told of those that the others do not wait for. */
  private readonly laggards = new Map<string, string | null>();
  private nextReceiver = 1;
  private sender: CastSender | null = null;
  /** What the cast has to do, one thing after the other. */
  private castWork: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private persistedAt = 0;
  private readonly ticker: NodeJS.Timeout;

  constructor(record: RestoreRecord, ports: RunPorts) {
    this.record = record;
    this.ports = ports;
    this.ticker = setInterval(() => this.tellRoom(), tellRoomEvery);
  }

  /** Takes an event of the session machine and does what it answers. */
  take(given: SessionEvent): void {
    let event = given;
    const { session } = this.record;
    if (isOver(session)) return;
    // Before the sender of a live cast has mapped its disk there is nothing to order.
    const waits = this.live !== null && this.live.cast.plan === null;
    if (waits && event.type === "connected") return;
    if (waits && event.type === "admit") event = { ...event, connected: false };
    const { clock } = this.ports;
    const actions = handle(session, event, clock.now(), clock.isoTime());
    for (const action of actions) this.perform(action);
    if (isOver(session)) return this.finish();
    const overdue = performance.now() - this.persistedAt > persistEvery;
    if (event.type !== "progress" || actions.length > 0 || overdue) this.persist();
    this.setTimer();
    this.ports.changed(this);
  }

  /** A `wants` frame of one of the members; it is used when its `ready` comes. */
  takeWants(pc: string, bitmap: Uint8Array): void {
    if (this.isMember(pc)) this.wants.set(pc, new Uint8Array(bitmap));
  }

  /** PCs that have been ordered, and have not ended or got lost. */
  servedPcs(): string[] {
    return this.record.session.members
      .filter(({ phase }) => !["absent", "lost", "ended"].includes(phase.name))
      .map(({ pc }) => pc);
  }

  takeReport(pc: string, payload: Uint8Array): void {
    const receiver = this.receivers.get(pc);
    if (receiver !== undefined) this.sender?.report(receiver, payload);
  }

  /** Whether the PC takes part and has not ended. */
  wantsPc(pc: string): boolean {
    return this.record.session.members.some(
      (member) => member.pc === pc && member.phase.name !== "ended",
    );
  }

  isVerified(pc: string): boolean {
    return this.record.session.members.some(
      ({ pc: each, phase }) => each === pc && phase.name === "ended" && phase.result === "verified",
    );
  }

  isMember(pc: string): boolean {
    return this.record.session.members.some((member) => member.pc === pc);
  }

  view(): SessionView {
    return restoreView(this.record, this.ports.nameOf, this.ports.stateOf);
  }

  /** Leaves the session as it is in the store, for the next start of the server. */
  async suspend(): Promise<void> {
    clearTimeout(this.timer);
    clearInterval(this.ticker);
    this.persist();
    await this.castWork;
    await this.sender?.close();
  }

  private perform(action: SessionAction): void {
    const { record, ports } = this;
    switch (action.type) {
      case "order": {
        const { disk: policy, grow } = ports.diskSettingsOf(action.pc);
        ports.send(action.pc, {
          type: "restore",
          task: record.id,
          imageId: record.imageId,
          image: record.image,
          cast: record.cast,
          verify: record.verify,
          afterwards: record.afterwards,
          disk: record.disk,
          rule: { policy, failingDisks: [...record.failingDisks] },
          grow,
          scan: record.delta || action.scan,
          live: record.live === undefined ? "no" : record.delta ? "delta" : "yes",
        });
        return this.live?.cast.sendKnown(action.pc);
      }
      case "cancel":
        return ports.send(action.pc, { type: "cancel", task: record.id, reason: action.reason });
      case "cast-open":
        return this.enqueue(async () => {
          const { live } = this;
          if (live !== null) {
            this.sender = live.cast.remoteSender();
            return live.cast.join();
          }
          this.sender = await ports.openSender(record, ({ receivers, ...totals }) =>
            this.takeStats(
              totals,
              receivers.map(({ receiver, reason }) => ({
                receiver,
                laggard: reason === null ? null : stragglerText(reason),
              })),
            ),
          );
          this.sender.ended.catch((error: unknown) => {
            this.take({ type: "cast-broken", reason: messageOf(error) });
          });
        });
      case "cast-join":
        return this.enqueue(async () => this.join(action.pc));
      case "cast-leave":
        return this.enqueue(async () => {
          const receiver = this.receivers.get(action.pc);
          this.receivers.delete(action.pc);
          if (receiver !== undefined) this.sender?.leave(receiver);
        });
      case "cast-close":
        return this.enqueue(async () => {
          await this.sender?.close();
          this.sender = null;
        });
      case "note":
        return ports.note(record.id, action.pc, action.text);
    }
  }

  /** What the sender says of the cast, and of those that the others do not wait for. */
  takeStats(
    totals: CastTotals,
    receivers: readonly { readonly receiver: ReceiverId; readonly laggard: string | null }[],
  ): void {
    const { record } = this;
    record.stats = { ...totals, rateBps: smoothed(record.stats?.rateBps ?? null, totals) };
    for (const { receiver, laggard } of receivers) {
      const pc = this.pcOf(receiver);
      if (pc !== undefined && this.laggards.get(pc) !== laggard) {
        this.laggards.set(pc, laggard);
        this.take({ type: "lane", pc, laggard });
      }
    }
    this.ports.changed(this);
  }

  private pcOf(receiver: ReceiverId): string | undefined {
    for (const [pc, id] of this.receivers) if (id === receiver) return pc;
    return undefined;
  }

  private join(pc: string): void {
    const wants = this.wants.get(pc);
    if (wants === undefined) {
      const reason = "its agent did not say which chunks it wants";
      this.take({
        type: "result",
        pc,
        outcome: "failed",
        reason,
        rootHash: null,
        counters: null,
        steps: [],
      });
      return;
    }
    const receiver = this.nextReceiver++;
    this.receivers.set(pc, receiver);
    this.laggards.delete(pc);
    this.sender?.join(receiver, wants);
  }

  private enqueue(work: () => Promise<void>): void {
    this.castWork = this.castWork.then(work).catch((error: unknown) => {
      this.take({ type: "cast-broken", reason: messageOf(error) });
    });
  }

  private setTimer(): void {
    clearTimeout(this.timer);
    const deadline = deadlineOf(this.record.session);
    if (deadline === undefined) return;
    const wait = Math.max(0, Math.ceil(deadline - this.ports.clock.now()));
    this.timer = setTimeout(() => this.take({ type: "tick" }), wait);
  }

  private persist(): void {
    this.persistedAt = performance.now();
    this.ports.persist(this.record);
  }

  private finish(): void {
    clearTimeout(this.timer);
    clearInterval(this.ticker);
    this.record.endedAt = this.ports.clock.isoTime();
    this.persist();
    this.tellRoom();
    this.live?.over();
    this.ports.ended(this);
  }

  private tellRoom(): void {
    const view = this.view();
    const { members } = this.record.session;
    const { verified, failed } = resultCounts(view);
    const message: ServerMessage = {
      type: "room",
      task: this.record.id,
      session: {
        members: members.length,
        verified,
        failed,
        progress: sessionFraction(view),
        rateBps: view.rateBps,
        secondsLeft: sessionSecondsLeft(view),
      },
    };
    for (const { pc, phase } of members) {
      if (phase.name !== "absent" && phase.name !== "lost") this.ports.send(pc, message);
    }
    if (this.record.live !== undefined) this.ports.send(this.record.live.sender, message);
  }
}

/** The contract's view of a restore, running or over. */
export function restoreView(
  record: RestoreRecord,
  nameOf: (pc: string) => string,
  stateOf: (pc: string) => PcState,
): SessionView {
  const { session, stats } = record;
  return {
    id: record.id,
    kind: record.live === undefined ? "restore" : "cast",
    image: record.image,
    room: record.room,
    sender: record.live?.sender ?? null,
    state: sessionState(session, stats, record.imageStoredBytes),
    startedAt: record.startedAt,
    endedAt: record.endedAt,
    rateBps: record.endedAt === null && stats !== null ? stats.rateBps / 8 : null,
    bytesSent: stats?.bytesSent ?? 0,
    parityBytes: stats?.parityBytes ?? 0,
    repairBytes: stats?.repairBytes ?? 0,
    passes: stats?.passes ?? 0,
    notices: [...sessionNotices(session), ...(record.live?.trouble ? [record.live.trouble] : [])],
    members: session.members.map((member) => {
      const view = memberView(member, nameOf(member.pc), stateOf(member.pc));
      return record.verify === "written" ? { ...view, bytesVerified: null } : view;
    }),
  };
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
