/**
 * A whole lab in one seed: the real engine and kinds, the real life of agents, a journal that forgets
 * what was not synced, links, disks and people, on one clock that jumps to the next event.
 */

import { setImmediate as turn } from "node:timers/promises";
import type { RestoreState } from "../../core/session/kinds/restore.ts";
import type { LiveState } from "../../core/session/live-state.ts";
import type { Receivers } from "../../core/session/receivers.ts";
import { defaultRoom } from "../../server/state/records.ts";
import { seeded } from "../sim/random.ts";
import { Timeline } from "../sim/timeline.ts";
import { Checks } from "./checks.ts";
import type { LabDisk } from "./disk.ts";
import { LivenessError } from "./failures.ts";
import { LabImages } from "./images.ts";
import { LabJournal } from "./journal.ts";
import { LabStore, type SimLogin } from "./keys.ts";
import type { Link, UpMessage, Wire } from "./link.ts";
import { Operator } from "./operator.ts";
import { Pc } from "./pc.ts";
import { Rogue } from "./rogue.ts";
import { LabSchedules } from "./schedules.ts";
import { Server } from "./server.ts";
import type { Settings } from "./settings.ts";
import { count, type Tally } from "./tally.ts";

/** A bug that the lab has to find; none in production code: the simulator wraps what it drives. */
export type Plant =
  /** The server acts on what is decided, and writes it afterwards. */
  | "act-early"
  /** Operators are told that something is done before it is written. */
  | "told-early"
  /** The journal does not wait for the disk. */
  | "unsynced"
  /** Words of an earlier attempt are taken for words of the present one. */
  | "no-fence"
  /** An end is settled when it is heard, not when it is written. */
  | "settle-early"
  /** The agent's word is enough for `verified`. */
  | "no-root-hash"
  /** An agent that is done begins anew when the order is repeated. */
  | "order-again"
  /** Whoever has a PC's marks is that PC. */
  | "marks-decide"
  /** A proof is taken that was made for another connection. */
  | "no-nonce"
  /** A yes is good for more than one order. */
  | "yes-twice"
  /** What was asked for, or allowed by a PIN, outlives its connection. */
  | "old-yes"
  /** A grant is taken for as long as the server runs. */
  | "keep-grant"
  /** An agent at work leaves an order that comes again, with its grant. */
  | "no-refresh"
  /** A boot loader is taken for a system of its own. */
  | "loader-is-up"
  /** What a PC's own system shows is not heard. */
  | "deaf-to-boots"
  /** Nobody waits for the canary. */
  | "no-canary"
  /** What the image store syncs is not on the disk. */
  | "no-sync"
  /** An image is said to be stored when its chunks begin to come. */
  | "stored-early"
  /** An image is deleted while a restore casts it. */
  | "delete-in-use"
  /** A schedule that has begun a run does not know so after a restart. */
  | "forget-due"
  /** The schedule's timer does not go off. */
  | "deaf-schedule"
  /** Nobody waits for the image to be made to fit. */
  | "no-fit"
  /** A server that was started anew does not go on with it. */
  | "forget-fit";

/** A room and its PCs. */
export interface Room {
  readonly name: string;
  readonly pcs: readonly Pc[];
}

/** When every lab begins, in milliseconds since 1970. */
export const epoch = Date.parse("2026-03-02T05:00:00Z");
/** When nothing goes wrong any more, everything has ended after this; the longest grace is three minutes. */
const endsWithinMs = 30 * 60_000;
/** Whether all has ended is asked so often, in milliseconds. */
const endsMs = 500;
/** The disk that has hung longest answers again with this chance, once a second. */
const unhangs = 0.03;
/** An operator compares codes so often, in milliseconds. */
const codesMs = 5000;

/** The bugs that are in what the server hears. */
const inWords: readonly Plant[] = ["settle-early", "no-fence", "no-root-hash"];

