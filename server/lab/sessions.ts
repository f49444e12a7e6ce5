/**
 * The sessions of the lab at their edge: inputs of the engine come from operators, agents, casts and a
 * timer; what the engine decides is written into the journal, and then done.
 */

import { randomBytes, randomInt } from "node:crypto";
import type {
  CastReceiver,
  CastReceiverEvents,
  CastReceiverOptions,
  CastSender,
  CastSenderStats,
} from "../../core/cast/ends.ts";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import { resultCounts, sessionFraction } from "../../core/screen/progress.ts";
import { isOfProof, isProofPending, type Sign } from "../../core/session/boot-proof.ts";
import { canaryText } from "../../core/session/canary.ts";
import type { Cause } from "../../core/session/cause.ts";
import type { Journal } from "../../core/session/journal.ts";
import type { Fact, Input, OrderSettings, PcId } from "../../core/session/kind.ts";
import type { CaptureSpec, CaptureState } from "../../core/session/kinds/capture.ts";
import type { LiveState } from "../../core/session/kinds/live-cast.ts";
import {
  isFitting,
  type ReceiversSpec,
  type RestoreState,
} from "../../core/session/kinds/restore.ts";
import type { Receivers } from "../../core/session/receivers.ts";
import type { KindName, SpecOf } from "../../core/session/registry.ts";
import { makeRoom } from "../../core/units/make-room.ts";
import {
  type AgentMessage,
  type BulkFrame,
  bulkKind,
  type CastAddress,
  type CastKeys,
  type CastPlace,
  type Report,
  type ServerMessage,
} from "../../core/wire/control.ts";
import type { FitMode } from "../../core/wire/fit-size.ts";
import type { SessionView } from "../../core/wire/views.ts";
import type { PcRecord } from "../state/records.ts";
import type { ImageStore } from "../store/image-store.ts";
import type { ImageWriter } from "../store/image-writer.ts";
import type { Announcer } from "./announcer.ts";
import { Cast, type CastsPorts } from "./casts.ts";
import { Engine, type Session, sessionOf } from "./engine.ts";
import type { Fits } from "./fits.ts";
import type { Inventory } from "./inventory.ts";
import { LiveArchive } from "./live-archive.ts";
import type { Presence } from "./presence.ts";
import type { LabTimers } from "./timers.ts";

/** Sessions that ended and are listed; the others are found by their id. */
const endedSessionsKept = 50;
/** How often the PCs' own screens hear of the room, in milliseconds. */
const tellRoomEveryMs = 1000;
/** A journal that could not be written, because the disk is full, is tried again after this. */
const journalRetryMs = 1000;

/** What a cast of the server's own is opened with. */
export interface CastOpening {
  readonly address: CastAddress;
  readonly imageId: string;
  readonly room: string | null;
  /** The name of the network to cast on. */
  readonly network: string;
}

export interface SessionsPorts {
  readonly journal: Journal;
  readonly images: ImageStore;
  readonly timers: LabTimers;
  readonly fits: Pick<Fits, "want">;
  readonly inventory: Pick<Inventory, "get">;
  readonly presence: Pick<Presence, "networkOf" | "stateOf">;
  readonly announcer: Pick<Announcer, "note" | "session" | "stuck">;
  openSender(opening: CastOpening, stats: (stats: CastSenderStats) => void): Promise<CastSender>;
  /** Hears a cast on this network. */
  startReceiver(
    network: string,
    options: Omit<CastReceiverOptions, "interfaceAddress">,
    events: CastReceiverEvents,
  ): Promise<CastReceiver>;
  send(pc: PcId, message: ServerMessage): void;
  sendBulk(pc: PcId, kind: number, tag: number, payload: Uint8Array): void;
  /** What the order of this attempt takes from elsewhere, but for the cast's keys. */
  settingsOf(pc: PcId, session: Session, attempt: number): Omit<OrderSettings, "castKeys">;
  ended(session: Session): void;
  /** A disk has become a verified copy. */
  verified(pc: PcId): void;
  /** An image is in the store and visible. */
  committed(manifest: Manifest): void;
  /** Which PCs are waited for to come up. */
  awaited(pcs: ReadonlySet<PcId>): void;
}

