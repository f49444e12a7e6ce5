import { BootUuids } from "../../core/boot/boot-uuids.ts";
import type { DhcpSeats } from "../../core/boot/dhcp-seats.ts";
import type { Asked } from "../../core/boot/who-asks.ts";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import type { Clock } from "../../core/ports.ts";
import { requireFit } from "../../core/screen/fit.ts";
import { sizeText } from "../../core/screen/format.ts";
import { foreseenDisks, sectorsOf } from "../../core/screen/target.ts";
import { type FitPlan, planFit } from "../../core/session/fit-plan.ts";
import type { LiveSpec, LiveState } from "../../core/session/kinds/live-cast.ts";
import type { RestoreState } from "../../core/session/kinds/restore.ts";
import { isAtLeast } from "../../core/trust/level.ts";
import type { MacAddress } from "../../core/units/mac.ts";
import type { WakeReport } from "../../core/wire/api.ts";
import type { Certificate } from "../../core/wire/certificate.ts";
import {
  type AgentMessage,
  type BulkFrame,
  bulkKind,
  encodeBulk,
  type Report,
  type ServerMessage,
} from "../../core/wire/control.ts";
import type { FitMode } from "../../core/wire/fit-size.ts";
import { type HostSystem, systemsOn } from "../../core/wire/host-names.ts";
import type { OwnStep } from "../../core/wire/personal.ts";
import type { ImageStep, ImageView, PcState, PcView, SessionView } from "../../core/wire/views.ts";
import type { WipeMethod } from "../../core/wire/wipe.ts";
import { defaultRoom, type PcRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import type { ImageStore } from "../store/image-store.ts";
import { type LabNetwork, networkOf, type PcPlace } from "./addresses.ts";
import { Admissions, type Fault, type OrderedBy, refusedFor } from "./admissions.ts";
import type { AgentEvents, Agents, Login } from "./agents.ts";
import { Announcer } from "./announcer.ts";
import { BootProofs, type WireSenses } from "./boot-proofs.ts";
import { BootTroubles } from "./boot-troubles.ts";
import { type BootDecision, Boots } from "./boots.ts";
import { chooseCanaries } from "./canaries.ts";
import { certificateOf } from "./certificates.ts";
import { dhcpSeats } from "./dhcp-seats.ts";
import { Fits, type StartFit } from "./fits.ts";
import { LabGrants, type LabGrantsPorts } from "./grants.ts";
import { pruneHistory } from "./history.ts";
import { ImageSteps } from "./image-steps.ts";
import { Inventory, pcView } from "./inventory.ts";
import { type LookAt, Looks } from "./looks.ts";
import { Menus } from "./menus.ts";
import { PcOrders } from "./pc-orders.ts";
import { meetRequest, requireLevel } from "./pc-requests.ts";
import { Personals } from "./personals.ts";
import { Requests } from "./requests.ts";
import { type CheckWire, RoomChecks } from "./room-checks.ts";
import { RoomLists } from "./room-lists.ts";
import { RoomOrders } from "./room-orders.ts";
import { Schedule } from "./schedule.ts";
import { type CastRequest, type RestoreRequest, Sessions, type SessionsPorts } from "./sessions.ts";
import { Shells } from "./shells.ts";
import { SshKeys } from "./ssh-keys.ts";
import { LabTimers } from "./timers.ts";
import { wakePcs } from "./wakes.ts";
import { WindowsPcs } from "./windows.ts";

/** How long a PC that asked for boot files is shown as `booting`, in milliseconds. */
const bootingFor = 180_000;
/** How often the PCs that nobody placed and that are gone are looked for, in milliseconds. */
const sweepEvery = 60_000;

export interface LabPorts {
  readonly state: StateStore;
  readonly images: ImageStore;
  /** Where the owner puts what PCs are given as it is: drivers, and settings of Windows. */
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly version: string;
  /** How long the history is kept, in days. */
  readonly historyDays: number;
  /** The connections of the PCs' agents. */
  readonly agents: Agents;
  /** Those that the PCs are on, as they are now; the first is there always. */
  networks(): readonly LabNetwork[];
  /** Casts an image on one of them. */
  readonly openSender: SessionsPorts["openSender"];
  /** Joins a cast on one of them. */
  readonly startReceiver: SessionsPorts["startReceiver"];
  /** The operator's cap for sessions of this room on this network, in bits a second. */
  rateLimitBps(room: string | null, network: string): number | null;
  /** As in `LabGrantsPorts`. */
  readonly seal: LabGrantsPorts["seal"];
  /** What the host hears and asks on the lab's network of PCs that come up. */
  readonly senses: WireSenses;
  /** The server's own end of a check of a room's network. */
  readonly checkWire: CheckWire;
  /** Makes a fitted version of an image, in a program of its own. */
  readonly startFit: StartFit;
  /** Sends the magic packet on the lab's network. */
  wake(macs: readonly string[]): Promise<void>;
  log(fields: Record<string, unknown>, text: string): void;
}

/** A restore as an operator words it: an image by reference, and a room or PCs by reference. */
export interface NamedRestore extends Omit<RestoreRequest, "image" | "pcs" | "canary" | "fitTo"> {
  readonly image: string;
  /** The PC that is first, or how many; null: all are alike. */
  readonly canary: string | number | null;
  readonly pcs: readonly string[] | null;
}

/** A wipe as an operator words it. */
export interface NamedWipe {
  readonly pc: string;
  readonly method: WipeMethod;
  /** Who ordered it, where no operator did. */
  readonly orderedBy?: string;
  readonly disk: string | null;
  /** As in `TargetRule`. */
  readonly failingDisks: readonly string[];
}

/** A live cast as an operator words it. */
export interface NamedCast extends Omit<CastRequest, "sender" | "pcs"> {
  readonly sender: string;
  /** As of a restore; a live cast is refused with it. */
  readonly canary: string | number | null;
  /** A live cast is refused with `auto`. */
  readonly fit: FitMode;
  readonly pcs: readonly string[] | null;
}

/**
 * The lab as the server runs it: its PCs, their agents, and the sessions. Every order of an operator
 * and every word of an agent comes here first. What operators do with PCs is in `pcs`, with rooms in
 * `rooms`, with sessions in `sessions`.
 */
export class Lab implements AgentEvents {
  readonly inventory: Inventory;
  readonly admissions: Admissions;
  readonly announcer: Announcer;
  readonly agents: Agents;
  readonly sessions: Sessions;
  readonly pcs: PcOrders;
  readonly rooms: RoomOrders;
  readonly menus: Menus;
  readonly requests: Requests;
  readonly shells: Shells;
  readonly schedule: Schedule;
  readonly grants: LabGrants;
  readonly sshKeys: SshKeys;
  readonly steps: ImageSteps;
  readonly personals: Personals;
  readonly windows: WindowsPcs;
  readonly fits: Fits;
  readonly lists: RoomLists;
  readonly roomChecks: RoomChecks;
  /** What DHCP gives PCs by their seats. */
  readonly dhcpSeats: DhcpSeats;
  private readonly proofs: BootProofs;
  private readonly looks: Looks;
  private readonly timers: LabTimers;
  private readonly ports: LabPorts;
  private readonly states = new Map<string, PcState>();
  /** Of the PCs that have been connected since the server was started. */
  private readonly places = new Map<string, PcPlace>();
  private readonly bootingSince = new Map<string, number>();
  /** What booting machines call themselves. */
  readonly bootUuids = new BootUuids();
  readonly bootTroubles: BootTroubles;
  private readonly boots: Boots;
  /** What each connected agent said last that it is at. */
  private readonly reports = new Map<string, Report | null>();
  /** The connected PCs that the sessions know of: those that may have orders. */
  private readonly serving = new Set<string>();

  constructor(ports: LabPorts) {
    const { state, images, clock, agents, openSender, startReceiver, wake, log } = ports;
    const isoTime = (): string => clock.isoTime();
    const networks = (): readonly LabNetwork[] => ports.networks();
    this.ports = ports;
    this.agents = agents;
    const timers = new LabTimers(clock, state.journal.newestAt());
    this.timers = timers;
    this.looks = new Looks(timers, (pc, message) => void agents.send(pc, message));
    this.inventory = new Inventory(state);
    this.admissions = new Admissions({
      inventory: this.inventory,
      store: state,
      isConnected: (pc) => agents.isConnected(pc),
      now: () => timers.now(),
      isoTime: () => clock.isoTime(),
      changed: (pc) => {
        this.rooms.tell(pc);
        this.serve(pc.id);
        this.announcer.pc(pc.id);
      },
      merged: (id) => {
        agents.disconnect(id);
        this.announcer.pc(id);
      },
    });
    this.boots = new Boots({
      inventory: this.inventory,
      uuids: this.bootUuids,
      isWanted: ({ id }) => this.sessions.idOf(id) !== null,
      now: () => timers.now(),
    });
    this.proofs = new BootProofs({
      ...ports.senses,
      macsOf: (pc) => this.inventory.get(pc)?.macs ?? [],
      pcsWith: (mac) => this.inventory.withMac(mac).map(({ id }) => id),
      isConnected: (pc) => agents.isConnected(pc),
      seen: (pc, sign) => this.sessions.seen(pc, sign),
      every: (ms, act) => timers.every(ms, act),
      log,
    });
    this.announcer = new Announcer({
      timers,
      state,
      clock,
      log,
      pc: (id) => this.inventory.get(id),
      hasRoom: (name) => this.inventory.hasRoom(name),
      pcView: (pc) => this.pcView(pc),
      roomView: (name) => this.rooms.view(name),
      sessionView: (id) => this.sessions.find(id),
      sessionSubjects: (id) => {
        const { kind, state } = this.sessions.session(id);
        return { room: kind.room(state), image: kind.image(state) };
      },
    });
    this.bootTroubles = new BootTroubles({
      ...{ inventory: this.inventory, announcer: this.announcer },
      now: () => timers.now(),
    });
    const send = (pc: string, message: ServerMessage): void => void agents.send(pc, message);
    const isConnected = (pc: string): boolean => agents.isConnected(pc);
    const { inventory, admissions, announcer } = this;
    this.dhcpSeats = dhcpSeats(inventory);
    this.steps = new ImageSteps({ store: state, isoTime });
    this.sshKeys = new SshKeys({
      store: state,
      isoTime,
      roomsWith: (name) =>
        inventory.rooms().filter((room) => inventory.room(room).settings.sshKeys.includes(name)),
    });
    this.personals = new Personals({
      ...{ inventory, admissions, announcer, store: state, sshKeys: this.sshKeys },
      ...{ networks, isoTime, stepsOf: (session) => this.stepsOf(session) },
    });
    this.windows = new WindowsPcs({ dataFolder: ports.dataFolder, inventory, admissions });
    const { personals } = this;
    this.fits = new Fits({ images: () => this.images(), start: ports.startFit, timers });
    this.sessions = new Sessions({
      journal: state.journal,
      timers,
      images,
      fits: this.fits,
      openSender,
      startReceiver,
      networkOf: (pc) => this.networkOf(pc),
      send,
      sendBulk: (pc, kind, tag, payload) => agents.sendBytes(pc, encodeBulk(kind, tag, payload)),
      settingsOf: (pc, { id, kind, durable }, attempt) => {
        const { disk, grow } = inventory.room(inventory.get(pc)?.room ?? defaultRoom).settings;
        return {
          ...{ policy: disk, grow },
          rateLimitBps: ports.rateLimitBps(kind.room(durable), this.networkOf(pc)),
          grant: (role, object) => ports.seal({ role, pc, session: id, attempt, object }),
        };
      },
      nameOf: (pc) => inventory.get(pc)?.name ?? pc,
      stateOf: (pc) => this.stateOf(pc),
      note: (session, pc, text) => announcer.note({ session, pc }, text),
      changed: ({ id }) => announcer.session(id),
      ended: ({ id }) => {
        personals.ended(id);
        announcer.sessionEnded(id);
      },
      verified: (pc) => this.startFromDisk(pc),
      committed: (manifest) => this.tellImage(manifest),
      awaited: (pcs) => this.proofs.await(pcs),
      stuck: (reason) => announcer.stuck(reason),
    });
    this.menus = new Menus({ timers, clock, inventory, announcer, isConnected, send, log });
    this.requests = new Requests({ timers, clock, announcer, send });
    this.grants = new LabGrants({
      now: () => timers.now(),
      pc: (id) => inventory.get(id),
      isConnected,
      isMenuLocked: (pc) => this.menus.isLocked(pc),
      isPlaced: (pc) => isAtLeast(this.admissions.standing(pc.id).level, "unproven"),
      attemptOf: (session, pc) => this.sessions.attemptOf(session, pc),
      seal: ports.seal,
    });
    this.rooms = new RoomOrders({
      inventory,
      admissions,
      announcer,
      menus: this.menus,
      isConnected,
      send,
      personals,
      restoreIn: (room) => this.sessions.restoreIn(room),
      placed: (pc) => this.placed(pc),
    });
    const placed = (pc: PcRecord): void => {
      this.rooms.tell(pc);
      this.placed(pc);
    };
    this.pcs = new PcOrders({
      inventory,
      admissions,
      announcer,
      agents,
      wake,
      requireFree: (pc) => this.sessions.requireFree(pc),
      expel: (pc) => this.sessions.expel(pc),
      personals,
      placed,
    });
    this.lists = new RoomLists({
      ...{ inventory, admissions, announcer, personals, networks, placed },
    });
    this.roomChecks = new RoomChecks({
      timers,
      send,
      networkOf: (pc) => this.networkOf(pc),
      idle: (room) =>
        inventory
          .pcsOf(inventory.room(room).name)
          .filter(({ id }) => isConnected(id) && this.stateOf(id) === "idle"),
      isBusy: () => this.sessions.activeCount > 0,
      wire: ports.checkWire,
    });
    this.shells = new Shells({
      timers,
      inventory,
      admissions,
      announcer,
      requireOnline: (pc) => this.pcs.requireOnline(pc),
      send,
      sendBytes: (pc, frame) => agents.sendBytes(pc, frame),
    });
    this.schedule = new Schedule({
      state,
      announcer,
      now: () => new Date(clock.isoTime()),
      later: (ms, act) => timers.later(ms, act),
      unexpected: (id, err) => log({ schedule: id, err }, "a scheduled restore failed"),
      roomNameOf: (name) => inventory.room(name).name,
      requireImage: (reference) => void this.image(reference),
      fit: (order, signal) => this.fit(order, signal),
      wake: (room, timeoutMs, signal) => this.wake(room, timeoutMs, signal),
      restore: (request) => this.restore(request, null),
      session: (id) => this.sessions.find(id),
      begunBy: (orderedBy, after) => this.sessions.begunBy(orderedBy, after),
    });
    this.sessions.resume();
    this.schedule.resume();
    timers.every(sweepEvery, () => this.sweep());
    pruneHistory({ state, clock, timers, announcer, keepDays: ports.historyDays });
  }

  // --- what screens and programs read

  /** By which of the server's networks the PC is reached: its name. */
  networkOf(pc: string): string {
    return networkOf(this.ports.networks(), this.places.get(pc)).name;
  }

  stateOf(pc: string): PcState {
    const state = this.states.get(pc);
    if (state !== undefined) return state;
    const since = this.bootingSince.get(pc);
    return since !== undefined && this.timers.now() - since < bootingFor ? "booting" : "offline";
  }

  pcView(pc: PcRecord): PcView {
    const { id } = pc;
    const state = this.stateOf(id);
    const isHere = state !== "offline" && state !== "booting";
    return pcView(pc, {
      state,
      bootTrouble: isHere ? null : this.bootTroubles.of(pc),
      session: this.sessions.idOf(id),
      candidates: this.inventory.candidates(pc),
      lastSeen: this.agents.isConnected(id) ? this.ports.clock.isoTime() : pc.lastSeen,
      identity: this.admissions.identity(id),
    });
  }

  images(): ImageView[] {
    return this.ports.images.list().map((manifest) => this.imageView(manifest));
  }

  /** What a person at a PC may choose from. A fitted version is for disks that its origin does not fit. */
  imagesAtPcs(): ImageView[] {
    return this.images().filter(({ fitOf }) => fitOf === null);
  }

  imageView(manifest: Manifest): ImageView {
    const { id, fitOf = id } = manifest;
    return imageView(manifest, this.ports.images.leastDiskBytes(id), this.steps.list(fitOf));
  }

  /** The image has changed, or is new. */
  private tellImage(manifest: Manifest): void {
    this.announcer.feed.say({ type: "image", image: this.imageView(manifest) });
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
    return found === undefined ? reference : imageName(found);
  }

  hasSession(id: string): boolean {
    return attempt(() => this.sessions.session(id)) !== null;
  }

  // --- what operators order

  /**
   * The PCs that a restore of this room, or of these PCs, would overwrite. Of a room, those that may
   * not have this order are left out; one that is named is refused.
   */
  targets(
    request: { readonly room: string | null; readonly pcs: readonly string[] | null },
    by: OrderedBy | null,
  ): PcRecord[] {
    const { room, pcs } = request;
    if ((room === null) === (pcs === null)) {
      throw new RoomcastError("usage", "name a room or PCs, one of the two", "see --room and --pc");
    }
    if (pcs !== null) {
      const named = [...new Set(pcs.map((reference) => this.inventory.find(reference)))];
      this.admissions.requireOrder(named, by);
      return named;
    }
    const { name } = this.inventory.room(room ?? "");
    const all = this.inventory.pcsOf(name);
    const found = all.filter((pc) => this.admissions.orderFault(pc, by) === null);
    if (found.length > 0) return found;
    if (all.length > 0)
      throw refusedFor(all.flatMap((pc) => this.admissions.orderFault(pc, by) ?? []));
    throw new RoomcastError(
      "refused",
      `room ${name} has no PCs`,
      "boot its PCs from the network, then place them with `roomcast pc set PC --room`",
    );
  }

  /** Wakes a room's PCs; see `wakePcs`. */
  async wake(room: string, timeoutMs: number, signal: AbortSignal): Promise<WakeReport> {
    const { name } = this.inventory.room(room);
    return wakePcs(
      {
        announcer: this.announcer,
        timers: this.timers,
        send: (macs) => this.ports.wake(macs),
        isConnected: (pc) => this.agents.isConnected(pc),
        stateOf: (pc) => this.stateOf(pc),
      },
      this.inventory.pcsOf(name),
      timeoutMs,
      signal,
    );
  }

  restore(request: NamedRestore, by: OrderedBy | null): SessionView {
    const asked = this.image(request.image);
    const room = this.roomNameOf(request);
    const pcs = this.targets(request, by);
    if (request.personalise === "auto") this.personals.requireOwn(pcs, systemsOn(asked.partitions));
    requireProvable(request);
    const canary =
      request.canary === null
        ? []
        : chooseCanaries(request.canary, pcs, {
            find: (reference) => this.inventory.find(reference),
            isConnected: (pc) => this.agents.isConnected(pc),
            seatsOf: (name) => this.inventory.room(name).seats.map((seat) => seat.name),
          });
    const version = this.versionFor(asked, pcs, request);
    const order = { ...request, ...orderer(by), room, pcs, canary, ...version };
    const session = this.sessions.restore(order);
    this.begun(session, pcs, by);
    return session;
  }

  /** What these PCs get of an image. Throws `refused` when it cannot be made so small. */
  private versionFor(
    image: Manifest,
    pcs: readonly PcRecord[],
    request: Pick<NamedRestore, "fit" | "disk" | "failingDisks">,
  ): Pick<RestoreRequest, "image" | "fitTo"> {
    if (request.fit === "never") return { image, fitTo: null };
    const plan = this.fitPlan(image, pcs, request);
    if (plan.kind === "as-is" || plan.kind === "reuse")
      return { image: this.image(plan.image.id), fitTo: null };
    return { image: this.image(plan.origin.id), fitTo: plan.diskBytes };
  }

  private fitPlan(
    image: Manifest,
    pcs: readonly PcRecord[],
    { disk, failingDisks }: Pick<NamedRestore, "disk" | "failingDisks">,
  ): Exclude<FitPlan, { kind: "cannot" }> {
    const rooms = [...new Set(pcs.map(({ room }) => room))].map((room) => this.rooms.view(room));
    const request = { named: disk, failingDisks, sectors: sectorsOf(image) };
    const disks = foreseenDisks(
      pcs.map((pc) => this.pcView(pc)),
      rooms,
      request,
    );
    return requireFit(planFit(this.imageView(image), this.images(), disks));
  }

  /**
   * Has a version of an image made that fits a room's disks, as far as they are known; null: none has to be.
   * Throws and rejects with `not-found`, `refused` and `failed`.
   */
  fit(order: { image: string; room: string }, signal: AbortSignal): Promise<void> | null {
    const pcs = this.inventory.pcsOf(this.inventory.room(order.room).name);
    const plan = this.fitPlan(this.image(order.image), pcs, { disk: null, failingDisks: [] });
    if (plan.kind !== "make") return null;
    const { origin, diskBytes } = plan;
    return this.fits.ready({ image: origin.id, diskBytes }, signal).then(() => undefined);
  }

  /**
   * Has a version of an image made that fits a disk of this size, and answers it; one that fits already is
   * answered as it is. When `signal` aborts and nobody else waits for it, nothing of it is left.
   */
  async fitTo(
    reference: string,
    diskBytes: number,
    { signal, progress }: { signal: AbortSignal; progress: (fraction: number) => void },
  ): Promise<ImageView> {
    const image = this.imageView(this.image(reference));
    const plan = planFit(image, this.images(), [{ name: "the order", bytes: diskBytes }]);
    if (plan.kind === "cannot") {
      const least = Math.max(plan.origin.usedBytes, plan.origin.leastDiskBytes ?? 0);
      throw new RoomcastError(
        "refused",
        `${imageName(plan.origin)} needs ${sizeText(least)}, and cannot be made to fit ${sizeText(diskBytes)}`,
        "choose a larger size, or free space on the master and capture it again",
      );
    }
    if (plan.kind !== "make") return plan.image;
    return this.fits.ready({ image: plan.origin.id, diskBytes }, signal, ({ fraction }) =>
      progress(fraction ?? 0),
    );
  }

  /** The order stands: it places whom it names, and says whom of the room it left out. */
  private begun(session: SessionView, pcs: readonly PcRecord[], by: OrderedBy | null): void {
    if (by !== null) for (const pc of pcs) this.admissions.place(pc, by.operator);
    const all = session.room === null ? [] : this.inventory.pcsOf(session.room);
    for (const pc of all) {
      const fault = pcs.includes(pc) ? null : this.admissions.orderFault(pc, by);
      if (fault !== null)
        this.announcer.note({ session: session.id, pc: pc.id }, `left out: ${fault.what}`);
    }
    if (session.room !== null) this.announcer.room(session.room);
  }

  /** The room of a request as its record spells it. */
  private roomNameOf({ room }: { readonly room: string | null }): string | null {
    return room === null ? null : this.inventory.room(room).name;
  }

  /** A PC casts its own disk to the room; it is left out of those that receive. */
  cast(request: NamedCast, by: OrderedBy | null): SessionView {
    if (request.canary !== null) {
      throw new RoomcastError(
        "usage",
        "a live cast has no canary: its PC reads its disk once, for all at the same time",
        "capture the disk, then restore the image with --canary",
      );
    }
    if (request.fit === "auto") {
      throw new RoomcastError(
        "usage",
        "a live cast is not fitted to smaller disks: its PC sends its disk as it is",
        "capture the disk, then restore the image, which is fitted first",
      );
    }
    const sender = this.inventory.find(request.sender);
    this.pcs.requireOnline(sender);
    this.admissions.requireOrder([sender], by);
    const pcs = this.targets(request, by).filter(({ id }) => id !== sender.id);
    if (pcs.length === 0) {
      const what = `there is nobody to cast to but ${sender.name} itself`;
      throw new RoomcastError(
        "refused",
        what,
        "place other PCs in the room, or name some with --pc",
      );
    }
    this.requireOneNetwork(sender, pcs);
    if (request.personalise === "auto") this.personals.requireOwn(pcs, ["any system"]);
    requireProvable(request);
    const room = this.roomNameOf(request);
    const session = this.sessions.cast({ ...request, ...orderer(by), room, sender, pcs });
    this.begun(session, [sender, ...pcs], by);
    return session;
  }

  /** A PC's multicast stays on its network. Of a PC that was never here it is not known where it will come. */
  private requireOneNetwork(sender: PcRecord, pcs: readonly PcRecord[]): void {
    const own = this.networkOf(sender.id);
    const elsewhere = pcs.filter(({ id }) => this.places.has(id) && this.networkOf(id) !== own);
    const [first] = elsewhere;
    if (first === undefined) return;
    throw new RoomcastError(
      "refused",
      `${sender.name} is on ${own}, and ${elsewhere.map(({ name }) => name).join(", ")} on ${this.networkOf(first.id)}: a live cast does not leave its network`,
      "capture the disk, then restore the image: the server casts it on each network",
    );
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
  retry(id: string, by: OrderedBy): SessionView {
    const pcs = this.retryable(id);
    const session = this.sessions.session(id);
    if (session.endedAt === null && this.sessions.isServing(id)) {
      for (const pc of pcs) this.admit(id, pc, by);
      return this.sessions.find(id);
    }
    const { spec } = session.state as RestoreState | LiveState;
    const { disk, verify, afterwards, personalise, failingDisks, proveBootMs } = spec;
    const proveBootSeconds = proveBootMs === null ? null : proveBootMs / 1000;
    const request = {
      ...{ disk, failingDisks, verify, afterwards, personalise, proveBootSeconds, canary: null },
      ...{ room: null, pcs: pcs.map((pc) => pc.id), delta: true },
      ...{ start: "now" as const, startTimeoutSeconds: null },
    };
    if (session.kindName === "restore") {
      const { image: cast, spec } = session.state as RestoreState;
      return this.restore({ ...request, image: cast.id, fit: spec.fit }, by);
    }
    const { image } = session.state as LiveState;
    if (image !== null) return this.restore({ ...request, image: image.id, fit: "auto" }, by);
    // A live cast that left no image is cast again by the same PC.
    const { sender, saveAs, sourceDisk, raw } = spec as LiveSpec;
    return this.cast({ ...request, sender, saveAs, sourceDisk, raw, fit: "never" }, by);
  }

  /** Lets a PC into a session that is under way, or back into it. */
  admit(session: string, pc: PcRecord, by: OrderedBy): SessionView {
    this.admissions.requireOrder([pc], by);
    const faults = this.ownFaults(session, pc);
    if (faults.length > 0) throw refusedFor(faults);
    const view = this.sessions.admit(session, pc);
    this.admissions.place(pc, by.operator);
    return view;
  }

  /** What keeps a PC that comes late from being personalised in this session, beside those that are there. */
  private ownFaults(id: string, pc: PcRecord): readonly Fault[] {
    const { kindName, kind, state } = this.sessions.session(id);
    if (kindName !== "restore" && kindName !== "cast") return [];
    const { spec } = state as RestoreState | LiveState;
    if (spec.personalise !== "auto") return [];
    const systems: readonly HostSystem[] =
      "image" in spec
        ? systemsOn(this.ports.images.find(spec.image.id)?.partitions ?? [])
        : ["any system"];
    const others = [...kind.pcs(state)].flatMap((other) => this.inventory.get(other) ?? []);
    return this.personals.faults([...new Set([...others, pc])], systems);
  }

  /** The own steps of what a session casts; a fitted version has those of its origin. */
  private stepsOf(session: string): readonly OwnStep[] {
    const { kindName, state } = this.sessions.session(session);
    if (kindName !== "restore") return [];
    const { id } = (state as RestoreState).image;
    return this.steps.scripts(this.ports.images.find(id)?.fitOf ?? id);
  }

  /** A script that runs on each disk that the image is restored to. Throws `not-found`, `bad-input`, `conflict`. */
  addStep(reference: string, step: OwnStep, by: string): ImageView {
    const manifest = this.image(reference);
    this.steps.add(manifest.fitOf ?? manifest.id, step, by);
    this.tellImage(manifest);
    return this.imageView(manifest);
  }

  /** Throws `not-found`. */
  removeStep(reference: string, name: string): ImageView {
    const manifest = this.image(reference);
    this.steps.remove(manifest.fitOf ?? manifest.id, name);
    this.tellImage(manifest);
    return this.imageView(manifest);
  }

  capture(
    request: { pc: string; name: string; disk: string | null; raw: boolean },
    by: OrderedBy | null,
  ): SessionView {
    const pc = this.inventory.find(request.pc);
    this.pcs.requireOnline(pc);
    this.admissions.requireOrder([pc], by);
    const { name, disk, raw } = request;
    const session = this.sessions.capture(pc, { name, disk, raw });
    if (by !== null) this.admissions.place(pc, by.operator);
    return session;
  }

  /** Empties a PC's disk; the session is one that a restart of the server does not end. */
  wipe(request: NamedWipe, by: OrderedBy | null): SessionView {
    const pc = this.inventory.find(request.pc);
    this.admissions.requireOrder([pc], by);
    this.pcs.requireOnline(pc);
    const { pc: _, ...order } = request;
    const session = this.sessions.wipe(pc, { ...order, ...orderer(by) });
    if (by !== null) this.admissions.place(pc, by.operator);
    return session;
  }

  /** What the server signs of a session that is over. Throws `not-found` and `conflict`. */
  certificate(id: string): Certificate {
    const { clock, version: serverVersion } = this.ports;
    return certificateOf(this.sessions.session(id), this.sessions.find(id), {
      serverVersion,
      issuedAt: clock.isoTime(),
      pc: (pc) => this.inventory.get(pc),
    });
  }

  /** A capture's image is in the store and visible. */
  committed(session: string, manifest: Manifest): void {
    this.sessions.committed(session, manifest);
  }

  /** An import's image is in the store and visible. */
  imported(manifest: Manifest): void {
    const image = imageName(manifest);
    const what =
      manifest.fitOf === undefined
        ? `imported ${image} from ${manifest.source}`
        : `made ${image}, for disks of ${sizeText(manifest.diskBytes)}`;
    this.announcer.note({ image }, what);
    this.tellImage(manifest);
  }

  /** What an attempt to fit it has found. */
  async noteLeastDisk(reference: string, bytes: number): Promise<void> {
    const manifest = this.image(reference);
    await this.ports.images.noteLeastDisk(manifest.id, bytes);
    this.tellImage(manifest);
  }

  /** What is on the PC's screen now, or the end of its agent's log. */
  look(reference: string, at: LookAt): Promise<readonly string[]> {
    const pc = this.inventory.find(reference);
    this.pcs.requireOnline(pc);
    return this.looks.look(pc.id, at);
  }

  /** Its fitted versions go with it. */
  async deleteImage(reference: string): Promise<{ freedBytes: number }> {
    const manifest = this.image(reference);
    const { images } = this.ports;
    const going = [manifest, ...images.list().filter(({ fitOf }) => fitOf === manifest.id)];
    for (const each of going) {
      const user = this.sessions.restoreOf(each.id);
      if (user === null) continue;
      const what = `session ${user} is casting ${imageName(each)}`;
      throw new RoomcastError("conflict", what, "wait for its end, or stop it");
    }
    const freed = await images.delete(manifest.id);
    this.steps.forget(manifest.id);
    for (const { id } of going) this.announcer.feed.say({ type: "image-gone", id });
    return freed;
  }

  /** Puts everything to rest; sessions go on when the server is started again. */
  async close(): Promise<void> {
    await this.fits.close();
    this.schedule.close();
    this.menus.close();
    this.requests.close();
    await this.sessions.close();
    this.proofs.close();
    this.announcer.feed.close();
  }

  // --- what the network says

  /** What a PC is to start; asking changes nothing. */
  bootDecision(mac: string): BootDecision {
    return this.boots.decide(mac);
  }

  /** A PC has asked for its boot files: it is shown as `booting`, and a session that wants it waits. */
  askedForBootFiles(mac: string): void {
    this.boots.asked(mac);
    // Of several PCs with this MAC, each may be the one: a session waits for all of them.
    for (const { id } of this.inventory.withMac(mac)) {
      // A PC that was reset asks before its connection is missed: its session gives it the time to start.
      this.sessions.booting(id);
      if (this.agents.isConnected(id)) continue;
      this.bootingSince.set(id, this.timers.now());
      this.announcer.pc(id);
    }
  }

  /** A PC has asked for an address, of whatever server. */
  askedForAddress(mac: MacAddress, asked: Asked): void {
    this.proofs.heardDhcp(mac, asked);
  }

  isSecureBootOff(mac: string): boolean {
    const pcs = this.inventory.withMac(mac);
    return pcs.length > 0 && pcs.every(({ hello }) => hello.secureBoot === false);
  }

  login(login: Login): { pc: string; welcome: ServerMessage } {
    const { hello, address, key } = login;
    const pc = this.admissions.arrive(login);
    if (pc.unplaced === undefined) this.boots.arrived(pc);
    const standing = this.admissions.standing(pc.id, login);
    const { level } = standing;
    const about = { pc: pc.name, mac: hello.mac, address, key: key.fingerprint, level };
    this.ports.log(about, "PC connected");
    const { id, name, room } = pc;
    const place = { pc: id, name, room, time: this.ports.clock.isoTime() };
    const { version: serverVersion } = this.ports;
    return {
      pc: id,
      welcome: { type: "welcome", serverVersion, ...place, ...standing },
    };
  }

  connected(id: string, login: Login): void {
    const { hello } = login;
    this.admissions.arrived(id, login);
    this.states.set(id, hello.state);
    this.places.set(id, { address: login.address, cameTo: login.cameTo });
    this.reports.set(id, hello.report);
    this.bootingSince.delete(id);
    const pc = this.inventory.get(id);
    if (pc !== undefined) {
      this.placeIfOrdered(pc);
      this.serve(id);
      this.rooms.tell(pc);
      if (pc.doubt !== undefined) {
        // Whom it resembles is for the console alone: it may be a stranger that tries marks out.
        const text = "WHICH PC IS THIS? It may be one that is known: an operator has to say";
        this.agents.send(id, { type: "notice", text });
      }
      this.placed(pc);
      this.announcer.room(pc.room);
    }
    this.announcer.pc(id);
  }

  /** An order from before the server asked for keys names it: that places it, as an order does now. */
  private placeIfOrdered(pc: PcRecord): void {
    const session = this.sessions.idOf(pc.id);
    if (pc.unplaced !== undefined || session === null) return;
    if (this.admissions.verdict(pc).kind === "places") this.admissions.place(pc, session);
  }

  /** A restore that is under way in the PC's room takes it in, if it may have orders. */
  private placed(pc: PcRecord): void {
    this.serve(pc.id);
    if (this.admissions.verdict(pc).kind !== "may") return;
    const session = this.sessions.restoreIn(pc.room);
    // Most who come were asked for: what else would be looked at costs a look at every member.
    if (session === null || this.sessions.knows(session, pc.id)) return;
    const fault = this.ownFaults(session, pc)[0];
    if (fault === undefined) return this.sessions.placed(pc);
    this.announcer.note({ session, pc: pc.id }, `left out: ${fault.what}; ${fault.next}`);
  }

  /** The sessions hear of a PC while it is connected and orders may go to it, and of no other. */
  private serve(id: string): void {
    const pc = this.inventory.get(id);
    const isConnected = pc !== undefined && this.agents.isConnected(id);
    const may = isConnected && this.admissions.verdict(pc).kind === "may";
    if (may === this.serving.has(id)) return;
    if (may) {
      this.serving.add(id);
      return this.sessions.connected(id, this.reports.get(id) ?? null);
    }
    this.serving.delete(id);
    const reason = "orders may not go to this PC any more";
    this.sessions.lost(id, reason);
    this.shells.lost(id, reason);
  }

  /** PCs that nobody placed are not remembered for long. */
  private sweep(): void {
    const gone = this.admissions.sweep();
    for (const id of gone) {
      this.bootingSince.delete(id);
      this.announcer.pc(id);
    }
    if (gone.length > 0) this.announcer.room(defaultRoom);
    for (const id of this.places.keys())
      if (this.inventory.get(id) === undefined) this.places.delete(id);
  }

  lost(id: string, reason: string): void {
    this.states.delete(id);
    this.reports.delete(id);
    const pc = this.inventory.get(id);
    if (pc !== undefined) {
      this.admissions.lost(pc);
      pc.lastSeen = this.ports.clock.isoTime();
      this.inventory.save(pc, "soon");
      this.ports.log({ pc: pc.name, reason }, "PC lost");
      this.announcer.room(pc.room);
    }
    this.menus.lost(id);
    this.requests.lost(id);
    if (this.serving.delete(id)) this.sessions.lost(id, reason);
    this.shells.lost(id, reason);
    this.announcer.pc(id);
  }

  message(id: string, message: AgentMessage): void {
    switch (message.type) {
      case "alive":
        this.reports.set(id, message.report);
        if (this.serving.has(id)) this.sessions.reported(id, message.report);
        if (this.states.get(id) === message.state) return;
        this.states.set(id, message.state);
        return this.announcer.pc(id);
      case "ask":
        return this.atMenu(id, () => meetRequest(this, id, message.want));
      case "unlock":
        return this.atMenu(id, () => {
          requireLevel(this, id, "unproven");
          this.menus.unlock(this.inventory.find(id), message.pin);
        });
      case "grant-request":
        this.agents.send(id, this.grants.answer(id, message.view));
        return;
      case "shell-ended":
        return this.shells.ended(id, message);
      case "seen":
        return this.looks.seen(id, message);
      case "heard":
        return this.roomChecks.take(id, message);
      case "ready":
      case "progress":
      case "delivery":
      case "cast-stats":
        if (this.serving.has(id)) this.sessions.message(id, message);
        return;
    }
  }

  bulk(id: string, frame: BulkFrame): void {
    if (frame.kind === bulkKind.shell) this.shells.shown(id, frame.tag, frame.payload);
    else if (this.serving.has(id)) this.sessions.bulk(id, frame);
  }

  /** What the person at a PC does there; an error is told there, too. */
  private atMenu(id: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof RoomcastError)) throw error;
      this.agents.send(id, { type: "notice", text: `${error.message}: ${error.next}` });
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

/** Throws `usage` where nobody can be seen to come up. */
function requireProvable(request: Pick<RestoreRequest, "afterwards" | "proveBootSeconds">): void {
  if (request.proveBootSeconds === null || request.afterwards !== "poweroff") return;
  throw new RoomcastError(
    "usage",
    "a PC that goes off is not seen to come up",
    "leave --prove-boot out, or choose --then reboot or boot-disk",
  );
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
function imageView(
  manifest: Manifest,
  leastDiskBytes: number | null,
  steps: ImageStep[],
): ImageView {
  const { format: _, formatVersion: __, chunkCount, ...rest } = manifest;
  const { fitOf = null, fitSize = null } = manifest;
  return {
    ...rest,
    ...{ fitOf, fitSize, leastDiskBytes },
    chunks: chunkCount,
    partitions: [...manifest.partitions],
    warnings: [...manifest.warnings],
    steps,
  };
}

/** Whom the session remembers as the one who ordered it; without an operator it is as the request says. */
const orderer = (by: OrderedBy | null): { readonly orderedBy?: string } =>
  by === null ? {} : { orderedBy: by.operator };
