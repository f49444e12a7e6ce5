/** A building on a working day: all PCs come up in the morning, and lessons begin with whole rooms restored. */
import { aliveEvery } from "../../core/wire/control.ts";
import { seeded } from "../sim/random.ts";
import type { Settings } from "./settings.ts";

/** How large it is and how long it lasts. */
export interface Size {
  readonly pcs: number;
  readonly rooms: number;
  readonly minutes: number;
}

export const building: Size = { pcs: 2000, rooms: 60, minutes: 60 };

/** What a PC of a building may come to in an hour, as events: it says four times what it says while it is idle. */
const eventsAMinute = 4 * 2 * 60;
const minuteMs = 60_000;
/** Rooms that are restored at once, when a lesson begins. */
const lessonRooms = 10;

/** Chances are as in `Settings`: per second of the whole building, or per piece of work. */
export function drawBuilding(seed: number, { pcs, rooms, minutes }: Size): Settings {
  const random = seeded(seed);
  const between = (low: number, high: number): number => low + random() * (high - low);
  const whole = (low: number, high: number): number => Math.floor(between(low, high + 1));
  const lastsMs = minutes * minuteMs;
  const troubleMs = lastsMs * 0.8;
  const kills = minutes < 30 ? 1 : whole(1, 2);
  const lessons = Math.max(2, Math.round(minutes / 10));
  return {
    seed,
    rooms: sizes(pcs, rooms, random),
    cellCount: whole(20, 60),
    ...{ troubleMs, lastsMs, allCome: random() < 0.6, eventLimit: pcs * minutes * eventsAMinute },
    aliveMs: aliveEvery,
    progressMs: between(1000, 4000),
    delayMs: random() < 0.7 ? 20 : between(20, 1500),
    bootMs: between(15_000, 70_000),
    writeMs: between(50, 400),
    offShare: between(0, 0.1),
    deafShare: random() < 0.5 ? 0 : between(0, 0.05),
    actMs: between(4000, 12_000),
    onePc: 0.4,
    // The first when all have come up.
    lessons: Array.from({ length: lessons }, (_, lesson) => ({
      ms: between(0.3, 1) * minuteMs + (lesson * troubleMs) / lessons,
      rooms: lessonRooms,
    })),
    kills: 0,
    killsAt: Array.from({ length: kills }, () => ({
      ms: between(0.1, 0.9) * troubleMs,
      events: whole(0, 5000),
    })),
    resets: between(0, 0.3),
    cuts: between(0, 0.3),
    pulls: between(0, 0.2),
    pullMs: random() < 0.5 ? 20_000 : 100_000,
    switchedOff: between(0.02, 0.2),
    stopsAtPc: between(0, 0.3),
    refusedWrites: random() < 0.7 ? 0 : between(0, 0.01),
    fullMs: 30_000,
    deadlyWrites: 0,
    diskFails: between(0, 0.02),
    diskHangs: between(0, 0.005),
    diskLies: between(0, 0.02),
    lanes: between(0, 0.1),
    wantless: between(0, 0.001),
    brokenCasts: between(0, 0.0005),
    refusals: between(0, 0.02),
    sluggish: between(0, 0.01),
    memoryShare: random() < 0.5 ? 0 : between(0, 0.3),
    rogues: between(0, 0.3),
    hasPin: random() < 0.5,
    ask: random() < 0.2 ? "free" : "approve",
    people: between(0, 0.5),
    canaries: between(0, 0.4),
    silentBoots: between(0, 0.2),
    networkBoots: between(0, 0.3),
    lies: between(0, 0.1),
    diskMs: random() < 0.7 ? 5 : between(5, 100),
    deadlyDisk: 0,
    powerLoss: 0.5,
    fits: random() < 0.4 ? between(0, 0.3) : 0,
    fitMs: random() < 0.5 ? 5000 : 100_000,
  };
}

/** Rooms of different sizes: the largest has some three times the PCs of the smallest. */
function sizes(pcs: number, rooms: number, random: () => number): number[] {
  const shares = Array.from({ length: rooms }, () => 0.5 + random());
  const all = shares.reduce((sum, share) => sum + share, 0);
  let [given, left] = [0, all];
  return shares.map((share) => {
    const size = Math.round(((pcs - given) * share) / left);
    given += size;
    left -= share;
    return size;
  });
}
