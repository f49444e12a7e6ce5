/** What was last heard of the campus's servers and of the rooms of all of them. */
import { Value } from "typebox/value";
import type { Standing } from "../../core/campus/room-leases.ts";
import { type CampusRoomView, type CampusServer, PublishedRoom } from "../../core/wire/campus.ts";
import { foldedName } from "../../core/wire/names.ts";
import { roomDefaults } from "../../core/wire/rooms.ts";
import type { StoredView } from "./room-tables.ts";

interface SeenRoom {
  readonly server: string;
  readonly changed: number;
  /** Null: it cannot be read. */
  readonly view: PublishedRoom | null;
}

export class SeenRooms {
  servers: readonly CampusServer[] = [];
  private rooms = new Map<string, SeenRoom>();
  private newest = 0;

  /** What is told in full next time is newer. */
  get changed(): number {
    return this.newest;
  }

  /** Of all servers but this one. `away`: since when the database is. */
  othersOf(own: string, away: string | null): CampusRoomView[] {
    const awaySince = new Map(this.servers.map((server) => [server.name, server.away]));
    return [...this.rooms.values()].flatMap(({ server, view }) => {
      if (view === null || server === own) return [];
      return [{ ...view, server, owner: server, since: awaySince.get(server) ?? away }];
    });
  }

  /** False: something was left out that is not known, and all has to be told in full. */
  take(servers: readonly CampusServer[], views: readonly StoredView[]): boolean {
    const rooms = new Map<string, SeenRoom>();
    let isWhole = true;
    for (const { server, room, view, changed } of views) {
      const key = `${server}/${room}`;
      const before = this.rooms.get(key);
      if (view !== null) rooms.set(key, { server, changed, view: read(view) });
      else if (before?.changed === changed) rooms.set(key, before);
      else isWhole = false;
    }
    this.servers = servers;
    this.rooms = rooms;
    this.newest = isWhole ? Math.max(0, ...views.map(({ changed }) => changed)) : 0;
    return isWhole;
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

/** By room, then by server. */
export const inOrder = (rooms: readonly CampusRoomView[]): CampusRoomView[] =>
  rooms.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));

/** No name has a space. */
const keyOf = ({ name, server }: CampusRoomView): string => `${foldedName(name)} ${server}`;
