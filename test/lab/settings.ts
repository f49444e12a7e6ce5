/** What a seed draws before its lab begins: how large and how slow it is, and what goes wrong in it. */
import { seeded } from "../sim/random.ts";

/** Chances are per second of lab time of the whole lab, unless named otherwise. */
export interface Settings {
  readonly seed: number;
  /** How many PCs are in each room. */
  readonly rooms: readonly number[];
  /** Chunks of a disk. */
  readonly cellCount: number;
  /** For so long operators act and things go wrong, in milliseconds. */
  readonly troubleMs: number;
  /** Then every PC is switched on, and every session has to end. Otherwise those that are off stay off. */
  readonly allCome: boolean;
  /** It goes on for so long at least, in milliseconds. */
  readonly lastsMs: number;
  /** More events than these are a circle, which is a bug. */
  readonly eventLimit: number;
  readonly aliveMs: number;
  readonly progressMs: number;
  /** The longest that a frame is under way. */
  readonly delayMs: number;
  readonly bootMs: number;
  readonly writeMs: number;
  /** Of PCs that are off when the lab begins. */
  readonly offShare: number;
  /** Of PCs that multicast does not reach. */
  readonly deafShare: number;
  /** An operator's act comes so often, on average. */
  readonly actMs: number;
  /** Of restores that operators think of: those to one PC. */
  readonly onePc: number;
  /** At these moments, in milliseconds, so many whole rooms are restored at once. */
  readonly lessons: readonly { readonly ms: number; readonly rooms: number }[];
  readonly kills: number;
  /** At these moments, in milliseconds, the server is killed, after so many more events. */
  readonly killsAt: readonly { readonly ms: number; readonly events: number }[];
  readonly resets: number;
  readonly cuts: number;
  readonly pulls: number;
  /** The longest that a cable is out, in milliseconds. */
  readonly pullMs: number;
  readonly switchedOff: number;
  /** The person at a PC stops what is under way. */
  readonly stopsAtPc: number;
  /** Of writes to the journal. */
  readonly refusedWrites: number;
  /** The longest that the disk is full then, in milliseconds. */
  readonly fullMs: number;
  /** Of writes after which the server dies before it knows that they succeeded. */
  readonly deadlyWrites: number;
  /** Of pieces of work in which the disk does so, once. */
  readonly diskFails: number;
  readonly diskHangs: number;
  readonly diskLies: number;
  /** Of turns of a cast: in which a receiver changes its lane, has said no wants, or the cast breaks. */
  readonly lanes: number;
  readonly wantless: number;
  readonly brokenCasts: number;
  /** Of pieces of work. */
  readonly refusals: number;
  /** Of PCs without a TPM: their key is new at each start. */
  readonly memoryShare: number;
  /** Somebody tries to be one of the PCs. */
  readonly rogues: number;
  /** Of pieces of work whose agent takes so long to get ready that it is given up. */
  readonly sluggish: number;
  /** Of the room that all PCs are in. */
  readonly hasPin: boolean;
  readonly ask: "approve" | "free";
  /** Somebody at a PC types a PIN or asks for something. */
  readonly people: number;
  /** Of restores of several PCs: those with a canary. */
  readonly canaries: number;
  /** Of PCs that leave for their own disk: those whose system shows nothing, and those that start by the network. */
  readonly silentBoots: number;
  readonly networkBoots: number;
  /** Somebody sends in the name of a PC's own system. */
  readonly lies: number;
  /** The longest that an access to the image store's disk takes, in milliseconds. */
  readonly diskMs: number;
  /** Of these accesses: those that the server does not survive. */
  readonly deadlyDisk: number;
  /** Of the server's deaths: those by a power cut. */
  readonly powerLoss: number;
  /** Of restores: those whose image is made to fit first. */
  readonly fits: number;
  /** The longest that it takes, in milliseconds. */
  readonly fitMs: number;
}

export function drawSettings(seed: number): Settings {
  const random = seeded(seed);
  const between = (low: number, high: number): number => low + random() * (high - low);
  const whole = (low: number, high: number): number => Math.floor(between(low, high + 1));
  // Each fault is absent in some labs, so that none hides what another would show.
  const chance = (most: number): number => (random() < 0.4 ? 0 : random() * most);
  return {
    seed,
    rooms: [random() < 0.1 ? whole(6, 10) : whole(1, 4)],
    cellCount: whole(2, 8),
    troubleMs: random() < 0.15 ? between(150_000, 400_000) : between(40_000, 130_000),
    allCome: random() < 0.6,
    ...{ lastsMs: 0, eventLimit: 200_000, killsAt: [], lessons: [], onePc: 0 },
    aliveMs: between(1000, 4000),
    progressMs: between(700, 4000),
    delayMs: random() < 0.5 ? 20 : between(20, 3500),
    bootMs: random() < 0.6 ? between(2000, 8000) : between(8000, 70_000),
    writeMs: random() < 0.5 ? between(50, 600) : between(600, 2500),
    offShare: chance(0.7),
    deafShare: chance(0.5),
    actMs: between(3000, 20_000),
    kills: chance(0.04),
    resets: chance(0.05),
    cuts: chance(0.1),
    pulls: chance(0.05),
    pullMs: random() < 0.5 ? 20_000 : 100_000,
    switchedOff: chance(0.01),
    stopsAtPc: chance(0.02),
    refusedWrites: chance(0.1),
    fullMs: random() < 0.5 ? 100 : 30_000,
    deadlyWrites: chance(0.02),
    diskFails: chance(0.2),
    diskHangs: chance(0.2),
    diskLies: chance(0.2),
    lanes: chance(0.3),
    wantless: chance(0.01),
    brokenCasts: chance(0.005),
    refusals: chance(0.1),
    sluggish: chance(0.15),
    memoryShare: chance(1),
    rogues: chance(0.3),
    hasPin: random() < 0.5,
    ask: random() < 0.2 ? "free" : "approve",
    people: chance(0.3),
    canaries: chance(0.6),
    silentBoots: chance(0.5),
    networkBoots: chance(0.4),
    lies: chance(0.1),
    diskMs: random() < 0.5 ? 5 : between(5, 300),
    deadlyDisk: chance(0.01),
    powerLoss: chance(1),
    fits: random() < 0.4 ? between(0, 0.6) : 0,
    fitMs: random() < 0.5 ? 5000 : 100_000,
  };
}
