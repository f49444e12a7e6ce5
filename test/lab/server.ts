/** The server's process: the real engine, turns and kinds over a journal; what is in its memory dies with it. */

import { RoomcastError } from "../../core/errors.ts";
import { type BootProof, isProofPending } from "../../core/session/boot-proof.ts";
import type { Batch } from "../../core/session/journal.ts";
import type { Input, LabTime, Stamp } from "../../core/session/kind.ts";
import type { RestoreSpec, RestoreState } from "../../core/session/kinds/restore.ts";
import type { LiveSpec, LiveState } from "../../core/session/live-state.ts";
import type { Receivers } from "../../core/session/receivers.ts";
import type { KindName } from "../../core/session/registry.ts";
import type { Sign } from "../../core/session/sign.ts";
import { millis } from "../../core/units/units.ts";
import { anyDisk } from "../../core/wire/disk-policy.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { SessionView } from "../../core/wire/views.ts";
import { Engine, type Written } from "../../server/lab/engine.ts";
import { idOf, type Session, sessionOf } from "../../server/lab/session.ts";
import { Turns } from "../../server/lab/turns.ts";
import { castKeys } from "../core/cast/keys.ts";
import { Desks } from "./desks.ts";
import { rootHashOf } from "./disk.ts";
import { Door } from "./door.ts";
import { must } from "./failures.ts";
import type { Bus } from "./files.ts";
import type { Upload } from "./images.ts";
import type { Lab } from "./lab.ts";
import type { Link, UpMessage } from "./link.ts";
import { count } from "./tally.ts";
import type { TaskServer } from "./task.ts";

const settings = { policy: anyDisk, grow: "none" as const, rateLimitBps: null, castKeys };
/** A carousel of a cast turns by so many cells in this time. */
const castMs = 1000;
const cellsATurn = 2;
/** Of live casts that are to be stored: those for which the store has no room. */
const fullShare = 0.2;

/** Of images that are made to fit: those that cannot be. */
const unfittedShare = 0.2;

/** What is acted on before it is written is written so much later, in milliseconds. */
const lateMs = 1000;

/** What the server's memory has of a live cast. */
interface LiveMemory {
  readonly cells: (string | null)[];
  isSealed: boolean;
}

export class Server implements TaskServer {
  private readonly lab: Lab;
  private engine: Engine | null = null;
  private door: Door;
  private live = new Map<string, LiveMemory>();
  private casts = new Map<string, { turn: number }>();
  /** Sessions whose image this process has begun to make fit. */
  private fitting = new Set<string>();
  desks: Desks;
  /** Counts the starts of the process. */
  private process = 0;
  private startedAt = 0;
  private base = 0;
  private turns: Turns | null = null;
  /** The session that an operator halts, as it was before that word. */
  private haltedFrom: unknown = null;
  /** The process is there, and may still be opening its store. */
  private isAlive = false;
  private uploads = new Map<string, Upload>();
  /** When it is to be called, and when its timer goes off. */
  private wake: { readonly at: LabTime; act(): void } | null = null;
  private timerAt = Number.POSITIVE_INFINITY;
  private stamped: Stamp = { at: millis(0), iso: "t0" };

  constructor(lab: Lab) {
    this.lab = lab;
    this.door = new Door(lab);
    this.desks = new Desks(lab);
  }

  get isRunning(): boolean {
    return this.isAlive;
  }

  /** It answers. */
  get isUp(): boolean {
    return this.engine !== null;
  }

  /** The engine of the process that runs. */
  get running(): Engine {
    must(this.engine !== null, () => "the server is asked while it is down");
    return this.engine as Engine;
  }

  private get stamp(): Stamp {
    const at = millis(this.base + this.lab.now - this.startedAt);
    if (this.stamped.at !== at) this.stamped = { at, iso: `t${Math.round(at)}` };
    return this.stamped;
  }

  // --- its life

  start(): void {
    const { lab } = this;
    this.process++;
    this.isAlive = true;
    const bus = this.bus();
    lab.promised(lab.images.open(bus).then(() => bus.done(() => this.serve(bus))));
  }

