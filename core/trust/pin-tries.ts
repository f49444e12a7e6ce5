/**
 * How often PINs may be tried: a pure machine, one for all rooms. Each try is counted before it is
 * checked, so that tries at several PCs at once, or by a PC that connects anew, count as well.
 */
import { type Millis, millis } from "../units/units.ts";

/** After every so many wrong PINs a PC takes none for a while. */
export const triesAtPc = 5;
/** The first such pause; each further one is twice as long. */
export const firstPause = millis(60_000);
export const longestPause = millis(15 * 60_000);
/** So many wrong PINs within `roomWindow` shut the menus of a room. */
export const triesInRoom = 30;
export const roomWindow = millis(60 * 60_000);
/** For so long they stay shut, unless an operator opens them. */
export const shutFor = millis(60 * 60_000);
/** More tries are under way in the room than it has left: the next one comes in turn. */
const turn = millis(1000);

interface PcTries {
  /** Wrong ones since the last right one, and the one that is being checked. */
  readonly wrong: number;
  readonly pausedUntil: Millis;
  readonly triedAt: Millis;
}

interface RoomTries {
  /** When each was made: the wrong ones of the last hour, and those that are being checked. */
  readonly at: readonly Millis[];
  readonly shutUntil: Millis;
}

export interface PinTries {
  readonly pcs: ReadonlyMap<string, PcTries>;
  readonly rooms: ReadonlyMap<string, RoomTries>;
}

/** `paused`: this PC has to wait; `shut`: the menus of its whole room are. */
export type PinGate =
  | { readonly state: "open" }
  | { readonly state: "paused"; readonly until: Millis }
  | { readonly state: "shut"; readonly until: Millis };

/** What came of a wrong PIN. */
export type PinFault =
  | { readonly type: "wrong"; readonly left: number }
  | { readonly type: "paused"; readonly until: Millis }
  | { readonly type: "shut"; readonly until: Millis };

/** Where and when a PIN was typed. */
export interface PinTry {
  readonly pc: string;
  readonly room: string;
  readonly at: Millis;
}

export const noTries: PinTries = { pcs: new Map(), rooms: new Map() };

const never = millis(0);
const freshPc: PcTries = { wrong: 0, pausedUntil: never, triedAt: never };
const freshRoom: RoomTries = { at: [], shutUntil: never };

/** Until when the menus of a room are shut; null: they are not. */
export function shutUntil(tries: PinTries, room: string, now: Millis): Millis | null {
  const until = tries.rooms.get(room)?.shutUntil ?? never;
  return now < until ? until : null;
}

/** Whether a PIN may be tried; if so, it is counted, and has to end by `right` or `wrong`. */
export function begin(tries: PinTries, typed: PinTry): readonly [PinTries, PinGate] {
  const { pc, room, at } = typed;
  const known = forgotten(tries, at);
  const ofRoom = known.rooms.get(room) ?? freshRoom;
  const ofPc = known.pcs.get(pc) ?? freshPc;
  const shut = shutUntil(known, room, at);
  if (shut !== null) return [known, { state: "shut", until: shut }];
  if (at < ofPc.pausedUntil) return [known, { state: "paused", until: ofPc.pausedUntil }];
  if (ofRoom.at.length >= triesInRoom)
    return [known, { state: "paused", until: millis(at + turn) }];
  const next = {
    pcs: new Map(known.pcs).set(pc, { ...ofPc, wrong: ofPc.wrong + 1, triedAt: at }),
    rooms: new Map(known.rooms).set(room, { ...ofRoom, at: [...ofRoom.at, at] }),
  };
  return [next, { state: "open" }];
}

/** The PIN was right: the PC begins anew, and the room has one try less. */
export function right(tries: PinTries, { pc, room, at }: PinTry): PinTries {
  const ofRoom = tries.rooms.get(room) ?? freshRoom;
  const found = ofRoom.at.indexOf(at);
  const pcs = new Map(tries.pcs);
  pcs.delete(pc);
  const left = ofRoom.at.filter((_, index) => index !== found);
  return { pcs, rooms: new Map(tries.rooms).set(room, { ...ofRoom, at: left }) };
}

/** The PIN was wrong: what follows from it, at this time. */
export function wrong(
  tries: PinTries,
  { pc, room }: PinTry,
  now: Millis,
): readonly [PinTries, PinFault] {
  const ofRoom = tries.rooms.get(room) ?? freshRoom;
  const ofPc = tries.pcs.get(pc) ?? freshPc;
  if (ofRoom.at.length >= triesInRoom) {
    const until = millis(now + shutFor);
    const rooms = new Map(tries.rooms).set(room, { at: [], shutUntil: until });
    return [
      { ...tries, rooms },
      { type: "shut", until },
    ];
  }
  const left = triesAtPc - (ofPc.wrong % triesAtPc);
  // None is counted any more where an operator opened the menus while it was checked.
  if (left < triesAtPc || ofPc.wrong === 0) return [tries, { type: "wrong", left }];
  const pause = firstPause * 2 ** (ofPc.wrong / triesAtPc - 1);
  const until = millis(now + Math.min(pause, longestPause));
  const pcs = new Map(tries.pcs).set(pc, { ...ofPc, pausedUntil: until });
  return [
    { ...tries, pcs },
    { type: "paused", until },
  ];
}

/** An operator opens the menus of the room again; its PCs begin anew. */
export function opened(tries: PinTries, room: string, pcs: readonly string[]): PinTries {
  const left = new Map(tries.pcs);
  for (const pc of pcs) left.delete(pc);
  const rooms = new Map(tries.rooms);
  rooms.delete(room);
  return { pcs: left, rooms };
}

/** What is older than an hour counts no more, so that both maps stay as small as the lab. */
function forgotten({ pcs, rooms }: PinTries, now: Millis): PinTries {
  const since = now - roomWindow;
  return {
    pcs: new Map(
      [...pcs].filter(([, { triedAt, pausedUntil }]) => triedAt > since || pausedUntil > now),
    ),
    rooms: new Map(
      [...rooms]
        .map(([room, { at, shutUntil: until }]) => {
          const left = at.filter((each) => each > since);
          return [room, { at: left, shutUntil: until }] as const;
        })
        .filter(([, { at, shutUntil: until }]) => at.length > 0 || until > now),
    ),
  };
}