/** To whom, and how: of restores and live casts. */
export interface ReceiversRequest
  extends Omit<ReceiversSpec, "cast" | "pcs" | "startTimeoutMs" | "proveBootMs"> {
  readonly pcs: readonly PcRecord[];
  readonly startTimeoutSeconds: number | null;
  /** How long a verified PC may take to be seen to come up; null: nobody waits for that. */
  readonly proveBootSeconds: number | null;
}

export interface RestoreRequest extends ReceiversRequest {
  readonly image: Manifest;
  /** Those of `pcs` that are first; the others wait for them. */
  readonly canary: readonly PcRecord[];
  readonly fit: FitMode;
  /** The size of the disk for which a version of `image` is made first; null: none is. */
  readonly fitTo: number | null;
}

export interface CastRequest extends ReceiversRequest {
  readonly sender: PcRecord;
  readonly saveAs: string | null;
  /** The disk to read; null: as the agent chooses. */
  readonly sourceDisk: string | null;
  readonly raw: boolean;
}

/** A live cast leaves by the network of the PC that sends it, and by no other: its sender needs no name. */
const senderNetwork = "";

type Work = Extract<AgentMessage, { type: "ready" | "progress" | "delivery" | "cast-stats" }>;

export class Sessions {
  private readonly ports: SessionsPorts;
  private readonly engine: Engine;
  private readonly ended = new Map<string, Session>();
  private readonly casts = new Map<string, Cast>();
  /** Restores and live casts by the tag of their frames. */
  private readonly byTag = new Map<number, Session>();
  private readonly archives = new Map<string, LiveArchive>();
  private readonly writers = new Map<string, ImageWriter>();
  private readonly waiting = new Map<string, (() => void)[]>();
  private readonly spaceAsked = new WeakSet<ImageWriter>();
  /** Of the sessions' casts, as they are now: in memory only, so that a server started anew makes others. */
  private readonly castKeys = new Map<string, CastKeys>();
  /** By session: how to have nothing made to fit any more. */
  private readonly fitting = new Map<string, () => void>();
  /** The journal could not be written; how to call off the next try. */
  private retry: (() => void) | null = null;

  constructor(ports: SessionsPorts) {
    this.ports = ports;
    this.engine = new Engine({
      settingsOf: (pc, session, attempt) => ({
        ...ports.settingsOf(pc, session, attempt),
        castKeys: this.keysOf(session.id),
      }),
    });
    ports.timers.every(tellRoomEveryMs, () => this.tellRooms());
  }

  /** Goes on where an earlier process of the server ended, however it ended. */
  resume(): void {
    const { journal, timers } = this.ports;
    for (const journalled of journal.ended(endedSessionsKept))
      this.keepEnded(sessionOf(journalled));
    for (const journalled of journal.open())
      this.equip(this.engine.resume(journalled, timers.stamp()));
    this.flush();
    this.ports.awaited(this.awaited());
    for (const session of this.engine.all()) this.syncFit(session);
  }

  // --- what is read

  /** Those that ended lately, then those under way. */
  views(): SessionView[] {
    return [...this.ended.values(), ...this.engine.all()].map((session) => this.view(session));
  }

  view(session: Session): SessionView {
    const { inventory, presence } = this.ports;
    return this.engine.view(session, {
      nameOf: (pc) => inventory.get(pc)?.name ?? pc,
      stateOf: (pc) => presence.stateOf(pc),
    });
  }

  /** Throws `not-found`. */
  find(id: string): SessionView {
    return this.view(this.session(id));
  }

  has(id: string): boolean {
    return this.lookUp(id) !== undefined;
  }

  /** Throws `not-found`. */
  session(id: string): Session {
    const found = this.lookUp(id);
    if (found !== undefined) return found;
    throw new RoomcastError(
      "not-found",
      `there is no session ${JSON.stringify(id)}`,
      "see `roomcast session list`",
    );
  }

  get activeCount(): number {
    return this.engine.all().length;
  }

  /** The session that has this PC, and is not over for it. */
  idOf(pc: PcId): string | null {
    return this.engine.of(pc)?.id ?? null;
  }

  /** The restore or live cast under way in this room. */
  restoreIn(room: string): string | null {
    const found = this.receiving().filter(({ kind, state }) => kind.room(state) === room);
    return (found.find(isServing) ?? found[0])?.id ?? null;
  }