  /** What a process does for its disk takes time, and is not done when it has died. */
  private bus(): Bus {
    const { lab, process } = this;
    const isThere = (): boolean => process === this.process;
    return {
      done: <T>(work: () => T): Promise<T> =>
        new Promise((resolve, reject) => {
          // What is done at once the process may not live to hear of.
          const isAtOnce = lab.disk() < 0.5;
          const act = (): (() => void) => {
            try {
              const value = work();
              return () => resolve(value);
            } catch (error) {
              return () => reject(error as Error);
            }
          };
          const answer = isAtOnce && isThere() ? act() : null;
          lab.after(lab.disk() * lab.settings.diskMs, () => {
            if (!isThere()) return;
            if (lab.strikes("killed at its disk", lab.settings.deadlyDisk)) return lab.killServer();
            (answer ?? act())();
            lab.stir();
          });
        }),
    };
  }

  /** The store is open: from here on it answers. */
  private serve(bus: Bus): void {
    const { lab } = this;
    this.base = lab.journal.newestAt();
    this.startedAt = lab.now;
    this.wake = null;
    this.timerAt = Number.POSITIVE_INFINITY;
    this.door = new Door(lab);
    const { process } = this;
    this.engine = new Engine({
      settingsOf: (pc, { id }, attempt) => ({
        ...settings,
        // No grant of an earlier process is one of this.
        grant: (role, object) => [process, pc, id, attempt, role, object].join("/"),
      }),
    });
    this.turns = this.newTurns(this.engine);
    for (const journalled of lab.journal.open()) this.engine.resume(journalled, this.stamp);
    if (lab.plant !== "forget-fit") for (const session of this.engine.all()) this.fit(session);
    this.turns.resume();
    if (process === this.process) lab.schedules.start(bus, () => process === this.process);
  }

  /** What it had not written is lost, and so is what it had sent and had not arrived. */
  kill(): void {
    const { lab } = this;
    this.engine = null;
    this.turns = null;
    this.isAlive = false;
    this.process++;
    this.uploads = new Map();
    const losesPower = lab.disk() < lab.settings.powerLoss;
    lab.images.died(losesPower);
    lab.journal.die(losesPower);
    lab.schedules.died();
    lab.checks.serverDied();
    this.live = new Map();
    this.casts = new Map();
    this.fitting = new Set();
    this.desks = new Desks(lab);
    for (const link of lab.links) link.peer.serverDied(link);
    lab.links.clear();
  }

  // --- inputs

  accept(link: Link): void {
    const { process } = this;
    this.lab.links.add(link);
    link.onServer = (message) => {
      if (process === this.process && this.engine !== null) this.hear(link, message);
    };
    this.door.open(link);
  }

  private hear(link: Link, message: UpMessage): void {
    const { door } = this;
    const engine = this.running;
    const pc = message.type === "hello" ? door.login(link, message) : door.served(link);
    if (pc === null) return;
    const words = this.lab.planted(message, link);
    switch (words.type) {
      case "hello":
        this.lab.recorded.set(pc, words);
        // What was allowed on the connection before this one is over with it.
        this.desks.lost(pc);
        engine.connected(pc, words.report, this.stamp);
        break;
      case "alive":
        engine.reported(pc, words.report, this.stamp);
        break;
      case "ready":
      case "progress":
        engine.take(words.session, { trouble: null, ...words, pc } as Input, this.stamp);
        break;
      case "delivery":
        engine.take(words.session, { ...words, pc }, this.stamp);
        break;
      case "ask":
      case "unlock":
        // What is begun by it is pumped already, and the server may have died of it.
        return this.desks.hear(link, words);
    }
    this.pump();
    if (words.type === "hello" && this.isUp && !engine.isBehind) this.lab.checks.nobodyIsLeftOut();
  }

  /** The connection is seen to be broken. */
  lost(link: Link): void {
    this.lab.links.delete(link);
    if (this.engine === null) return;
    const pc = this.door.lost(link);
    if (pc === null) return;
    this.desks.lost(pc);
    this.engine.lost(pc, "the PC stopped answering", this.stamp);
    this.pump();
  }

