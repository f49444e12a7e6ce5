/** What the PC's screen shows, and what a person at the PC may request. The menu knows nothing else. */
import type { Finding } from "../../core/agent/desk.ts";
import type { LinkWord } from "../../core/agent/link.ts";
import type { RoomTarget } from "../../core/wire/grant.ts";
import type { Hello } from "../../core/wire/hello.ts";
import type { Language } from "../../core/wire/language.ts";
import type { LinkLevel } from "../../core/wire/login.ts";
import type { WipeOrder } from "../../core/wire/orders.ts";
import type { Placed } from "../../core/wire/server-message.ts";
import type { DiskView, ImageView } from "../../core/wire/views.ts";
import type { Counters } from "../../core/wire/work.ts";

export interface TaskView {
  readonly kind: "restore" | "capture" | "cast" | "wipe";
  /** NAME@VERSION, or the name a capture will get. */
  readonly image: string | null;
  readonly disk: DiskView | null;
  readonly phase:
    | "preparing"
    | "scanning"
    | "receiving"
    | "verifying"
    | "growing"
    | "personalising"
    | "capturing"
    | "sending"
    | "wiping"
    | "ended";
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  /** Bytes a second over the last seconds. */
  readonly rateBps: number | null;
  /** Of a restore until it is read back, as in `room`; of other work until the present phase is over. */
  readonly secondsLeft: number | null;
  /** The work needs the server, and there is no connection to it. */
  readonly isCutOff: boolean;
  readonly counters: Counters | null;
  /** What is wrong with this PC although the task continues. */
  readonly trouble: string | null;
  /** The whole room, while the server reports it. */
  readonly room: {
    readonly members: number;
    readonly verified: number;
    readonly failed: number;
    readonly progress: number;
    readonly secondsLeft: number | null;
  } | null;
  /** Set once the task has ended. */
  readonly outcome: {
    readonly result: "verified" | "done" | "failed" | "refused" | "stopped";
    readonly reason: string | null;
    readonly next: string | null;
  } | null;
}

/** What the PC is, for a person in front of it. */
export type HardwareView = Pick<
  Hello,
  "agentVersion" | "firmware" | "secureBoot" | "memoryBytes" | "nic" | "identity"
>;

export type WipeMethod = WipeOrder["method"];

export interface MenuView {
  readonly language: Language;
  readonly pc: {
    readonly name: string | null;
    readonly room: string | null;
    readonly mac: string;
    readonly ip: string | null;
  };
  readonly server: {
    readonly url: string | null;
    /** `other-version`: the server answers, but speaks another version of the protocol. */
    readonly state: LinkWord;
    readonly detail: string | null;
  };
  /** What the server lets this PC do; null before it has said so. */
  readonly level: LinkLevel | null;
  /** The six digits of this connection, made by this PC itself; null while there is none. */
  readonly code: string | null;
  /** The place that the server gave this PC; null before it has. */
  readonly place: Omit<Placed, "type" | "name" | "room" | "level"> | null;
  /** The room has a PIN, and the server knows of nobody who typed it here lately. */
  readonly isLocked: boolean;
  /** A PIN may be typed that allows more: the room's, or the instructor's; null: none. */
  readonly unlocks: "menu" | "instructor" | null;
  /** What was asked for and waits for an operator's yes, in words. */
  readonly waiting: string | null;
  readonly disks: readonly DiskView[];
  /** A disk was left by a restore that did not finish: it does not start. */
  readonly isHalfWritten: boolean;
  /** What is wrong with this PC now and how to fix it, in sentences. */
  readonly troubles: readonly string[];
  /** null: not fetched yet. */
  readonly images: readonly ImageView[] | null;
  /** The disks of the room that a cast would overwrite, and this PC's own; null: not fetched yet. */
  readonly targets: readonly RoomTarget[] | null;
  readonly task: TaskView | null;
  readonly hardware: HardwareView;
  /** The latest network check; null: none yet. */
  readonly check: readonly Finding[] | null;
  /** A line from the server, or why the last request failed. */
  readonly notice: string | null;
}

/** The open menu, as the agent uses it; `openMenu` in `menu.ts` makes it. */
export interface Menu {
  show(view: MenuView): void;
  /** Gives the screen to a shell, and takes it back. */
  suspend(): void;
  resume(): void;
  /** The text on the screen now, a line per row. */
  picture(): readonly string[];
  close(): void;
}