  /** Whether it lets PCs in: it is under way, and not all of them have ended. */
  isServing(id: string): boolean {
    const session = this.engine.get(id);
    return session !== undefined && isServing(session);
  }

  /** Whether the PC is or was a member of the session. */
  knows(id: string, pc: PcId): boolean {
    const { kind, state } = this.session(id);
    return kind.knows(state, pc);
  }

  /** A restore under way that casts this image. */
  restoreOf(imageId: string): string | null {
    const found = this.engine
      .all()
      .find(
        ({ kindName, state }) =>
          kindName === "restore" && (state as RestoreState).image.id === imageId,
      );
    return found?.id ?? null;
  }

  /** The newest restore that was ordered in this name and began after this time, ISO 8601. */
  begunBy(orderedBy: string, after: string): string | null {
    const found = [...this.ended.values(), ...this.engine.all()].filter(
      ({ kindName, state, startedAt }) =>
        kindName === "restore" &&
        (state as RestoreState).spec.orderedBy === orderedBy &&
        startedAt > after,
    );
    return found.at(-1)?.id ?? null;
  }

  /** The PCs of a restore or a live cast that ended otherwise than verified. */
  unverified(id: string): PcId[] {
    return Object.entries(this.requireReceiving(this.session(id)).members).flatMap(
      ([pc, { phase }]) => (phase.name === "ended" && phase.result !== "verified" ? [pc] : []),
    );
  }

  /** The attempt that is wanted of the PC by this session now; null: nothing is. */
  attemptOf(session: string, pc: PcId): number | null {
    return this.engine.attemptOf(session, pc);
  }

  /** The live cast of this session, if it is under way. */
  archive(session: string): LiveArchive | undefined {
    return this.archives.get(session);
  }

  /** What takes the chunks of a capture that is under way. */
  writerFor(session: string): ImageWriter | undefined {
    return this.writers.get(session);
  }

  /** Whose disk a capture reads, and how many bytes of it, once that is known. */
  captureUnderWay(id: string): {
    readonly pc: PcId;
    readonly disk: string | null;
    readonly bytesTotal: number | null;
  } {
    const { state, gauges } = this.session(id);
    const { pc, disk } = (state as CaptureState).spec;
    return { pc, disk, bytesTotal: gauges.members.get(pc)?.bytesTotal ?? null };
  }

  // --- what operators do

  /** Starts a restore; throws `conflict` when one of the PCs is in another session. */
  restore(request: RestoreRequest): SessionView {
    const { image, pcs, canary, fit, fitTo } = request;
    for (const pc of pcs) this.requireFree(pc);
    const name = imageName(image);
    const { id, rootHash, storedBytes } = image;
    return this.begin("restore", `restore of ${name} to ${pcs.length} PCs`, null, (number) => ({
      ...receiversSpec(request, number),
      image: { id, name, rootHash, storedBytes },
      canary: canary.map((pc) => ({ pc: pc.id, name: pc.name })),
      ...{ fit, fitTo },
    }));
  }

  /** Starts a live cast of a PC that is connected; throws as `restore`. */
  cast(request: CastRequest): SessionView {
    const { sender, pcs, saveAs, sourceDisk, raw } = request;
    for (const pc of [sender, ...pcs]) this.requireFree(pc);
    const stored = saveAs === null ? "" : `, stored as ${saveAs}`;
    const text = `live cast to ${pcs.length} PCs${stored}`;
    return this.begin("cast", text, sender.id, (number) => ({
      ...receiversSpec(request, number),
      ...{ sender: sender.id, senderName: sender.name, saveAs, sourceDisk, raw },
    }));
  }

  /** Starts a capture of a PC that is connected; throws `conflict` when it is in another session. */
  capture(pc: PcRecord, request: Omit<CaptureSpec, "pc" | "source">): SessionView {
    this.requireFree(pc);
    const source = pc.hello.disks.find(({ path }) => path === request.disk) ?? null;
    const spec = { ...request, pc: pc.id, source };
    return this.begin("capture", `capture as ${request.name}`, pc.id, () => spec);
  }

  /** Starts a wipe of a PC that is connected; throws `conflict` when it is in another session. */
  wipe(pc: PcRecord, request: Omit<SpecOf<"wipe">, "pc" | "source">): SessionView {
    this.requireFree(pc);
    const source = pc.hello.disks.find(({ path }) => path === request.disk) ?? null;
    const spec = { ...request, pc: pc.id, source };
    return this.begin("wipe", `wipe (${request.method})`, pc.id, () => spec);
  }

