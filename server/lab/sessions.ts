import { randomInt } from "node:crypto";
import { RoomcastError } from "../../core/errors.ts";
import type { Manifest } from "../../core/image/types.ts";
import { createSession, type StartPolicy } from "../../core/session/session.ts";
import { millis } from "../../core/units/units.ts";
import type { Afterwards } from "../../core/wire/control.ts";
import type { SessionView } from "../../core/wire/views.ts";
import type { CaptureRecord, PcRecord, RestoreRecord, SessionRecord } from "../state/records.ts";
import { CaptureRun } from "./capture-run.ts";
import type { LiveRun } from "./live-run.ts";
import { RestoreRun } from "./restore-run.ts";
import { Runs, type SessionsPorts } from "./runs.ts";
import { SessionWords } from "./session-words.ts";

export interface RestoreRequest {
  readonly image: Manifest;
  readonly room: string | null;
  readonly pcs: readonly PcRecord[];
  readonly disk: string | null;
  readonly failingDisks: readonly string[];
  readonly start: StartPolicy;
  readonly startTimeoutSeconds: number | null;
  readonly delta: boolean;
  readonly verify: "written" | "read-back";
  readonly afterwards: Afterwards;
}

export interface CastRequest extends Omit<RestoreRequest, "image"> {
  readonly sender: PcRecord;
  readonly saveAs: string | null;
  /** The disk to read; null: as the agent chooses. */
  readonly sourceDisk: string | null;
  readonly raw: boolean;
}

export interface CaptureRequest {
  readonly pc: PcRecord;
  readonly name: string;
  readonly disk: string | null;
  readonly raw: boolean;
}

/** The sessions of the lab, as operators order them. */
export class Sessions {
  /** What agents say of them. */
  readonly words: SessionWords;
  private readonly ports: SessionsPorts;
  private readonly runs: Runs;

  constructor(ports: SessionsPorts) {
    this.ports = ports;
    this.runs = new Runs(ports);
    this.words = new SessionWords(this.runs, ports);
  }

  /** Goes on where an earlier process of the server ended, however it ended. */
  resume(): void {
    this.runs.resume();
  }

  views(): SessionView[] {
    return this.runs.records().map((record) => this.view(record));
  }

  /** Throws `not-found`. */
  find(id: string): SessionView {
    return this.view(this.record(id));
  }

  /** Throws `not-found`. */
  record(id: string): SessionRecord {
    return this.runs.record(id);
  }

  view(record: SessionRecord): SessionView {
    return this.runs.view(record);
  }

  get activeCount(): number {
    return this.runs.count;
  }

  /** The session that has this PC, and is not over for it. */
  idOf(pc: string): string | null {
    return this.runs.of(pc)?.record.id ?? null;
  }

  /** The restore under way in this room. */
  restoreIn(room: string): string | null {
    return this.runs.restores().find(({ record }) => record.room === room)?.record.id ?? null;
  }

  /** A restore under way that casts this image. */
  restoreOf(imageId: string): string | null {
    return this.runs.restores().find(({ record }) => record.imageId === imageId)?.record.id ?? null;
  }

  /** Starts a restore; throws `conflict` when one of the PCs is in another session. */
  restore(request: RestoreRequest): SessionView {
    const { image, pcs } = request;
    for (const pc of pcs) this.requireFree(pc);
    const run = this.runs.addRestore({
      ...this.newRecord(request, image.rootHash, false),
      imageId: image.id,
      image: `${image.name}@${image.version}`,
      imageStoredBytes: image.storedBytes,
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

  /** Starts a live cast of a PC that is connected; throws as `restore`. */
  cast(request: CastRequest): SessionView {
    const { sender, pcs, saveAs, sourceDisk: disk, raw } = request;
    for (const pc of [sender, ...pcs]) this.requireFree(pc);
    const record = this.newRecord(request, null, saveAs !== null);
    const live = { sender: sender.id, saveAs, disk, raw, trouble: null };
    const run = this.runs.addLive(
      {
        ...record,
        imageId: record.id,
        image: saveAs ?? `disk of ${sender.name}`,
        imageStoredBytes: Number.MAX_SAFE_INTEGER,
        live,
      },
      live,
      this.ports.images.beginImage(saveAs ?? "live"),
    );
    const stored = saveAs === null ? "" : `, stored as ${saveAs}`;
    this.ports.note(record.id, sender.id, `live cast to ${pcs.length} PCs${stored}`);
    run.order();
    return this.find(record.id);
  }

  /** All of a record but what it is of. */
  private newRecord(
    request: Omit<RestoreRequest, "image">,
    rootHash: string | null,
    archives: boolean,
  ): Omit<RestoreRecord, "imageId" | "image" | "imageStoredBytes" | "live"> {
    const { clock, state } = this.ports;
    const number = state.nextSessionNumber();
    const { room, disk, failingDisks, delta, verify, afterwards, pcs, start, startTimeoutSeconds } =
      request;
    return {
      kind: "restore",
      id: `s${number}`,
      startedAt: clock.isoTime(),
      endedAt: null,
      room,
      disk,
      failingDisks,
      delta,
      verify,
      afterwards,
      cast: castAddress(number),
      session: createSession({
        pcs: pcs.map((pc) => pc.id),
        start,
        startTimeout: startTimeoutSeconds === null ? null : millis(startTimeoutSeconds * 1000),
        rootHash,
        archives,
        now: clock.now(),
      }),
      stats: null,
    };
  }

  /** The live cast that `task` names, if it is still under way. */
  liveRun(task: string): LiveRun | undefined {
    const run = this.runs.get(task);
    return run instanceof RestoreRun ? (run.live ?? undefined) : undefined;
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
      refused: false,
      bytesDone: 0,
      bytesTotal: null,
      source: pc.hello.disks.find(({ path }) => path === disk) ?? null,
      counters: null,
    };
    const run = this.runs.addCapture(record, writer);
    this.ports.note(record.id, pc.id, `capture as ${name}`);
    run.order();
    return this.view(record);
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

  /** Lets a PC in: one that was not asked for, or one that has ended otherwise than verified. */
  admit(id: string, pc: PcRecord): SessionView {
    const run = this.requireRestore(id);
    if (run.isVerified(pc.id)) {
      throw new RoomcastError(
        "conflict",
        `${pc.name} is verified in session ${id} already`,
        "to write it once more, restore it in a session of its own",
      );
    }
    this.requireFree(pc);
    run.take({ type: "admit", pc: pc.id, connected: this.ports.isConnected(pc.id) });
    this.ports.note(id, pc.id, "let in");
    return this.find(id);
  }

  /** A restore's ids of PCs that ended otherwise than verified. */
  unverified(id: string): string[] {
    return this.restoreRecord(id)
      .session.members.filter(({ phase }) => phase.name === "ended" && phase.result !== "verified")
      .map(({ pc }) => pc);
  }

  /** Throws `conflict` when the session is no restore. */
  restoreRecord(id: string): RestoreRecord {
    const record = this.record(id);
    if (record.kind === "restore") return record;
    throw new RoomcastError(
      "conflict",
      `session ${id} is a ${record.kind}`,
      "capture again with `roomcast capture`",
    );
  }

  /** Throws `conflict` when a session has this PC. */
  requireFree(pc: PcRecord): void {
    this.runs.requireFree(pc);
  }

  /** Puts everything to rest; it goes on when the server is started again. */
  async close(): Promise<void> {
    for (const run of this.runs.restores()) await run.suspend();
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
