/**
 * What a session is: facts, tables and levels. What happens to a session is an input; `decide` answers
 * the facts that are true from here on; a fact is in the journal before anything is sent; `evolve`
 * applies it. What should hold now is a level, `wanted`, which the engine holds against what the agents
 * report: a lost order costs time and never truth.
 */
import type { CastSenderStats } from "../cast/ends.ts";
import type { WorkRole } from "../trust/grant.ts";
import type { Millis } from "../units/units.ts";
import type { CastKeys } from "../wire/cast-address.ts";
import type { DiskPolicy } from "../wire/disk-policy.ts";
import type { MeantDisk } from "../wire/meant-disk.ts";
import type { GrowMode } from "../wire/rooms.ts";
import type { ServerMessage } from "../wire/server-message.ts";
import type { DiskView, FitView, PcState, SessionView } from "../wire/views.ts";
import type { Counters, Report } from "../wire/work.ts";
import type { Sign } from "./sign.ts";
import { SlowWork } from "./slow-disk.ts";
import { TimeLeft } from "./time-left.ts";

/** The id of a PC in the inventory. */
export type PcId = string;

/** Milliseconds of a clock that only goes forward, and stands still while the server is down. */
export type LabTime = Millis;

/** Something that is true from here on. Old facts stay readable: a released one is never changed. */
export interface Fact {
  readonly type: string;
  /** The PC that it is about; null: the session. */
  readonly pc: PcId | null;
}

/** When a fact became true. */
export interface Stamp {
  readonly at: LabTime;
  /** The same moment as people write it, ISO 8601 UTC. */
  readonly iso: string;
}

/** What the agent is told to do. */
export type Order = Extract<ServerMessage, { type: "restore" | "capture" | "cast" | "wipe" }>;

/** An image as a session casts it. */
export interface CastImage {
  readonly id: string;
  /** NAME@VERSION */
  readonly name: string;
  /** Hexadecimal. */
  readonly rootHash: string;
  readonly storedBytes: number;
}

/** A number for each of some PCs, in their order: as of a Map, which it may be. One is found without a look at the others. */
export interface Levels extends Iterable<readonly [PcId, number]> {
  get(pc: PcId): number | undefined;
}

/** What should hold now. `attempt` fences every word that comes back. */
export interface Wanted {
  /** The attempt of each PC that is to be at one; another only after a fact about this PC. */
  readonly orders: Levels;
  /** The PCs that a cast should serve, each with how often it has joined, likewise; null: no cast. */
  readonly cast: Levels | null;
  /** Of the ordered PCs, those that have done all and are to end: the sender of a live cast. */
  readonly finish?: PcId;
  /** The image, by its id, of which there should be a version that fits a disk of so many bytes. */
  readonly fit?: { readonly image: string; readonly diskBytes: number };
}

/** What a PC or an operator did, or what came of the server's own work. Those of a PC may be lies, late or doubled. */
export type Input =
  /** The PC's agent is connected, newly or again, and says what it is at. */
  | { readonly type: "connected"; readonly pc: PcId; readonly report: Report | null }
  /** The agent's report has changed. */
  | { readonly type: "reported"; readonly pc: PcId; readonly report: Report }
  | { readonly type: "lost"; readonly pc: PcId; readonly reason: string }
  /** The PC has asked for its boot files. */
  | { readonly type: "booting"; readonly pc: PcId }
  | {
      readonly type: "ready";
      readonly pc: PcId;
      readonly attempt: number;
      readonly disk: DiskView;
      readonly counters: Counters;
    }
  | {
      readonly type: "progress";
      readonly pc: PcId;
      readonly attempt: number;
      readonly phase: string;
      readonly counters: Counters | null;
      /** As in `WorkFigures`. */
      readonly diskBusy: number | null;
      /** Its disk does not answer, in words. */
      readonly trouble: string | null;
      readonly bytesDone: number;
      readonly bytesTotal: number | null;
    }
  /** The PC gets its chunks over HTTP, and why; null: multicast reaches it (again). */
  | {
      readonly type: "delivery";
      readonly pc: PcId;
      readonly attempt: number;
      readonly reason: string | null;
    }
  /** The cast's sender does not make the others wait for this PC, and why; null: it does. */
  | { readonly type: "lane"; readonly pc: PcId; readonly reason: string | null }
  /** Something on the network shows what this PC runs, or somebody who sends in its name. */
  | { readonly type: "seen"; readonly pc: PcId; readonly sign: Sign }
  /** A PC has joined the cast without saying what it wants. */
  | { readonly type: "no-wants"; readonly pc: PcId }
  | { readonly type: "cast-broken"; readonly reason: string }
  /** An operator, or the person at the PC. `meant`: as in `Member`. */
  | { readonly type: "admit"; readonly pc: PcId; readonly meant?: MeantDisk }
  | { readonly type: "drop"; readonly pc: PcId; readonly by: "operator" | "person" }
  /** Another session has the PC from here on. */
  | { readonly type: "taken"; readonly pc: PcId }
  | { readonly type: "start" }
  | { readonly type: "stop" }
  /** Of a live cast: the sender has mapped its disk; all hashes are known. */
  | { readonly type: "planned" }
  | { readonly type: "sealed"; readonly rootHash: string; readonly storedBytes: number }
  /** Of a live cast or a capture: the image is in the store, or why it will not be. */
  | { readonly type: "stored"; readonly image: string; readonly imageId: string }
  | { readonly type: "not-stored"; readonly reason: string }
  /** Of a restore that waits for it: the version that fits is in the store, or why there will be none. */
  | { readonly type: "fitted"; readonly image: CastImage }
  | { readonly type: "not-fitted"; readonly reason: string }
  /** The server was started anew: no PC is connected, and what was in its memory is gone. */
  | { readonly type: "resumed" }
  | { readonly type: "tick" };

