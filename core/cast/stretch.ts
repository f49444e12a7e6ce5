/** How much the room lost of a stretch: packets that were all sent at one rate. */
import type { Millis } from "../units/units.ts";
import type { Heard, Member } from "./member.ts";

/** Packets of a sample: fewer say too little about a loss of a few percent. */
const samplePackets = 100;
/** Packets that are enough to see a heavy loss. */
const fewPackets = 60;
/** A fraction: more is a heavy loss. */
const heavyLoss = 0.2;
/** A fraction of what the middle receiver gets: one that gets less would slow the others down. */
const floor = 0.75;

export interface RoomLoss {
  /**
   * The third quartile of the members that are no stragglers, so that one unlucky sample is no overrun. While the rate
   * is looked for, at most twice the median: what is too much for the link all of them lose, and a burst seldom half of them.
   */
  readonly loss: number;
  /** The same of what each has lost at least in each of the last stretches; 0: there were too few. */
  readonly lasting: number;
  /** How many packets the middle member's sample has. */
  readonly packets: number;
  /** How long packets have queued on the way to every member: the least of the members' waits; 0 where none is known. */
  readonly queueMs: number;
  /** Packets a millisecond that came to the middle member since the stretch before; infinite where none is known. */
  readonly arrivedPerMs: number;
  readonly stragglers: readonly Member[];
  /** Those that do not lose far more than the middle one. */
  readonly others: readonly Member[];
}

interface Sample {
  readonly member: Member;
  readonly loss: number;
  readonly packets: number;
}

/** What is asked of a stretch. */
export interface Question {
  /** While the rate is looked for: how many packets are enough. Null: it is found. */
  readonly searchPackets: number | null;
  /** How many stretches a loss has to last. */
  readonly patience: number;
  /** Packets a millisecond that were sent in the stretch, if it has lasted long enough to call a member behind; null: it has not. */
  readonly sentPerMs: number | null;
}

/** The loss since the stretch began at `startSequence`, or null while too few members have heard enough of it. */
export function roomLoss(
  members: readonly Member[],
  startSequence: number,
  { searchPackets, patience, sentPerMs }: Question,
): RoomLoss | null {
  const wanting = members.filter(({ isServed, wantCount }) => isServed && wantCount > 0);
  const isSearching = searchPackets !== null;
  const few = Math.max(fewPackets, searchPackets ?? 0);
  const samples = wanting
    .flatMap((member) =>
      sentPerMs !== null && member.sequence < startSequence
        ? sampleBehind(member, sentPerMs)
        : sampleSince(member.stretchStart, member, startSequence),
    )
    .filter(({ packets }) => packets >= few)
    .sort((one, other) => ascending(one.loss, other.loss));
  if (samples.length * 4 < wanting.length * 3 || samples.length === 0) return null;
  const middle = samples[(samples.length - 1) >> 1] as Sample;
  const isEnough = isSearching || middle.loss > heavyLoss || middle.packets >= samplePackets;
  if (!isEnough) return null;
  const ofRoom = isSearching ? sharedLoss : thirdQuartile;
  const keepsUp = ({ loss }: Sample): boolean => 1 - loss >= floor * (1 - middle.loss);
  const counting = samples.filter(keepsUp);
  const waits = samples.map(({ member: { wait } }) => (isSearching ? wait.last : wait.inStretch));
  const least = Math.min(...waits);
  const losses = counting.map(({ loss }) => loss);
  const lasting = counting.map((sample) => lastingLoss(sample, patience)).sort(ascending);
  const arrivals = samples.flatMap(({ member }) => arrivalOf(member) ?? []).sort(ascending);
  // A straggler behind a queue of its own is late in every stretch: it is judged by all since it was counted last.
  const sampled = new Set(samples.map(({ member }) => member));
  const late = wanting
    .filter((member) => !sampled.has(member))
    .flatMap((member) => sampleSince(member.counted, member, 0))
    .filter(({ packets }) => packets >= fewPackets);
  const heard = [...samples, ...late];
  for (const { member } of heard) member.counted = heardBy(member);
  for (const { member, loss } of samples) {
    member.losses.unshift(loss);
    member.losses.splice(rememberedLosses);
  }
  return {
    packets: middle.packets,
    queueMs: least === Number.POSITIVE_INFINITY ? 0 : Math.max(0, least),
    loss: ofRoom(losses),
    lasting: ofRoom(lasting),
    arrivedPerMs: arrivals[arrivals.length >> 1] ?? Number.POSITIVE_INFINITY,
    stragglers: heard.filter((each) => !keepsUp(each)).map(({ member }) => member),
    others: heard.filter(keepsUp).map(({ member }) => member),
  };
}

