/**
 * Which address is whose. One PC asks several times in one boot, as firmware, as loader, as kernel,
 * with different client identifiers or none: it is known by its MAC and gets the same address each
 * time. An expired lease is remembered until nothing else is left, for its owner may come back.
 */
import { type AddressRange, ipv4ToNumber, ipv4ToText, isInRange } from "../units/ipv4.ts";
import type { MacAddress } from "../units/mac.ts";
import type { Millis } from "../units/units.ts";
import type { DhcpSeats } from "./dhcp-seats.ts";
import { FreeAddresses } from "./free-addresses.ts";
import { RestingAddresses } from "./resting-addresses.ts";

export interface Lease {
  readonly mac: MacAddress;
  readonly address: string;
  /** Wall-clock milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface LeasePoolOptions {
  readonly serverAddress: string;
  /** First and last address to lease, as numbers. */
  readonly range: AddressRange;
  /** These PCs always get theirs, inside or outside of the range. */
  readonly fixed: ReadonlyMap<string, string>;
  /** So do these, unless they have one of `fixed`; who sits where changes while the server runs. */
  readonly seats: Pick<DhcpSeats, "of" | "isKept">;
}

/** The pool's answers name whose stored leases have to be forgotten for it. */
export interface Offer {
  readonly address: string;
  readonly forgotten: readonly MacAddress[];
  /** The client had neither this lease nor this offer until now. */
  readonly isNew: boolean;
}

export type Claim =
  | { readonly name: "granted"; readonly lease: Lease; readonly forgotten: readonly MacAddress[] }
  /** The address belongs to another client, or the client has another address. */
  | { readonly name: "wrong" }
  /** Not an address of this pool, and the client is unknown: perhaps another server's affair. */
  | { readonly name: "foreign" };

/** Milliseconds for which an offered address is kept for the client, unless another client would get none. */
const offerMs = 60_000;
/** Milliseconds for which an address is not offered, because something else has it. */
export const restMs = 600_000;
/** Addresses that rest at once on one client's word. */
const declinesLimit = 8;
/** The part of the range that rests at once on clients' words, however many they are: a client costs nothing to invent. */
const declinesPart = 1 / 4;

/** What an address is, until then; afterwards it is free, but still remembered. */
type Holding =
  | { readonly name: "offered" | "leased"; readonly mac: MacAddress; readonly until: number }
  | { readonly name: "resting"; readonly until: number };

/** Holds at most one entry for each address of the range and each fixed one. */
export class LeasePool {
  private readonly range: AddressRange;
  private readonly fixed = new Map<string, number>();
  /** Never handed out to just anyone: the server's own and the fixed addresses. */
  private readonly reserved = new Set<number>();
  private readonly holdings = new Map<number, Holding>();
  private readonly addressOf = new Map<MacAddress, number>();
  private readonly seats: LeasePoolOptions["seats"];
  private readonly free: FreeAddresses;
  /** By clients that were given them. */
  private readonly declined = new RestingAddresses();
  /** By hosts that answered on them. */
  private readonly inUse = new RestingAddresses();

  constructor(options: LeasePoolOptions, leases: readonly Lease[]) {
    this.range = options.range;
    this.seats = options.seats;
    for (const [mac, text] of options.fixed) {
      const address = ipv4ToNumber(text);
      if (address === undefined) continue;
      this.fixed.set(mac, address);
      this.reserved.add(address);
    }
    this.reserved.add(ipv4ToNumber(options.serverAddress) ?? 0);
    this.free = new FreeAddresses(this.range, (address) => this.isReserved(address));
    // The oldest first: of two stored leases for one address the younger one holds.
    for (const { mac, address, expiresAt } of leases.toSorted(
      (one, other) => one.expiresAt - other.expiresAt,
    )) {
      const value = ipv4ToNumber(address);
      if (value === undefined || !this.mayHave(mac, value)) continue;
      this.hold(value, { name: "leased", mac, until: expiresAt });
    }
  }