  /** An operator lets in who stopped for a human. */
  compareCodes(): void {
    if (this.engine !== null) this.door.compareCodes();
  }

  booting(pc: string): void {
    this.running.tell({ type: "booting", pc }, this.stamp);
    this.pump();
  }

  /** Something on the wire shows what this PC runs. */
  seen(pc: string, sign: Sign): void {
    if (this.engine === null) return;
    // As the server does: it hears ARP only of those that it waits for.
    if (sign.kind === "arp" && !this.isAwaited(pc)) return;
    const { plant } = this.lab;
    const isLoader = sign.kind === "loader" || sign.kind === "agent";
    const heard: Sign =
      plant === "loader-is-up" && isLoader ? { kind: "dhcp", system: null, host: null } : sign;
    if (plant === "deaf-to-boots" && !isLoader) return;
    this.engine.tell({ type: "seen", pc, sign: heard }, this.stamp);
    this.pump();
  }

  private isAwaited(pc: string): boolean {
    for (const { state } of this.running.knowing(pc))
      if (isProofPending(bootOf(state, pc))) return true;
    return false;
  }

  /** Of a PC's system that has just shown itself: the sessions that wait for it all the same. */
  stillAwaiting(pc: string): string[] {
    return [...this.running.knowing(pc)].flatMap(({ id, state }) =>
      bootOf(state, pc)?.name === "starting" ? [id] : [],
    );
  }

  stopAtPc(pc: string, session: string): void {
    if (this.engine !== null) this.take(session, { type: "drop", pc, by: "person" });
  }

  take(session: string, input: Input): void {
    this.running.take(session, input, this.stamp);
    this.pump();
  }

  // --- what operators say: answers whether they were told that it is done

  begin(kind: KindName, spec: unknown): Session | null {
    const { lab } = this;
    const engine = this.running;
    const known = engine.all().map(({ number }) => number + 1);
    const number = Math.max(lab.journal.nextNumber(), ...known);
    const id = idOf(number);
    if (kind === "cast") {
      const { cellCount } = lab.settings;
      const cells = Array.from({ length: cellCount }, () => null);
      this.live.set(id, { cells, isSealed: false });
    }
    lab.checks.begun(id, kind === "restore" ? (spec as RestoreSpec) : null);
    const given = kind === "restore" ? this.plantedSpec(spec as RestoreSpec) : spec;
    const stamp = { at: this.stamp.at, iso: new Date(lab.wallTime).toISOString() };
    const begin = (): Session => engine.begin(number, kind, given, stamp);
    const isTold = this.told(() => {
      if (lab.plant === "told-early") return void (begin() && this.pump());
      this.turns?.begin({ text: kind, begin, written() {}, undone() {} });
    });
    if (!isTold) {
      if (this.engine === engine) lab.checks.notBegun(engine, id);
      return null;
    }
    lab.checks.toldBegun(number);
    return engine.get(id) ?? null;
  }

  /** To begin, or to let a PC in. */
  order(id: string, input: Input): void {
    const { lab } = this;
    const engine = this.running;
    const before = engine.get(id)?.state;
    const isTold = this.told(() => {
      if (lab.plant === "told-early") this.take(id, input);
      else this.turns?.order(id, [input], "it");
    });
    if (isTold) lab.checks.toldDone(id, input);
    else if (this.engine === engine) lab.checks.notDone(id, engine.get(id)?.state === before);
  }

  /** To stop, or to let a PC go. */
  halt(id: string, input: Input): void {
    const { lab } = this;
    this.haltedFrom = this.running.get(id)?.state;
    const isTold = this.told(() => {
      if (lab.plant === "told-early") this.take(id, input);
      else this.turns?.halt(id, input, "it");
    });
    if (isTold) lab.checks.toldDone(id, input);
  }

  private told(say: () => void): boolean {
    const { process, lab } = this;
    try {
      say();
      return process === this.process;
    } catch (error) {
      // Of a process that has died nobody hears anything.
      if (process !== this.process) return false;
      if (!(error instanceof RoomcastError)) throw error;
      count(lab.tally.acts, "refused");
      return false;
    }
  }

