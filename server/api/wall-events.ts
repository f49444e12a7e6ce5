import type { ApiEvent } from "../../core/wire/api.ts";
import { type WallEvent, wallPc, wallRoom, wallSession } from "../../core/wire/wall.ts";
import type { Lab } from "../lab/lab.ts";

/** What of a lab's events the wall of one room hears. */
export class WallEvents {
  private readonly lab: Pick<Lab, "inventory">;
  private readonly room: string;
  /** PCs that it was told of. */
  private readonly shown = new Set<string>();

  constructor(lab: Pick<Lab, "inventory">, room: string) {
    this.lab = lab;
    this.room = room;
  }

  /** Null: nothing of it is for the wall. */
  take(event: ApiEvent): WallEvent | null {
    switch (event.type) {
      case "room":
        return event.room.name === this.room ? { type: "room", room: wallRoom(event.room) } : null;
      case "room-gone":
        return event.name === this.room ? event : null;
      case "pc": {
        const { pc } = event;
        if (pc.room !== this.room) return this.goneOf(pc.id);
        this.shown.add(pc.id);
        return { type: "pc", pc: wallPc(pc) };
      }
      case "pc-gone":
        return this.goneOf(event.id);
      case "session": {
        const { session } = event;
        const told = wallSession(session, (pc) => this.isHere(pc));
        const isHere = session.room === this.room || told.members.length > 0;
        if (!isHere) return null;
        return { type: "session", session: { ...told, room: this.room } };
      }
      case "ready":
        return event;
      default:
        return null;
    }
  }

  private goneOf(id: string): WallEvent | null {
    return this.shown.delete(id) ? { type: "pc-gone", id } : null;
  }

  private isHere(pc: string): boolean {
    return this.lab.inventory.get(pc)?.room === this.room;
  }
}
