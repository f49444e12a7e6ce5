/** The sessions of the lab, as people read and order them. */

import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import { canaryText } from "../../core/session/canary.ts";
import type { Input, PcId } from "../../core/session/kind.ts";
import type { CaptureSpec, CaptureState } from "../../core/session/kinds/capture.ts";
import type { ReceiversSpec, RestoreState } from "../../core/session/kinds/restore.ts";
import type { LiveState } from "../../core/session/live-state.ts";
import type { Receivers } from "../../core/session/receivers.ts";
import type { KindName, SpecOf } from "../../core/session/registry.ts";
import { meantBy } from "../../core/session/target.ts";
import type { SessionView } from "../../core/wire/views.ts";
import type { PcRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import type { ImageWriter } from "../store/image-writer.ts";
import type { LiveArchive } from "./live-archive.ts";
import { admission, workDisk } from "./meant-disks.ts";
import { type CastRequest, type RestoreRequest, receiversSpec } from "./receivers-request.ts";
import { isServing, isWaitingForFit, mappingSender, receiversOf } from "./receiving.ts";
import type { Session } from "./session.ts";
import type { SessionRunner } from "./session-runner.ts";

/** Of a room, to find its last restore by: some sessions of the largest, and the most that are read for it. */
const eventsLookedAt = 2000;

export class Sessions {
  private readonly runner: SessionRunner;
  private readonly history: Pick<StateStore, "events">;

  constructor(runner: SessionRunner, history: Pick<StateStore, "events">) {
    this.runner = runner;
    this.history = history;
  }

  // --- what is read

  /** Those that ended lately, then those under way. */
  views(): SessionView[] {
    return this.runner.listed().map((session) => this.view(session));
  }

  view(session: Session): SessionView {
    return this.runner.view(session);
  }

  /** Throws `not-found`. */
  find(id: string): SessionView {
    return this.view(this.session(id));
  }

  has(id: string): boolean {
    return this.runner.find(id) !== undefined;
  }

  /** Throws `not-found`. */
  session(id: string): Session {
    const found = this.runner.find(id);
    if (found !== undefined) return found;
    throw new RoomcastError(
      "not-found",
      `there is no session ${JSON.stringify(id)}`,
      "see `roomcast session list`",
    );
  }

  get activeCount(): number {
    return this.runner.engine.all().length;
  }

  /** The session that has this PC, and is not over for it. */
  idOf(pc: PcId): string | null {
    return this.runner.engine.of(pc)?.id ?? null;
  }

  /** The restore or live cast under way in this room. */
  restoreIn(room: string): string | null {
    const found = this.runner.receiving().filter(({ kind, state }) => kind.room(state) === room);
    return (found.find(isServing) ?? found[0])?.id ?? null;
  }

  /** A session under way that is for this room, or has one of these PCs. */
  workIn(room: string, pcs: ReadonlySet<PcId>): string | null {
    const found = this.runner.engine
      .all()
      .find(
        ({ kind, state }) =>
          kind.room(state) === room || [...kind.pcs(state)].some((pc) => pcs.has(pc)),
      );
    return found?.id ?? null;
  }

  /** Whether it lets PCs in: it is under way, and not all of them have ended. */
  isServing(id: string): boolean {
    const session = this.runner.engine.get(id);
    return session !== undefined && isServing(session);
  }

  /** Whether the PC is or was a member of the session. */
  knows(id: string, pc: PcId): boolean {
    const { kind, state } = this.session(id);
    return kind.knows(state, pc);
  }

  /** A restore under way that casts this image. */
  restoreOf(imageId: string): string | null {
    const found = this.runner.engine
      .all()
      .find(
        ({ kindName, state }) =>
          kindName === "restore" && (state as RestoreState).image.id === imageId,
      );
    return found?.id ?? null;
  }

  /** The id of the image that the room was restored from last; null: it was not, as far back as its last events go. */
  lastImageOf(room: string): string | null {
    const { runner, history } = this;
    const isOfRoom = (session: Session | undefined): session is Session =>
      session?.kindName === "restore" && (session.state as RestoreState).spec.room === room;
    const earlier = (): Session | undefined => {
      const events = history.events({ room, limit: eventsLookedAt }).reverse();
      const ids = new Set(events.flatMap(({ session }) => session ?? []));
      for (const id of ids) {
        const session = runner.find(id);
        if (isOfRoom(session)) return session;
      }
      return undefined;
    };
    const found = runner.listed().findLast(isOfRoom) ?? earlier();
    return found === undefined ? null : (found.state as RestoreState).image.id;
  }

  /** The newest restore that was ordered in this name and began after this time, ISO 8601. */
  begunBy(orderedBy: string, after: string): string | null {
    const found = this.runner
      .listed()
      .filter(
        ({ kindName, state, startedAt }) =>
          kindName === "restore" &&
          (state as RestoreState).spec.orderedBy === orderedBy &&
          startedAt > after,
      );
    return found.at(-1)?.id ?? null;
  }

  /** The PCs of a restore or a live cast that ended otherwise than verified. */
  unverified(id: string): PcId[] {
    return [...this.requireReceiving(this.session(id)).members].flatMap(([pc, { phase }]) =>
      phase.name === "ended" && phase.result !== "verified" ? [pc] : [],
    );
  }

  /** The attempt that is wanted of the PC by this session now; null: nothing is. */
  attemptOf(session: string, pc: PcId): number | null {
    return this.runner.engine.attemptOf(session, pc);
  }

  /** The live cast of this session, if it is under way. */
  archive(session: string): LiveArchive | undefined {
    return this.runner.equipment.archiveOf(session);
  }

  /** What takes the chunks of a capture that is under way. */
  writerFor(session: string): ImageWriter | undefined {
    return this.runner.equipment.writerOf(session);
  }

  /** Whose disk a capture reads, and how many bytes of it, once that is known. */
  captureUnderWay(id: string): {
    readonly pc: PcId;
    readonly disk: string | null;
    readonly bytesTotal: number | null;
  } {
    const { state, gauges } = this.session(id);
    const { pc, disk, source } = (state as CaptureState).spec;
    return {
      pc,
      disk: source?.path ?? disk,
      bytesTotal: gauges.members.get(pc)?.bytesTotal ?? null,
    };
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
    const sourceMeant = request.sourceMeant ?? meantBy(sender.hello.disks, sourceDisk);
    for (const pc of [sender, ...pcs]) this.requireFree(pc);
    const stored = saveAs === null ? "" : `, stored as ${saveAs}`;
    const text = `live cast to ${pcs.length} PCs${stored}`;
    return this.begin("cast", text, sender.id, (number) => ({
      ...receiversSpec(request, number),
      ...{ sender: sender.id, senderName: sender.name, saveAs, sourceDisk, raw },
      ...(sourceMeant === null ? {} : { sourceMeant }),
    }));
  }

  /** Starts a capture of a PC that is connected; throws `conflict` when it is in another session. */
  capture(pc: PcRecord, request: Omit<CaptureSpec, "pc" | "source" | "meant">): SessionView {
    this.requireFree(pc);
    const spec = { ...request, pc: pc.id, ...workDisk(pc, request.disk) };
    return this.begin("capture", `capture as ${request.name}`, pc.id, () => spec);
  }

  /** Starts a wipe of a PC that is connected; throws `conflict` when it is in another session. */
  wipe(pc: PcRecord, request: Omit<SpecOf<"wipe">, "pc" | "source" | "meant">): SessionView {
    this.requireFree(pc);
    const spec = { ...request, pc: pc.id, ...workDisk(pc, request.disk) };
    return this.begin("wipe", `wipe (${request.method})`, pc.id, () => spec);
  }

  stop(id: string): SessionView {
    this.session(id);
    this.runner.halt(id, { type: "stop" }, `the stop of session ${id}`);
    return this.find(id);
  }

  start(id: string): SessionView {
    const { phase, canary } = this.requireUnderWay(id);
    const session = this.session(id);
    if (isWaitingForFit(session)) {
      throw new RoomcastError(
        "conflict",
        `session ${id} waits for its image to be made to fit, whoever is ready`,
        `see \`roomcast session show ${id}\`, or stop it and restore with --fit never`,
      );
    }
    const sender = mappingSender(session);
    if (sender !== null) {
      throw new RoomcastError(
        "conflict",
        `session ${id} waits for ${sender} to map its disk, whoever is ready`,
        `start it once \`roomcast history --session ${id}\` says that ${sender} sends, or stop it`,
      );
    }
    if (phase === "canary") {
      throw new RoomcastError(
        "conflict",
        `session ${id} waits for ${canaryText(canary)}, whoever else is ready`,
        `switch it on, or \`roomcast session stop ${id}\` and restore without --canary`,
      );
    }
    return this.order(id, [{ type: "start" }], `the start of session ${id}`);
  }

  drop(id: string, pc: PcId): SessionView {
    this.requireUnderWay(id);
    const what = `the removal of ${this.runner.nameOf(pc)} from session ${id}`;
    this.runner.halt(id, { type: "drop", pc, by: "operator" }, what);
    return this.find(id);
  }

  /** Lets PCs in, all or none: such that were not asked for, or have ended otherwise than verified. */
  admit(id: string, pcs: readonly PcRecord[]): SessionView {
    for (const pc of pcs) this.requireAdmissible(id, pc);
    const { disk } = specOf(this.session(id));
    const inputs = pcs.map((pc) => admission(pc, disk));
    const names = pcs.map(({ name }) => name).join(", ");
    return this.order(id, inputs, `the admission of ${names} to session ${id}`);
  }

  private requireAdmissible(id: string, pc: PcRecord): void {
    const { members, phase } = this.requireUnderWay(id);
    const member = members.get(pc.id);
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
  }

  /** Throws `conflict` when a session has this PC. */
  requireFree(pc: PcRecord): void {
    const session = this.runner.engine.of(pc.id);
    if (session === undefined) return;
    throw new RoomcastError(
      "conflict",
      `${pc.name} is in session ${session.id} (${session.kindName})`,
      `wait for its end, or \`roomcast session stop ${session.id}\``,
    );
  }

  /** Resolves when the session is over. */
  async over(id: string): Promise<SessionView> {
    await this.runner.over(this.session(id));
    return this.find(id);
  }

  /** The PC is in a room, newly or again: a restore that is under way there takes it in. */
  placed(pc: PcRecord): void {
    const session = this.runner
      .receiving()
      .find((each) => each.kind.room(each.state) === pc.room && isServing(each));
    if (session === undefined || pc.doubt !== undefined) return;
    if (session.kind.knows(session.state, pc.id) || this.runner.engine.of(pc.id) !== undefined)
      return;
    this.runner.take(session.id, admission(pc, specOf(session).disk));
  }

  /** The PC is trusted no more: its part in its session ends, and with it its grants; a cast gets new keys. */
  expel(pc: PcId): void {
    const session = this.runner.engine.of(pc);
    if (session !== undefined) this.runner.take(session.id, { type: "drop", pc, by: "operator" });
  }

  /** The person at the PC has stopped the work there. */
  stoppedAtPc(pc: PcId, session: string): void {
    const found = this.runner.engine.get(session);
    if (found?.kind.knows(found.state, pc) === true)
      this.runner.take(session, { type: "drop", pc, by: "person" });
  }

  private begin<K extends KindName>(
    kind: K,
    text: string,
    pc: PcId | null,
    specOf: (number: number) => SpecOf<K>,
  ): SessionView {
    return this.view(this.runner.begin(kind, text, pc, specOf));
  }

  private order(id: string, inputs: readonly Input[], what: string): SessionView {
    this.runner.order(id, inputs, what);
    return this.find(id);
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
    const session = this.runner.engine.get(id);
    const receivers = session === undefined ? null : receiversOf(session);
    if (receivers !== null) return receivers;
    const { state, kind } = this.find(id);
    throw new RoomcastError(
      "conflict",
      `session ${id} is a ${kind} and ${state}`,
      "only a restore that is under way can be changed",
    );
  }
}

/** Of a restore or a live cast. */
const specOf = ({ state }: Session): ReceiversSpec => (state as RestoreState | LiveState).spec;
