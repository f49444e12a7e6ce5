/** What a receiver has heard of its sender: how many packets, and up to which. */
import { type PacketHeader, sequenceDistance } from "../wire/cast.ts";

/** One generation of the sender, as long as its packets have one key. */
interface Generation {
  readonly keyNumber: number;
  readonly generation: number;
  readonly first: number;
  readonly droppedBefore: number;
  highest: number;
  packets: number;
}

export class Heard {
  /** The sender that was heard last; null: none was. */
  latest: Generation | null = null;
  /** What this host's socket has dropped since it was opened. */
  dropped = 0;
  /** Of all senders. */
  packets = 0;
  bytes = 0;
  private lostBefore = 0;

  /** Whether the packet is of another sender than those before it. */
  isNew({ generation }: PacketHeader, keyNumber: number): boolean {
    return this.latest?.keyNumber !== keyNumber || this.latest.generation !== generation;
  }

  /** From this packet on, another sender is heard. */
  begin({ generation, sequence }: PacketHeader, keyNumber: number): void {
    this.lostBefore = this.lost;
    const numbers = { first: sequence, highest: sequence, packets: 0 };
    this.latest = { keyNumber, generation, ...numbers, droppedBefore: this.dropped };
  }

  /** Counts a packet. Answers whether none was newer. */
  note({ sequence }: PacketHeader, length: number): boolean {
    const latest = this.latest as Generation;
    this.packets++;
    this.bytes += length;
    latest.packets++;
    const step = sequenceDistance(sequence, latest.highest);
    if (step > 0) latest.highest = sequence;
    return step >= 0;
  }

  /** Gaps in the sequence, less what this host dropped itself. */
  get lost(): number {
    if (this.latest === null) return this.lostBefore;
    const { first, highest, packets, droppedBefore } = this.latest;
    const sent = sequenceDistance(highest, first) + 1;
    const lost = Math.max(0, sent - packets - (this.dropped - droppedBefore));
    return this.lostBefore + lost;
  }

  /** Of the present sender, as a report says it. */
  get ofLatest() {
    const { latest } = this;
    return {
      heard: latest === null ? null : { generation: latest.generation, sequence: latest.highest },
      packets: latest?.packets ?? 0,
      dropped: latest === null ? 0 : this.dropped - latest.droppedBefore,
    };
  }
}