const heardBy = ({ packets, sequence, reportedAt: at }: Member): Heard => ({
  packets,
  sequence,
  at,
});

/** Of what was sent since then. */
function lossSince(then: Heard, now: Member): number {
  const sent = now.sequence - then.sequence;
  return sent <= 0 ? 0 : Math.max(0, 1 - ((now.packets - then.packets) >>> 0) / sent);
}

/** Its packets are counted from `startSequence` on; it may begin before that, with what was on its way then. */
function sampleSince(start: Heard | null, member: Member, startSequence: number): Sample[] {
  if (start === null) return [];
  const packets = member.sequence - Math.max(start.sequence, startSequence - 1);
  return [{ member, loss: lossSince(start, member), packets }];
}

/**
 * The member has yet to hear of the stretch: what is sent waits in its socket's buffer, which takes seconds of it, as it
 * takes less than that. What comes to wait is as good as lost.
 */
function sampleBehind(member: Member, sentPerMs: number): Sample[] {
  const takenPerMs = arrivalOf(member);
  if (takenPerMs === null || member.counted === null) return [];
  const packets = sentPerMs * (member.reportedAt - member.counted.at);
  return [{ member, loss: Math.max(0, 1 - takenPerMs / sentPerMs), packets }];
}

/** Stretches of which a member's loss is remembered: the most that the rate control is patient for. */
const rememberedLosses = 7;

/** What the member has lost at least in each of so many stretches, this one included. */
function lastingLoss({ member: { losses }, loss }: Sample, patience: number): number {
  const before = losses.slice(0, patience - 1);
  return before.length < patience - 1 ? 0 : Math.min(loss, ...before);
}

/** Packets a millisecond that came to the member, or were lost behind the link, since the last stretch ended. */
function arrivalOf({ counted, sequence, reportedAt }: Member): number | null {
  if (counted === null || reportedAt <= counted.at) return null;
  return (sequence - counted.sequence) / (reportedAt - counted.at);
}

const ascending = (one: number, other: number): number => one - other;

/** The third quartile, but at most twice the median. */
function sharedLoss(sorted: readonly number[]): number {
  const median = sorted[(sorted.length - 1) >> 1] ?? 0;
  return Math.min(thirdQuartile(sorted), 2 * median);
}

function thirdQuartile(sorted: readonly number[]): number {
  return sorted[sorted.length < 4 ? sorted.length - 1 : Math.ceil(sorted.length * 0.75) - 1] ?? 0;
}

/** Starts a member's sample of a stretch with its first report from within the stretch. */
export function noteInStretch(member: Member, startSequence: number): void {
  if (member.stretchStart === null && member.sequence >= startSequence) startSample(member);
}

/** Starts it with what the member has reported last. */
export function startSample(member: Member): void {
  member.stretchStart = heardBy(member);
  member.counted ??= member.stretchStart;
  member.wait.beginStretch();
}

/** What the member reports from now on is counted anew, or is of other packets. */
export function forgetHeard(member: Member): void {
  member.stretchStart = null;
  member.counted = null;
}

/** After this long without a result a stretch begins anew: its receivers have changed. */
export const stretchLimit = 2000 as Millis;
