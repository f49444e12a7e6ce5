/**
 * The person at the PC, whatever page of the menu is open: what the server and the checks have said, and
 * what the person wants. It asks and shows; the server decides. It knows no task, no socket and no PIN.
 */
import { never } from "../errors.ts";
import type { AgentMessage } from "../wire/agent-message.ts";
import type { RoomTarget } from "../wire/grant.ts";
import type { WipeOrder } from "../wire/orders.ts";
import type { Placed } from "../wire/server-message.ts";
import type { MenuState } from "../wire/trust.ts";
import type { ImageView } from "../wire/views.ts";
import type { Power } from "./life.ts";

/** What the person chose in the menu. Whatever destroys was confirmed there. */
export type MenuAction =
  | { readonly action: "images" }
  | { readonly action: "targets"; readonly room: string }
  | { readonly action: "restore"; readonly image: string; readonly disk: string }
  | { readonly action: "capture"; readonly name: string; readonly disk: string }
  /** This PC's disk to all others of its room; `saveAs`: the image that it is stored as, too. */
  | {
      readonly action: "cast";
      readonly room: string;
      readonly saveAs: string | null;
      readonly disk: string;
    }
  | { readonly action: "wipe"; readonly method: WipeOrder["method"]; readonly disk: string }
  | { readonly action: "check" }
  | { readonly action: "stop" }
  | { readonly action: "dismiss" }
  | { readonly action: "unlock"; readonly pin: string }
  | { readonly action: "take-seat" }
  /** What waits for an operator is wanted no more. */
  | { readonly action: "withdraw" }
  | { readonly action: "shell" }
  | { readonly action: Power };

/** One thing that was looked at on the way to the server; `good` is null while it is not known. */
export interface Finding {
  readonly title: string;
  readonly good: boolean | null;
  /** What was found and, where it is not good, what to check. */
  readonly text: string;
}

export interface Desk {
  readonly isConnected: boolean;
  /** As the server has them; null before it has said so. */
  readonly name: string | null;
  readonly room: string | null;
  readonly place: Placed | null;
  /** What the server says of this PC's menu; null: it has said nothing yet. */
  readonly menu: MenuState | null;
  /** Whether the shell on the second console is held back; null: as the PC started. */
  readonly isShellLocked: boolean | null;
  /** What waits for an operator's yes, in words. */
  readonly waiting: string | null;
  readonly notice: string | null;
  /** null: not fetched yet. */
  readonly images: readonly ImageView[] | null;
  readonly targets: readonly RoomTarget[] | null;
  readonly findings: readonly Finding[] | null;
  readonly isChecking: boolean;
}

export type DeskEvent =
  | { readonly type: "chose"; readonly chosen: MenuAction }
  | { readonly type: "welcome"; readonly name: string; readonly room: string }
  | { readonly type: "placed"; readonly placed: Placed }
  | { readonly type: "menu"; readonly menu: MenuState }
  | { readonly type: "waiting"; readonly what: string | null }
  /** The connection to the server is gone. */
  | { readonly type: "down" }
  /** A line for the person; null takes the last one away. */
  | { readonly type: "notice"; readonly text: string | null }
  | { readonly type: "images"; readonly images: readonly ImageView[] }
  | { readonly type: "targets"; readonly targets: readonly RoomTarget[] }
  | { readonly type: "findings"; readonly findings: readonly Finding[] }
  /** The network check is over; why it broke, or null. */
  | { readonly type: "checked"; readonly trouble: string | null };

/** What is to be done for the person. */
export type DeskRequest =
  | { readonly type: "ask"; readonly want: Extract<AgentMessage, { type: "ask" }>["want"] }
  | { readonly type: "fetch-images" }
  | { readonly type: "fetch-targets"; readonly room: string }
  | { readonly type: "check" }
  | { readonly type: "unlock"; readonly pin: string }
  | { readonly type: "lock-shell"; readonly isLocked: boolean }
  | { readonly type: "open-shell" }
  | { readonly type: "stop" }
  | { readonly type: "dismiss" }
  | { readonly type: "power"; readonly action: Power };

export type DeskStep = readonly [Desk, readonly DeskRequest[]];

export const emptyDesk: Desk = {
  isConnected: false,
  name: null,
  room: null,
  place: null,
  menu: null,
  isShellLocked: null,
  waiting: null,
  notice: null,
  images: null,
  targets: null,
  findings: null,
  isChecking: false,
};