export class Lab {
  readonly settings: Settings;
  readonly plant: Plant | null;
  readonly tally: Tally;
  readonly random: () => number;
  private readonly personal: () => number;
  /** For what PCs do on their own disks, and for canaries: a source of its own, as that of people. */
  readonly own: () => number;
  /** For the disk of the image store. */
  readonly disk: () => number;
  /** For images that are made to fit, likewise. */
  readonly fitting: () => number;
  readonly journal: LabJournal;
  /** PCs and keys as the server stores them. */
  readonly stored = new LabStore();
  /** The latest login of each PC, for whoever recorded it. */
  readonly recorded = new Map<string, SimLogin>();
  readonly checks: Checks;
  readonly server: Server;
  readonly pcs: readonly Pc[];
  /** By room. */
  readonly rooms: readonly Room[];
  /** Those whose disk hangs, the first first. */
  readonly hung = new Set<Pc>();
  readonly wire: Wire;
  /** All connections to the process of the server that runs. */
  readonly links = new Set<Link>();
  /** What live casts turned out to be, by session. */
  readonly liveImages = new Map<string, readonly string[]>();
  readonly images: LabImages;
  readonly schedules: LabSchedules;
  private readonly timeline = new Timeline();
  readonly operator: Operator;
  private readonly rogue: Rogue;
  private isTroubled = true;
  /** The disk of state.db is full until then. */
  private fullUntil = 0;
  /** Promises that something follows from, before the next event. */
  private isStirred = false;
  private failure: unknown = null;

  constructor(settings: Settings, plant: Plant | null, tally: Tally) {
    this.settings = settings;
    this.plant = plant;
    this.tally = tally;
    this.random = seeded(settings.seed ^ 0x5bd1e995);
    this.personal = seeded(settings.seed ^ 0x1b873593);
    this.own = seeded(settings.seed ^ 0x85ebca6b);
    this.disk = seeded(settings.seed ^ 0xc2b2ae35);
    this.fitting = seeded(settings.seed ^ 0x165667b1);
    this.wire = {
      now: () => this.now,
      at: (at, run) => this.timeline.at(at, run),
      delayMs: () => Math.ceil(this.random() * settings.delayMs),
    };
    const file = { random: this.disk, isFull: () => this.isFull() };
    this.journal = new LabJournal(file, plant === "unsynced");
    this.images = new LabImages(this, seeded(settings.seed ^ 0x27d4eb2f));
    this.schedules = new LabSchedules(this);
    let count = 0;
    this.rooms = settings.rooms.map((size, index) => {
      const name = index === 0 ? defaultRoom : `room ${index}`;
      return { name, pcs: Array.from({ length: size }, () => new Pc(this, `p${++count}`, name)) };
    });
    this.pcs = this.rooms.flatMap(({ pcs }) => pcs);
    for (const pc of this.pcs) this.stored.addPlaced(pc.id, pc.key, pc.room);
    this.checks = new Checks(this);
    this.server = new Server(this);
    this.operator = new Operator(this);
    this.rogue = new Rogue(this);
  }

  get now(): number {
    return this.timeline.now;
  }

  /** As the clock on the wall has it, in milliseconds since 1970. */
  get wallTime(): number {
    return epoch + this.now;
  }

  /** In whole milliseconds, as timers are: a fraction could be lost on the way to lab time and back. */
  after(ms: number, run: () => void): void {
    this.timeline.at(this.now + Math.ceil(ms), run);
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T;
  }

  /** Where there is but one, nothing is drawn. */
  pickRoom(): Room {
    return this.rooms.length === 1 ? (this.rooms[0] as Room) : this.pick(this.rooms);
  }

  /** Draws whether something goes wrong. */
  happens(chance: number): boolean {
    return this.isTroubled && chance > 0 && this.random() < chance;
  }

  /** A number that nobody can guess. */
  draw(): number {
    return Math.floor(this.random() * 2 ** 47);
  }

  isPc(id: string): boolean {
    return this.pcs[Number(id.slice(1)) - 1]?.id === id;
  }

  pc(id: string): Pc {
    return this.pcs[Number(id.slice(1)) - 1] as Pc;
  }

  cellsOf(image: string): readonly string[] | null {
    return this.images.cellsOf(image);
  }

  // --- promises

  /** Something goes on by promises: it is let go on before the next event. */
  stir(): void {
    this.isStirred = true;
  }