  private plantedSpec(spec: RestoreSpec): RestoreSpec {
    switch (this.lab.plant) {
      case "no-canary":
        return { ...spec, canary: [] };
      case "no-fit":
        return { ...spec, fitTo: null };
      default:
        return spec;
    }
  }

  /** The connection that it has with this PC, as far as it knows. */
  linkOf(pc: string): Link | undefined {
    return this.door.linkOf(pc);
  }

  isConnected(pc: string): boolean {
    return this.running.reportOf(pc) !== undefined;
  }

  // --- HTTP

  /** This server, for who shows a grant that holds; else null. */
  admitted(pc: string, grant: string): TaskServer | null {
    const { lab } = this;
    const [process, whose = "", session = "", attempt] = grant.split("/");
    const isSealed = whose === pc && Number(process) === this.process;
    const holds = this.running.attemptOf(session, pc) === Number(attempt);
    if (!isSealed || !(holds || lab.plant === "keep-grant")) {
      lab.tally.happened.refusals++;
      return null;
    }
    lab.checks.serves(pc, { session, attempt: Number(attempt) });
    return this;
  }

  fetch(session: string): readonly (string | null)[] | null {
    const found = this.running.get(session);
    if (found === undefined) return null;
    return found.kindName === "restore"
      ? this.lab.cellsOf((found.state as RestoreState).image.id)
      : (this.live.get(session)?.cells ?? null);
  }

  isSealed(session: string): boolean {
    return this.live.get(session)?.isSealed ?? false;
  }

  planned(session: string): boolean {
    this.take(session, { type: "planned" });
    return true;
  }

  read(session: string, index: number, value: string): boolean {
    const live = this.live.get(session);
    if (live !== undefined) live.cells[index] = value;
    return true;
  }

  sealed(session: string): boolean {
    const live = this.live.get(session);
    if (live === undefined) return true;
    live.isSealed = true;
    const cells = live.cells as string[];
    this.lab.liveImages.set(session, cells);
    this.take(session, { type: "sealed", rootHash: rootHashOf(cells), storedBytes: cells.length });
    this.archive(session, cells);
    return true;
  }

  /** The image of a live cast is written to the store. */
  private archive(session: string, cells: readonly string[]): void {
    const { lab, process } = this;
    lab.after(lab.random() * 20_000, () => {
      if (process !== this.process) return;
      const found = this.engine?.get(session);
      if (found === undefined || (found.state as LiveState).archive !== "pending") return;
      if (lab.random() < fullShare)
        return this.take(session, { type: "not-stored", reason: "the store is full" });
      this.upload(session, "live", cells);
    });
  }

  commit(session: string, cells: readonly string[]): boolean {
    if (this.running.get(session) === undefined) return true;
    const upload = this.uploads.get(session) ?? this.upload(session, "master", cells);
    return upload.image !== null;
  }

  /** What was read is on its way into the store. */
  private upload(session: string, name: string, cells: readonly string[]): Upload {
    const { lab, process } = this;
    const upload = lab.images.begin(name, cells);
    this.uploads.set(session, upload);
    if (lab.plant === "stored-early") this.stored(session, `${name}@early`);
    lab.promised(
      lab.images.take(upload).then(
        (image) => {
          if (process === this.process) this.stored(session, image);
        },
        (error: unknown) => {
          // Nobody wants it any more.
          if (this.uploads.get(session) === upload) throw error;
        },
      ),
    );
    return upload;
  }

  private stored(session: string, image: string): void {
    if (this.engine?.get(session) !== undefined)
      this.take(session, { type: "stored", image, imageId: image });
  }

  /** An operator deletes an image, unless a restore that is under way casts it, or a fitted version of it. */
  deleteImage(image: string): void {
    const { lab } = this;
    const going = lab.images.goingWith(image);
    const isCast = this.running
      .all()
      .some(({ kindName, state }) => kindName === "restore" && going.includes(castOf(state)));
    if (isCast && lab.plant !== "delete-in-use") return;
    lab.promised(lab.images.delete(image));
  }