/** The room has a PIN, and the server knows of none that was typed on this connection and still holds. */
export const isLocked = ({ menu }: Desk): boolean =>
  menu?.pins.menu === true && menu.right === null;

/** The PIN that would allow more here than what is allowed now. */
export function unlocks({ menu, isConnected }: Desk): "menu" | "instructor" | null {
  if (menu === null || !isConnected || menu.right === "instructor") return null;
  if (menu.pins.menu && menu.right === null) return "menu";
  return menu.pins.instructor ? "instructor" : null;
}

/** Takes what happened at the desk, or what it is told. */
export function atDesk(desk: Desk, event: DeskEvent): DeskStep {
  switch (event.type) {
    case "chose":
      return chose(desk, event.chosen);
    case "welcome":
      return [{ ...desk, isConnected: true, name: event.name, room: event.room }, []];
    case "placed": {
      const { placed } = event;
      const { name, room } = placed;
      return [{ ...desk, name, room, place: placed, notice: null }, []];
    }
    case "menu":
      return withMenu(desk, event.menu);
    case "waiting":
      return [{ ...desk, waiting: event.what, notice: null }, []];
    case "down":
      return down(desk);
    case "notice":
      return [{ ...desk, notice: event.text }, []];
    case "images":
      return [{ ...desk, images: event.images }, []];
    case "targets":
      return [{ ...desk, targets: event.targets }, []];
    case "findings":
      return [{ ...desk, findings: event.findings }, []];
    case "checked":
      return [{ ...desk, isChecking: false, notice: event.trouble ?? desk.notice }, []];
    default:
      return never(event);
  }
}

/** The shell on the second console goes with the menu. */
function withMenu(before: Desk, menu: MenuState): DeskStep {
  const desk = { ...before, menu };
  const isShellLocked = isLocked(desk);
  if (isShellLocked === before.isShellLocked) return [desk, []];
  return [{ ...desk, isShellLocked }, [{ type: "lock-shell", isLocked: isShellLocked }]];
}

/** What was allowed, or asked for, was so on the connection that is gone. */
function down(desk: Desk): DeskStep {
  const { menu, waiting } = desk;
  const notice =
    waiting === null
      ? desk.notice
      : "The connection to the server broke: ask again when it is back.";
  const rest = { ...desk, isConnected: false, waiting: null, notice };
  if (menu === null) return [rest, []];
  return withMenu(rest, { ...menu, right: null });
}

/**
 * What needs the PIN where the room has one. What the server decides is asked for without it, too; and
 * without a server, which alone knows a PIN, work can still be stopped.
 */
function needsPin({ isConnected }: Desk, { action }: MenuAction): boolean {
  switch (action) {
    case "images":
    case "targets":
    case "check":
    case "shell":
    case "reboot":
    case "poweroff":
    case "boot-disk":
      return true;
    case "stop":
      return isConnected;
    default:
      return false;
  }
}

function chose(desk: Desk, chosen: MenuAction): DeskStep {
  if (isLocked(desk) && needsPin(desk, chosen)) {
    return [{ ...desk, notice: "The menu is locked: type the room's PIN first." }, []];
  }
  switch (chosen.action) {
    case "images":
      return [desk, [{ type: "fetch-images" }]];
    case "targets":
      return [{ ...desk, targets: null }, [{ type: "fetch-targets", room: chosen.room }]];
    case "restore":
    case "capture":
    case "cast":
    case "wipe":
    case "take-seat":
    case "withdraw":
      return [desk, [{ type: "ask", want: chosen }]];
    case "check":
      if (desk.isChecking) return [desk, []];
      return [{ ...desk, isChecking: true, findings: null }, [{ type: "check" }]];
    case "stop":
      return [desk, [{ type: "stop" }]];
    case "dismiss":
      return [{ ...desk, notice: null }, [{ type: "dismiss" }]];
    case "unlock":
      return [desk, [{ type: "unlock", pin: chosen.pin }]];
    case "shell":
      if (desk.menu !== null) return [desk, [{ type: "open-shell" }]];
      return [{ ...desk, notice: "The server has not said yet whether this room has a PIN." }, []];
    case "reboot":
    case "poweroff":
    case "boot-disk":
      return [desk, [{ type: "power", action: chosen.action }]];
    default:
      return never(chosen);
  }
}
