import type { CastSender, CastSenderStats } from "../../core/cast/ends.ts";
import { RoomcastError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import type { ServerMessage } from "../../core/wire/control.ts";
import type { PcState, SessionView } from "../../core/wire/views.ts";
import type {
  CaptureRecord,
  CastTotals,
  LiveOrigin,
  PcRecord,
  RestoreRecord,
  SessionRecord,
} from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import type { ImageStore, ImageWriter } from "../store/image-store.ts";
import { CaptureRun, captureView } from "./capture-run.ts";
import { LiveRun, type LiveRunPorts } from "./live-run.ts";
import { type DiskSettings, RestoreRun, restoreView } from "./restore-run.ts";

/** Sessions that ended and are listed; the others are found by their id. */
const endedSessionsKept = 50;

export interface SessionsPorts {
  readonly state: StateStore;
  readonly images: ImageStore;
  readonly clock: Clock;
  openSender(record: RestoreRecord, stats: (stats: CastSenderStats) => void): Promise<CastSender>;
  send(pc: string, message: ServerMessage): void;
  diskSettingsOf(pc: string): DiskSettings;
  isConnected(pc: string): boolean;
  nameOf(pc: string): string;
  stateOf(pc: string): PcState;
  note(session: string, pc: string | null, text: string): void;
  /** Something that a screen shows has changed. */
  changed(record: SessionRecord): void;
  ended(record: SessionRecord): void;
  /** A disk has become a verified copy. */
  verified(pc: string): void;
  readonly live: Pick<LiveRunPorts, "sendBulk" | "startReceiver" | "committed" | "rateLimitBps">;
}

/** A live cast is gone with the server that took part in it. */
const restartedInLiveCast =
  "the server was restarted during the live cast; cast again with --delta: what the disks have is kept";

export type Run = RestoreRun | CaptureRun;

/** The sessions under way, each with its machine, and those that ended lately. */
export class Runs {
  private readonly ports: SessionsPorts;
  private readonly runs = new Map<string, Run>();
  private readonly ended = new Map<string, SessionRecord>();

  constructor(ports: SessionsPorts) {
    this.ports = ports;
  }

  /** Goes on where an earlier process of the server ended, however it ended. */
  resume(): void {
    for (const record of this.ports.state.sessions(endedSessionsKept)) {
      if (record.endedAt !== null) this.ended.set(record.id, record);
      else if (record.kind === "restore") {
        this.addRestore(record).take(
          record.live === undefined
            ? { type: "server-restarted" }
            : { type: "cast-broken", reason: restartedInLiveCast },
        );
      } else {
        record.result = "failed";
        record.reason =
          "the server was restarted during the capture; capture again: chunks that arrived are kept";
        record.endedAt = this.ports.clock.isoTime();
        this.persist(record);
        this.ended.set(record.id, record);
        this.ports.note(record.id, record.pc, `failed: ${record.reason}`);
      }
    }
  }

  get count(): number {
    return this.runs.size;
  }

  get(id: string): Run | undefined {
    return this.runs.get(id);
  }

  restores(): RestoreRun[] {
    return [...this.runs.values()].filter((run) => run instanceof RestoreRun);
  }

  /** The session that has this PC now. */
  of(pc: string): Run | undefined {
    for (const run of this.runs.values()) {
      if (run instanceof CaptureRun ? run.record.pc === pc : run.wantsPc(pc)) return run;
      if (run instanceof RestoreRun && run.record.live?.sender === pc) return run;
    }
    return undefined;
  }

  /** Throws `conflict` when a session has this PC. */
  requireFree(pc: PcRecord): void {
    const run = this.of(pc.id);
    if (run === undefined) return;
    throw new RoomcastError(
      "conflict",
      `${pc.name} is in session ${run.record.id} (${run.record.kind})`,
      `wait for its end, or \`roomcast session stop ${run.record.id}\``,
    );
  }

  /** Those that ended lately, then those under way. */
  records(): SessionRecord[] {
    return [...this.ended.values(), ...[...this.runs.values()].map((run) => run.record)];
  }

  /** Throws `not-found`. */
  record(id: string): SessionRecord {
    const record =
      this.runs.get(id)?.record ?? this.ended.get(id) ?? this.ports.state.session(numberOf(id));
    if (record !== undefined) return record;
    throw new RoomcastError(
      "not-found",
      `there is no session ${JSON.stringify(id)}`,
      "see `roomcast session list`",
    );
  }

  view(record: SessionRecord): SessionView {
    const { nameOf, stateOf } = this.ports;
    return record.kind === "restore"
      ? restoreView(record, nameOf, stateOf)
      : captureView(record, nameOf(record.pc), stateOf(record.pc));
  }

  addRestore(record: RestoreRecord): RestoreRun {
    const { clock, send, nameOf, stateOf, openSender, note, diskSettingsOf } = this.ports;
    const run = new RestoreRun(record, {
      clock,
      send,
      nameOf,
      stateOf,
      diskSettingsOf,
      openSender,
      note,
      persist: (changed) => this.persist(changed),
      changed: (changed) => this.ports.changed(changed.record),
      ended: (over) => this.end(over),
    });
    this.runs.set(record.id, run);
    return run;
  }

  /** As `addRestore`, of a live cast; `writer` takes what is sent. */
  addLive(record: RestoreRecord, live: LiveOrigin, writer: ImageWriter): LiveRun {
    const run = this.addRestore(record);
    run.live = new LiveRun(run, live, writer, { ...this.ports.live, ...this.ports });
    return run.live;
  }

  addCapture(record: CaptureRecord, writer: ImageWriter): CaptureRun {
    const { clock, send, note, diskSettingsOf } = this.ports;
    const run = new CaptureRun(record, writer, {
      send,
      note,
      diskSettingsOf,
      isoTime: () => clock.isoTime(),
      persist: (changed) => this.persist(changed),
      changed: (changed) => this.ports.changed(changed.record),
      ended: (over) => {
        this.tidyUp(over);
        this.end(over);
      },
    });
    this.runs.set(record.id, run);
    this.persist(record);
    return run;
  }

  /** The last totals of a live cast's sender come after the session's end. */
  takeLastTotals(id: string, pc: string, totals: CastTotals): void {
    const record = this.ended.get(id);
    if (record?.kind !== "restore" || record.live?.sender !== pc) return;
    record.stats = { ...totals, rateBps: 0 };
    this.persist(record);
    this.ports.changed(record);
  }

  private tidyUp(run: CaptureRun): void {
    if (run.record.result === "verified") return;
    run.writer.abort().catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      this.ports.note(run.record.id, null, `what the capture left could not be tidied up: ${why}`);
    });
  }

  private end(run: Run): void {
    this.runs.delete(run.record.id);
    this.ended.set(run.record.id, run.record);
    this.ports.ended(run.record);
  }

  private persist(record: SessionRecord): void {
    this.ports.state.saveSession(numberOf(record.id), record);
  }
}

/** Sessions are `s1`, `s2`, …; what is none of them is in no store. */
const numberOf = (id: string): number => (/^s\d{1,12}$/.test(id) ? Number(id.slice(1)) : 0);
