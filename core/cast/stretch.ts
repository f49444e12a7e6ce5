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
  /** How many packets the middle member's sample has. */
  readonly packets: number;
  /** How long packets have queued on the way to every member: the least of the members' waits. */
  readonly queueMs: number;
  readonly stragglers: readonly Member[];
}

/** The loss since the stretch began, or null while too few members have heard enough of it. */
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

/** Starts a member's sample of a stretch with its first report from within the stretch. */
export function noteInStretch(member: Member, startSequence: number): void {
  if (member.stretchStart !== null || member.sequence < startSequence) return;
  member.stretchStart = { packets: member.packets, sequence: member.sequence };
  member.wait.beginStretch();
}

/** After this long without a result a stretch begins anew: its receivers have changed. */
export const stretchLimit = 2000 as Millis;
