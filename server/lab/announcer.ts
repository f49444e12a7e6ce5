import type { Clock } from "../../core/ports.ts";
import { printable } from "../../core/units/printable.ts";
import type { RoomView } from "../../core/wire/rooms.ts";
import type { PcView, SessionView } from "../../core/wire/views.ts";
import type { EventRecord, PcRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import { Feed } from "./feed.ts";
import type { Inventory } from "./inventory.ts";
import type { LabTimers } from "./timers.ts";

/** What an event is about; what is left out is filled in from the session and the PC. */
export type Subjects = Partial<Omit<EventRecord, "at" | "text">>;

export interface AnnouncerPorts {
  readonly state: StateStore;
  readonly clock: Clock;
  readonly timers: LabTimers;
  log(fields: Record<string, unknown>, text: string): void;
  readonly inventory: Pick<Inventory, "get" | "hasRoom">;
  pcView(pc: PcRecord): PcView;
  roomView(name: string): RoomView;
  /** Throws `not-found`. */
  sessionView(id: string): SessionView;
  /** The room and the image of a session; throws `not-found`. */
  sessionSubjects(id: string): { readonly room: string | null; readonly image: string | null };
}

/** Tells whoever watches what has changed, and writes down what has happened. */
export class Announcer {
  readonly feed: Feed;
  /** What is wrong now, in words. */
  warnings: readonly string[] = [];
  private readonly ports: AnnouncerPorts;
  private told: readonly string[] = [];
  private trouble: string | null = null;
  private unwritten: string | null = null;

  constructor(ports: AnnouncerPorts) {
    this.ports = ports;
    this.feed = new Feed(ports.timers);
  }

  /** Stores an event, logs it, and tells it. Of the words in it, some are anybody's. */
  note(about: Subjects, words: string): void {
    const text = printable(words);
    const at = this.ports.clock.isoTime();
    const event: EventRecord = { at, ...this.complete(about), text };
    this.ports.state.addEvent(event);
    const { session, pc, room, operator } = event;
    const name = pc === null ? null : (this.ports.inventory.get(pc)?.name ?? pc);
    this.ports.log({ session, pc: name, room, operator }, text);
    const who = [session, name, session === null && name === null ? room : null];
    const subject = who.filter((part) => part !== null).join(" ");
    this.feed.say({ type: "note", time: at, text: subject === "" ? text : `${subject}: ${text}` });
  }

  /** Tells what is wrong now; all of it, so that what is not said any more is over. */
  warn(texts: readonly string[]): void {
    this.told = texts;
    this.tellWarnings();
  }

  /** The sessions' journal cannot be written, and why; null: it can be again. */
  stuck(reason: string | null): void {
    if (this.trouble === reason) return;
    this.trouble = reason;
    this.ports.log({ reason }, reason === null ? "sessions go on" : "sessions stand still");
    this.tellWarnings();
  }

  /** What may wait for the disk is not taken by it, and why; null: it is again. */
  notWritten(reason: string | null): void {
    if (this.unwritten === reason) return;
    this.unwritten = reason;
    this.tellWarnings();
  }

  private tellWarnings(): void {
    const { told, trouble, unwritten } = this;
    const what = "what happens cannot be written down";
    if (trouble !== null)
      this.warnings = [...told, `sessions stand still, since ${what}: ${trouble}`];
    else this.warnings = unwritten === null ? told : [...told, `${what}: ${unwritten}`];
    this.feed.say({ type: "warnings", texts: [...this.warnings] });
  }

  pc(id: string): void {
    this.feed.soon(`pc ${id}`, () => {
      const pc = this.ports.inventory.get(id);
      return pc === undefined ? { type: "pc-gone", id } : { type: "pc", pc: this.ports.pcView(pc) };
    });
  }

  /** Something of a room has changed: its settings, its seats, its session, or a PC of it. */
  room(name: string): void {
    this.feed.soon(`room ${name}`, () =>
      this.ports.inventory.hasRoom(name)
        ? { type: "room", room: this.ports.roomView(name) }
        : { type: "room-gone", name },
    );
  }

  session(id: string): void {
    this.feed.soon(`session ${id}`, () => ({
      type: "session",
      session: this.ports.sessionView(id),
    }));
  }

  sessionEnded(id: string): void {
    const session = this.ports.sessionView(id);
    this.feed.now(`session ${id}`, { type: "session", session });
    for (const { pc } of session.members) this.pc(pc);
    if (session.room !== null) this.room(session.room);
  }

  private complete(about: Subjects): Omit<EventRecord, "at" | "text"> {
    const { session = null, pc = null, operator = null } = about;
    const of = session === null ? null : this.ports.sessionSubjects(session);
    const roomOfPc = pc === null ? null : (this.ports.inventory.get(pc)?.room ?? null);
    return {
      session,
      pc,
      room: about.room ?? of?.room ?? roomOfPc,
      image: about.image ?? of?.image ?? null,
      operator,
    };
  }
}
