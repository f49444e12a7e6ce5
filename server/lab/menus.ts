import { errorText } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import { durationText } from "../../core/screen/format.ts";
import { isLocked, type MenuRules } from "../../core/trust/asks.ts";
import * as pinTries from "../../core/trust/pin-tries.ts";
import { type Millis, millis } from "../../core/units/units.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { Right } from "../../core/wire/trust.ts";
import type { PcRecord } from "../state/records.ts";
import type { Announcer } from "./announcer.ts";
import type { Inventory } from "./inventory.ts";
import { PinChecks, type Pins } from "./pin.ts";
import type { LabTimers } from "./timers.ts";

/** Whoever walks away leaves the menu locked again after this. */
export const rightFor = millis(10 * 60_000);

export interface MenusPorts {
  readonly timers: Pick<LabTimers, "now" | "later">;
  readonly clock: Clock;
  readonly inventory: Inventory;
  readonly announcer: Announcer;
  isConnected(pc: string): boolean;
  send(pc: string, message: ServerMessage): void;
  log(fields: Record<string, unknown>, text: string): void;
}

/** What a PIN allows at one PC, on the connection on which it was typed. */
interface Held {
  readonly right: Right;
  readonly room: string;
  /** Calls off its end. */
  stop(): void;
}

/** A PIN that is being checked. */
interface Check {
  /** The connection on which it was typed is gone. */
  isGone: boolean;
}

/** The menus of the PCs: which are locked, and the PINs that open them. PINs are checked here and nowhere else. */
export class Menus {
  private readonly ports: MenusPorts;
  private readonly checks = new PinChecks();
  private tries = pinTries.noTries;
  private readonly held = new Map<string, Held>();
  private readonly checking = new Map<string, Check>();
  /** Calls off the end of the hour in which a room's menus are shut. */
  private readonly shut = new Map<string, () => void>();
  private isClosed = false;

  constructor(ports: MenusPorts) {
    this.ports = ports;
  }

  /** What the PIN that was typed at this PC allows now. */
  rightOf({ id, room }: PcRecord): Right | null {
    const held = this.held.get(id);
    if (held === undefined || held.room === room) return held?.right ?? null;
    // It ended when the PC was moved, and does not come back with it.
    this.drop(id);
    return null;
  }

  rulesOf({ room }: PcRecord): MenuRules {
    const { pin, settings } = this.ports.inventory.room(room);
    return { hasPin: pin !== null, ask: settings.ask };
  }

  /** Whether nothing but waiting and asking is left to who is at this PC. */
  isLocked(pc: PcRecord): boolean {
    return isLocked(this.rulesOf(pc), this.rightOf(pc));
  }

  /** Until when the menus of a room take no PIN, as a time of day; null: they do. */
  shutUntil(room: string): string | null {
    const { timers, clock } = this.ports;
    const now = timers.now();
    const until = pinTries.shutUntil(this.tries, room, now);
    if (until === null) return null;
    return new Date(Date.parse(clock.isoTime()) + (until - now)).toISOString();
  }

  /** Somebody has typed a PIN at this PC. */
  unlock(pc: PcRecord, typed: string): void {
    const { timers, send } = this.ports;
    const pins = this.pinsOf(pc.room);
    if (pins.menu === null && pins.instructor === null) return this.tell(pc);
    if (this.checking.has(pc.id)) {
      return send(pc.id, {
        type: "notice",
        text: "The PIN before this one is still being checked.",
      });
    }
    const made = { pc: pc.id, room: pc.room, at: timers.now() };
    const [tries, gate] = pinTries.begin(this.tries, made);
    this.tries = tries;
    if (gate.state !== "open") {
      return send(pc.id, { type: "notice", text: this.gateText(gate) });
    }
    const check: Check = { isGone: false };
    this.checking.set(pc.id, check);
    this.checks
      .check(typed, pins)
      .then((right) => {
        if (this.isClosed) return;
        this.checking.delete(pc.id);
        this.checked(made, check, right, pins);
      })
      .catch((error: unknown) => {
        this.checking.delete(pc.id);
        this.ports.log({ pc: pc.name, reason: errorText(error) }, "a PIN could not be checked");
      });
  }

  /** Somebody is at this PC, and uses what the PIN allows. */
  used(pc: PcRecord): void {
    const held = this.held.get(pc.id);
    if (held !== undefined) this.hold(pc.id, held);
  }

  /** The connection is gone, and with it what was allowed on it. */
  lost(id: string): void {
    const check = this.checking.get(id);
    if (check !== undefined) check.isGone = true;
    this.drop(id);
  }

  /** Says to a PC whether its menu is locked. */
  tell(pc: PcRecord): void {
    const { menu, instructor } = this.pinsOf(pc.room);
    const pins = { menu: menu !== null, instructor: instructor !== null };
    this.ports.send(pc.id, { type: "menu", pins, right: this.rightOf(pc) });
  }

