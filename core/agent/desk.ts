/**
 * The person at the PC, whatever page of the menu is open: what the server and the checks have said,
 * the room's PIN, and what the person wants. It knows no task and no socket.
 */
import { never } from "../errors.ts";
import { type Millis, millis } from "../units/units.ts";
import type { AgentMessage, Placed, RoomTarget, WipeOrder } from "../wire/control.ts";
import type { PinHash } from "../wire/rooms.ts";
import type { ImageView } from "../wire/views.ts";
import type { Power } from "./life.ts";

/** Whoever walks away leaves the menu locked again after this. */
export const openFor = millis(10 * 60_000);

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
  /** As the server has them; null before it has said so. */
  readonly name: string | null;
  readonly room: string | null;
  readonly place: Placed | null;
  /** Until when the PIN that was typed holds; null: none was. */
  readonly openUntil: Millis | null;
  /** The shell on the second console is held back with the menu. */
  readonly isShellLocked: boolean;
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
  /** A line for the person; null takes the last one away. */
  | { readonly type: "notice"; readonly text: string | null }
  | { readonly type: "images"; readonly images: readonly ImageView[] }
  | { readonly type: "targets"; readonly targets: readonly RoomTarget[] }
  | { readonly type: "findings"; readonly findings: readonly Finding[] }
  /** The network check is over; why it broke, or null. */
  | { readonly type: "checked"; readonly trouble: string | null }
  /** Whether what was typed is this PIN. */
  | { readonly type: "pin"; readonly pin: PinHash; readonly isRight: boolean }
  | { readonly type: "tick" };

/** What is to be done for the person. */
export type DeskRequest =
  | { readonly type: "ask"; readonly want: Extract<AgentMessage, { type: "ask" }>["want"] }
  | { readonly type: "fetch-images" }
  | { readonly type: "fetch-targets"; readonly room: string }
  | { readonly type: "check" }
  | { readonly type: "check-pin"; readonly typed: string; readonly pin: PinHash }
  | { readonly type: "lock-shell"; readonly isLocked: boolean }
  | { readonly type: "open-shell" }
  | { readonly type: "stop" }
  | { readonly type: "dismiss" }
  | { readonly type: "power"; readonly action: Power };

export type DeskStep = readonly [Desk, readonly DeskRequest[]];

export const emptyDesk: Desk = {
  name: null,
  room: null,
  place: null,
  openUntil: null,
  isShellLocked: false,
  notice: null,
  images: null,
  targets: null,
  findings: null,
  isChecking: false,
};

/** The room has a PIN, and nobody has typed it here lately. It goes on to hold while the server is away. */
export function isLocked({ place, openUntil }: Desk, now: Millis): boolean {
  if ((place?.pin ?? null) === null) return false;
  return openUntil === null || now >= openUntil;
}

/** Takes what happened at the desk, or what it is told. */
export function atDesk(before: Desk, event: DeskEvent, now: Millis): DeskStep {
  const [desk, requests] = taken(before, event, now);
  const isShellLocked = isLocked(desk, now);
  if (isShellLocked === desk.isShellLocked) return [desk, requests];
  // The lock falls shut by itself, too.
  return [
    { ...desk, isShellLocked },
    [...requests, { type: "lock-shell", isLocked: isShellLocked }],
  ];
}

function taken(desk: Desk, event: DeskEvent, now: Millis): DeskStep {
  switch (event.type) {
    case "chose":
      return chose(desk, event.chosen, now);
    case "welcome":
      return [{ ...desk, name: event.name, room: event.room }, []];
    case "placed": {
      const { placed } = event;
      const { name, room, pin } = placed;
      // Another PIN locks the menu.
      const openUntil = pin?.hash === desk.place?.pin?.hash ? desk.openUntil : null;
      return [{ ...desk, name, room, place: placed, openUntil, notice: null }, []];
    }
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
    case "pin": {
      const isStill = desk.place?.pin?.hash === event.pin.hash;
      if (!event.isRight || !isStill) {
        return [{ ...desk, notice: "That was not the room's PIN." }, []];
      }
      return [{ ...desk, openUntil: millis(now + openFor), notice: null }, []];
    }
    case "tick":
      return [desk, []];
    default:
      return never(event);
  }
}

/** What anyone may do at a PC that is locked; all else waits for the PIN. */
const isFree = ({ action }: MenuAction): boolean =>
  action === "unlock" || action === "dismiss" || action === "take-seat";

function chose(desk: Desk, chosen: MenuAction, now: Millis): DeskStep {
  if (!isLocked(desk, now)) {
    // Someone is at it, and has shown the PIN before.
    const openUntil = desk.openUntil === null ? null : millis(now + openFor);
    return requested({ ...desk, openUntil }, chosen);
  }
  if (isFree(chosen)) return requested(desk, chosen);
  return [{ ...desk, notice: "The menu is locked: type the room's PIN first." }, []];
}

function requested(desk: Desk, chosen: MenuAction): DeskStep {
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
      return [desk, [{ type: "ask", want: chosen }]];
    case "check":
      if (desk.isChecking) return [desk, []];
      return [{ ...desk, isChecking: true, findings: null }, [{ type: "check" }]];
    case "stop":
      return [desk, [{ type: "stop" }]];
    case "dismiss":
      return [{ ...desk, notice: null }, [{ type: "dismiss" }]];
    case "unlock": {
      const pin = desk.place?.pin ?? null;
      return [desk, pin === null ? [] : [{ type: "check-pin", typed: chosen.pin, pin }]];
    }
    case "shell":
      return [desk, [{ type: "open-shell" }]];
    case "reboot":
    case "poweroff":
    case "boot-disk":
      return [desk, [{ type: "power", action: chosen.action }]];
    default:
      return never(chosen);
  }
}
