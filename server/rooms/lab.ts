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
  controlProtocol,
  type Hello,
  type ServerMessage,
} from "../../core/wire/control.ts";
import type { ImageView, PcState, PcView, RoomView, SessionView } from "../../core/wire/views.ts";
import type { CaptureRecord, PcRecord, RestoreRecord, SessionRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import type { ImageStore } from "../store/image-store.ts";
import { type AgentLink, Agents } from "./agents.ts";
import { CaptureRun, captureView } from "./capture-run.ts";
import { Feed } from "./feed.ts";
import { Inventory, pcView } from "./inventory.ts";
import { RestoreRun, restoreView } from "./restore-run.ts";

/** How long a PC that asked for boot files is shown as `booting`, in milliseconds. */
const bootingFor = 180_000;
/** Sessions that ended and are still shown. */
const endedSessionsKept = 50;

export interface LabPorts {
  readonly state: StateStore;
  readonly images: ImageStore;
  readonly clock: Clock;
  readonly version: string;
  openSender(record: RestoreRecord, stats: (stats: CastSenderStats) => void): Promise<CastSender>;
  /** Sends the magic packet on the lab's network. */
  wake(macs: readonly string[]): Promise<void>;
  log(fields: Record<string, unknown>, text: string): void;
}

export interface RestoreRequest {
  readonly image: string;
  readonly room: string | null;
  readonly pcs: readonly string[] | null;
  readonly disk: string | null;
  readonly start: StartPolicy;
  /** Seconds. */
  readonly startTimeout: number | null;
  readonly delta: boolean;
  readonly verify: "written" | "read-back";
  readonly afterwards: Afterwards;
}

type Run = RestoreRun | CaptureRun;

/**
 * The lab as the server runs it: its PCs, their agents, and the sessions. Every order of an operator
 * and every word of an agent ends here.
 */
export class Lab {
  readonly inventory: Inventory;
  readonly feed = new Feed();
  readonly agents: Agents;
  private readonly ports: LabPorts;
  private readonly runs = new Map<string, Run>();
  private readonly ended = new Map<string, SessionRecord>();
  private readonly states = new Map<string, PcState>();
  private readonly bootingSince = new Map<string, number>();
  private readonly wipes = new Map<
    string,
    (outcome: Extract<AgentMessage, { type: "result" }>) => void
  >();

  constructor(ports: LabPorts) {
    this.ports = ports;
    this.inventory = new Inventory(ports.state);
    this.agents = new Agents({
      hello: (hello, address) => this.greet(hello, address),
      connected: (link, hello) => this.connected(link, hello),
      message: (link, message) => this.message(link, message),
      bulk: (link, frame) => {
        for (const run of this.runs.values()) {
          if (!(run instanceof RestoreRun) || run.record.cast.tag !== frame.tag) continue;
          if (frame.kind === 1) run.takeWants(link.pc, frame.payload);
          else run.takeReport(link.pc, frame.payload);
        }
      },
      lost: (link, reason) => this.lost(link, reason),
      ignored: (reason, address) => ports.log({ address, reason }, "frame ignored"),
    });
    this.resume();
  }

  /** Goes on where an earlier process of the server ended, however it ended. */
  private resume(): void {
    for (const record of this.ports.state.sessions(endedSessionsKept)) {
      if (record.endedAt !== null) this.ended.set(record.id, record);
      else if (record.kind === "restore") {
        const run = this.makeRestoreRun(record);
        run.take({ type: "server-restarted" });
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

  // --- what screens and programs read

  stateOf(pc: string): PcState {
    const state = this.states.get(pc);
    if (state !== undefined) return state;
    const since = this.bootingSince.get(pc);
    return since !== undefined && performance.now() - since < bootingFor ? "booting" : "offline";
  }

  pcView(pc: PcRecord): PcView {
    return pcView(pc, this.stateOf(pc.id), this.runOf(pc.id)?.record.id ?? null);
  }

  roomView(name: string): RoomView {
    const pcs = this.inventory.pcsOf(name);
    const run = this.restores().find(({ record }) => record.room === name);
    return {
      name,
      pcs: pcs.length,
      online: pcs.filter((pc) => this.agents.isConnected(pc.id)).length,
      session: run?.record.id ?? null,
    };
  }

  sessions(): SessionView[] {
    const records = [...this.ended.values(), ...[...this.runs.values()].map((run) => run.record)];
    return records.map((record) => this.sessionView(record));
  }

  /** Throws `not-found`. */
  session(id: string): SessionView {
    const record = this.runs.get(id)?.record ?? this.ended.get(id);
    if (record !== undefined) return this.sessionView(record);
    throw new RoomcastError(
      "not-found",
      `there is no session ${JSON.stringify(id)}`,
      "see `roomcast session list`",
    );
  }

  activeSessions(): number {
    return this.runs.size;
  }

  private sessionView(record: SessionRecord): SessionView {
    const nameOf = (pc: string): string => this.inventory.get(pc)?.name ?? pc;
    return record.kind === "restore"
      ? restoreView(record, nameOf, (pc) => this.stateOf(pc))
      : captureView(record, nameOf(record.pc), this.stateOf(record.pc));
  }

  images(): ImageView[] {
    return this.ports.images.list().map(imageView);
  }

  /** NAME, NAME@VERSION or an id; throws `not-found`. */
  image(reference: string): Manifest {
    const found = this.ports.images.find(reference);
    if (found !== undefined) return found;
    throw new RoomcastError(
      "not-found",
      `there is no image ${JSON.stringify(reference)}`,
      "see `roomcast image list`",
    );
  }

  // --- what operators order

  /** The PCs that a restore of this room, or of these PCs, would overwrite. */
  targets(request: {
    readonly room: string | null;
    readonly pcs: readonly string[] | null;
  }): PcRecord[] {
    const { room, pcs } = request;
    if ((room === null) === (pcs === null)) {
      throw new RoomcastError("usage", "name a room or PCs, one of the two", "see --room and --pc");
    }
    if (room !== null) this.inventory.requireRoom(room);
    const found =
      room !== null
        ? this.inventory.pcsOf(room)
        : [...new Set((pcs ?? []).map((reference) => this.inventory.find(reference)))];
    if (found.length > 0) return found;
    throw new RoomcastError(
      "refused",
      `room ${room} has no PCs`,
      "boot its PCs from the network, then place them with `roomcast pc set PC --room`",
    );
  }

  /** Starts a restore; throws `conflict` when one of the PCs is in another session. */
  restore(request: RestoreRequest): SessionView {
    const manifest = this.image(request.image);
    const pcs = this.targets(request);
    this.requireFree(pcs);
    const { clock, state } = this.ports;
    const number = state.nextSessionNumber();
    const record: RestoreRecord = {
      kind: "restore",
      id: `s${number}`,
      startedAt: clock.isoTime(),
      endedAt: null,
      imageId: manifest.id,
      image: `${manifest.name}@${manifest.version}`,
      imageStoredBytes: manifest.storedBytes,
      room: request.room,
      disk: request.disk,
      delta: request.delta,
      verify: request.verify,
      afterwards: request.afterwards,
      cast: castAddress(number),
      session: createSession({
        pcs: pcs.map((pc) => pc.id),
        start: request.start,
        startTimeout: request.startTimeout === null ? null : millis(request.startTimeout * 1000),
        rootHash: manifest.rootHash,
        now: clock.now(),
      }),
      stats: null,
    };
    const run = this.makeRestoreRun(record);
    this.note(record.id, null, `restore of ${record.image} to ${pcs.length} PCs`);
    run.take({ type: "tick" });
    for (const pc of pcs) {
      if (this.agents.isConnected(pc.id)) run.take({ type: "connected", pc: pc.id });
      else if (this.stateOf(pc.id) === "booting") run.take({ type: "booting", pc: pc.id });
    }
    this.saidRooms();
    return run.view();
  }

  capture(request: { pc: string; name: string; disk: string | null; raw: boolean }): SessionView {
    const pc = this.inventory.find(request.pc);
    this.requireFree([pc]);
    this.requireOnline(pc);
    const { state, clock, images } = this.ports;
    const writer = images.beginImage(request.name);
    const record: CaptureRecord = {
      kind: "capture",
      id: `s${state.nextSessionNumber()}`,
      startedAt: clock.isoTime(),
      endedAt: null,
      name: request.name,
      image: null,
      pc: pc.id,
      disk: request.disk,
      raw: request.raw,
      result: "pending",
      reason: null,
      bytesDone: 0,
      bytesTotal: null,
      source: pc.hello.disks.find((disk) => disk.path === request.disk) ?? null,
      counters: null,
    };
    const run = new CaptureRun(record, writer, {
      send: (id, message) => this.agents.send(id, message),
      isoTime: () => clock.isoTime(),
      persist: (changed) => this.persist(changed),
      changed: (changed) => this.saidSession(changed.record),
      note: (session, id, text) => this.note(session, id, text),
      ended: (over) => {
        if (over.record.result !== "verified") {
          over.writer
            .abort()
            .catch((error: unknown) => this.complain(error, "capture not tidied up"));
        }
        this.sessionEnded(over);
      },
    });
    this.runs.set(record.id, run);
    this.persist(record);
    this.note(record.id, pc.id, `capture of ${pc.name} as ${request.name}`);
    run.order();
    return this.session(record.id);
  }

  /** The writer of the capture that `task` names, if it is still under way. */
  writerFor(task: string): CaptureRun["writer"] | undefined {
    const run = this.runs.get(task);
    return run instanceof CaptureRun ? run.writer : undefined;
  }

  committed(task: string, manifest: Manifest): void {
    const run = this.runs.get(task);
    if (run instanceof CaptureRun) run.commit(manifest);
    this.feed.say({ type: "image", image: imageView(manifest) });
  }

  async deleteImage(reference: string): Promise<{ freedBytes: number }> {
    const manifest = this.image(reference);
    const user = this.restores().find(({ record }) => record.imageId === manifest.id);
    if (user !== undefined) {
      throw new RoomcastError(
        "conflict",
        `session ${user.record.id} is casting ${manifest.name}@${manifest.version}`,
        "wait for its end, or stop it",
      );
    }
    const freed = await this.ports.images.delete(manifest.id);
    this.feed.say({ type: "image-gone", id: manifest.id });
    return freed;
  }

  stopSession(id: string): SessionView {
    const run = this.runs.get(id);
    if (run instanceof RestoreRun) run.take({ type: "stop" });
    else run?.stop();
    return this.session(id);
  }

  startSession(id: string): SessionView {
    this.requireRestore(id).take({ type: "start" });
    return this.session(id);
  }

  dropMember(id: string, reference: string): SessionView {
    this.requireRestore(id).take({ type: "drop", pc: this.inventory.find(reference).id });
    return this.session(id);
  }

  async power(
    reference: string,
    action: "wake" | "reboot" | "poweroff" | "boot-disk",
  ): Promise<void> {
    const pc = this.inventory.find(reference);
    if (action === "wake") return this.ports.wake(pc.macs);
    this.requireFree([pc]);
    this.requireOnline(pc);
    pc.nextBoot = action === "boot-disk" ? "local-disk" : "agent";
    this.inventory.save(pc);
    this.agents.send(pc.id, { type: "power", action });
    this.note(null, pc.id, `${pc.name}: ${action}`);
  }

  /** Empties the PC's disk; resolves at the end, rejects with the PC's reason. */
  async wipe(reference: string, method: "discard" | "zero", disk: string | null): Promise<void> {
    const pc = this.inventory.find(reference);
    this.requireFree([pc]);
    this.requireOnline(pc);
    const task = `w${randomInt(2 ** 32).toString(16)}`;
    const outcome = await new Promise<Extract<AgentMessage, { type: "result" }>>((resolve) => {
      this.wipes.set(`${pc.id} ${task}`, resolve);
      this.note(null, pc.id, `${pc.name}: wipe (${method})`);
      this.agents.send(pc.id, { type: "wipe", task, disk, method });
    });
    this.note(null, pc.id, `${pc.name}: wipe ${outcome.outcome} ${outcome.reason ?? ""}`.trim());
    if (outcome.outcome === "done") return;
    throw new RoomcastError(
      outcome.outcome === "refused" ? "refused" : "failed",
      `${pc.name}: ${outcome.reason ?? "the wipe did not succeed"}`,
      outcome.next ?? "see the PC's screen",
    );
  }

  set(reference: string, change: { name?: string; room?: string; seat?: string | null }): PcView {
    const pc = this.inventory.find(reference);
    if (change.room !== undefined) this.inventory.requireRoom(change.room);
    if (change.name !== undefined) this.inventory.rename(pc, change.name);
    if (change.seat !== undefined) pc.seat = change.seat;
    if (change.room !== undefined) pc.room = change.room;
    this.inventory.save(pc);
    this.agents.send(pc.id, { type: "placed", name: pc.name, room: pc.room });
    this.admitToRoomSession(pc);
    this.saidPc(pc.id);
    this.saidRooms();
    return this.pcView(pc);
  }

  forget(reference: string): void {
    const pc = this.inventory.find(reference);
    this.requireFree([pc]);
    if (this.agents.isConnected(pc.id)) {
      throw new RoomcastError(
        "conflict",
        `${pc.name} is connected`,
        "switch it off first; it would register again at once",
      );
    }
    this.inventory.forget(pc.id);
    this.feed.say({ type: "pc-gone", id: pc.id });
    this.saidRooms();
  }

  createRoom(name: string): RoomView {
    this.inventory.createRoom(name);
    const room = this.roomView(name);
    this.feed.say({ type: "room", room });
    return room;
  }

  deleteRoom(name: string): void {
    const run = this.restores().find(({ record }) => record.room === name);
    if (run !== undefined) {
      throw new RoomcastError(
        "conflict",
        `session ${run.record.id} is at work in room ${name}`,
        "wait for its end, or stop it",
      );
    }
    const moved = this.inventory.pcsOf(name);
    this.inventory.deleteRoom(name);
    this.feed.say({ type: "room-gone", name });
    for (const pc of moved) this.saidPc(pc.id);
    this.saidRooms();
  }

  // --- what the network says

  /** What a network boot of this MAC leads to. */
  bootDecision(mac: string): "agent" | "local-disk" {
    const pc = this.inventory.byMac(mac);
    if (pc === undefined || this.runOf(pc.id) !== undefined) return "agent";
    return pc.nextBoot;
  }

  /** A PC has asked for boot files. */
  booting(mac: string): void {
    const pc = this.inventory.byMac(mac);
    if (pc === undefined || this.agents.isConnected(pc.id)) return;
    this.bootingSince.set(pc.id, performance.now());
    for (const run of this.restores()) run.take({ type: "booting", pc: pc.id });
    this.saidPc(pc.id);
  }

  private greet(hello: Hello, address: string): { pc: string; welcome: ServerMessage } {
    const { clock, version } = this.ports;
    const pc = this.inventory.register(hello, (id) => this.agents.isConnected(id), clock.isoTime());
    const time = clock.isoTime();
    this.ports.log({ pc: pc.name, mac: hello.mac, address }, "PC connected");
    const { id, name, room } = pc;
    return {
      pc: id,
      welcome: {
        type: "welcome",
        protocol: controlProtocol,
        serverVersion: version,
        pc: id,
        name,
        room,
        time,
      },
    };
  }

  private connected(link: AgentLink, hello: Hello): void {
    this.states.set(link.pc, hello.state);
    this.bootingSince.delete(link.pc);
    const run = this.runOf(link.pc);
    if (hello.task !== null && run?.record.id !== hello.task) {
      link.send({ type: "cancel", task: hello.task, reason: "that session is over" });
    }
    if (run instanceof RestoreRun) run.take({ type: "connected", pc: link.pc });
    else run?.reconnected(hello.task === run.record.id);
    const pc = this.inventory.get(link.pc);
    if (pc !== undefined) this.admitToRoomSession(pc);
    this.saidPc(link.pc);
    this.saidRooms();
  }

  private admitToRoomSession(pc: PcRecord): void {
    const run = this.restores().find(({ record }) => record.room === pc.room);
    if (run === undefined || run.isMember(pc.id) || this.runOf(pc.id) !== undefined) return;
    run.take({ type: "admit", pc: pc.id, connected: this.agents.isConnected(pc.id) });
  }

  private lost(link: AgentLink, reason: string): void {
    this.states.delete(link.pc);
    const pc = this.inventory.get(link.pc);
    if (pc !== undefined) {
      pc.lastSeen = this.ports.clock.isoTime();
      this.inventory.save(pc);
      this.ports.log({ pc: pc.name, reason }, "PC lost");
    }
    const run = this.runOf(link.pc);
    if (run instanceof RestoreRun) run.take({ type: "lost", pc: link.pc, reason });
    else run?.lost(reason);
    for (const [key, resolve] of this.wipes) {
      if (!key.startsWith(`${link.pc} `)) continue;
      this.wipes.delete(key);
      const [, task = ""] = key.split(" ");
      resolve({
        type: "result",
        task,
        outcome: "failed",
        reason,
        next: "see the PC's screen; its disk may be half wiped",
        rootHash: null,
        counters: null,
      });
    }
    this.saidPc(link.pc);
    this.saidRooms();
  }

  private message(link: AgentLink, message: Exclude<AgentMessage, Hello>): void {
    switch (message.type) {
      case "alive": {
        const before = this.states.get(link.pc);
        this.states.set(link.pc, message.state);
        if (before !== message.state) this.saidPc(link.pc);
        return;
      }
      case "ask":
        return this.ask(link, message.want);
      case "ready": {
        const run = this.runs.get(message.task);
        if (run instanceof RestoreRun) {
          run.take({ ...message, type: "ready", pc: link.pc });
        }
        return;
      }
      case "progress":
      case "result":
        return this.outcome(link, message);
    }
  }

  private outcome(
    link: AgentLink,
    message: Extract<AgentMessage, { type: "progress" | "result" }>,
  ): void {
    const run = this.runs.get(message.task);
    if (run instanceof CaptureRun) {
      if (run.record.pc === link.pc) run.take(message);
      return;
    }
    if (message.type === "progress") {
      const { phase, counters } = message;
      if (phase === "capturing" || phase === "wiping") return;
      run?.take({ type: "progress", pc: link.pc, phase, counters });
      return;
    }
    const key = `${link.pc} ${message.task}`;
    this.wipes.get(key)?.(message);
    this.wipes.delete(key);
    if (run === undefined) return;
    const { reason, next, rootHash, counters } = message;
    const said = [reason, next].filter((part) => part !== null).join(": ");
    const outcome =
      message.outcome === "verified" || message.outcome === "stopped" ? message.outcome : "failed";
    run.take({ type: "result", pc: link.pc, outcome, reason: said || null, rootHash, counters });
    const verified = run.record.session.members.some(
      ({ pc, phase }) => pc === link.pc && phase.name === "ended" && phase.result === "verified",
    );
    const pc = this.inventory.get(link.pc);
    if (pc === undefined || !verified) return;
    pc.nextBoot = "local-disk";
    this.inventory.save(pc);
  }

  /** The person at the PC wants something, and has confirmed it there. */
  private ask(link: AgentLink, want: Extract<AgentMessage, { type: "ask" }>["want"]): void {
    try {
      if (want.action === "stop") {
        const run = this.runs.get(want.task);
        if (run instanceof CaptureRun && run.record.pc === link.pc) run.stop();
        else if (run instanceof RestoreRun) run.take({ type: "drop", pc: link.pc });
      } else if (want.action === "capture") {
        this.capture({ pc: link.pc, name: want.name, disk: want.disk, raw: false });
      } else {
        this.restore({
          image: want.image,
          room: null,
          pcs: [link.pc],
          disk: want.disk,
          start: "now",
          startTimeout: null,
          delta: false,
          verify: "read-back",
          afterwards: "stay",
        });
      }
    } catch (error) {
      if (!(error instanceof RoomcastError)) throw error;
      link.send({ type: "notice", text: `${error.message}: ${error.next}` });
    }
  }

  // --- inside

  /** Puts everything to rest; sessions go on when the server is started again. */
  async close(): Promise<void> {
    for (const run of this.restores()) await run.suspend();
    this.agents.close();
    this.feed.close();
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

  private requireFree(pcs: readonly PcRecord[]): void {
    for (const pc of pcs) {
      const run = this.runOf(pc.id);
      if (run === undefined) continue;
      throw new RoomcastError(
        "conflict",
        `${pc.name} is in session ${run.record.id} (${run.record.kind})`,
        `wait for its end, or \`roomcast session stop ${run.record.id}\``,
      );
    }
  }

  private requireOnline(pc: PcRecord): void {
    if (this.agents.isConnected(pc.id)) return;
    throw new RoomcastError(
      "unreachable",
      `${pc.name} is not connected (last seen ${pc.lastSeen})`,
      "boot it from the network; see `roomcast pc list`",
    );
  }

  private requireRestore(id: string): RestoreRun {
    const run = this.runs.get(id);
    if (run instanceof RestoreRun) return run;
    const { state, kind } = this.session(id);
    throw new RoomcastError(
      "conflict",
      `session ${id} is a ${kind} and ${state}`,
      "only a restore that is under way can be changed",
    );
  }

  private makeRestoreRun(record: RestoreRecord): RestoreRun {
    const run = new RestoreRun(record, {
      clock: this.ports.clock,
      send: (pc, message) => void this.agents.send(pc, message),
      nameOf: (pc) => this.inventory.get(pc)?.name ?? pc,
      stateOf: (pc) => this.stateOf(pc),
      openSender: this.ports.openSender,
      persist: (changed) => this.persist(changed),
      changed: (changed) => this.saidSession(changed.record),
      note: (session, pc, text) => this.note(session, pc, text),
      ended: (over) => this.sessionEnded(over),
    });
    this.runs.set(record.id, run);
    return run;
  }

  private sessionEnded(run: Run): void {
    const { record } = run;
    this.runs.delete(record.id);
    this.ended.set(record.id, record);
    this.feed.now(`session ${record.id}`, { type: "session", session: this.sessionView(record) });
    const pcs =
      record.kind === "capture" ? [record.pc] : record.session.members.map(({ pc }) => pc);
    for (const pc of pcs) this.saidPc(pc);
    this.saidRooms();
  }

  private persist(record: SessionRecord): void {
    this.ports.state.saveSession(Number(record.id.slice(1)), record);
  }

  private note(session: string | null, pc: string | null, text: string): void {
    const at = this.ports.clock.isoTime();
    this.ports.state.addEvent({ at, session, pc, text });
    const name = pc === null ? null : (this.inventory.get(pc)?.name ?? pc);
    this.ports.log({ session, pc: name }, text);
    const who = [session, name].filter((part) => part !== null).join(" ");
    this.feed.say({ type: "note", time: at, text: who === "" ? text : `${who}: ${text}` });
  }

  private complain(error: unknown, text: string): void {
    this.ports.log({ err: error instanceof Error ? error.message : String(error) }, text);
  }

  private saidPc(id: string): void {
    const pc = this.inventory.get(id);
    if (pc !== undefined) this.feed.soon(`pc ${id}`, () => ({ type: "pc", pc: this.pcView(pc) }));
  }

  private saidSession(record: SessionRecord): void {
    this.feed.soon(`session ${record.id}`, () => ({
      type: "session",
      session: this.sessionView(record),
    }));
  }

  private saidRooms(): void {
    for (const name of this.inventory.rooms()) {
      this.feed.soon(`room ${name}`, () => ({ type: "room", room: this.roomView(name) }));
    }
  }
}

/** The contract's view of an image. */
export function imageView(manifest: Manifest): ImageView {
  const { format: _, formatVersion: __, chunkCount, ...rest } = manifest;
  return {
    ...rest,
    chunks: chunkCount,
    partitions: [...manifest.partitions],
    warnings: [...manifest.warnings],
  };
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