/** What is shown and never kept: counters and rates. Lost with the server. */
export interface Gauges {
  readonly members: Map<PcId, MemberGauges>;
  totals: CastTotals | null;
  /** How far the version of the image is that is made to fit; null: nothing is known. */
  fit: FitProgress | null;
  readonly timeLeft: TimeLeft;
}

/** As in `FitView`. */
export type FitProgress = Pick<FitView, "fraction" | "secondsLeft">;

export interface MemberGauges {
  counters: Counters | null;
  /** Of the present phase. */
  bytesDone: number;
  bytesTotal: number | null;
  /** Why it is served over HTTP, or after the others, in its newest words. */
  unicast: string | null;
  straggling: string | null;
  /** What its figures in the cast show to make it slow, in words. */
  slow: string | null;
  readonly slowWork: SlowWork;
  /** When it last asked for its boot files. */
  askedAt: LabTime | null;
  /** When a boot loader, or the boot image's own system, was last heard. */
  loaderAt: LabTime | null;
  /** Since when it speaks ARP, with no sign of a boot loader since. */
  arpSince: LabTime | null;
}

export type CastTotals = Omit<CastSenderStats, "receivers">;

export const newGauges = (): Gauges => ({
  members: new Map(),
  totals: null,
  fit: null,
  timeLeft: new TimeLeft(),
});

export function gaugesOf(gauges: Gauges, pc: PcId): MemberGauges {
  const found = gauges.members.get(pc);
  if (found !== undefined) return found;
  const made: MemberGauges = {
    counters: null,
    bytesDone: 0,
    bytesTotal: null,
    unicast: null,
    straggling: null,
    slow: null,
    slowWork: new SlowWork(),
    askedAt: null,
    loaderAt: null,
    arpSince: null,
  };
  gauges.members.set(pc, made);
  return made;
}

/** What an order takes from the PC's room, and from this start of the server. */
export interface OrderSettings {
  readonly policy: DiskPolicy;
  readonly grow: GrowMode;
  /** The operator's cap on a cast in the session's room, in bits a second. */
  readonly rateLimitBps: number | null;
  /** The grant with which this PC may ask for the object while this attempt is wanted. */
  grant(role: WorkRole, object: string): string;
  /** Those of the session's cast, as they are now. */
  readonly castKeys: CastKeys;
}

/** What is shown of a session beside its state. */
export interface Names {
  /** `s7` */
  readonly id: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  nameOf(pc: PcId): string;
  /** What the PC says of itself now. */
  stateOf(pc: PcId): PcState;
}

/** A kind of session: all that the engine, the journal and the screens know of it. */
export interface Kind<Spec, State, F extends Fact> {
  readonly name: string;
  begin(spec: Spec, at: LabTime): State;
  /** The state that was made this JSON. */
  read(stored: unknown): State;
  /**
   * The facts that follow from the input; none: it is late, doubled or not ours. `tick` asks for what
   * follows from the state and the time alone, and is asked after every fact until nothing follows.
   * Pure, and never replayed: it may change with each version.
   */
  decide(state: State, input: Input, now: LabTime, gauges: Gauges): readonly F[];
  /** Applies a fact; crashes on one that the kind's tables do not allow. */
  evolve(state: State, fact: F, stamp: Stamp): State;
  wanted(state: State): Wanted;
  /** What the agent is told that is wanted of this PC. */
  order(state: State, session: string, pc: PcId, settings: OrderSettings): Order;
  /** Why nothing is wanted of this PC any more, for its screen. */
  release(state: State, pc: PcId): string;
  /** When it wants a `tick`: the next moment after `now` at which something may follow by time alone. */
  deadline(state: State, now: LabTime): LabTime | undefined;
  isOver(state: State): boolean;
  /** Whether the PC is at work here, or awaited, so that no other session may take it. */
  holds(state: State, pc: PcId): boolean;
  /** Whether the PC was asked for, even if it has ended here. */
  knows(state: State, pc: PcId): boolean;
  pcs(state: State): Iterable<PcId>;
  /** The room that the session is for, null: PCs that were named. */
  room(state: State): string | null;
  /** The image that it is about: NAME@VERSION, or the name that it will have. */
  image(state: State): string | null;
  /** What happened, in words, for the log and the history; null: too small to tell. */
  text(fact: F, state: State): string | null;
  view(state: State, gauges: Gauges, names: Names): SessionView;
}
