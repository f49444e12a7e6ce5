import type { AddressRange } from "../units/ipv4.ts";
import type { Millis } from "../units/units.ts";
import { AddressQueue } from "./address-queue.ts";

/** Addresses that a choice looks at again, of those that were kept for a PC when they were last looked at. */
const keptLooks = 64;

/**
 * Which address of a range a new client gets. What that costs does not grow with the range: anybody can invent clients
 * until it is full.
 */
export class FreeAddresses {
  /** By when they are free: at 0 what was never held. */
  private readonly ends: AddressQueue;
  /** Offers that nobody took, by their end. */
  private readonly offers: AddressQueue;
  /** Not in `ends`, since they were kept for PCs when they were last looked at; with when they are free. */
  private readonly kept = new Map<number, number>();
  private readonly isKept: (address: number) => boolean;

  /** `isKept`: the address is not for just any client; that may change at any time. */
  constructor(range: AddressRange, isKept: (address: number) => boolean) {
    this.isKept = isKept;
    this.ends = new AddressQueue(range);
    this.offers = new AddressQueue(range);
    for (let address = range.first; address <= range.last; address++) this.ends.set(address, 0);
  }

  /** Somebody has it until then. What is not of the range is ignored, here and below. */
  hold(address: number, until: number, isOffer: boolean): void {
    this.freeFrom(address, until);
    if (isOffer) this.offers.set(address, until);
    else this.offers.delete(address);
  }

  /** It is as if nobody had ever had it. */
  drop(address: number): void {
    this.freeFrom(address, 0);
    this.offers.delete(address);
  }

  /**
   * The lowest that was never held; if all were, the one that has been free for longest; if none is free, the one whose
   * offer ends first; undefined when all are leased or rest.
   */
  next(now: Millis): number | undefined {
    this.lookAtKept();
    for (let first = this.ends.first; first !== undefined; first = this.ends.first) {
      const { address, time } = first;
      if (time > now) break;
      if (!this.isKept(address)) return address;
      this.ends.delete(address);
      this.kept.set(address, time);
    }
    for (let first = this.offers.first; first !== undefined; first = this.offers.first) {
      if (!this.isKept(first.address)) return first.address;
      this.offers.delete(first.address);
    }
    return undefined;
  }

  private freeFrom(address: number, time: number): void {
    if (this.kept.has(address)) this.kept.set(address, time);
    else this.ends.set(address, time);
  }

  /** Some of them, in turns. */
  private lookAtKept(): void {
    let left = Math.min(keptLooks, this.kept.size);
    for (const [address, time] of this.kept) {
      if (left-- === 0) return;
      this.kept.delete(address);
      if (this.isKept(address)) this.kept.set(address, time);
      else this.ends.set(address, time);
    }
  }
}
