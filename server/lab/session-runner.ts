/**
 * The sessions of the lab as they run: inputs of the engine come from operators, agents, casts and a
 * timer; what the engine decides is written into the journal, and then done.
 */

import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import { isOfProof, isProofPending } from "../../core/session/boot-proof.ts";
import type { Cause } from "../../core/session/cause.ts";
import type { Journal } from "../../core/session/journal.ts";
import type { Fact, Input, OrderSettings, PcId } from "../../core/session/kind.ts";
import type { KindName, SpecOf } from "../../core/session/registry.ts";
import type { Sign } from "../../core/session/sign.ts";
import { makeRoom } from "../../core/units/make-room.ts";
import type { AgentMessage } from "../../core/wire/agent-message.ts";
import type { SessionView } from "../../core/wire/views.ts";
import type { Report } from "../../core/wire/work.ts";
import type { Announcer } from "./announcer.ts";
import { Engine, type Written } from "./engine.ts";
import { Equipment, type EquipmentPorts } from "./equipment.ts";
import type { Inventory } from "./inventory.ts";
import type { Presence } from "./presence.ts";
import { isWaitingForFit, receiversOf, roomMessage, roomScreens } from "./receiving.ts";
import { idOf, type Session, sessionOf } from "./session.ts";
import { spread } from "./spread.ts";
import { Turns } from "./turns.ts";

/** Sessions that ended and are listed; the others are found by their id. */
const endedSessionsKept = 50;
/** How often the PCs' own screens hear of the room, in milliseconds. */
const tellRoomEveryMs = 1000;

export interface SessionRunnerPorts extends Omit<EquipmentPorts, "take"> {
  readonly journal: Journal;
  readonly announcer: Pick<Announcer, "note" | "session" | "stuck">;
  readonly inventory: Pick<Inventory, "get">;
  readonly presence: Pick<Presence, "networkOf" | "stateOf">;
  /** What the order of this attempt takes from elsewhere, but for the cast's keys. */
  settingsOf(pc: PcId, session: Session, attempt: number): Omit<OrderSettings, "castKeys">;
  ended(session: Session): void;
  /** A disk has become a verified copy. */
  verified(pc: PcId): void;
  /** A disk may be written to from here on. */
  begun(pc: PcId): void;
  /** The PC is waited for to come up, or is not any more. */
  awaited(pc: PcId, isAwaited: boolean): void;
}

type Work = Extract<AgentMessage, { type: "ready" | "progress" | "delivery" | "cast-stats" }>;

/** All sessions, from what is said to what is written, sent and made. */
export class SessionRunner {
  readonly equipment: Equipment;
  readonly engine: Engine;
  private readonly ports: SessionRunnerPorts;
  private readonly turns: Turns;
  private readonly ended = new Map<string, Session>();
  private readonly waiting = new Map<string, (() => void)[]>();

  constructor(ports: SessionRunnerPorts) {
    this.ports = ports;
    this.equipment = new Equipment({ ...ports, take: (id, input) => this.take(id, input) });
    this.engine = new Engine({
      settingsOf: (pc, session, attempt) => ({
        ...ports.settingsOf(pc, session, attempt),
        castKeys: this.equipment.keysOf(session.id),
      }),
    });
    this.turns = new Turns({
      ...{ ...ports, engine: this.engine },
      act: (written) => this.act(written),
      send: () => this.send(),
      letGo: (session) => this.equipment.letGo(session),
    });
    ports.timers.every(tellRoomEveryMs, () => this.tellRooms());
  }

  /** Goes on where an earlier process of the server ended, however it ended. */
  resume(): void {
    const { journal, timers } = this.ports;
    for (const journalled of journal.ended(endedSessionsKept))
      this.keepEnded(sessionOf(journalled));
    for (const journalled of journal.open())
      this.equipment.equip(this.engine.resume(journalled, timers.stamp()));
    this.turns.resume();
    for (const { kind, state } of this.receiving()) this.tellAwaited(kind.pcs(state));
    for (const session of this.engine.all()) this.equipment.syncFit(session);
  }

  /** Puts everything to rest; it goes on when the server is started again. */
  async close(): Promise<void> {
    this.turns.close();
    this.ports.timers.close();
    await this.equipment.close();
  }

