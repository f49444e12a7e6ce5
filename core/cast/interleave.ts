/**
 * How many entries take turns on the wire, packet by packet. A burst of some forty packets that a PC loses then takes
 * a few symbols of each instead of forty of one; other PCs' bursts hit the same entries, and one repair serves
 * them all. While that would save nothing, there are no turns: each entry is sent from its first symbol to its last.
 */
import type { Member } from "./member.ts";

const depthMost = 16;
/** A receiver gives a slot to each entry that is on its way: no more than this part of them is taken by turns. */
const slotShare = 1 / 8;
/** Of all symbols sent: so many repairs beyond what each PC has lost are worth another entry that takes turns. */
const excessEach = 0.001;
/** What is left of the count of an entry when the next begins: the last thirty decide. */
const remembered = 1 - 1 / 30;

export class Interleave {
  private sent = 0;
  private excess = 0;

  /** An entry of so many symbols begins. */
  noteBegun(symbolCount: number): void {
    this.sent = this.sent * remembered + symbolCount;
    this.excess *= remembered;
  }

  /** So many packets will repair an entry of which the mean PC lacks so many symbols. */
  noteRepairs(count: number, meanLacking: number): void {
    this.excess += count - meanLacking;
  }

  /** How many entries are to take turns when they are sent to those of these that are served. */
  depthFor(members: Iterable<Pick<Member, "isServed" | "slotCount">>): number {
    const worth = this.sent === 0 ? 0 : Math.floor(this.excess / this.sent / excessEach);
    // Asked before each batch of packets, and mostly with nothing lost.
    if (worth <= 1) return 1;
    let depth = Math.min(depthMost, worth);
    for (const { isServed, slotCount } of members)
      if (isServed) depth = Math.min(depth, Math.floor(slotCount * slotShare));
    return Math.max(1, depth);
  }
}
