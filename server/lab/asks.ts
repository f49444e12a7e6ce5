import { RoomcastError } from "../../core/errors.ts";
import type { AgentMessage } from "../../core/wire/control.ts";
import type { CastWish, Lab } from "./lab.ts";

export type Want = Extract<AgentMessage, { type: "ask" }>["want"];

/** As nobody at a PC is asked. */
const usual = {
  disk: null,
  failingDisks: [],
  start: "now",
  startTimeoutSeconds: null,
  delta: false,
  verify: "read-back",
  afterwards: "stay",
} as const satisfies Partial<CastWish>;

/** Does what the person at this PC wants and has confirmed there. Throws what an order throws. */
export function meetWish(lab: Lab, pc: string, want: Want): void {
  switch (want.action) {
    case "stop":
      return lab.sessions.words.stoppedAtPc(pc, want.task);
    case "boot-disk":
      return lab.startFromDisk(pc);
    case "take-seat":
      return lab.rooms.takeSeat(lab.inventory.find(pc));
    case "wipe":
      // How it ends is on the PC's own screen.
      lab.pcs.wipe(pc, { ...want, failingDisks: [] }).catch(() => {});
      return;
    case "capture":
      lab.capture({ pc, name: want.name, disk: want.disk, raw: false });
      return;
    case "restore":
      lab.restore({ ...usual, image: want.image, room: null, pcs: [pc], disk: want.disk });
      return;
    case "cast": {
      const { saveAs, disk: sourceDisk } = want;
      // Its own room and no other: the person has typed the name that the PC was told.
      const { room } = lab.inventory.find(pc);
      if (room !== want.room) {
        const next = "look at the room's name on this screen, and try again";
        throw new RoomcastError("conflict", `this PC is in room ${room} now`, next);
      }
      lab.cast({ ...usual, room, pcs: null, sender: pc, saveAs, sourceDisk, raw: false });
      return;
    }
  }
}