  /** What it comes to counts: a broken promise ends the lab. */
  promised(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.fail(error));
    this.stir();
  }

  fail(error: unknown): void {
    this.failure ??= error;
  }

  pickOwn<T>(from: readonly T[]): T {
    return from[Math.floor(this.own() * from.length)] as T;
  }

  // --- the run

  async run(): Promise<void> {
    try {
      await this.goThrough();
    } finally {
      this.journal.close();
    }
  }

  private async goThrough(): Promise<void> {
    const { settings, pcs, server } = this;
    const cells = (name: string): string[] =>
      Array.from({ length: settings.cellCount }, (_, index) => `${name}:${index}`);
    await this.images.prepare(["win", "lin"].map((name) => [name, cells(name)]));
    server.start();
    for (const pc of pcs) if (this.random() >= settings.offShare) pc.start();
    this.after(settings.bootMs * this.random(), () => {
      this.operator.act("restore");
      this.acts();
    });
    this.trouble();
    this.codes();
    this.people();
    for (const { ms, rooms } of settings.lessons)
      this.after(ms, () => this.operator.beginLesson(rooms));
    for (const { ms, events } of settings.killsAt)
      this.after(ms, () => {
        this.eventsToKill = events;
      });
    this.after(settings.troubleMs, () => this.calm());
    await this.goOn(() => !this.isTroubled);
    const until = this.now + endsWithinMs;
    let asksAt = this.now;
    await this.goOn(() => {
      if (this.now < asksAt) return false;
      asksAt = this.now + endsMs;
      this.beginWithoutAbsent();
      const unrest = this.unrest();
      if (unrest !== null && this.now > until)
        throw new LivenessError(`does not end: ${wordsOf(unrest)}`);
      return unrest === null;
    });
    await this.goOn(() => this.now >= settings.lastsMs);
    let isChecked = false;
    const checked = this.images.checkAll().then(() => {
      isChecked = true;
    });
    this.promised(checked);
    await this.goOn(() => isChecked);
  }

  private events = 0;
  /** Until the server is killed. */
  private eventsToKill = Number.POSITIVE_INFINITY;

  private async goOn(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) {
      if (this.isStirred) {
        this.isStirred = false;
        await turn();
      }
      this.step();
    }
  }

  private step(): void {
    if (this.failure !== null) throw this.failure;
    if (!this.timeline.step())
      throw new LivenessError(`nothing happens: ${wordsOf(this.unrest())}`);
    this.tally.happened.events++;
    if (++this.events > this.settings.eventLimit) throw new LivenessError("too many events");
    if (this.eventsToKill-- === 0) {
      count(this.tally.faults, "server killed");
      this.killServer();
    }
    this.checks.always();
  }

  private acts(): void {
    this.after(this.settings.actMs * 2 * this.random(), () => {
      if (!this.isTroubled) return;
      this.operator.act();
      this.acts();
    });
  }

  private codes(): void {
    this.after(codesMs, () => {
      this.server.compareCodes();
      this.codes();
    });
  }

  /**
   * People type PINs, ask and are answered. They draw from a source of their own, so that a lab
   * without them is as it was.
   */
  private people(): void {
    const { settings, personal } = this;
    if (settings.people === 0) return;
    this.after(1000 * 2 * personal(), () => {
      if (!this.isTroubled) return;
      if (personal() < settings.people) this.pickPersonal(this.pcs).person();
      if (personal() < settings.people / 2) this.operator.answer(personal() < 0.7);
      this.people();
    });
  }

  pickPersonal<T>(from: readonly T[]): T {
    return from[Math.floor(this.personal() * from.length)] as T;
  }

  /** What goes wrong, looked for once a second. */
  private trouble(): void {
    this.after(1000 * 2 * this.random(), () => {
      if (!this.isTroubled) return;
      const { settings } = this;
      const pc = this.pick(this.pcs);
      const isOn = pc.power === "agent" || pc.power === "starting";
      if (this.strikes("server killed", settings.kills)) this.killServer();
      if (isOn && this.strikes("PC reset", settings.resets)) pc.start();
      if (this.strikes("link cut", settings.cuts)) pc.cut();
      if (this.strikes("cable pulled", settings.pulls))
        pc.pullCable(this.random() * settings.pullMs);
      if (this.strikes("PC switched off", settings.switchedOff)) pc.switchOff();
      if (this.strikes("stopped at the PC", settings.stopsAtPc)) pc.stopAtPc();
      if (this.strikes("rogue", settings.rogues)) this.rogue.act();
      if (this.own() < settings.lies) this.rogue.lieOnTheWire();
      const [hung] = this.hung;
      if (this.random() < unhangs) hung?.unhang();
      this.trouble();
    });
  }

  /** Draws whether this goes wrong, and counts it. */
  strikes(what: string, chance: number): boolean {
    if (!this.happens(chance)) return false;
    count(this.tally.faults, what);
    return true;
  }

  /** Whether the disk of state.db has no space for what is written now. */
  private isFull(): boolean {
    if (this.now < this.fullUntil) return true;
    if (!this.strikes("disk of state.db full", this.settings.refusedWrites)) return false;
    this.fullUntil = this.now + this.random() * this.settings.fullMs;
    return true;
  }

  killServer(): void {
    if (!this.server.isRunning) return;
    this.server.kill();
    this.after(500 + this.random() * 40_000, () => {
      if (!this.server.isRunning) this.server.start();
    });
  }

  /** Nothing goes wrong from here on. */
  private calm(): void {
    this.isTroubled = false;
    this.fullUntil = 0;
    if (!this.server.isRunning) this.server.start();
    for (const pc of this.pcs) {
      pc.mend();
      if (this.settings.allCome && (pc.power === "off" || pc.power === "own disk")) pc.start();
    }
  }

  serverNotices(link: Link): void {
    this.after(this.random() * 10_000, () => this.server.lost(link));
  }

  drawDiskFault(disk: LabDisk): void {
    const { diskFails, diskHangs, diskLies } = this.settings;
    for (const [kind, chance] of [
      ["fails", diskFails],
      ["hangs", diskHangs],
      ["lies", diskLies],
    ] as const) {
      if (!this.strikes(`disk ${kind}`, chance)) continue;
      disk.fault = { kind, afterAccesses: Math.floor(this.random() * disk.cells.length) };
    }
  }

  // --- whether everything has ended

  /** Sessions may wait for PCs that are named and off; operators begin without them. */
  private beginWithoutAbsent(): void {
    const { server } = this;
    if (!server.isUp) return;
    this.schedules.removeAll();
    for (const { id, state } of server.running.all()) {
      const { receivers } = state as { receivers?: Receivers };
      if (receivers?.phase === "gathering" && this.waitsForAbsent(receivers))
        server.order(id, { type: "start" });
      if (receivers?.phase !== "canary") continue;
      for (const { pc } of receivers.canary)
        if (this.isAbsent(pc, receivers)) server.halt(id, { type: "drop", pc, by: "operator" });
    }
  }

  /** What has not ended, for words that are seldom wanted; null: all has. */
  private unrest(): string | (() => string) | null {
    const { server } = this;
    if (!server.isUp) return "the server is down";
    const [session] = server.running.all();
    if (session !== undefined)
      return () => `${session.id} (${session.kindName}): ${JSON.stringify(session.state)}`;
    if (this.schedules.unrest !== null) return this.schedules.unrest;
    for (const pc of this.pcs) if (pc.unrest !== null) return `${pc.id} ${pc.unrest}`;
    return null;
  }

  private waitsForAbsent(receivers: Receivers): boolean {
    return [...receivers.members].some(([pc]) => this.isAbsent(pc, receivers));
  }

  private isAbsent(pc: string, { members }: Receivers): boolean {
    const { power } = this.pc(pc);
    return members.get(pc)?.phase.name === "absent" && (power === "off" || power === "own disk");
  }

  // --- planted bugs

  /** What the server hears, as it is or as a planted bug makes it. */
  planted(message: UpMessage, link: Link): UpMessage {
    const { plant } = this;
    if (plant === null || !inWords.includes(plant)) return message;
    const report = message.type === "hello" || message.type === "alive" ? message.report : null;
    const engine = this.server.running;
    if (plant === "settle-early") {
      if (report !== null && report.end !== null)
        this.server.say(link.pc, { ...report, type: "cancel", reason: "" });
      return message;
    }
    if (plant === "no-fence") {
      const work = report ?? ("attempt" in message ? message : null);
      const session = work === null ? undefined : engine.get(work.session);
      const attempt = session?.kind.wanted(session.state).orders.get(link.pc);
      if (attempt === undefined) return message;
      if (report === null) return { ...message, attempt } as UpMessage;
      return { ...message, report: { ...report, attempt } } as UpMessage;
    }
    if (report?.end?.outcome !== "verified") return message;
    const state = engine.get(report.session)?.state as RestoreState | LiveState | undefined;
    if (state === undefined) return message;
    const rootHash = "rootHash" in state ? state.rootHash : state.image.rootHash;
    return { ...message, report: { ...report, end: { ...report.end, rootHash } } } as UpMessage;
  }
}

const wordsOf = (unrest: string | (() => string) | null): string | null =>
  typeof unrest === "function" ? unrest() : unrest;