  stop(id: string): SessionView {
    this.session(id);
    return this.order(id, { type: "stop" });
  }

  start(id: string): SessionView {
    const { phase, canary } = this.requireUnderWay(id);
    if (isWaitingForFit(this.session(id))) {
      throw new RoomcastError(
        "conflict",
        `session ${id} waits for its image to be made to fit, whoever is ready`,
        `see \`roomcast session show ${id}\`, or stop it and restore with --fit never`,
      );
    }
    if (phase === "canary") {
      throw new RoomcastError(
        "conflict",
        `session ${id} waits for ${canaryText(canary)}, whoever else is ready`,
        `switch it on, or \`roomcast session stop ${id}\` and restore without --canary`,
      );
    }
    return this.order(id, { type: "start" });
  }

  drop(id: string, pc: PcId): SessionView {
    this.requireUnderWay(id);
    return this.order(id, { type: "drop", pc, by: "operator" });
  }

  /** Lets a PC in: one that was not asked for, or one that has ended otherwise than verified. */
  admit(id: string, pc: PcRecord): SessionView {
    const { members, phase } = this.requireUnderWay(id);
    const member = members[pc.id];
    if (phase === "proving") {
      throw new RoomcastError(
        "conflict",
        `session ${id} is over but for PCs that are waited for to come up`,
        "restore it in a session of its own",
      );
    }
    if (member?.phase.name === "ended" && member.phase.result === "verified") {
      throw new RoomcastError(
        "conflict",
        `${pc.name} is already verified in session ${id}`,
        "to write it once more, restore it in a session of its own",
      );
    }
    this.requireFree(pc);
    return this.order(id, { type: "admit", pc: pc.id });
  }

  /** Throws `conflict` when a session has this PC. */
  requireFree(pc: PcRecord): void {
    const session = this.engine.of(pc.id);
    if (session === undefined) return;
    throw new RoomcastError(
      "conflict",
      `${pc.name} is in session ${session.id} (${session.kindName})`,
      `wait for its end, or \`roomcast session stop ${session.id}\``,
    );
  }