  begunBy(orderedBy: string, after: string): string | null {
    const { journal } = this.lab;
    const found = [...journal.ended(50), ...journal.open()].filter(
      ({ stored: { state, startedAt } }) =>
        (state as RestoreState).spec.orderedBy === orderedBy && startedAt > after,
    );
    const number = found.at(-1)?.stored.number;
    return number === undefined ? null : idOf(number);
  }

  viewOf(session: string): SessionView {
    const found = this.engine?.get(session);
    const number = Number(session.slice(1));
    const journalled = this.lab.journal.find(number);
    const names = { nameOf: (pc: string) => pc, stateOf: () => "idle" as const };
    if (found !== undefined) return this.running.view(found, names);
    if (journalled === undefined) throw new RoomcastError("not-found", "there is none", "look");
    return this.running.view(sessionOf(journalled), names);
  }

  // --- the journal, and what is sent

  /** As the server has them. Those of a process that has died do not go off. */
  private newTurns(engine: Engine): Turns {
    const { lab, process } = this;
    const isThere = (): boolean => process === this.process;
    return new Turns({
      engine,
      journal: { append: (batch) => this.write(batch) },
      timers: {
        now: () => this.stamp.at,
        stamp: () => this.stamp,
        soon: (act) => act(),
        later: (ms, act) => {
          lab.after(ms, () => isThere() && act());
          return () => {};
        },
        wakeAt: (at, act) => this.wakeAt(at, act),
      },
      announcer: { stuck() {} },
      act: (written) => {
        if (isThere()) this.acted(engine, written);
      },
      send: () => {
        if (isThere()) this.flush(engine);
      },
      letGo: (session) => lab.checks.toldToStop(session, this.haltedFrom),
    });
  }

  private write(batch: Batch): void {
    const { lab, process } = this;
    lab.tally.happened.batches++;
    if (lab.plant === "act-early")
      return lab.after(lateMs, () => process === this.process && lab.journal.append(batch));
    try {
      lab.journal.append(batch);
    } catch (error) {
      // Whoever writes takes what is thrown for the disk's word.
      if (!(error instanceof RoomcastError)) lab.fail(error);
      throw error;
    }
    if (!lab.strikes("killed after a write", lab.settings.deadlyWrites)) return;
    lab.killServer();
    throw new Error("the process is gone");
  }

  /** Writes what is decided, and sends what is written. */
  pump(): void {
    this.turns?.flush();
  }

  private acted(engine: Engine, { happened, changed, over }: Written): void {
    const { lab } = this;
    lab.tally.happened.facts += happened.length;
    for (const { session } of changed) {
      if (lab.plant !== "act-early") lab.checks.durable(session);
      if (session.kind.wanted(session.durable).cast !== null) this.open(session.id);
      this.fit(session);
    }
    for (const { id } of over) {
      this.live.delete(id);
      this.casts.delete(id);
      const upload = this.uploads.get(id);
      this.uploads.delete(id);
      if (upload !== undefined && upload.image === null) lab.promised(upload.writer.abort());
    }
    this.flush(engine);
    for (const { id } of over) lab.schedules.ended(this.viewOf(id));
  }

  private flush(engine: Engine): void {
    for (const { pc, message } of engine.takeSends()) this.say(pc, message);
  }

  say(pc: string, message: ServerMessage): void {
    this.lab.checks.sends(pc, message);
    this.door.linkOf(pc)?.toPc(message);
  }

  /** One timer: of two moments that were asked for, the later one counts. */
  private wakeAt(at: LabTime | undefined, act: () => void): void {
    this.wake = at === undefined ? null : { at, act };
    if (at !== undefined && !(this.timerAt <= at)) this.setTimer(at);
  }

  private setTimer(at: LabTime): void {
    const { lab, process } = this;
    this.timerAt = at;
    lab.after(at - this.stamp.at, () => {
      if (process !== this.process || this.timerAt !== at) return;
      this.timerAt = Number.POSITIVE_INFINITY;
      const { wake } = this;
      if (wake === null) return;
      if (wake.at > this.stamp.at) return this.setTimer(wake.at);
      this.wake = null;
      wake.act();
    });
  }

