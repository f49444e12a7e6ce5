import type { DhcpSeats } from "../../core/boot/dhcp-seats.ts";
import type { Clock } from "../../core/ports.ts";
import { sentence } from "../../core/screen/report.ts";
import { isAtLeast } from "../../core/trust/level.ts";
import type { DailyWindow } from "../../core/units/daily-window.ts";
import { encodeBulk } from "../../core/wire/bulk.ts";
import { type PublishedRoom, runningLimit } from "../../core/wire/campus.ts";
import type { Certificate } from "../../core/wire/certificate.ts";
import type { Language } from "../../core/wire/language.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { PcView } from "../../core/wire/views.ts";
import type { Keep } from "../state/kept-records.ts";
import { defaultRoom, type PcRecord, type SshKeyRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import type { ImageStore } from "../store/image-store.ts";
import { openPackers } from "../store/packers.ts";
import type { LabNetwork } from "./addresses.ts";
import { Admissions } from "./admissions.ts";
import type { Agents, Login } from "./agents.ts";
import { Announcer } from "./announcer.ts";
import type { WireSenses } from "./boot-proofs.ts";
import { certificateOf } from "./certificates.ts";
import { Connections } from "./connections.ts";
import { dhcpSeats } from "./dhcp-seats.ts";
import { EndedSessions } from "./ended-sessions.ts";
import { FitOrders } from "./fit-orders.ts";
import { Fits, type StartFit } from "./fits.ts";
import { LabGrants, type LabGrantsPorts } from "./grants.ts";
import { pruneHistory } from "./history.ts";
import { ImageOrders } from "./image-orders.ts";
import { ImageSteps } from "./image-steps.ts";
import { Inventory, pcView } from "./inventory.ts";
import { Looks } from "./looks.ts";
import { Menus } from "./menus.ts";
import { Optimiser } from "./optimiser.ts";
import { PcOrders } from "./pc-orders.ts";
import { PcRequests } from "./pc-requests.ts";
import { Personals } from "./personals.ts";
import { Presence } from "./presence.ts";
import { Requests } from "./requests.ts";
import { type CheckWire, RoomChecks } from "./room-checks.ts";
import { RoomLists } from "./room-lists.ts";
import { RoomMoves } from "./room-moves.ts";
import { RoomOrders } from "./room-orders.ts";
import type { RoomOwners } from "./room-owners.ts";
import { Schedule } from "./schedule.ts";
import { ServedPcs } from "./served-pcs.ts";
import { SessionOrders } from "./session-orders.ts";
import { SessionRunner, type SessionRunnerPorts } from "./session-runner.ts";
import { holdsForms, sessionText, trafficOf } from "./session-work.ts";
import { Sessions } from "./sessions.ts";
import { Shells } from "./shells.ts";
import { SshKeys } from "./ssh-keys.ts";
import { StartingPcs } from "./starting-pcs.ts";
import { LabTimers } from "./timers.ts";
import { WindowsPcs } from "./windows.ts";

export interface LabPorts {
  readonly state: StateStore;
  readonly images: ImageStore;
  readonly owners: RoomOwners;
  readonly keepSshKeys: Keep<SshKeyRecord>;
  /** Where the owner puts what PCs are given as it is: drivers, and settings of Windows. */
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly version: string;
  /** Of the screens of PCs whose room has none of its own. */
  readonly language: Language;
  /** How long the history is kept, in days. */
  readonly historyDays: number;
  /** The connections of the PCs' agents. */
  readonly agents: Agents;
  /** Those that the PCs are on, as they are now; one is there always. */
  networks(): readonly LabNetwork[];
  /** Casts an image on one of them. */
  readonly openSender: SessionRunnerPorts["openSender"];
  /** Joins a cast on one of them. */
  readonly startReceiver: SessionRunnerPorts["startReceiver"];
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
  /** When images are packed anew that nobody named; null: never. */
  readonly optimiseAt: DailyWindow | null;
  /** Sends the magic packet on the lab's network. */
  wake(macs: readonly string[]): Promise<void>;
  log(fields: Record<string, unknown>, text: string): void;
}

/** What every part of the lab may know. */
interface Known extends Outside {
  readonly inventory: Inventory;
  readonly admissions: Admissions;
  readonly announcer: Announcer;
  readonly presence: Presence;
  pcView(pc: PcRecord): PcView;
}

/** The lab as the server runs it: its parts, and what each of them knows of the others. */
export class Lab {
  readonly agents: Agents;
  readonly inventory: Inventory;
  readonly admissions: Admissions;
  readonly announcer: Announcer;
  readonly presence: Presence;
  readonly connections: Connections;
  readonly starting: StartingPcs;
  readonly sessions: Sessions;
  readonly orders: SessionOrders;
  readonly images: ImageOrders;
  readonly steps: ImageSteps;
  readonly fits: Fits;
  readonly optimiser: Optimiser;
  readonly fitOrders: FitOrders;
  readonly pcs: PcOrders;
  readonly rooms: RoomOrders;
  readonly lists: RoomLists;
  readonly roomChecks: RoomChecks;
  readonly menus: Menus;
  readonly requests: Requests;
  readonly shells: Shells;
  readonly schedule: Schedule;
  readonly moves: RoomMoves;
  /** What a campus is told of sessions that are over. */
  readonly ended: EndedSessions;
  readonly grants: LabGrants;
  readonly sshKeys: SshKeys;
  readonly personals: Personals;
  readonly windows: WindowsPcs;
  /** What DHCP gives PCs by their seats. */
  readonly dhcpSeats: DhcpSeats;
  readonly runner: SessionRunner;
  private readonly looks: Looks;
  private readonly served: ServedPcs;
  private readonly ports: LabPorts;
  private readonly known: Known;

  constructor(ports: LabPorts) {
    const { state, clock, images, dataFolder, historyDays } = ports;
    const timers = new LabTimers(clock, state.journal.newestAt());
    const outside = outsideOf(ports, timers);
    const inventory = new Inventory(state);
    const presence = new Presence(outside);
    this.ports = ports;
    this.agents = ports.agents;
    this.inventory = inventory;
    this.presence = presence;
    this.looks = new Looks(timers, outside.send);
    this.admissions = this.newAdmissions(outside);
    this.announcer = this.newAnnouncer(outside);
    const { admissions, announcer } = this;
    const pcView = (pc: PcRecord): PcView => this.pcView(pc);
    const known: Known = { ...outside, inventory, presence, admissions, announcer, pcView };
    this.known = known;
    const { keepSshKeys: keep, owners } = ports;
    const sshKeys = new SshKeys({ ...known, keep, owners });
    const stepsOf = (session: string) => this.images.stepsOf(session);
    const personals = new Personals({ ...known, sshKeys, stepsOf });
    this.sshKeys = sshKeys;
    this.personals = personals;
    const { senses, startFit: start } = ports;
    this.starting = new StartingPcs({ ...known, senses, runner: () => this.runner });
    this.dhcpSeats = dhcpSeats(inventory);
    this.steps = new ImageSteps(known);
    this.windows = new WindowsPcs({ ...known, dataFolder });
    this.fits = new Fits({ timers, start, images: () => this.images.views() });
    this.runner = this.newRunner();
    this.sessions = new Sessions(this.runner, outside.state);
    this.optimiser = this.newOptimiser();
    const { steps, runner, sessions, optimiser } = this;
    this.images = new ImageOrders({ ...known, images, steps, sessions, optimiser });
    images.campus?.onChange((id) => this.images.changed(id));
    this.menus = new Menus(known);
    this.requests = new Requests(known);
    this.grants = this.newGrants();
    this.rooms = new RoomOrders({
      ...{ ...known, personals, sessions, menus: this.menus, owners: ports.owners },
      joins: (pc) => this.served.placed(pc),
    });
    const { rooms, looks } = this;
    this.pcs = new PcOrders({
      ...{ ...known, personals, sessions, rooms, looks, owners: ports.owners },
    });
    this.lists = new RoomLists({
      ...{ ...known, personals, owners: ports.owners },
      placed: (pc) => rooms.placed(pc),
    });
    this.roomChecks = this.newRoomChecks();
    this.shells = new Shells({ ...known, requireOnline: (pc) => this.pcs.requireOnline(pc) });
    this.fitOrders = new FitOrders({ ...known, images: this.images, rooms, fits: this.fits });
    this.orders = this.newOrders();
    const { shells, orders } = this;
    this.served = new ServedPcs({ ...known, runner, sessions, shells, orders });
    this.connections = this.newConnections();
    this.schedule = this.newSchedule();
    const { schedule, requests, menus } = this;
    this.moves = new RoomMoves({
      ...{ ...known, personals, requests, rooms, schedule, sessions, sshKeys, menus },
    });
    this.ended = new EndedSessions({ ...known, sessions, keepDays: historyDays });
    runner.resume();
    this.schedule.resume();
    optimiser.resume();
    pruneHistory({ ...known, runner, keepDays: historyDays });
  }

  pcView(pc: PcRecord): PcView {
    const { id } = pc;
    const state = this.presence.stateOf(id);
    const isHere = state !== "offline" && state !== "booting";
    return pcView(pc, {
      state,
      bootTrouble: isHere ? null : this.starting.troubles.of(pc),
      session: this.sessions.idOf(id),
      candidates: this.inventory.candidates(pc),
      lastSeen: this.agents.isConnected(id) ? this.ports.clock.isoTime() : pc.lastSeen,
      identity: this.admissions.identity(id),
      moved: this.moves.whereIs(pc),
    });
  }

  /** A room as other servers of the campus see it. Throws `not-found`. */
  publishedRoom(name: string): PublishedRoom {
    const room = this.rooms.view(name);
    const line = room.session === null ? null : sentence(this.sessions.find(room.session));
    return { ...room, running: line?.slice(0, runningLimit) ?? null };
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

  /** Puts everything to rest; sessions go on when the server is started again. */
  async close(): Promise<void> {
    await this.fits.close();
    await this.optimiser.close();
    this.schedule.close();
    this.menus.close();
    this.requests.close();
    await this.runner.close();
    this.starting.proofs.close();
    this.announcer.feed.close();
  }

  private newAdmissions(outside: Outside): Admissions {
    return new Admissions({
      ...{ ...outside, inventory: this.inventory },
      changed: (pc) => {
        this.rooms.tell(pc);
        this.served.sync(pc.id);
        this.announcer.pc(pc.id);
      },
      merged: (id) => {
        this.agents.disconnect(id);
        this.announcer.pc(id);
      },
    });
  }

  private newAnnouncer(outside: Outside): Announcer {
    return new Announcer({
      ...{ ...outside, inventory: this.inventory },
      pcView: (pc) => this.pcView(pc),
      roomView: (name) => this.rooms.view(name),
      sessionView: (id) => this.sessions.find(id),
      sessionSubjects: (id) => {
        const { kind, state } = this.sessions.session(id);
        return { room: kind.room(state), image: kind.image(state) };
      },
    });
  }

  private newRunner(): SessionRunner {
    const { known, ports, inventory, personals, fits } = this;
    const { presence, announcer, sendBytes } = known;
    const { openSender, startReceiver, images, state } = ports;
    return new SessionRunner({
      ...{ ...known, fits, images, journal: state.journal, openSender, startReceiver },
      sendBulk: (pc, kind, tag, payload) => sendBytes(pc, encodeBulk(kind, tag, payload)),
      settingsOf: (pc, { id, kind, durable }, attempt) => {
        const { disk, grow } = inventory.room(inventory.get(pc)?.room ?? defaultRoom).settings;
        return {
          ...{ policy: disk, grow },
          rateLimitBps: ports.rateLimitBps(kind.room(durable), presence.networkOf(pc)),
          grant: (role, object) => ports.seal({ role, pc, session: id, attempt, object }),
        };
      },
      ended: ({ id }) => {
        personals.ended(id);
        announcer.sessionEnded(id);
      },
      verified: (pc) => this.pcs.startFromDisk(pc),
      begun: (pc) => this.pcs.keepFromDisk(pc),
      committed: (manifest) => this.images.tell(manifest),
      awaited: (pc, isAwaited) => this.starting.proofs.await(pc, isAwaited),
    });
  }

  private newGrants(): LabGrants {
    const { known, inventory, admissions, menus, sessions } = this;
    return new LabGrants({
      ...{ ...known, seal: this.ports.seal },
      pc: (id) => inventory.get(id),
      isMenuLocked: (pc) => menus.isLocked(pc),
      isPlaced: (pc) => isAtLeast(admissions.standing(pc.id).level, "unproven"),
      attemptOf: (session, pc) => sessions.attemptOf(session, pc),
    });
  }

  private newRoomChecks(): RoomChecks {
    const { known, inventory, presence, sessions, images, runner } = this;
    return new RoomChecks({
      ...{ ...known, wire: this.ports.checkWire },
      networkOf: (pc) => presence.networkOf(pc),
      idle: (room) =>
        inventory
          .pcsOf(inventory.room(room).name)
          .filter(({ id }) => known.isConnected(id) && presence.stateOf(id) === "idle"),
      traffic: () => trafficOf(runner.engine.all(), (pc) => presence.networkOf(pc)),
      image: (room, reference) => images.sizeOf(reference, sessions.lastImageOf(room)),
    });
  }

  private newOrders(): SessionOrders {
    const { known, images, personals, sessions, fitOrders, pcs } = this;
    const { owners } = this.ports;
    return new SessionOrders({ ...known, images, personals, sessions, fitOrders, pcs, owners });
  }

  private newConnections(): Connections {
    const { known, images, menus, orders, requests, rooms, sessions, pcs } = this;
    const base = { ...known, menus, requests, rooms };
    const pcRequests = new PcRequests({ ...base, images, orders, sessions, pcs });
    const { served, starting, runner, shells, grants, looks, roomChecks } = this;
    const noticeFor = (login: Login): string | null => this.moves.noticeFor(login);
    return new Connections({
      ...{ ...base, runner, served, starting, pcRequests },
      ...{ shells, grants, looks, roomChecks, noticeFor, serverVersion: this.ports.version },
    });
  }

  private newOptimiser(): Optimiser {
    const { known, ports, runner, announcer } = this;
    return new Optimiser({
      ...{ ...known, images: ports.images, openPackers, window: ports.optimiseAt },
      waitsFor: () => {
        const found = runner.engine.all().find(holdsForms);
        return found === undefined ? null : sessionText(found);
      },
      wallClock: () => new Date(known.clock.isoTime()),
      changed: ({ id }) => {
        const manifest = ports.images.find(id);
        if (manifest !== undefined) this.images.tell(manifest);
      },
      note: (image, text) => announcer.note({ image }, text),
    });
  }

  private newSchedule(): Schedule {
    const { known, inventory, images, orders, fitOrders, rooms, sessions } = this;
    const { clock, timers, log } = known;
    return new Schedule({
      ...known,
      now: () => new Date(clock.isoTime()),
      later: (ms, act) => timers.later(ms, act),
      unexpected: (id, err) => log({ schedule: id, err }, "a scheduled restore failed"),
      requireSettled: (name) => this.ports.owners.requireSettled(name),
      roomNameOf: (name) => inventory.room(name).name,
      requireImage: (reference) => void images.find(reference),
      fit: (order, signal) => fitOrders.fit(order, signal),
      wake: (room, timeoutMs, signal) => rooms.wake(room, timeoutMs, signal),
      restore: (request) => orders.restore(request, null),
      session: (id) => sessions.find(id),
      begunBy: (orderedBy, after) => sessions.begunBy(orderedBy, after),
    });
  }
}

type Outside = ReturnType<typeof outsideOf>;

/** What is outside of the lab, as its parts are given it. */
function outsideOf(ports: LabPorts, timers: LabTimers) {
  const { state, clock, agents, networks, wake, log, language } = ports;
  return {
    ...{ state, store: state, clock, timers, agents, wake, log, networks, language },
    now: () => timers.now(),
    isoTime: () => clock.isoTime(),
    isConnected: (pc: string) => agents.isConnected(pc),
    send: (pc: string, message: ServerMessage) => void agents.send(pc, message),
    sendBytes: (pc: string, frame: Uint8Array) => agents.sendBytes(pc, frame),
  };
}
