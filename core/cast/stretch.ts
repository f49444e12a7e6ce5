/** What the room lost of a stretch of packets that were all sent at one rate. */
import type { Millis } from "../units/units.ts";
import type { Member } from "./member.ts";

/** Fewer packets say too little about a loss of a few percent. */
const samplePackets = 100;
/** Enough to see that most is lost. */
const fewPackets = 60;
const heavyLoss = 0.2;
/** Who gets less than so much of what the middle one gets would slow the others down. */
const floor = 0.75;

export interface RoomLoss {
  /** Of the members that count, by the third quartile: one unlucky sample is no overrun. */
  readonly loss: number;
  /** How many packets that is of, for most. */
  readonly packets: number;
  /** How long the packets have queued on their way to all: the least of the members'. */
  readonly queueMs: number;
  readonly stragglers: readonly Member[];
}

/** The loss since the stretch began, or null while too few have heard enough of it. */
export function roomLoss(members: Iterable<Member>, isSearching: boolean): RoomLoss | null {
  const samples: { member: Member; loss: number; packets: number }[] = [];
  let count = 0;
  for (const member of members) {
    if (!member.isServed || member.wantCount === 0) continue;
    count++;
    const start = member.stretchStart;
    if (start === null) continue;
    const packets = member.sequence - start.sequence;
    if (packets < fewPackets) continue;
    const loss = Math.max(0, 1 - ((member.packets - start.packets) >>> 0) / packets);
    samples.push({ member, loss, packets });
  }
  if (samples.length * 4 < count * 3 || samples.length === 0) return null;
  samples.sort((one, other) => one.loss - other.loss);
  const middle = samples[(samples.length - 1) >> 1] as (typeof samples)[number];
  const isEnough = middle.loss > heavyLoss || middle.packets >= samplePackets;
  if (!isEnough) return null;
  const counting = samples.filter(({ loss }) => 1 - loss >= floor * (1 - middle.loss));
  const place = counting.length < 4 ? counting.length - 1 : Math.ceil(counting.length * 0.75) - 1;
  return {
    packets: middle.packets,
    queueMs: Math.max(
      0,
      Math.min(
        ...samples.map(({ member: { wait } }) => (isSearching ? wait.last : wait.inStretch)),
      ),
    ),
    loss: (counting[place] as (typeof samples)[number]).loss,
    stragglers: samples.filter((each) => !counting.includes(each)).map(({ member }) => member),
  };
}

/** Starts the part of a member in a stretch with its first report from within. */
export function noteInStretch(member: Member, startSequence: number): void {
  if (member.stretchStart !== null || member.sequence < startSequence) return;
  member.stretchStart = { packets: member.packets, sequence: member.sequence };
  member.wait.beginStretch();
}

/** Milliseconds after which a stretch that says nothing is begun again: half the room has changed. */
export const stretchLimit = 2000 as Millis;