  // --- what is there

  /** Those that ended lately, then those under way. */
  listed(): Session[] {
    return [...this.ended.values(), ...this.engine.all()];
  }

  /** Restores and live casts under way. */
  receiving(): Session[] {
    return this.engine.all().filter((session) => receiversOf(session) !== null);
  }

  /** Also one that ended long ago. */
  find(id: string): Session | undefined {
    const known = this.engine.get(id) ?? this.ended.get(id);
    if (known !== undefined) return known;
    const number = /^s\d{1,12}$/.test(id) ? Number(id.slice(1)) : 0;
    const found = this.ports.journal.find(number);
    return found === undefined ? undefined : sessionOf(found);
  }

  view(session: Session): SessionView {
    const { presence } = this.ports;
    return this.engine.view(session, {
      nameOf: (pc) => this.nameOf(pc),
      stateOf: (pc) => presence.stateOf(pc),
    });
  }

  nameOf(pc: PcId): string {
    return this.ports.inventory.get(pc)?.name ?? pc;
  }

  /** The journal does not have these any more. */
  forget(numbers: readonly number[]): void {
    for (const number of numbers) this.ended.delete(idOf(number));
  }

  // --- what operators do

  /** Begins a session, or nothing at all; `text` says so in the history, of this PC. */
  begin<K extends KindName>(
    kind: K,
    text: string,
    pc: PcId | null,
    specOf: (number: number) => SpecOf<K>,
  ): Session {
    const { journal, timers, announcer, presence } = this.ports;
    const session = this.turns.begin({
      text,
      begin: () => {
        const number = this.nextNumber(journal.nextNumber());
        const begun = this.engine.begin(number, kind, specOf(number), timers.stamp());
        this.equip(begun);
        return begun;
      },
      written: ({ id }) => announcer.note({ session: id, pc }, text),
      undone: (begun) => this.equipment.end(begun),
    });
    for (const each of session.kind.pcs(session.state)) {
      this.tellWaiting(each);
      if (presence.stateOf(each) === "booting")
        this.take(session.id, { type: "booting", pc: each });
    }
    return session;
  }

  /** As in `Turns`. */
  order(id: string, inputs: readonly Input[], what: string): void {
    this.turns.order(id, inputs, what);
  }

  /** As in `Turns`. */
  halt(id: string, input: Input, what: string): void {
    this.turns.halt(id, input, what);
  }

  take(id: string, input: Input): void {
    this.engine.take(id, input, this.ports.timers.stamp());
    this.turns.soon();
  }

  /** Resolves when the session is over. */
  over({ id }: Session): Promise<void> {
    if (this.engine.get(id) === undefined) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.waiting.set(id, [...(this.waiting.get(id) ?? []), resolve]);
    return promise;
  }

  // --- what agents say

  connected(pc: PcId, report: Report | null): void {
    this.engine.connected(pc, report, this.ports.timers.stamp());
    this.tellWaiting(pc);
    this.turns.soon();
  }

  reported(pc: PcId, report: Report | null): void {
    this.engine.reported(pc, report, this.ports.timers.stamp());
    this.turns.soon();
  }

  lost(pc: PcId, reason: string): void {
    this.engine.lost(pc, reason, this.ports.timers.stamp());
    this.turns.soon();
  }

  /** The PC has asked for its boot files. */
  booting(pc: PcId): void {
    this.engine.tell({ type: "booting", pc }, this.ports.timers.stamp());
    this.turns.soon();
  }

