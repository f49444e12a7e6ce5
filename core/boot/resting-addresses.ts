import type { MacAddress } from "../units/mac.ts";

/**
 * Addresses that are given to nobody for a while, since somebody says that they are in use. Each is put in for as long
 * as those before it, so that the oldest word is also the first that ends.
 */
export class RestingAddresses {
  /** The oldest word first. */
  private readonly words = new Map<number, { readonly by: MacAddress; readonly until: number }>();
  private readonly byWitness = new Map<MacAddress, Set<number>>();

  add(address: number, by: MacAddress, until: number): void {
    this.drop(address);
    this.words.set(address, { by, until });
    const own = this.byWitness.get(by) ?? new Set();
    own.add(address);
    this.byWitness.set(by, own);
  }

  drop(address: number): void {
    const by = this.words.get(address)?.by;
    if (by === undefined) return;
    this.words.delete(address);
    const own = this.byWitness.get(by);
    own?.delete(address);
    if (own?.size === 0) this.byWitness.delete(by);
  }

  /** What has rested long enough is counted no more. */
  forget(now: number): void {
    for (const [address, { until }] of this.words) {
      if (until > now) return;
      this.drop(address);
    }
  }

  get size(): number {
    return this.words.size;
  }

  /** On the word of this MAC, the oldest first. */
  on(by: MacAddress): ReadonlySet<number> {
    return this.byWitness.get(by) ?? new Set();
  }

  get oldest(): number | undefined {
    for (const address of this.words.keys()) return address;
    return undefined;
  }
}
