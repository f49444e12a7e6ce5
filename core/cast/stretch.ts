/** How much the room lost of a stretch: packets that were all sent at one rate. */
import type { Millis } from "../units/units.ts";
import type { Member } from "./member.ts";

/** Packets of a sample: fewer say too little about a loss of a few percent. */
const samplePackets = 100;
/** Packets that are enough to see a heavy loss. */
const fewPackets = 60;
/** A fraction: more is a heavy loss. */
const heavyLoss = 0.2;
/** A fraction of what the middle receiver gets: one that gets less would slow the others down. */
const floor = 0.75;

export interface RoomLoss {
  /** The third quartile of the members that are no stragglers, so that one unlucky sample is no overrun. */
  readonly loss: number;
  /** The same of what each has lost at least in each of the last stretches; 0: there were too few. */
  readonly lasting: number;
  /** How many packets the middle member's sample has. */
  readonly packets: number;
  /** How long packets have queued on the way to every member: the least of the members' waits; 0 where none is known. */
  readonly queueMs: number;
  readonly stragglers: readonly Member[];
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
}

/** The loss since the stretch began at `startSequence`, or null while too few members have heard enough of it. */
export function roomLoss(
  members: readonly Member[],
  startSequence: number,
  { searchPackets, patience }: Question,
): RoomLoss | null {
  const wanting = members.filter(({ isServed, wantCount }) => isServed && wantCount > 0);
  const isSearching = searchPackets !== null;
  const few = Math.max(fewPackets, searchPackets ?? 0);
  const samples = wanting
    .flatMap((member) => sampleOf(member, startSequence) ?? [])
    .filter(({ packets }) => packets >= few)
    .sort((one, other) => one.loss - other.loss);
  if (samples.length * 4 < wanting.length * 3 || samples.length === 0) return null;
  const middle = samples[(samples.length - 1) >> 1] as Sample;
  const isEnough = isSearching || middle.loss > heavyLoss || middle.packets >= samplePackets;
  if (!isEnough) return null;
  const counting = samples.filter(({ loss }) => 1 - loss >= floor * (1 - middle.loss));
  const waits = samples.map(({ member: { wait } }) => (isSearching ? wait.last : wait.inStretch));
  const least = Math.min(...waits);
  const lasting = counting.map((sample) => lastingLoss(sample, patience));
  for (const { member, loss } of samples) {
    member.losses.unshift(loss);
    member.losses.splice(rememberedLosses);
  }
  return {
    packets: middle.packets,
    queueMs: least === Number.POSITIVE_INFINITY ? 0 : Math.max(0, least),
    loss: thirdQuartile(counting.map(({ loss }) => loss)),
    lasting: thirdQuartile(lasting),
    stragglers: samples.filter((each) => !counting.includes(each)).map(({ member }) => member),
  };
}

function sampleOf(member: Member, startSequence: number): Sample | null {
  const { stretchStart: start, sequence } = member;
  if (start === null) return null;
  const sent = sequence - start.sequence;
  const loss = sent <= 0 ? 0 : Math.max(0, 1 - ((member.packets - start.packets) >>> 0) / sent);
  // The sample may begin before the stretch, with what was on its way then.
  return { member, loss, packets: sequence - Math.max(start.sequence, startSequence - 1) };
}

/** Stretches of which a member's loss is remembered: the most that the rate control is patient for. */
const rememberedLosses = 7;

/** What the member has lost at least in each of so many stretches, this one included. */
function lastingLoss({ member: { losses }, loss }: Sample, patience: number): number {
  const before = losses.slice(0, patience - 1);
  return before.length < patience - 1 ? 0 : Math.min(loss, ...before);
}

function thirdQuartile(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length < 4 ? sorted.length - 1 : Math.ceil(sorted.length * 0.75) - 1] ?? 0;
}

/** Starts a member's sample of a stretch with its first report from within the stretch. */
export function noteInStretch(member: Member, startSequence: number): void {
  if (member.stretchStart === null && member.sequence >= startSequence) startSample(member);
}

/** Starts it with what the member has reported last. */
export function startSample(member: Member): void {
  member.stretchStart = { packets: member.packets, sequence: member.sequence };
  member.wait.beginStretch();
}

/** After this long without a result a stretch begins anew: its receivers have changed. */
export const stretchLimit = 2000 as Millis;