  /** A version of an image is made that fits, by a program that dies with the server. */
  private fit(session: Session): void {
    const { lab, process } = this;
    const { id } = session;
    const wish = session.kind.wanted(session.durable).fit;
    if (wish === undefined || this.fitting.has(id)) return;
    this.fitting.add(id);
    lab.after(lab.fitting() * lab.settings.fitMs, () => {
      if (process !== this.process || this.engine?.get(id) === undefined) return;
      if (lab.fitting() < unfittedShare)
        return this.take(id, { type: "not-fitted", reason: "no space" });
      lab.promised(
        lab.images.fit(wish.image, `${wish.diskBytes}GB`).then((name) => {
          if (process !== this.process || this.engine?.get(id) === undefined) return;
          const cells = lab.cellsOf(name) ?? [];
          const image = { id: name, name, rootHash: rootHashOf(cells), storedBytes: cells.length };
          this.take(id, { type: "fitted", image });
        }),
      );
    });
  }

  // --- the cast: what is sent to whom it should serve arrives at a steady rate

  private open(session: string): void {
    if (this.casts.has(session)) return;
    this.casts.set(session, { turn: 0 });
    this.turn(session);
  }

  private turn(session: string): void {
    const { lab, process } = this;
    lab.after(castMs, () => {
      const cast = this.casts.get(session);
      if (process !== this.process || cast === undefined) return;
      const found = this.running.get(session);
      const served = found?.kind.wanted(found.durable).cast ?? null;
      const cells = this.fetch(session);
      if (served === null || cells === null || !this.isSending(found)) return this.turn(session);
      for (let each = 0; each < cellsATurn; each++)
        this.cast(found, cast.turn++ % cells.length, cells);
      this.turn(session);
      this.misfortune(
        session,
        [...served].map(([pc]) => pc),
      );
    });
  }

  /** What is stored is read from the store, each time. */
  private cast(session: Session | undefined, index: number, cells: readonly (string | null)[]) {
    const { lab, process } = this;
    if (session === undefined) return;
    const { id, kindName, state } = session;
    const say = (cell: string | null): void => {
      const served = session.kind.wanted(session.durable).cast;
      if (cell !== null) for (const [pc] of served ?? []) lab.pc(pc).arrive(id, index, cell);
    };
    if (kindName !== "restore") return say(cells[index] ?? null);
    const image = castOf(state);
    lab.promised(
      lab.images.read(image, index).then((cell) => {
        if (process !== this.process || this.engine?.get(id) !== session) return;
        lab.checks.reads(id, image, index, cell);
        say(cell);
      }),
    );
  }

  /** What the server's own cast may say of its receivers, or of itself. */
  private misfortune(session: string, served: readonly string[]): void {
    const { lab } = this;
    const { lanes, wantless, brokenCasts } = lab.settings;
    if (served.length === 0) return;
    const pc = lab.pick(served);
    const reason = lab.random() < 0.5 ? "its disk is slow" : null;
    // The server may die of each.
    const take = (input: Input): void => {
      if (this.isUp) this.take(session, input);
    };
    if (lab.strikes("lane changed", lanes)) take({ type: "lane", pc, reason });
    if (lab.strikes("no wants", wantless)) take({ type: "no-wants", pc });
    if (lab.strikes("cast broken", brokenCasts))
      take({ type: "cast-broken", reason: "chunk 7 is damaged" });
  }

  /** The server casts what it stores; of a live cast the sender has to be there. */
  private isSending(session: Session | undefined): boolean {
    if (session?.kindName !== "cast") return true;
    const { sender } = (session.state as { spec: LiveSpec }).spec;
    return this.lab.pc(sender).isReachable;
  }
}

const bootOf = (state: unknown, pc: string): BootProof | null =>
  (state as { receivers?: Receivers }).receivers?.members.get(pc)?.boot ?? null;

/** The image of a restore. */
const castOf = (state: unknown): string => (state as RestoreState).image.id;
