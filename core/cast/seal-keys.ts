/** What a receiver holds a packet's seal against, and how many did not fit. */
import { type Millis, millis } from "../units/units.ts";
import { PacketSeal } from "./seal.ts";

/**
 * A key is good for this long after the next one came: the sender changes to that one a little later
 * than the receivers hear of it, and packets of the one before are under way.
 */
const formerFor = millis(2000);

export class SealKeys {
  private nextNumber = 0;
  /** The newest first; only that one has no end. */
  private keys: { readonly number: number; readonly seal: PacketSeal; until: Millis }[] = [];

  constructor(packetKey: Uint8Array) {
    this.add(packetKey, millis(0));
  }

  /** Answers the key's number. */
  add(packetKey: Uint8Array, now: Millis): number {
    const number = this.nextNumber++;
    for (const key of this.keys) key.until = millis(Math.min(key.until, now + formerFor));
    const until = millis(Number.POSITIVE_INFINITY);
    this.keys.unshift({ number, seal: new PacketSeal(packetKey), until });
    return number;
  }

  expire(now: Millis): void {
    if (this.keys.length > 1) this.keys = this.keys.filter(({ until }) => now < until);
  }

  /** The number of the key that the packet is sealed with; null: it is forged or damaged. */
  numberFor(packet: Uint8Array, offset: number, length: number): number | null {
    for (const { number, seal } of this.keys) if (seal.fits(packet, offset, length)) return number;
    return null;
  }
}

/** The key of packets from another generation may be on its way here for this long. */
const keyComesWithin = millis(30_000);

/**
 * Counts packets whose seal does not fit. After the server has restarted, or has changed the keys while
 * this receiver was cut off, good packets come before their key: they are of a generation that is new.
 */
export class ForgedCount {
  count = 0;
  /** Of one generation that is not known. */
  private strange: { readonly generation: number; count: number; since: Millis | null } | null =
    null;

  /** A packet of `generation`, while packets of `heard` are the sender's. */
  note(generation: number, heard: number | undefined): void {
    if (generation === heard) {
      this.count++;
      return;
    }
    if (this.strange?.generation === generation) {
      this.strange.count++;
      return;
    }
    this.count += this.strange?.count ?? 0;
    this.strange = { generation, count: 1, since: null };
  }

  /** The generation is the sender's after all. */
  clear(generation: number): void {
    if (this.strange?.generation === generation) this.strange = null;
  }

  /** Looks at the time: what nobody has brought the key of by now is forged. */
  settle(now: Millis): void {
    const { strange } = this;
    if (strange === null) return;
    strange.since ??= now;
    if (now - strange.since < keyComesWithin) return;
    this.count += strange.count;
    strange.count = 0;
  }
}