  /**
   * The address for this client, kept for it for a minute; undefined when all are leased. When nothing
   * else is left, the oldest offer that nobody took goes to this client: clients are invented faster.
   */
  offer(mac: MacAddress, wanted: string | undefined, now: Millis): Offer | undefined {
    const address = this.choose(mac, wanted === undefined ? undefined : ipv4ToNumber(wanted), now);
    if (address === undefined) return undefined;
    const holding = this.holdings.get(address);
    // A lease that still runs is not shortened to an offer.
    if (this.isHeld(holding, now) && !this.isAnothers(address, mac, now))
      return { address: ipv4ToText(address), forgotten: [], isNew: false };
    const forgotten = this.hold(address, { name: "offered", mac, until: now + offerMs });
    return { address: ipv4ToText(address), forgotten, isNew: true };
  }

  /**
   * Leases the address that the client asks for, if it may have it. One that renews what it has keeps it: an
   * address that an operator gives it meanwhile is for its next start, and ends nothing that it is at.
   */
  claim(
    mac: MacAddress,
    asked: string,
    now: Millis,
    term: { readonly leaseMs: number; readonly isRenewal: boolean },
  ): Claim {
    const address = ipv4ToNumber(asked) ?? 0;
    const fixed = this.fixedFor(mac, now);
    const own = this.addressOf.get(mac);
    const isKnown = own !== undefined && this.isHeld(this.holdings.get(own), now);
    if (!this.mayHave(mac, address)) {
      const isForeign = !this.isReserved(address) && fixed === undefined && !isKnown;
      return { name: isForeign ? "foreign" : "wrong" };
    }
    const isKept = term.isRenewal && isKnown && own === address && !this.fixed.has(mac);
    const isOther =
      !isKept && (fixed !== undefined ? fixed !== address : isKnown && own !== address);
    if (isOther || this.isAnothers(address, mac, now)) return { name: "wrong" };
    const until = now + term.leaseMs;
    const forgotten = this.hold(address, { name: "leased", mac, until });
    return {
      name: "granted",
      lease: { mac, address: ipv4ToText(address), expiresAt: until },
      forgotten,
    };
  }

  /** The client took another server's offer. */
  withdraw(mac: MacAddress): void {
    const address = this.addressOf.get(mac);
    if (address !== undefined && this.holdings.get(address)?.name === "offered") this.drop(address);
  }

  /** The client gives its address back, or has found it in use; false when it was not the client's. */
  release(mac: MacAddress, asked: string): boolean {
    const address = this.addressOf.get(mac);
    if (address === undefined || address !== ipv4ToNumber(asked)) return false;
    this.drop(address);
    return true;
  }

  /**
   * As `release`; and the address is not given out for ten minutes. Clients that decline whatever they get must not
   * empty the range: the addresses that were declined first come back for the latest, after all that rests on nobody's
   * word. As every other, such an address is asked for before it is offered, and rests again if somebody answers.
   */
  decline(mac: MacAddress, asked: string, now: Millis): boolean {
    if (!this.rest(this.declined, mac, asked, mac, now)) return false;
    const most = Math.max(1, Math.floor(this.size * declinesPart));
    const own = this.declined.on(mac);
    for (const address of own) {
      if (own.size <= Math.min(declinesLimit, most)) break;
      this.comeBack(this.declined, address, now);
    }
    while (this.declined.size > most)
      this.comeBack(this.declined, this.declined.oldest as number, now);
    return true;
  }

  /** The address that was to be offered to this client is another host's, which has answered on it. */
  foundInUse(mac: MacAddress, address: string, owner: MacAddress, now: Millis): void {
    this.rest(this.inUse, mac, address, owner, now);
  }

  /** How many addresses rest because hosts answered on them, or because this one did. */
  inUseCount(now: Millis, owner?: MacAddress): number {
    this.inUse.forget(now);
    return owner === undefined ? this.inUse.size : this.inUse.on(owner).size;
  }

