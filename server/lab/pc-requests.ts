/** What the person at a PC asks for in its menu. */
import { RoomcastError } from "../../core/errors.ts";
import { isAtLeast, type Level } from "../../core/trust/level.ts";
import type { AgentMessage } from "../../core/wire/control.ts";
import type { Lab, NamedCast } from "./lab.ts";

export type PcRequest = Extract<AgentMessage, { type: "ask" }>["want"];

/** What the menu does not ask about. */
const usual = {
  disk: null,
  failingDisks: [],
  start: "now",
  startTimeoutSeconds: null,
  delta: false,
  verify: "read-back",
  afterwards: "stay",
} as const satisfies Partial<NamedCast>;

/** What a PC has to be for what is asked for there: nobody reaches others from a PC whose key does not last. */
const levelFor: Readonly<Record<PcRequest["action"], Level>> = {
  "take-seat": "waiting",
  "boot-disk": "unproven",
  stop: "unproven",
  restore: "unproven",
  capture: "unproven",
  wipe: "unproven",
  cast: "placed",
};

/** Does what the person at this PC asks for and has confirmed there; throws as the operator's order does. */
export function meetRequest(lab: Lab, pc: string, request: PcRequest): void {
  requireLevel(lab, pc, levelFor[request.action]);
  switch (request.action) {
    case "stop":
      return lab.sessions.stoppedAtPc(pc, request.session);
    case "boot-disk":
      return lab.startFromDisk(pc);
    case "take-seat":
      return lab.rooms.takeSeat(lab.inventory.find(pc));
    case "wipe":
      lab.wipe({ pc, method: request.method, disk: request.disk, failingDisks: [] }, null);
      return;
    case "capture":
      lab.capture({ pc, name: request.name, disk: request.disk, raw: false }, null);
      return;
    case "restore":
      lab.restore(
        { ...usual, image: request.image, room: null, pcs: [pc], disk: request.disk },
        null,
      );
      return;
    case "cast": {
      const { saveAs, disk: sourceDisk } = request;
      // Its own room and no other: the person has typed the name that the PC was told.
      const { room } = lab.inventory.find(pc);
      if (room !== request.room) {
        const next = "look at the room's name on this screen, and try again";
        throw new RoomcastError("conflict", `this PC is in room ${room} now`, next);
      }
      lab.cast({ ...usual, room, pcs: null, sender: pc, saveAs, sourceDisk, raw: false }, null);
      return;
    }
  }
}

function requireLevel(lab: Lab, pc: string, needed: Level): void {
  const { level } = lab.admissions.standing(pc);
  if (isAtLeast(level, needed)) return;
  throw isAtLeast(level, "unproven")
    ? new RoomcastError(
        "refused",
        "this PC has no lasting key, and so it may ask for nothing that reaches other PCs",
        "an operator can order it on the server",
      )
    : new RoomcastError(
        "refused",
        "nobody has placed this PC yet",
        "tell an operator the code on this screen",
      );
}
