/** What the PC's screen shows, and what the person at it may ask for. The menu knows nothing else. */
import type { Finding } from "../../core/agent/desk.ts";
import type { LinkWord } from "../../core/agent/link.ts";
import type { Counters, Hello, Placed, RoomTarget, WipeOrder } from "../../core/wire/control.ts";
import type { DiskView, ImageView } from "../../core/wire/views.ts";

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
    | "capturing"
    | "sending"
    | "wiping"
    | "ended";
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  /** Bytes a second, lately. */
  readonly rateBps: number | null;
  readonly secondsLeft: number | null;
  /** The work needs the server, and there is no connection to it. */
  readonly isCutOff: boolean;
  readonly counters: Counters | null;
  /** What is not as it should be with this PC, while it goes on all the same. */
  readonly trouble: string | null;
  /** The whole room, while the server says so. */
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

/** What the PC is, for whoever stands before it. */
export type HardwareView = Pick<
  Hello,
  "agentVersion" | "firmware" | "secureBoot" | "memoryBytes" | "nic" | "identity"
>;

export type WipeMethod = WipeOrder["method"];

export interface MenuView {
  readonly pc: {
    readonly name: string | null;
    readonly room: string | null;
    readonly mac: string;
    readonly ip: string | null;
  };
  readonly server: {
    readonly url: string | null;
    readonly state: LinkWord;
    readonly detail: string | null;
  };
  /** What the server said of this PC's place; null before it has. */
  readonly place: Omit<Placed, "type" | "name" | "room"> | null;
  /** The room has a PIN, and nobody has typed it here lately. */
  readonly isLocked: boolean;
  readonly disks: readonly DiskView[];
  /** A disk was left by a restore that did not finish: it does not start. */
  readonly isHalfWritten: boolean;
  /** What is wrong with this PC as it stands, with the cure; sentences. */
  readonly troubles: readonly string[];
  /** null: not fetched yet. */
  readonly images: readonly ImageView[] | null;
  /** The disks of the room that a cast would overwrite, this PC's own among them; null: not fetched yet. */
  readonly targets: readonly RoomTarget[] | null;
  readonly task: TaskView | null;
  readonly hardware: HardwareView;
  /** The network check that was asked for last; null: none yet. */
  readonly check: readonly Finding[] | null;
  /** A line from the server, or why the last wish could not be met. */
  readonly notice: string | null;
}

/** The menu as the agent holds it; made by `openMenu` in `menu.ts`. */
export interface Menu {
  show(view: MenuView): void;
  /** Leaves the screen to someone else (a shell), and takes it back. */
  suspend(): void;
  resume(): void;
  /** What is on the screen now, a line of text a row. */
  picture(): readonly string[];
  close(): void;
}
