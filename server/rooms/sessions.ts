import { randomInt } from "node:crypto";
import type { CastSender, CastSenderStats } from "../../core/cast/handles.ts";
import { RoomcastError } from "../../core/errors.ts";
import type { Manifest } from "../../core/image/types.ts";
import type { Clock } from "../../core/ports.ts";
import { createSession, type StartPolicy } from "../../core/session/session.ts";
import { millis } from "../../core/units/units.ts";
import {
  type Afterwards,
  type AgentMessage,
  type BulkFrame,
  bulkKind,
  type ServerMessage,
} from "../../core/wire/control.ts";
import type { PcState, SessionView } from "../../core/wire/views.ts";
import type { CaptureRecord, PcRecord, RestoreRecord, SessionRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import type { ImageStore } from "../store/image-store.ts";
import { CaptureRun, captureView } from "./capture-run.ts";
import { RestoreRun, restoreView } from "./restore-run.ts";

/** Sessions that ended and are still shown. */
const endedSessionsKept = 50;

export interface SessionsPorts {
  readonly state: StateStore;
  readonly images: ImageStore;
  readonly clock: Clock;
  openSender(record: RestoreRecord, stats: (stats: CastSenderStats) => void): Promise<CastSender>;
  send(pc: string, message: ServerMessage): void;
  isConnected(pc: string): boolean;
  nameOf(pc: string): string;
  stateOf(pc: string): PcState;
  note(session: string, pc: string | null, text: string): void;
  /** Something that a screen shows has changed. */
  changed(record: SessionRecord): void;
  ended(record: SessionRecord): void;
  /** A disk has become a verified copy. */
  verified(pc: string): void;
}

export interface RestoreRequest {
  readonly image: Manifest;
  readonly room: string | null;
  readonly pcs: readonly PcRecord[];
  readonly disk: string | null;
  readonly start: StartPolicy;
  readonly startTimeoutSeconds: number | null;
  readonly delta: boolean;
  readonly verify: "written" | "read-back";
  readonly afterwards: Afterwards;
}

export interface CaptureRequest {
  readonly pc: PcRecord;
  readonly name: string;
  readonly disk: string | null;
  readonly raw: boolean;
}

type Run = RestoreRun | CaptureRun;

/** The sessions of the lab: those under way, each with its machine, and those that ended lately. */
export class Sessions {
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
        this.makeRestoreRun(record).take({ type: "server-restarted" });
      } else {
        record.result = "failed";
        record.reason =
          "the server was restarted during the capture; capture again: chunks that arrived are kept";
        record.endedAt = this.ports.clock.isoTime();
        this.persist(record);
        this.ended.set(record.id, record);
      }
    }
  }

  views(): SessionView[] {
    const records = [...this.ended.values(), ...[...this.runs.values()].map((run) => run.record)];
    return records.map((record) => this.view(record));
  }

  /** Throws `not-found`. */
  find(id: string): SessionView {
    const record = this.runs.get(id)?.record ?? this.ended.get(id);
    if (record !== undefined) return this.view(record);
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

  get activeCount(): number {
    return this.runs.size;
  }

  /** The session that has this PC, and is not over for it. */
  idOf(pc: string): string | null {
    return this.runOf(pc)?.record.id ?? null;
  }

  /** The restore under way in this room. */
  restoreIn(room: string): string | null {
    return this.restores().find(({ record }) => record.room === room)?.record.id ?? null;
  }

  /** A restore under way that casts this image. */
  restoreOf(imageId: string): string | null {
    return this.restores().find(({ record }) => record.imageId === imageId)?.record.id ?? null;
  }

  /** Starts a restore; throws `conflict` when one of the PCs is in another session. */
  restore(request: RestoreRequest): SessionView {
    const { image, pcs } = request;
    for (const pc of pcs) this.requireFree(pc);
    const { clock, state } = this.ports;
    const number = state.nextSessionNumber();
    const { startTimeoutSeconds } = request;
    const run = this.makeRestoreRun({
      kind: "restore",
      id: `s${number}`,
      startedAt: clock.isoTime(),
      endedAt: null,
      imageId: image.id,
      image: `${image.name}@${image.version}`,
      imageStoredBytes: image.storedBytes,
      room: request.room,
      disk: request.disk,
      delta: request.delta,
      verify: request.verify,
      afterwards: request.afterwards,
      cast: castAddress(number),
      session: createSession({
        pcs: pcs.map((pc) => pc.id),
        start: request.start,
        startTimeout: startTimeoutSeconds === null ? null : millis(startTimeoutSeconds * 1000),
        rootHash: image.rootHash,
        now: clock.now(),
      }),
      stats: null,
    });
    const { id, image: reference } = run.record;
    this.ports.note(id, null, `restore of ${reference} to ${pcs.length} PCs`);
    run.take({ type: "tick" });
    for (const pc of pcs) {
      if (this.ports.isConnected(pc.id)) run.take({ type: "connected", pc: pc.id });
      else if (this.ports.stateOf(pc.id) === "booting") run.take({ type: "booting", pc: pc.id });
    }
    return run.view();
  }

  /** Starts a capture of a PC that is connected; throws `conflict` when it is in another session. */
  capture({ pc, name, disk, raw }: CaptureRequest): SessionView {
    this.requireFree(pc);
    const { state, clock, images } = this.ports;
    const writer = images.beginImage(name);
    const record: CaptureRecord = {
      kind: "capture",
      id: `s${state.nextSessionNumber()}`,
      startedAt: clock.isoTime(),
      endedAt: null,
      name,
      image: null,
      pc: pc.id,
      disk,
      raw,
      result: "pending",
      reason: null,
      bytesDone: 0,
      bytesTotal: null,
      source: pc.hello.disks.find(({ path }) => path === disk) ?? null,
      counters: null,
    };
    const run = new CaptureRun(record, writer, {
      send: this.ports.send,
      isoTime: () => clock.isoTime(),
      persist: (changed) => this.persist(changed),
      changed: (changed) => this.ports.changed(changed.record),
      note: this.ports.note,
      ended: (over) => {
        this.tidyUp(over);
        this.end(over);
      },
    });
    this.runs.set(record.id, run);
    this.persist(record);
    this.ports.note(record.id, pc.id, `capture as ${name}`);
    run.order();
    return this.view(record);
  }

  private tidyUp(run: CaptureRun): void {
    if (run.record.result === "verified") return;
    run.writer.abort().catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      this.ports.note(run.record.id, null, `what the capture left could not be tidied up: ${why}`);
    });
  }

  /** The writer of the capture that `task` names, if it is still under way. */
  writerFor(task: string): CaptureRun["writer"] | undefined {
    const run = this.runs.get(task);
    return run instanceof CaptureRun ? run.writer : undefined;
  }

  committed(task: string, manifest: Manifest): void {
    const run = this.runs.get(task);
    if (run instanceof CaptureRun) run.commit(manifest);
  }

  stop(id: string): SessionView {
    const run = this.runs.get(id);
    if (run instanceof RestoreRun) run.take({ type: "stop" });
    else run?.stop();
    return this.find(id);
  }

  start(id: string): SessionView {
    this.requireRestore(id).take({ type: "start" });
    return this.find(id);
  }

  drop(id: string, pc: string): SessionView {
    this.requireRestore(id).take({ type: "drop", pc });
    return this.find(id);
  }

  /** Throws `conflict` when a session has this PC. */
  requireFree(pc: PcRecord): void {
    const run = this.runOf(pc.id);
    if (run === undefined) return;
    throw new RoomcastError(
      "conflict",
      `${pc.name} is in session ${run.record.id} (${run.record.kind})`,
      `wait for its end, or \`roomcast session stop ${run.record.id}\``,
    );
  }

  // --- what agents say

  /** The PC is connected, still at `task` or at none. */
  connected(pc: string, task: string | null): void {
    const run = this.runOf(pc);
    if (task !== null && run?.record.id !== task) {
      this.ports.send(pc, { type: "cancel", task, reason: "that session is over" });
    }
    if (run instanceof RestoreRun) run.take({ type: "connected", pc });
    else run?.reconnected(task === run.record.id);
  }

  /** A PC is in a room, newly or again: a restore that is under way there takes it in. */
  placed(pc: PcRecord): void {
    const run = this.restores().find(({ record }) => record.room === pc.room);
    if (run === undefined || run.isMember(pc.id) || this.runOf(pc.id) !== undefined) return;
    run.take({ type: "admit", pc: pc.id, connected: this.ports.isConnected(pc.id) });
  }

  booting(pc: string): void {
    for (const run of this.restores()) run.take({ type: "booting", pc });
  }

  lost(pc: string, reason: string): void {
    const run = this.runOf(pc);
    if (run instanceof RestoreRun) run.take({ type: "lost", pc, reason });
    else run?.lost(reason);
  }

  bulk(pc: string, frame: BulkFrame): void {
    for (const run of this.restores()) {
      if (run.record.cast.tag !== frame.tag) continue;
      if (frame.kind === bulkKind.wants) run.takeWants(pc, frame.payload);
      else run.takeReport(pc, frame.payload);
    }
  }

  message(
    pc: string,
    message: Extract<AgentMessage, { type: "ready" | "progress" | "result" }>,
  ): void {
    const run = this.runs.get(message.task);
    if (run instanceof CaptureRun) {
      if (run.record.pc === pc && message.type !== "ready") run.take(message);
      return;
    }
    if (run === undefined) return;
    if (message.type === "ready") {
      run.take({ type: "ready", pc, disk: message.disk, counters: message.counters });
    } else if (message.type === "progress") {
      const { phase, counters } = message;
      if (phase === "capturing" || phase === "wiping") return;
      run.take({ type: "progress", pc, phase, counters });
    } else {
      const { reason, next, rootHash, counters } = message;
      const said = [reason, next].filter((part) => part !== null).join(": ");
      const { outcome } = message;
      run.take({
        type: "result",
        pc,
        outcome: outcome === "verified" || outcome === "stopped" ? outcome : "failed",
        reason: said === "" ? null : said,
        rootHash,
        counters,
      });
      if (run.isVerified(pc)) this.ports.verified(pc);
    }
  }

  /** The person at the PC has stopped the task there. */
  stoppedAtPc(pc: string, task: string): void {
    const run = this.runs.get(task);
    if (run instanceof CaptureRun && run.record.pc === pc) run.stop();
    else if (run instanceof RestoreRun) run.take({ type: "drop", pc });
  }

  /** Puts everything to rest; it goes on when the server is started again. */
  async close(): Promise<void> {
    for (const run of this.restores()) await run.suspend();
  }

  private restores(): RestoreRun[] {
    return [...this.runs.values()].filter((run) => run instanceof RestoreRun);
  }

  private runOf(pc: string): Run | undefined {
    for (const run of this.runs.values()) {
      if (run instanceof CaptureRun ? run.record.pc === pc : run.wantsPc(pc)) return run;
    }
    return undefined;
  }

  private requireRestore(id: string): RestoreRun {
    const run = this.runs.get(id);
    if (run instanceof RestoreRun) return run;
    const { state, kind } = this.find(id);
    throw new RoomcastError(
      "conflict",
      `session ${id} is a ${kind} and ${state}`,
      "only a restore that is under way can be changed",
    );
  }

  private makeRestoreRun(record: RestoreRecord): RestoreRun {
    const { clock, send, nameOf, stateOf, openSender, note } = this.ports;
    const run = new RestoreRun(record, {
      clock,
      send,
      nameOf,
      stateOf,
      openSender,
      note,
      persist: (changed) => this.persist(changed),
      changed: (changed) => this.ports.changed(changed.record),
      ended: (over) => this.end(over),
    });
    this.runs.set(record.id, run);
    return run;
  }

  private end(run: Run): void {
    this.runs.delete(run.record.id);
    this.ended.set(run.record.id, run.record);
    this.ports.ended(run.record);
  }

  private persist(record: SessionRecord): void {
    this.ports.state.saveSession(Number(record.id.slice(1)), record);
  }
}

/**
 * Where session `number` casts: a group of its own in the organisation-local scope (RFC 2365) whose
 * Ethernet address is not that of a link-local group, which switches would flood.
 */
function castAddress(number: number): RestoreRecord["cast"] {
  return {
    tag: randomInt(2 ** 32),
    group: `239.77.${1 + (Math.floor(number / 254) % 254)}.${1 + (number % 254)}`,
    port: 7400 + (number % 1000),
  };
}