  /** What rests because this host answered comes back, after all that rests on nobody's word. */
  disbelieve(owner: MacAddress, now: Millis): void {
    for (const address of this.inUse.on(owner)) this.comeBack(this.inUse, address, now);
  }

  /** Addresses of the range. */
  get size(): number {
    return this.range.last - this.range.first + 1;
  }

  private rest(
    among: RestingAddresses,
    mac: MacAddress,
    asked: string,
    by: MacAddress,
    now: Millis,
  ): boolean {
    const address = this.addressOf.get(mac);
    if (address === undefined || !this.release(mac, asked)) return false;
    const until = now + restMs;
    this.put(address, { name: "resting", until });
    among.forget(now);
    among.add(address, by, until);
    return true;
  }

  private comeBack(among: RestingAddresses, address: number, now: Millis): void {
    among.drop(address);
    this.put(address, { name: "resting", until: now });
  }

  private choose(mac: MacAddress, wanted: number | undefined, now: Millis): number | undefined {
    const fixed = this.fixedFor(mac, now);
    if (fixed !== undefined) return fixed;
    for (const address of [this.addressOf.get(mac), wanted]) {
      if (address === undefined || !this.isLeasable(address)) continue;
      if (!this.isAnothers(address, mac, now)) return address;
    }
    return this.free.next(now);
  }

  /** The client's fixed address, unless something else sits on it: then it gets one of the range. */
  private fixedFor(mac: MacAddress, now: Millis): number | undefined {
    const address = this.ownOf(mac);
    return address === undefined || this.isAnothers(address, mac, now) ? undefined : address;
  }

  private mayHave(mac: MacAddress, address: number): boolean {
    return this.ownOf(mac) === address || this.isLeasable(address);
  }

  /** The address that is this client's alone. */
  private ownOf(mac: MacAddress): number | undefined {
    const fixed = this.fixed.get(mac);
    if (fixed !== undefined) return fixed;
    const address = ipv4ToNumber(this.seats.of(mac)?.address ?? "");
    // The configuration comes before what operators set.
    return address === undefined || this.reserved.has(address) ? undefined : address;
  }

  private isReserved(address: number): boolean {
    return this.reserved.has(address) || this.seats.isKept(ipv4ToText(address));
  }

  private isLeasable(address: number): boolean {
    return isInRange(address, this.range) && !this.isReserved(address);
  }

  private isAnothers(address: number, mac: MacAddress, now: Millis): boolean {
    const holding = this.holdings.get(address);
    if (holding === undefined || !this.isHeld(holding, now)) return false;
    return holding.name === "resting" || holding.mac !== mac;
  }

  private isHeld(holding: Holding | undefined, now: Millis): boolean {
    return holding !== undefined && holding.until > now;
  }

  /** Answers the leases that it replaced: another client's of this address, and this client's of another. */
  private hold(
    address: number,
    holding: Holding & { readonly mac: MacAddress },
  ): readonly MacAddress[] {
    const forgotten: MacAddress[] = [];
    const elsewhere = this.addressOf.get(holding.mac);
    for (const each of [address, ...(elsewhere === undefined ? [] : [elsewhere])]) {
      const before = this.holdings.get(each);
      const isReplaced =
        each === address && before?.name !== "resting" && before?.mac === holding.mac;
      if (before?.name === "leased" && !isReplaced) forgotten.push(before.mac);
      this.drop(each);
    }
    this.put(address, holding);
    this.addressOf.set(holding.mac, address);
    return forgotten;
  }

  private put(address: number, holding: Holding): void {
    this.holdings.set(address, holding);
    this.free.hold(address, holding.until, holding.name === "offered");
  }

  private drop(address: number): void {
    const holding = this.holdings.get(address);
    if (holding !== undefined && holding.name !== "resting") this.addressOf.delete(holding.mac);
    this.holdings.delete(address);
    for (const each of [this.free, this.declined, this.inUse]) each.drop(address);
  }
}