  /** Resolves when the session is over. */
  async over(id: string): Promise<SessionView> {
    const session = this.session(id);
    if (session.endedAt === null) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.waiting.set(id, [...(this.waiting.get(id) ?? []), resolve]);
      await promise;
    }
    return this.find(id);
  }
  // --- what agents say

  connected(pc: PcId, report: Report | null): void {
    this.engine.connected(pc, report, this.ports.timers.stamp());
    this.tellWaiting(pc);
    this.soon();
  }

  reported(pc: PcId, report: Report | null): void {
    this.engine.reported(pc, report, this.ports.timers.stamp());
    this.soon();
  }

  lost(pc: PcId, reason: string): void {
    this.engine.lost(pc, reason, this.ports.timers.stamp());
    this.soon();
  }

  /** The PC has asked for its boot files. */
  booting(pc: PcId): void {
    this.engine.tell({ type: "booting", pc }, this.ports.timers.stamp());
    this.soon();
  }

  /** Something on the network shows what this PC runs. */
  seen(pc: PcId, sign: Sign): void {
    this.engine.tell({ type: "seen", pc, sign }, this.ports.timers.stamp());
    this.soon();
  }

  /** The PC is in a room, newly or again: a restore that is under way there takes it in. */
  placed(pc: PcRecord): void {
    const session = this.receiving().find(
      (each) => each.kind.room(each.state) === pc.room && isServing(each),
    );
    if (session === undefined || pc.doubt !== undefined) return;
    if (session.kind.knows(session.state, pc.id) || this.engine.of(pc.id) !== undefined) return;
    this.take(session.id, { type: "admit", pc: pc.id });
  }

  /** The PC is trusted no more: its part in its session ends, and with it its grants; a cast gets new keys. */
  expel(pc: PcId): void {
    const session = this.engine.of(pc);
    if (session !== undefined) this.take(session.id, { type: "drop", pc, by: "operator" });
  }

  /** The person at the PC has stopped the work there. */
  stoppedAtPc(pc: PcId, session: string): void {
    const found = this.engine.get(session);
    if (found?.kind.knows(found.state, pc) === true)
      this.take(session, { type: "drop", pc, by: "person" });
  }

  message(pc: PcId, message: Work): void {
    const { session: id, attempt } = message;
    const session = this.engine.get(id);
    if (session === undefined) return;
    switch (message.type) {
      case "ready": {
        const { disk, counters } = message;
        return this.take(id, { type: "ready", pc, attempt, disk, counters });
      }
      case "delivery": {
        const reason = message.way === "http" ? (message.reason ?? "no reason given") : null;
        return this.take(id, { type: "delivery", pc, attempt, reason });
      }
      case "progress": {
        const { phase, counters, trouble = null, bytesDone, bytesTotal } = message;
        this.take(id, {
          ...{ type: "progress", pc, attempt, phase },
          ...{ counters, trouble, bytesDone, bytesTotal },
        });
        if (bytesTotal !== null && isCaptured(session, pc, attempt))
          this.requireSpace(session, bytesTotal);
        return this.ports.announcer.session(session.id);
      }
      case "cast-stats": {
        if (!isSender(session, pc) || !isOrdered(session, pc, attempt)) return;
        const { receivers, ...totals } = message.stats;
        return this.casts.get(id)?.takeStats(senderNetwork, totals, receivers);
      }
    }
  }

  bulk(pc: PcId, frame: BulkFrame): void {
    const session = this.byTag.get(frame.tag);
    if (session === undefined) return;
    const cast = this.casts.get(session.id);
    if (frame.kind === bulkKind.wants) cast?.takeWants(pc, frame.payload);
    else if (frame.kind === bulkKind.report) cast?.takeReport(pc, frame.payload);
    else if (frame.kind === bulkKind.entries && isSender(session, pc))
      this.archives.get(session.id)?.takeEntries(frame.payload);
  }

  /** A capture's image is in the store and visible. */
  committed(id: string, manifest: Manifest): void {
    this.ports.committed(manifest);
    const image = imageName(manifest);
    this.take(id, { type: "stored", image, imageId: manifest.id });
    this.flush();
  }

  /** Puts everything to rest; it goes on when the server is started again. */
  async close(): Promise<void> {
    this.retry?.();
    this.retry = null;
    this.flush();
    this.ports.timers.close();
    await Promise.all([...this.casts.values()].map((cast) => cast.end()));
  }

  // --- how it is done

  private begin<K extends KindName>(
    kind: K,
    text: string,
    pc: PcId | null,
    specOf: (number: number) => SpecOf<K>,
  ): SessionView {
    const { journal, timers } = this.ports;
    const number = this.nextNumber(journal.nextNumber());
    const session = this.engine.begin(number, kind, specOf(number), timers.stamp());
    this.equip(session);
    this.ports.announcer.note({ session: session.id, pc }, text);
    this.flush();
    for (const each of session.kind.pcs(session.state)) {
      this.tellWaiting(each);
      if (this.ports.presence.stateOf(each) === "booting")
        this.take(session.id, { type: "booting", pc: each });
    }
    return this.view(session);
  }

  /** Not one that is decided and not written yet, either. */
  private nextNumber(fromJournal: number): number {
    return Math.max(fromJournal, ...this.engine.all().map(({ number }) => number + 1));
  }

  /** What the session needs beside its state: a cast, an archive, a writer. */
  private equip(session: Session): void {
    const { id, kindName } = session;
    const { images } = this.ports;
    if (kindName === "restore")
      this.addCast(session, {
        home: null,
        networkOf: (pc) => this.ports.presence.networkOf(pc),
        open: (network, stats) => this.openSender(session, network, stats),
      });
    if (kindName === "cast") {
      const archive = this.addArchive(session);
      this.addCast(session, {
        home: senderNetwork,
        networkOf: () => senderNetwork,
        open: async () => {
          archive.cast.join();
          return archive.cast.remoteSender();
        },
      });
    }
    if (kindName === "capture" && session.endedAt === null)
      this.writers.set(id, images.beginImage((session.state as CaptureState).spec.name));
  }

  private openSender(
    session: Session,
    network: string,
    stats: (stats: CastSenderStats) => void,
  ): Promise<CastSender> {
    const { spec, image } = session.state as RestoreState;
    const address = { ...spec.cast, keys: this.keysOf(session.id) };
    const opening = { address, imageId: image.id, room: spec.room, network };
    return this.ports.openSender(opening, stats);
  }

  private addCast(session: Session, where: Pick<CastsPorts, "home" | "networkOf" | "open">): void {
    const cast = new Cast(session, {
      ...where,
      take: (id, input) => this.take(id, input),
      counted: () => this.ports.announcer.session(session.id),
    });
    this.casts.set(session.id, cast);
    this.byTag.set(placeOf(session).tag, session);
  }

  private addArchive(session: Session): LiveArchive {
    const { images, timers, send, sendBulk, startReceiver, committed, announcer } = this.ports;
    const { saveAs, sender } = (session.state as LiveState).spec;
    const archive = new LiveArchive(session, images.beginImage(saveAs ?? "live"), {
      timers,
      castKeys: () => this.keysOf(session.id),
      send,
      sendBulk,
      startReceiver: (options, events) =>
        startReceiver(this.ports.presence.networkOf(sender), options, events),
      committed,
      take: (input) => this.take(session.id, input),
      receivers: () => presentPcs((session.state as LiveState).receivers),
      untidy: (why) =>
        announcer.note(
          { session: session.id },
          `what the live cast left could not be tidied up: ${why}`,
        ),
    });
    this.archives.set(session.id, archive);
    return archive;
  }

  /** As soon as the PC knows how much it will read. */
  private requireSpace(session: Session, usedBytes: number): void {
    const writer = this.writers.get(session.id);
    if (writer === undefined || this.spaceAsked.has(writer)) return;
    this.spaceAsked.add(writer);
    writer.requireSpace(usedBytes).catch((error: unknown) => {
      this.take(session.id, { type: "not-stored", reason: errorText(error) });
    });
  }
  private order(id: string, input: Input): SessionView {
    this.take(id, input);
    this.flush();
    return this.find(id);
  }

  private take(id: string, input: Input): void {
    this.engine.take(id, input, this.ports.timers.stamp());
    this.soon();
  }

  private soon(): void {
    this.ports.timers.soon(() => this.flush());
  }

  /** Writes what was decided, does what follows, until there is nothing more. */
  private flush(): void {
    const { timers, journal } = this.ports;
    // A disk that takes nothing is not asked with every event: all that waits is offered anew each time.
    if (this.retry !== null) return this.send();
    let hasChanged = false;
    for (let batch = this.engine.toWrite(); batch !== null; batch = this.engine.toWrite()) {
      hasChanged = true;
      try {
        journal.append(batch);
      } catch (error) {
        this.engine.notWritten();
        this.ports.announcer.stuck(errorText(error));
        this.retry = timers.later(journalRetryMs, () => {
          this.retry = null;
          this.flush();
        });
        return this.send();
      }
      this.ports.announcer.stuck(null);
      this.act(this.engine.written(timers.now()));
    }
    this.send();
    if (hasChanged) this.wakeInTime();
  }

  private wakeInTime(): void {
    const { timers } = this.ports;
    timers.wakeAt(this.engine.deadline(timers.now()), () => {
      this.engine.tick(timers.stamp());
      this.flush();
      this.wakeInTime();
    });
  }

  private act({ happened, changed, over }: ReturnType<Engine["written"]>): void {
    // What is sent comes before what is told: an order before the entries that belong to it.
    this.send();
    for (const { session, fact, text } of happened) {
      this.follow(session, fact);
      if (text !== null) this.ports.announcer.note({ session: session.id, pc: fact.pc }, text);
    }
    for (const session of changed) {
      this.casts.get(session.id)?.sync(session.kind.wanted(session.durable).cast);
      this.syncFit(session);
      this.ports.announcer.session(session.id);
    }
    for (const session of over) this.end(session);
    if (happened.some(({ fact }) => isOfProof(fact))) this.ports.awaited(this.awaited());
  }

  private awaited(): Set<PcId> {
    const members = this.receiving().flatMap(({ durable }) =>
      durable === null
        ? []
        : Object.entries((durable as RestoreState | LiveState).receivers.members),
    );
    return new Set(members.flatMap(([pc, { boot }]) => (isProofPending(boot) ? [pc] : [])));
  }

  /** A version of its image is made for as long as the session wants one. */
  private syncFit(session: Session): void {
    const { id, kind, durable, gauges } = session;
    const { fit } = kind.wanted(durable);
    if ((fit !== undefined) === this.fitting.has(id)) return;
    if (fit === undefined) {
      this.fitting.get(id)?.();
      this.fitting.delete(id);
      return;
    }
    const withdraw = this.ports.fits.want(fit, {
      progress: (progress) => {
        gauges.fit = progress;
        this.ports.announcer.session(session.id);
      },
      fitted: (made) => {
        const { id: imageId, rootHash, storedBytes } = made;
        const image = { id: imageId, name: imageName(made), rootHash, storedBytes };
        this.take(id, { type: "fitted", image });
      },
      failed: (reason) => this.take(id, { type: "not-fitted", reason }),
    });
    this.fitting.set(id, withdraw);
  }

  /** A PC that is there and is not ordered yet is told why. */
  private tellWaiting(pc: PcId): void {
    const session = this.engine.of(pc);
    if (session === undefined || !isWaitingForFit(session)) return;
    const text = `${session.kind.image(session.state)} is made to fit the disks of this room first: please wait`;
    this.ports.send(pc, { type: "notice", text });
  }

  /** What a fact leads to outside of its session. */
  private follow(session: Session, fact: Fact): void {
    const { pc } = fact;
    const archive = this.archives.get(session.id);
    if (fact.type === "sender-sending") archive?.cast.senderReturned();
    if (pc === null) return;
    if (fact.type === "returned") archive?.cast.sendKnown(pc);
    if (fact.type === "ended" && isExpelled(fact)) this.rekey(session);
    const isVerified = "result" in fact && fact.result === "verified";
    if (isVerified && receiversOf(session) !== null) this.ports.verified(pc);
  }

  private keysOf(session: string): CastKeys {
    const keys = this.castKeys.get(session) ?? newCastKeys();
    this.castKeys.set(session, keys);
    return keys;
  }

  /** Who is out of the session has no use of the keys that it was given. */
  private rekey(session: Session): void {
    const { id } = session;
    const keys = newCastKeys();
    this.castKeys.set(id, keys);
    this.engine.renew(id, this.ports.timers.now());
    this.casts.get(id)?.rekey(keys);
    this.archives.get(id)?.cast.rekey(keys);
    this.send();
  }

  private send(): void {
    for (const { pc, message, isRefresh } of this.engine.takeSends()) {
      this.ports.send(pc, message);
      if (message.type === "restore" && message.live !== "no" && !isRefresh)
        this.archives.get(message.session)?.cast.sendKnown(pc);
    }
  }

  private end(session: Session): void {
    const { id } = session;
    this.keepEnded(session);
    this.tellRoom(session);
    this.casts.get(id)?.end();
    this.casts.delete(id);
    if (receiversOf(session) !== null) this.byTag.delete(placeOf(session).tag);
    this.archives.get(id)?.close();
    this.archives.delete(id);
    this.castKeys.delete(id);
    const writer = this.writers.get(id);
    this.writers.delete(id);
    if (writer !== undefined && (session.state as CaptureState).image === null)
      writer.abort().catch((error: unknown) => {
        const why = errorText(error);
        this.ports.announcer.note(
          { session: id },
          `what the capture left could not be tidied up: ${why}`,
        );
      });
    for (const resolve of this.waiting.get(id) ?? []) resolve();
    this.waiting.delete(id);
    this.ports.ended(session);
  }

  private keepEnded(session: Session): void {
    makeRoom(this.ended, endedSessionsKept);
    this.ended.set(session.id, session);
  }

  private lookUp(id: string): Session | undefined {
    const known = this.engine.get(id) ?? this.ended.get(id);
    if (known !== undefined) return known;
    const number = /^s\d{1,12}$/.test(id) ? Number(id.slice(1)) : 0;
    const found = this.ports.journal.find(number);
    return found === undefined ? undefined : sessionOf(found);
  }

  /** Restores and live casts under way. */
  private receiving(): Session[] {
    return this.engine.all().filter((session) => receiversOf(session) !== null);
  }

  private requireReceiving(session: Session): Receivers {
    const receivers = receiversOf(session);
    if (receivers !== null) return receivers;
    throw new RoomcastError(
      "conflict",
      `session ${session.id} is a ${session.kindName}`,
      `begin it anew with \`roomcast ${session.kindName === "wipe" ? "pc wipe" : session.kindName}\``,
    );
  }

  private requireUnderWay(id: string): Receivers {
    const session = this.engine.get(id);
    const receivers = session === undefined ? null : receiversOf(session);
    if (receivers !== null) return receivers;
    const { state, kind } = this.find(id);
    throw new RoomcastError(
      "conflict",
      `session ${id} is a ${kind} and ${state}`,
      "only a restore that is under way can be changed",
    );
  }

  private tellRooms(): void {
    for (const session of this.receiving()) {
      session.gauges.timeLeft.note(this.view(session), this.ports.timers.now());
      this.tellRoom(session);
    }
  }

  private tellRoom(session: Session): void {
    const receivers = receiversOf(session);
    if (receivers === null) return;
    const view = this.view(session);
    const { verified, failed } = resultCounts(view);
    const message: ServerMessage = {
      type: "room",
      session: session.id,
      room: {
        members: view.members.length,
        verified,
        failed,
        progress: sessionFraction(view),
        rateBps: view.rateBps,
        secondsLeft: view.secondsLeft,
      },
    };
    const present = Object.entries(receivers.members).flatMap(([pc, { phase }]) =>
      phase.name === "absent" || phase.name === "lost" ? [] : [pc],
    );
    const { sender } = view;
    for (const pc of sender === null ? present : [...present, sender]) this.ports.send(pc, message);
  }
}

