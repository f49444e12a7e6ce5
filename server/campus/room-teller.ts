/** Tells the campus how this server's rooms are: what changed, and twice a second at most. */
import { ownRoom, type Standings } from "../../core/campus/room-standing.ts";
import type { PublishedRoom } from "../../core/wire/campus.ts";
import type { NewView, RoomTables } from "./room-tables.ts";

/** Milliseconds between two times: with the look of who sees it, an event is seen within a second. */
const publishEvery = 500;

/** This server's rooms by folded name, and how each is. */
export interface TellerPorts {
  readonly tables: Pick<RoomTables, "publish">;
  readonly server: string;
  steady(): number;
  names(): ReadonlyMap<string, string>;
  view(name: string): PublishedRoom;
  standings(): Standings;
}

export class RoomTeller {
  private readonly ports: TellerPorts;
  /** Folded names of rooms of which something may have changed since it was told. */
  private readonly untold = new Set<string>();
  /** What was told last, by folded name. */
  private readonly told = new Map<string, string>();
  private nextAt = 0;

  constructor(ports: TellerPorts) {
    this.ports = ports;
  }

  /** When there is something to tell, by the steady clock. */
  get due(): number {
    return this.untold.size > 0 ? this.nextAt : Infinity;
  }

  /** `room`: its folded name. */
  changed(room: string): void {
    this.untold.add(room);
  }

  /** What was told of it counts no more. */
  forget(room: string): void {
    this.told.delete(room);
    this.untold.add(room);
  }

  forgetAll(): void {
    this.told.clear();
    for (const room of this.ports.names().keys()) this.untold.add(room);
  }

  async tell(): Promise<void> {
    const { ports, untold, told } = this;
    const now = ports.steady();
    if (now < this.due) return;
    const names = ports.names();
    const views: NewView[] = [];
    for (const room of untold) {
      const name = names.get(room);
      const epoch = this.epochOf(room);
      if (name === undefined || epoch === undefined) continue;
      const view = JSON.stringify(ports.view(name));
      if (told.get(room) !== view) views.push({ room, epoch, view });
    }
    untold.clear();
    if (views.length === 0) return;
    this.nextAt = now + publishEvery;
    try {
      await ports.tables.publish(ports.server, views);
      for (const { room, view } of views) told.set(room, view);
    } catch (error) {
      for (const { room } of views) untold.add(room);
      throw error;
    }
  }

  /** Of the lease under which a room is told of; undefined: it is not. */
  private epochOf(room: string): number | null | undefined {
    if (room === ownRoom) return null;
    const standing = this.ports.standings().get(room);
    return standing?.name === "owned" ? standing.epoch : undefined;
  }
}
