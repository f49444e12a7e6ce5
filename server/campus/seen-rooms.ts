/** What was last heard of the campus's servers and of the rooms of all of them. */
import { Value } from "typebox/value";
import type { Standing } from "../../core/campus/room-standing.ts";
import {
  type CampusRoomView,
  type CampusServer,
  PublishedRoom,
  runningLimit,
} from "../../core/wire/campus.ts";
import { RoomSettings, roomDefaults } from "../../core/wire/rooms.ts";
import type { Looked, StoredView } from "./room-tables.ts";

/** As it was told, until somebody wants to see it: most views change again before that. */
interface SeenRoom extends StoredView {
  /** Null: it cannot be read; undefined: it was not yet. */
  read?: ReadRoom | null;
}

interface ReadRoom {
  readonly view: PublishedRoom;
  /** Names of settings whose values this roomcast does not know: they are as in a new room. */
  readonly unknown: readonly string[];
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
    return this.readOf(own).flatMap(({ server, room, read }) => {
      if (read === null) return [];
      const since = awaySince.get(server) ?? away;
      return [[orderKey(room, server), { ...read.view, server, owner: server, since }] as const];
    });
  }

  /** What of them is not shown as it is, in words. */
  warningsOf(own: string): string[] {
    return this.readOf(own).flatMap(({ server, room, read }) => {
      const what = `the room ${room} of the server ${server}`;
      const next = `bring this server up to date, as ${server} is`;
      if (read === null) return [`${what} cannot be read, and is not shown: ${next}`];
      const { unknown } = read;
      if (unknown.length === 0) return [];
      return [
        `${what} has settings that this roomcast cannot read, and is shown with the usual ones (${unknown.join(", ")}): ${next}`,
      ];
    });
  }

  private readOf(own: string): (StoredView & { readonly read: ReadRoom | null })[] {
    return [...this.rooms.values()].flatMap((seen) => {
      if (seen.server === own) return [];
      if (seen.read === undefined) seen.read = readView(seen.view);
      return [{ ...seen, read: seen.read }];
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
function readView(text: string): ReadRoom | null {
  try {
    const told = JSON.parse(text);
    told.settings = { ...roomDefaults, ...told.settings };
    if (typeof told.running === "string") told.running = told.running.slice(0, runningLimit);
    const view = Value.Clean(PublishedRoom, told) as PublishedRoom;
    const unknown = Object.entries(RoomSettings.properties).flatMap(([name, schema]) =>
      Value.Check(schema, view.settings[name as keyof RoomSettings]) ? [] : [name],
    );
    const usual = Object.fromEntries(
      unknown.map((name) => [name, roomDefaults[name as keyof RoomSettings]]),
    );
    view.settings = { ...view.settings, ...usual };
    return Value.Check(PublishedRoom, view) ? { view, unknown } : null;
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