/** The receivers of a restore or a live cast; null: of another kind. */
export function receiversOf({ kindName, state }: Session): Receivers | null {
  return kindName === "restore" || kindName === "cast"
    ? (state as RestoreState | LiveState).receivers
    : null;
}

const isWaitingForFit = ({ kindName, state }: Session): boolean =>
  kindName === "restore" && isFitting(state as RestoreState);

/** It lets PCs in: not all of them have ended. */
const isServing = (session: Session): boolean => receiversOf(session)?.phase !== "proving";

const placeOf = ({ state }: Session): CastPlace => (state as RestoreState | LiveState).spec.cast;

/** The PC is at this attempt of the session, as the journal has it. */
const isOrdered = ({ kind, durable }: Session, pc: PcId, attempt: number): boolean =>
  durable !== null && kind.wanted(durable).orders.get(pc) === attempt;

const isCaptured = (session: Session, pc: PcId, attempt: number): boolean =>
  session.kindName === "capture" && isOrdered(session, pc, attempt);

const isSender = ({ kindName, state }: Session, pc: PcId): boolean =>
  kindName === "cast" && (state as LiveState).spec.sender === pc;

/** PCs that have been ordered, and have not ended or got lost. */
const presentPcs = ({ members }: Receivers): PcId[] =>
  Object.entries(members).flatMap(([pc, { phase }]) =>
    ["absent", "lost", "ended"].includes(phase.name) ? [] : [pc],
  );

