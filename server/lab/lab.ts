import type { CastSender, CastSenderStats } from "../../core/cast/ends.ts";
import { RoomcastError } from "../../core/errors.ts";
import type { Manifest } from "../../core/image/types.ts";
import type { Clock } from "../../core/ports.ts";
import type { WakeReport } from "../../core/wire/api.ts";
import {
  type AgentMessage,
  bulkKind,
  controlProtocol,
  encodeBulk,
  type Hello,
  type ServerMessage,
} from "../../core/wire/control.ts";
import type { ImageView, PcState, PcView, SessionView } from "../../core/wire/views.ts";
import type { PcRecord, RestoreRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import type { ImageStore } from "../store/image-store.ts";
import { type AgentLink, Agents } from "./agents.ts";
import { Announcer } from "./announcer.ts";
import { meetWish, type Want } from "./asks.ts";
import { type BootDecision, Boots } from "./boots.ts";
import { defaultRoom, Inventory, pcView } from "./inventory.ts";
import type { LiveCastPorts } from "./live-cast.ts";
import { type LookAt, Looks } from "./looks.ts";
import { PcOrders } from "./pc-orders.ts";
import type { DiskSettings } from "./restore-run.ts";
import { RoomOrders } from "./room-orders.ts";
import { Schedule } from "./schedule.ts";
import { type CastRequest, type RestoreRequest, Sessions } from "./sessions.ts";
import { Shells } from "./shells.ts";
import { wakePcs } from "./wakes.ts";

/** How long a PC that asked for boot files is shown as `booting`, in milliseconds. */
const bootingFor = 180_000;

export interface LabPorts {
  readonly state: StateStore;
  readonly images: ImageStore;
  readonly clock: Clock;
  readonly version: string;
  openSender(record: RestoreRecord, stats: (stats: CastSenderStats) => void): Promise<CastSender>;
  /** Joins a cast on the lab's interface. */
  readonly startReceiver: LiveCastPorts["startReceiver"];
  /** The operator's cap for sessions of this room, in bits a second. */
  rateLimitBps(room: string | null): number | null;
  /** Sends the magic packet on the lab's network. */
  wake(macs: readonly string[]): Promise<void>;
  log(fields: Record<string, unknown>, text: string): void;
}

/** A restore as an operator words it: an image by reference, and a room or PCs by reference. */
export interface RestoreWish extends Omit<RestoreRequest, "image" | "pcs"> {
  readonly image: string;
  readonly pcs: readonly string[] | null;
}

/** A live cast as an operator words it. */
export interface CastWish extends Omit<CastRequest, "sender" | "pcs"> {
  readonly sender: string;
  readonly pcs: readonly string[] | null;
}

/**
 * The lab as the server runs it: its PCs, their agents, and the sessions. Every order of an operator
 * and every word of an agent comes here first. What operators do with PCs is in `pcs`, with rooms in
 * `rooms`, with sessions in `sessions`.
 */
export class Lab {
  readonly inventory: Inventory;
  readonly announcer: Announcer;
  readonly agents: Agents;
  readonly sessions: Sessions;
  readonly pcs: PcOrders;
  readonly rooms: RoomOrders;
  readonly shells: Shells;
  readonly schedule: Schedule;
  private readonly looks = new Looks((pc, message) => void this.agents.send(pc, message));
  private readonly ports: LabPorts;
  private readonly states = new Map<string, PcState>();
  private readonly bootingSince = new Map<string, number>();
  private readonly boots: Boots;

  constructor(ports: LabPorts) {
    const { state, images, clock, openSender, wake, log } = ports;
    this.ports = ports;
    this.inventory = new Inventory(state);
    this.boots = new Boots({
      inventory: this.inventory,
      isWanted: ({ id }) => this.sessions.idOf(id) !== null,
      now: () => performance.now(),
    });
    this.announcer = new Announcer({
      state,
      clock,
      log,
      pc: (id) => this.inventory.get(id),
      rooms: () => this.inventory.rooms(),
      pcView: (pc) => this.pcView(pc),
      roomView: (name) => this.rooms.view(name),
      sessionView: (record) => this.sessions.view(record),
      sessionRecord: (id) => this.sessions.record(id),
    });
    this.agents = new Agents({
      hello: (hello, address) => this.greet(hello, address),
      connected: (link, hello) => this.connected(link, hello),
      message: (link, message) => this.message(link, message),
      bulk: (link, frame) => {
        if (frame.kind === bulkKind.shell) this.shells.shown(link.pc, frame.tag, frame.payload);
        else this.sessions.words.bulk(link.pc, frame);
      },
      lost: (link, reason) => this.lost(link, reason),
      ignored: (reason, address) => log({ address, reason }, "frame ignored"),
    });
    const send = (pc: string, message: ServerMessage): void => void this.agents.send(pc, message);
    const isConnected = (pc: string): boolean => this.agents.isConnected(pc);
    const { inventory, announcer, agents } = this;
    const diskSettingsOf = (pc: string): DiskSettings =>
      inventory.room(inventory.get(pc)?.room ?? defaultRoom).settings;
    this.sessions = new Sessions({
      state,
      images,
      clock,
      openSender,
      send,
      isConnected,
      diskSettingsOf,
      nameOf: (pc) => inventory.get(pc)?.name ?? pc,
      stateOf: (pc) => this.stateOf(pc),
      note: (session, pc, text) => announcer.note({ session, pc }, text),
      changed: (record) => announcer.session(record),
      ended: (record) => announcer.sessionEnded(record),
      verified: (pc) => this.startFromDisk(pc),
      live: {
        sendBulk: (pc, kind, tag, payload) => agents.sendBytes(pc, encodeBulk(kind, tag, payload)),
        startReceiver: ports.startReceiver,
        rateLimitBps: ports.rateLimitBps,
        committed: (manifest) => announcer.feed.say({ type: "image", image: imageView(manifest) }),
      },
    });
    this.rooms = new RoomOrders({
      inventory,
      announcer,
      isConnected,
      send,
      restoreIn: (room) => this.sessions.restoreIn(room),
      placed: (pc) => this.sessions.words.placed(pc),
    });
    this.pcs = new PcOrders({
      inventory,
      announcer,
      agents,
      wake,
      diskSettingsOf,
      requireFree: (pc) => this.sessions.requireFree(pc),
      placed: (pc) => {
        this.rooms.tell(pc);
        this.sessions.words.placed(pc);
      },
    });
    this.shells = new Shells({
      inventory,
      announcer,
      requireOnline: (pc) => this.pcs.requireOnline(pc),
      send,
      sendBytes: (pc, frame) => agents.sendBytes(pc, frame),
    });
    this.schedule = new Schedule({
      state,
      announcer,
      now: () => new Date(clock.isoTime()),
      later: (ms, act) => {
        const timer = setTimeout(act, ms);
        return () => clearTimeout(timer);
      },
      requireRoom: (name) => void inventory.room(name),
      requireImage: (reference) => void this.image(reference),
      wake: (room, timeoutMs, signal) => this.wake(room, timeoutMs, signal),
      restore: (wish) => this.restore(wish),
      session: (id) => this.sessions.find(id),
    });
    this.sessions.resume();
    this.schedule.resume();
  }

  // --- what screens and programs read

  stateOf(pc: string): PcState {
    const state = this.states.get(pc);
    if (state !== undefined) return state;
    const since = this.bootingSince.get(pc);
    return since !== undefined && performance.now() - since < bootingFor ? "booting" : "offline";
  }

  pcView(pc: PcRecord): PcView {
    const candidates = this.inventory.candidates(pc);
    return pcView(pc, this.stateOf(pc.id), this.sessions.idOf(pc.id), candidates);
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

  /** The id of a PC that is named; the name itself when there is none (any more). */
  pcIdOf(reference: string): string {
    return attempt(() => this.inventory.find(reference).id) ?? reference;
  }

  /** NAME@VERSION of an image that is named; the name itself when there is none (any more). */
  imageNameOf(reference: string): string {
    const found = this.ports.images.find(reference);
    return found === undefined ? reference : `${found.name}@${found.version}`;
  }

  hasSession(id: string): boolean {
    return attempt(() => this.sessions.record(id)) !== null;
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
      const named = [...new Set(pcs.map((reference) => this.inventory.find(reference)))];
      for (const pc of named) this.inventory.requireKnown(pc);
      return named;
    }
    const name = room ?? "";
    this.inventory.room(name);
    const found = this.inventory.pcsOf(name);
    for (const pc of found) this.inventory.requireKnown(pc);
    if (found.length > 0) return found;
    throw new RoomcastError(
      "refused",
      `room ${name} has no PCs`,
      "boot its PCs from the network, then place them with `roomcast pc set PC --room`",
    );
  }

  /** Wakes a room's PCs; see `wakePcs`. */
  async wake(room: string, timeoutMs: number, signal: AbortSignal): Promise<WakeReport> {
    this.inventory.room(room);
    return wakePcs(
      {
        announcer: this.announcer,
        send: (macs) => this.ports.wake(macs),
        isConnected: (pc) => this.agents.isConnected(pc),
        stateOf: (pc) => this.stateOf(pc),
      },
      this.inventory.pcsOf(room),
      timeoutMs,
      signal,
    );
  }

  restore(wish: RestoreWish): SessionView {
    const image = this.image(wish.image);
    const session = this.sessions.restore({ ...wish, image, pcs: this.targets(wish) });
    this.announcer.rooms();
    return session;
  }

  /** A PC casts its own disk to the room; it is left out of those that receive. */
  cast(wish: CastWish): SessionView {
    const sender = this.inventory.find(wish.sender);
    this.pcs.requireOnline(sender);
    const pcs = this.targets(wish).filter(({ id }) => id !== sender.id);
    if (pcs.length === 0) {
      const what = `there is nobody to cast to but ${sender.name} itself`;
      throw new RoomcastError(
        "refused",
        what,
        "place other PCs in the room, or name some with --pc",
      );
    }
    const session = this.sessions.cast({ ...wish, sender, pcs });
    this.announcer.rooms();
    return session;
  }

  /** The PCs of a restore that are not verified and not at work; throws `conflict` when there are none. */
  retryable(session: string): PcRecord[] {
    const pcs = this.sessions
      .unverified(session)
      .map((id) => this.inventory.get(id))
      .filter((pc) => pc !== undefined);
    if (pcs.length > 0) return pcs;
    throw new RoomcastError(
      "conflict",
      `no PC of session ${session} failed or was stopped`,
      `see \`roomcast session show ${session}\``,
    );
  }

  /**
   * Tries again with the PCs that are not verified: in the same session while that is under way, else
   * in a new one of just these PCs. They hash their disks first, so what is there is not sent again.
   */
  retry(id: string): SessionView {
    const record = this.sessions.restoreRecord(id);
    const pcs = this.retryable(id);
    if (record.endedAt === null) {
      for (const pc of pcs) this.sessions.admit(id, pc);
      return this.sessions.find(id);
    }
    const { disk, verify, afterwards, imageId, failingDisks = [], live } = record;
    const wish = {
      ...{ disk, failingDisks, verify, afterwards },
      ...{ room: null, pcs: pcs.map((pc) => pc.id), delta: true },
      ...{ start: "now" as const, startTimeoutSeconds: null },
    };
    // A live cast that left no image is cast again by the same PC.
    if (live === undefined || imageId !== id) return this.restore({ ...wish, image: imageId });
    const { sender, saveAs, disk: sourceDisk, raw } = live;
    return this.cast({ ...wish, sender, saveAs, sourceDisk, raw });
  }

  capture(wish: { pc: string; name: string; disk: string | null; raw: boolean }): SessionView {
    const pc = this.inventory.find(wish.pc);
    this.pcs.requireOnline(pc);
    return this.sessions.capture({ ...wish, pc });
  }

  /** A capture's image is in the store and visible. */
  committed(task: string, manifest: Manifest): void {
    this.sessions.committed(task, manifest);
    this.announcer.feed.say({ type: "image", image: imageView(manifest) });
  }

  /** An import's image is in the store and visible. */
  imported(manifest: Manifest): void {
    const image = `${manifest.name}@${manifest.version}`;
    this.announcer.note({ image }, `imported ${image} from ${manifest.source}`);
    this.announcer.feed.say({ type: "image", image: imageView(manifest) });
  }

  /** What is on the PC's screen now, or the end of its agent's log. */
  look(reference: string, at: LookAt): Promise<readonly string[]> {
    const pc = this.inventory.find(reference);
    this.pcs.requireOnline(pc);
    return this.looks.look(pc.id, at);
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
    this.announcer.feed.say({ type: "image-gone", id: manifest.id });
    return freed;
  }

  /** Puts everything to rest; sessions go on when the server is started again. */
  async close(): Promise<void> {
    this.schedule.close();
    await this.sessions.close();
    this.agents.close();
    this.announcer.feed.close();
  }

  // --- what the network says

  /** A PC asks the boot services what to start. */
  booting(mac: string): BootDecision {
    const decision = this.boots.decide(mac);
    const pc = this.inventory.byMac(mac);
    if (pc === undefined || this.agents.isConnected(pc.id)) return decision;
    this.bootingSince.set(pc.id, performance.now());
    this.sessions.words.booting(pc.id);
    this.announcer.pc(pc.id);
    return decision;
  }

  isSecureBootOff(mac: string): boolean {
    return this.inventory.byMac(mac)?.hello.secureBoot === false;
  }

  private greet(hello: Hello, address: string): { pc: string; welcome: ServerMessage } {
    const time = this.ports.clock.isoTime();
    const pc = this.inventory.register(hello, (id) => this.agents.isConnected(id), time);
    this.boots.arrived(pc);
    this.ports.log({ pc: pc.name, mac: hello.mac, address }, "PC connected");
    if (pc.doubt !== undefined) {
      const names = this.inventory.candidates(pc).map((each) => each.name);
      this.announcer.note({ pc: pc.id }, `not known for sure: it may be ${names.join(" or ")}`);
    }
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
    this.sessions.words.connected(link.pc, hello.task);
    const pc = this.inventory.get(link.pc);
    if (pc !== undefined) {
      this.rooms.tell(pc);
      if (pc.doubt !== undefined) {
        const names = this.inventory.candidates(pc).map((each) => each.name);
        const text = `WHICH PC IS THIS? It may be ${names.join(" or ")}: an operator has to say`;
        link.send({ type: "notice", text });
      }
      this.sessions.words.placed(pc);
    }
    this.announcer.pc(link.pc);
    this.announcer.rooms();
  }

  private lost(link: AgentLink, reason: string): void {
    this.states.delete(link.pc);
    const pc = this.inventory.get(link.pc);
    if (pc !== undefined) {
      pc.lastSeen = this.ports.clock.isoTime();
      this.inventory.save(pc);
      this.ports.log({ pc: pc.name, reason }, "PC lost");
    }
    this.sessions.words.lost(link.pc, reason);
    this.pcs.lost(link.pc, reason);
    this.shells.lost(link.pc, reason);
    this.announcer.pc(link.pc);
    this.announcer.rooms();
  }

  private message(link: AgentLink, message: Exclude<AgentMessage, Hello>): void {
    switch (message.type) {
      case "alive":
        if (this.states.get(link.pc) === message.state) return;
        this.states.set(link.pc, message.state);
        return this.announcer.pc(link.pc);
      case "ask":
        return this.ask(link, message.want);
      case "shell-ended":
        return this.shells.ended(link.pc, message);
      case "seen":
        return this.looks.seen(link.pc, message);
      case "result":
        if (this.pcs.wiped(link.pc, message)) return;
        return this.sessions.words.message(link.pc, message);
      case "ready":
      case "progress":
      case "delivery":
      case "cast-stats":
        return this.sessions.words.message(link.pc, message);
    }
  }

  private ask(link: AgentLink, want: Want): void {
    try {
      meetWish(this, link.pc, want);
    } catch (error) {
      if (!(error instanceof RoomcastError)) throw error;
      link.send({ type: "notice", text: `${error.message}: ${error.next}` });
    }
  }

  /** The PC's next network boot leads to its own disk. */
  startFromDisk(id: string): void {
    const pc = this.inventory.get(id);
    if (pc === undefined) return;
    pc.nextBoot = "local-disk";
    this.inventory.save(pc);
  }
}

/** Null where nothing is found. */
function attempt<T>(find: () => T): T | null {
  try {
    return find();
  } catch (error) {
    if (error instanceof RoomcastError && error.code === "not-found") return null;
    throw error;
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