  /** Something on the network shows what this PC runs. */
  seen(pc: PcId, sign: Sign): void {
    this.engine.tell({ type: "seen", pc, sign }, this.ports.timers.stamp());
    this.turns.soon();
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
          diskBusy: counters?.diskBusy ?? message.diskBusy ?? null,
        });
        if (bytesTotal !== null && this.engine.attemptOf(id, pc) === attempt)
          this.equipment.requireSpace(session, bytesTotal);
        return this.ports.announcer.session(id);
      }
      case "cast-stats":
        if (this.engine.attemptOf(id, pc) === attempt)
          this.equipment.takeStats(session, pc, message.stats);
        return;
    }
  }

  /** A capture's image is in the store and visible. */
  committed(id: string, manifest: Manifest): void {
    this.ports.committed(manifest);
    const image = imageName(manifest);
    this.take(id, { type: "stored", image, imageId: manifest.id });
    this.turns.flush();
  }

  // --- how it is done

  /** A store that is full has no place for what it is to capture: then it has nothing. */
  private equip(session: Session): void {
    try {
      this.equipment.equip(session);
    } catch (error) {
      this.equipment.end(session);
      throw error;
    }
  }

  /** Not one that is decided and not written yet, either. */
  private nextNumber(fromJournal: number): number {
    return Math.max(fromJournal, ...this.engine.all().map(({ number }) => number + 1));
  }

  private act({ happened, changed, over }: Written): void {
    const { announcer } = this.ports;
    // What is sent comes before what is told: an order before the entries that belong to it.
    this.send();
    for (const { session, fact, text } of happened) {
      this.follow(session, fact);
      if (text !== null) announcer.note({ session: session.id, pc: fact.pc }, text);
    }
    for (const { session, pcs } of changed) {
      this.equipment.sync(session, pcs);
      announcer.session(session.id);
    }
    for (const session of over) this.end(session);
    this.tellAwaited(happened.flatMap(({ fact }) => (isOfProof(fact) ? [fact.pc] : [])));
    for (const { kind, state } of over) this.tellAwaited(kind.pcs(state));
  }

  private tellAwaited(pcs: Iterable<PcId>): void {
    for (const pc of pcs) {
      const isAwaited = [...this.engine.knowing(pc)].some((session) =>
        isProofPending(receiversOf(session)?.members.get(pc)?.boot ?? null),
      );
      this.ports.awaited(pc, isAwaited);
    }
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
    const archive = this.equipment.archiveOf(session.id);
    if (fact.type === "sender-sending") archive?.cast.senderReturned();
    if (pc === null) return;
    if (fact.type === "returned") archive?.cast.sendKnown(pc);
    if (fact.type === "ended" && isExpelled(fact)) this.rekey(session);
    if (receiversOf(session) === null) return;
    if ("result" in fact && fact.result === "verified") this.ports.verified(pc);
    // Whoever is out of sight may have begun unseen.
    if (fact.type === "readied" || fact.type === "went") this.ports.begun(pc);
  }

  /** Who is out of the session has no use of the keys that it was given. */
  private rekey({ id }: Session): void {
    this.equipment.rekey(id);
    this.engine.renew(id, this.ports.timers.now());
    this.send();
  }

  private send(): void {
    for (const { pc, message, isRefresh } of this.engine.takeSends()) {
      this.ports.send(pc, message);
      if (message.type !== "restore" || isRefresh) continue;
      if (message.live === "no") this.equipment.prepareCast(message.session, pc);
      else this.equipment.archiveOf(message.session)?.cast.sendKnown(pc);
    }
  }

  private end(session: Session): void {
    const { id } = session;
    this.keepEnded(session);
    this.tellRoom(session);
    this.equipment.end(session);
    for (const resolve of this.waiting.get(id) ?? []) resolve();
    this.waiting.delete(id);
    this.ports.ended(session);
  }

  private keepEnded(session: Session): void {
    makeRoom(this.ended, endedSessionsKept);
    this.ended.set(session.id, session);
  }

  /** Ten sessions of 50 PCs at once would be 500 messages that everybody else waits for. */
  private tellRooms(): void {
    const { timers } = this.ports;
    const ids = this.receiving().map(({ id }) => id);
    spread(ids, tellRoomEveryMs, timers, (id) => {
      const session = this.engine.get(id);
      if (session === undefined) return;
      session.gauges.timeLeft.note(this.view(session), timers.now());
      this.tellRoom(session);
    });
  }

  private tellRoom(session: Session): void {
    if (receiversOf(session) === null) return;
    const view = this.view(session);
    const message = roomMessage(view);
    for (const pc of roomScreens(session, view))
      this.ports.send(pc, { ...message, sent: this.equipment.sentTo(session.id, pc) });
  }
}

/** Whether an operator took the PC out of the session: it did not end, or stop by itself. */
const isExpelled = (fact: Fact): boolean =>
  "cause" in fact && (fact.cause as Cause | null)?.code === "dropped";
