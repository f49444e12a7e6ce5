import { randomInt } from "node:crypto";
import type { CastSender, CastSenderStats } from "../../core/cast/handles.ts";
import { RoomcastError } from "../../core/errors.ts";
import type { Manifest } from "../../core/image/types.ts";
import type { Clock } from "../../core/ports.ts";
import {
  type AgentMessage,
  controlProtocol,
  type Hello,
  type ServerMessage,
} from "../../core/wire/control.ts";
import type { ImageView, PcState, PcView, RoomView, SessionView } from "../../core/wire/views.ts";
import type { PcRecord, RestoreRecord, SessionRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import type { ImageStore } from "../store/image-store.ts";
import { type AgentLink, Agents } from "./agents.ts";
import { Feed } from "./feed.ts";
import { Inventory, pcView } from "./inventory.ts";
import { type LookAt, Looks } from "./looks.ts";
import { type RestoreRequest, Sessions } from "./sessions.ts";

/** How long a PC that asked for boot files is shown as `booting`, in milliseconds. */
const bootingFor = 180_000;

/** A slow PC is at its menu a minute after its boot loader; who asks again sooner had no time to hang. */
const hangsAfter = 60_000;
/** Addresses cost nothing to invent. */
const startsKept = 4096;

type Outcome = Extract<AgentMessage, { type: "result" }>;

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

/** A restore as an operator words it: an image by reference, and a room or PCs by reference. */
export interface RestoreWish extends Omit<RestoreRequest, "image" | "pcs"> {
  readonly image: string;
  readonly pcs: readonly string[] | null;
}

/**
 * The lab as the server runs it: its PCs, their agents, and the sessions. Every order of an operator
 * and every word of an agent comes here first.
 */
export class Lab {
  readonly inventory: Inventory;
  readonly feed = new Feed();
  readonly agents: Agents;
  readonly sessions: Sessions;
  private readonly looks = new Looks((pc, message) => void this.agents.send(pc, message));
  private readonly ports: LabPorts;
  private readonly states = new Map<string, PcState>();
  private readonly bootingSince = new Map<string, number>();
  /** By MAC, when a PC was last given its way to the kernel; not once its agent has connected. */
  private readonly startedAt = new Map<string, number>();
  private readonly wipes = new Map<string, { pc: string; end(outcome: Outcome): void }>();

  constructor(ports: LabPorts) {
    this.ports = ports;
    this.inventory = new Inventory(ports.state);
    this.agents = new Agents({
      hello: (hello, address) => this.greet(hello, address),
      connected: (link, hello) => this.connected(link, hello),
      message: (link, message) => this.message(link, message),
      bulk: (link, frame) => this.sessions.bulk(link.pc, frame),
      lost: (link, reason) => this.lost(link, reason),
      ignored: (reason, address) => ports.log({ address, reason }, "frame ignored"),
    });
    const { state, images, clock, openSender } = ports;
    this.sessions = new Sessions({
      state,
      images,
      clock,
      openSender,
      send: (pc, message) => void this.agents.send(pc, message),
      isConnected: (pc) => this.agents.isConnected(pc),
      nameOf: (pc) => this.inventory.get(pc)?.name ?? pc,
      stateOf: (pc) => this.stateOf(pc),
      note: (session, pc, text) => this.note(session, pc, text),
      changed: (record) => this.saidSession(record),
      ended: (record) => this.sessionEnded(record),
      verified: (pc) => this.startFromDisk(pc),
    });
    this.sessions.resume();
  }

  // --- what screens and programs read

  stateOf(pc: string): PcState {
    const state = this.states.get(pc);
    if (state !== undefined) return state;
    const since = this.bootingSince.get(pc);
    return since !== undefined && performance.now() - since < bootingFor ? "booting" : "offline";
  }

  pcView(pc: PcRecord): PcView {
    return pcView(pc, this.stateOf(pc.id), this.sessions.idOf(pc.id));
  }

  roomView(name: string): RoomView {
    const pcs = this.inventory.pcsOf(name);
    return {
      name,
      pcs: pcs.length,
      online: pcs.filter((pc) => this.agents.isConnected(pc.id)).length,
      session: this.sessions.restoreIn(name),
    };
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
  targets(wish: {
    readonly room: string | null;
    readonly pcs: readonly string[] | null;
  }): PcRecord[] {
    const { room, pcs } = wish;
    if ((room === null) === (pcs === null)) {
      throw new RoomcastError("usage", "name a room or PCs, one of the two", "see --room and --pc");
    }
    if (pcs !== null) {
      return [...new Set(pcs.map((reference) => this.inventory.find(reference)))];
    }
    const name = room ?? "";
    this.inventory.requireRoom(name);
    const found = this.inventory.pcsOf(name);
    if (found.length > 0) return found;
    throw new RoomcastError(
      "refused",
      `room ${name} has no PCs`,
      "boot its PCs from the network, then place them with `roomcast pc set PC --room`",
    );
  }

  restore(wish: RestoreWish): SessionView {
    const image = this.image(wish.image);
    const session = this.sessions.restore({ ...wish, image, pcs: this.targets(wish) });
    this.saidRooms();
    return session;
  }

  capture(wish: { pc: string; name: string; disk: string | null; raw: boolean }): SessionView {
    const pc = this.inventory.find(wish.pc);
    this.requireOnline(pc);
    return this.sessions.capture({ ...wish, pc });
  }

  /** A capture's image is in the store and visible. */
  committed(task: string, manifest: Manifest): void {
    this.sessions.committed(task, manifest);
    this.feed.say({ type: "image", image: imageView(manifest) });
  }

  /** An import's image is in the store and visible. */
  imported(manifest: Manifest): void {
    this.note(null, null, `imported ${manifest.name}@${manifest.version} from ${manifest.source}`);
    this.feed.say({ type: "image", image: imageView(manifest) });
  }

  async deleteImage(reference: string): Promise<{ freedBytes: number }> {
    const manifest = this.image(reference);
    const user = this.sessions.restoreOf(manifest.id);
    if (user !== null) {
      throw new RoomcastError(
        "conflict",
        `session ${user} is casting ${manifest.name}@${manifest.version}`,
        "wait for its end, or stop it",
      );
    }
    const freed = await this.ports.images.delete(manifest.id);
    this.feed.say({ type: "image-gone", id: manifest.id });
    return freed;
  }

  async power(
    reference: string,
    action: "wake" | "reboot" | "poweroff" | "boot-disk",
  ): Promise<void> {
    const pc = this.inventory.find(reference);
    if (action === "wake") return this.ports.wake(pc.macs);
    this.sessions.requireFree(pc);
    this.requireOnline(pc);
    pc.nextBoot = action === "boot-disk" ? "local-disk" : "agent";
    this.inventory.save(pc);
    this.agents.send(pc.id, { type: "power", action });
    this.note(null, pc.id, action);
  }

  /** What is on the PC's screen now, or the end of its agent's log. */
  look(reference: string, at: LookAt): Promise<readonly string[]> {
    const pc = this.inventory.find(reference);
    this.requireOnline(pc);
    return this.looks.look(pc.id, at);
  }

  /** Empties the PC's disk; resolves at the end, rejects with the PC's reason. Throws when it cannot begin. */
  wipe(reference: string, method: "discard" | "zero", disk: string | null): Promise<void> {
    const pc = this.inventory.find(reference);
    this.sessions.requireFree(pc);
    this.requireOnline(pc);
    return this.runWipe(pc, method, disk);
  }

  private async runWipe(
    pc: PcRecord,
    method: "discard" | "zero",
    disk: string | null,
  ): Promise<void> {
    const task = `w${randomInt(2 ** 32).toString(16)}`;
    this.note(null, pc.id, `wipe (${method})`);
    const outcome = await new Promise<Outcome>((end) => {
      this.wipes.set(task, { pc: pc.id, end });
      this.agents.send(pc.id, { type: "wipe", task, disk, method });
    });
    this.wipes.delete(task);
    this.note(null, pc.id, `wipe ${outcome.outcome} ${outcome.reason ?? ""}`.trim());
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
    this.sessions.placed(pc);
    this.saidPc(pc.id);
    this.saidRooms();
    return this.pcView(pc);
  }

  forget(reference: string): void {
    const pc = this.inventory.find(reference);
    this.sessions.requireFree(pc);
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
    const session = this.sessions.restoreIn(name);
    if (session !== null) {
      throw new RoomcastError(
        "conflict",
        `session ${session} is at work in room ${name}`,
        "wait for its end, or stop it",
      );
    }
    const moved = this.inventory.pcsOf(name);
    this.inventory.deleteRoom(name);
    this.feed.say({ type: "room-gone", name });
    for (const pc of moved) this.saidPc(pc.id);
    this.saidRooms();
  }

  /** Puts everything to rest; sessions go on when the server is started again. */
  async close(): Promise<void> {
    await this.sessions.close();
    this.agents.close();
    this.feed.close();
  }

  // --- what the network says

  /** What a network boot of this MAC leads to. */
  bootDecision(mac: string): "agent" | "local-disk" {
    const pc = this.inventory.byMac(mac);
    if (pc === undefined || this.sessions.idOf(pc.id) !== null) return "agent";
    return pc.nextBoot;
  }

  /**
   * Whether this PC was given a kernel lately and was not heard of since. It asks again, so it was
   * restarted: most often by a person, because it hung.
   */
  lastStartHung(mac: string): boolean {
    const at = this.startedAt.get(mac);
    return at !== undefined && performance.now() - at > hangsAfter;
  }

  /** A PC has asked for boot files. */
  booting(mac: string): void {
    if (this.bootDecision(mac) === "agent") {
      const [oldest] = this.startedAt.keys();
      if (this.startedAt.size >= startsKept && oldest !== undefined) this.startedAt.delete(oldest);
      this.startedAt.set(mac, performance.now());
    } else this.startedAt.delete(mac);
    const pc = this.inventory.byMac(mac);
    if (pc === undefined || this.agents.isConnected(pc.id)) return;
    this.bootingSince.set(pc.id, performance.now());
    this.sessions.booting(pc.id);
    this.saidPc(pc.id);
  }

  private greet(hello: Hello, address: string): { pc: string; welcome: ServerMessage } {
    const time = this.ports.clock.isoTime();
    const pc = this.inventory.register(hello, (id) => this.agents.isConnected(id), time);
    for (const mac of pc.macs) this.startedAt.delete(mac);
    this.ports.log({ pc: pc.name, mac: hello.mac, address }, "PC connected");
    const { version: serverVersion } = this.ports;
    const { id, name, room } = pc;
    const protocol = controlProtocol;
    return {
      pc: id,
      welcome: { type: "welcome", protocol, serverVersion, pc: id, name, room, time },
    };
  }

  private connected(link: AgentLink, hello: Hello): void {
    this.states.set(link.pc, hello.state);
    this.bootingSince.delete(link.pc);
    this.sessions.connected(link.pc, hello.task);
    const pc = this.inventory.get(link.pc);
    if (pc !== undefined) this.sessions.placed(pc);
    this.saidPc(link.pc);
    this.saidRooms();
  }

  private lost(link: AgentLink, reason: string): void {
    this.states.delete(link.pc);
    const pc = this.inventory.get(link.pc);
    if (pc !== undefined) {
      pc.lastSeen = this.ports.clock.isoTime();
      this.inventory.save(pc);
      this.ports.log({ pc: pc.name, reason }, "PC lost");
    }
    this.sessions.lost(link.pc, reason);
    for (const [task, wipe] of this.wipes) {
      if (wipe.pc === link.pc) wipe.end(wipeLost(task, reason));
    }
    this.saidPc(link.pc);
    this.saidRooms();
  }

  private message(link: AgentLink, message: Exclude<AgentMessage, Hello>): void {
    switch (message.type) {
      case "alive":
        if (this.states.get(link.pc) === message.state) return;
        this.states.set(link.pc, message.state);
        return this.saidPc(link.pc);
      case "ask":
        return this.ask(link, message.want);
      case "seen":
        return this.looks.seen(link.pc, message);
      case "result": {
        const wipe = this.wipes.get(message.task);
        if (wipe?.pc === link.pc) return wipe.end(message);
        return this.sessions.message(link.pc, message);
      }
      case "ready":
      case "progress":
        return this.sessions.message(link.pc, message);
    }
  }

  /** The person at the PC wants something, and has confirmed it there. */
  private ask(link: AgentLink, want: Extract<AgentMessage, { type: "ask" }>["want"]): void {
    try {
      if (want.action === "stop") this.sessions.stoppedAtPc(link.pc, want.task);
      else if (want.action === "boot-disk") this.startFromDisk(link.pc);
      else if (want.action === "wipe") {
        // How it ends is on the PC's own screen.
        this.wipe(link.pc, want.method, want.disk).catch(() => {});
      } else if (want.action === "capture") {
        this.capture({ pc: link.pc, name: want.name, disk: want.disk, raw: false });
      } else {
        this.restore({
          image: want.image,
          room: null,
          pcs: [link.pc],
          disk: want.disk,
          start: "now",
          startTimeoutSeconds: null,
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

  private requireOnline(pc: PcRecord): void {
    if (this.agents.isConnected(pc.id)) return;
    throw new RoomcastError(
      "unreachable",
      `${pc.name} is not connected (last seen ${pc.lastSeen})`,
      "boot it from the network; see `roomcast pc list`",
    );
  }

  private startFromDisk(id: string): void {
    const pc = this.inventory.get(id);
    if (pc === undefined) return;
    pc.nextBoot = "local-disk";
    this.inventory.save(pc);
  }

  private sessionEnded(record: SessionRecord): void {
    const session = this.sessions.view(record);
    this.feed.now(`session ${record.id}`, { type: "session", session });
    for (const { pc } of session.members) this.saidPc(pc);
    this.saidRooms();
  }

  private note(session: string | null, pc: string | null, text: string): void {
    const at = this.ports.clock.isoTime();
    this.ports.state.addEvent({ at, session, pc, text });
    const name = pc === null ? null : (this.inventory.get(pc)?.name ?? pc);
    this.ports.log({ session, pc: name }, text);
    const who = [session, name].filter((part) => part !== null).join(" ");
    this.feed.say({ type: "note", time: at, text: who === "" ? text : `${who}: ${text}` });
  }

  private saidPc(id: string): void {
    this.feed.soon(`pc ${id}`, () => {
      const pc = this.inventory.get(id);
      return pc === undefined ? { type: "pc-gone", id } : { type: "pc", pc: this.pcView(pc) };
    });
  }

  private saidSession(record: SessionRecord): void {
    this.feed.soon(`session ${record.id}`, () => ({
      type: "session",
      session: this.sessions.view(record),
    }));
  }

  private saidRooms(): void {
    for (const name of this.inventory.rooms()) {
      this.feed.soon(`room ${name}`, () => ({ type: "room", room: this.roomView(name) }));
    }
  }
}

const wipeLost = (task: string, reason: string): Outcome => ({
  type: "result",
  task,
  outcome: "failed",
  reason,
  next: "see the PC's screen; its disk may be half wiped",
  rootHash: null,
  counters: null,
});

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
