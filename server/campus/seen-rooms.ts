/** What was last heard of the campus's servers and of the rooms of all of them. */
import { Value } from "typebox/value";
import type { Standing } from "../../core/campus/room-standing.ts";
import { type CampusRoomView, type CampusServer, PublishedRoom } from "../../core/wire/campus.ts";
import { roomDefaults } from "../../core/wire/rooms.ts";
import type { Looked, StoredView } from "./room-tables.ts";

/** As it was told, until somebody wants to see it: most views change again before that. */
interface SeenRoom extends StoredView {
  /** Null: it cannot be read; undefined: it was not yet. */
  read?: PublishedRoom | null;
}

export class SeenRooms {
  servers: readonly CampusServer[] = [];
  private readonly rooms = new Map<string, SeenRoom>();
  private newest = 0;

  /** What is told next time is newer. */
  get changed(): number {
    return this.newest;
  }

  /** Of all servers but this one, by `orderKey`. `away`: since when the database is. */
  othersOf(own: string, away: string | null): (readonly [key: string, view: CampusRoomView])[] {
    const awaySince = new Map(this.servers.map((server) => [server.name, server.away]));
    return [...this.rooms.values()].flatMap((seen) => {
      const { server, room } = seen;
      if (server === own) return [];
      if (seen.read === undefined) seen.read = read(seen.view);
      const view = seen.read;
      if (view === null) return [];
      const since = awaySince.get(server) ?? away;
      return [[orderKey(room, server), { ...view, server, owner: server, since }] as const];
    });
  }

  /** False: something else has changed than what was told, and all has to be told. */
  take({ servers, views, count, sum }: Looked): boolean {
    this.servers = servers;
    if (this.newest === 0) this.rooms.clear();
    for (const view of views) this.rooms.set(`${view.room} ${view.server}`, { ...view });
    let known = 0;
    for (const { changed } of this.rooms.values()) known += changed;
    const isAll = this.rooms.size === count && known === sum;
    this.newest = isAll ? Math.max(this.newest, ...views.map(({ changed }) => changed)) : 0;
    return isAll;
  }
}

/** Of a newer roomcast it has more, and of an older one it lacks settings. */
function read(text: string): PublishedRoom | null {
  try {
    const view = JSON.parse(text);
    view.settings = { ...roomDefaults, ...view.settings };
    const cleaned = Value.Clean(PublishedRoom, view);
    return Value.Check(PublishedRoom, cleaned) ? cleaned : null;
  } catch {
    return null;
  }
}

/** Whose room it is, as this server knows; null: that is not known. */
export const ownerOf = (standing: Standing | undefined, server: string): string | null => {
  if (standing?.name === "elsewhere") return standing.server;
  return standing?.name === "owned" || standing?.name === "giving" ? server : null;
};

/** By room, then by server: no name has a space. `room`: its folded name. */
export const orderKey = (room: string, server: string): string => `${room} ${server}`;