  /** The PINs of a room are others now: what was typed before holds no more. */
  pinsChanged(room: string): void {
    for (const { id } of this.ports.inventory.pcsOf(room)) this.drop(id);
    this.forgive(room);
  }

  /** An operator opens the menus of a room that are shut. */
  open(room: string): void {
    this.forgive(room);
    this.ports.announcer.note({ room }, "its PCs take PINs again");
    this.tellRoom(room);
  }

  close(): void {
    this.isClosed = true;
    for (const id of [...this.held.keys()]) this.drop(id);
    for (const stop of this.shut.values()) stop();
  }

  private checked(made: pinTries.PinTry, check: Check, right: Right | null, pins: Pins): void {
    const { inventory, announcer, send } = this.ports;
    const pc = inventory.get(made.pc);
    if (right === null) return this.failed(made, pc);
    this.tries = pinTries.right(this.tries, made);
    if (pc === undefined || check.isGone || pc.room !== made.room) return;
    const now = this.pinsOf(pc.room);
    if (now.menu !== pins.menu || now.instructor !== pins.instructor) return this.tell(pc);
    this.hold(pc.id, { right, room: pc.room });
    const whose = right === "menu" ? "the room's PIN" : "the instructor's PIN";
    announcer.note({ pc: pc.id }, `its menu was opened with ${whose}`);
    this.tell(pc);
    const long = durationText(rightFor / 1000);
    const text = `That was ${whose}: it holds for ${long}, and as long again after each request.`;
    send(pc.id, { type: "notice", text });
  }

  private failed(made: pinTries.PinTry, pc: PcRecord | undefined): void {
    const { timers, announcer, send } = this.ports;
    const [tries, fault] = pinTries.wrong(this.tries, made, timers.now());
    this.tries = tries;
    const about = { room: made.room, ...(pc === undefined ? {} : { pc: pc.id }) };
    announcer.note(about, `a wrong PIN was typed at its menu${faultText(fault, timers.now())}`);
    if (fault.type === "shut") this.shutMenus(made.room);
    if (pc === undefined) return;
    const text =
      fault.type === "wrong"
        ? triesText(fault.left)
        : this.gateText({ ...fault, state: fault.type });
    send(pc.id, { type: "notice", text: `That was not the room's PIN. ${text}` });
  }

  private shutMenus(room: string): void {
    const { timers, inventory, announcer } = this.ports;
    for (const { id } of inventory.pcsOf(room)) this.drop(id);
    this.shut.get(room)?.();
    const opens = timers.later(pinTries.shutFor, () => {
      this.shut.delete(room);
      this.tellRoom(room);
    });
    this.shut.set(room, opens);
    announcer.note(
      { room },
      `its menus are shut: ${pinTries.triesInRoom} wrong PINs within an hour; \`roomcast room unlock ${room}\` opens them`,
    );
    this.tellRoom(room);
  }

  private forgive(room: string): void {
    const pcs = this.ports.inventory.pcsOf(room).map(({ id }) => id);
    this.tries = pinTries.opened(this.tries, room, pcs);
    this.shut.get(room)?.();
    this.shut.delete(room);
  }

  private tellRoom(room: string): void {
    const { inventory, announcer } = this.ports;
    announcer.room(room);
    for (const pc of inventory.pcsOf(room)) this.tell(pc);
  }

  private hold(id: string, { right, room }: Pick<Held, "right" | "room">): void {
    const { timers, inventory } = this.ports;
    this.drop(id);
    const stop = timers.later(rightFor, () => {
      this.held.delete(id);
      const pc = inventory.get(id);
      if (pc !== undefined) this.tell(pc);
    });
    this.held.set(id, { right, room, stop });
  }

  private drop(id: string): void {
    this.held.get(id)?.stop();
    this.held.delete(id);
  }

  private pinsOf(name: string): Pins {
    const { pin, instructorPin } = this.ports.inventory.room(name);
    return { menu: pin, instructor: instructorPin };
  }

  private gateText(gate: Exclude<pinTries.PinGate, { state: "open" }>): string {
    const wait = durationText((gate.until - this.ports.timers.now()) / 1000);
    return gate.state === "paused"
      ? `This PC takes the next PIN in ${wait}.`
      : `Too many wrong PINs in this room: its menus are shut for ${wait}, or until an operator opens them.`;
  }
}

const triesText = (left: number): string =>
  left === 1 ? "One more, and this PC takes none for a while." : `${left} more tries.`;

/** For the history. */
function faultText(fault: pinTries.PinFault, now: Millis): string {
  if (fault.type !== "paused") return "";
  return `: it takes none for ${durationText((fault.until - now) / 1000)}`;
}