function receiversSpec(request: ReceiversRequest, number: number): ReceiversSpec {
  const { room, disk, failingDisks, delta, verify, afterwards, personalise, start } = request;
  const { pcs, startTimeoutSeconds, proveBootSeconds, orderedBy } = request;
  return {
    ...{ room, disk, failingDisks, delta, verify, afterwards, personalise, start },
    pcs: pcs.map(({ id }) => id),
    ...(orderedBy === undefined ? {} : { orderedBy }),
    startTimeoutMs: startTimeoutSeconds === null ? null : startTimeoutSeconds * 1000,
    proveBootMs: proveBootSeconds === null ? null : proveBootSeconds * 1000,
    cast: castPlace(number),
  };
}

const newCastKeys = (): CastKeys => ({
  chunk: randomBytes(32).toString("base64"),
  packet: randomBytes(8).toString("base64"),
});

/** Whether an operator took the PC out of the session: it did not end, or stop by itself. */
const isExpelled = (fact: Fact): boolean =>
  "cause" in fact && (fact.cause as Cause | null)?.code === "dropped";

/**
 * Where session `number` casts: a group of its own in the organisation-local scope (RFC 2365) whose
 * Ethernet address is not that of a link-local group, which switches would flood.
 */
function castPlace(number: number): CastPlace {
  return {
    tag: randomInt(2 ** 32),
    group: `239.77.${1 + (Math.floor(number / 254) % 254)}.${1 + (number % 254)}`,
    port: 7400 + (number % 1000),
  };
}
