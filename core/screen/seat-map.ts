/** The map of a room: which PC is where. */
import type { Seat } from "../wire/rooms.ts";
import type { PcView } from "../wire/views.ts";
import type { Key } from "./keys.ts";

/** A place on the map: a seat of the room, or where a PC without a seat is put below them. */
export interface Place {
  readonly seat: string | null;
  readonly pc: PcView | null;
  readonly column: number;
  readonly row: number;
}

export interface SeatMap {
  readonly places: readonly Place[];
  readonly columns: number;
  readonly rows: number;
}

/** PCs without a seat stand in rows of this many. */
const looseColumns = 8;

/** A room's map; PCs that are not shown leave their seats empty. */
export function seatMap(seats: readonly Seat[], shown: readonly PcView[]): SeatMap {
  const bySeat = new Map(shown.map((pc) => [pc.seat, pc]));
  const places: Place[] = seats.map(({ name, column, row }) => ({
    seat: name,
    pc: bySeat.get(name) ?? null,
    column,
    row,
  }));
  const seated = new Set(places.map(({ pc }) => pc?.id));
  const loose = shown.filter(({ id }) => !seated.has(id));
  const below = places.reduce((last, { row }) => Math.max(last, row + 1), 0);
  const perRow = Math.max(looseColumns, ...places.map(({ column }) => column + 1));
  for (const [index, pc] of loose.entries()) {
    const row = below + Math.floor(index / perRow);
    places.push({ seat: null, pc, column: index % perRow, row });
  }
  return {
    places,
    columns: places.reduce((last, { column }) => Math.max(last, column + 1), 0),
    rows: places.reduce((last, { row }) => Math.max(last, row + 1), 0),
  };
}

const ways: Readonly<Record<string, readonly [number, number]>> = {
  left: [-1, 0],
  right: [1, 0],
  up: [0, -1],
  down: [0, 1],
};

/** The PC that an arrow leads to from this one: the nearest that way; the same where there is none. */
export function neighbour(map: SeatMap, from: string | null, key: Key): string | null {
  const way = ways[key.name];
  const at = map.places.find(({ pc }) => pc !== null && pc.id === from);
  if (way === undefined || at === undefined) return from;
  let best: { id: string; cost: number } | null = null;
  for (const { pc, column, row } of map.places) {
    if (pc === null) continue;
    const [across, down] = [column - at.column, row - at.row];
    const along = across * way[0] + down * way[1];
    if (along <= 0) continue;
    // Straight on before aslant.
    const cost = along + 3 * Math.abs(way[0] === 0 ? across : down);
    if (best === null || cost < best.cost) best = { id: pc.id, cost };
  }
  return best?.id ?? from;
}
