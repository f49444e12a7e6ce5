/** Addresses that this server gives, or was about to give, and that somebody says are in use: what that means. */
import type { MacAddress } from "../units/mac.ts";
import { makeRoom } from "../units/make-room.ts";
import type { Millis } from "../units/units.ts";
import type { DhcpFact } from "./dhcp-action.ts";
import { doubtedLimit } from "./doubted-hosts.ts";

/** What has not been heard of for so long says nothing of now. */
const claimMs = 15 * 60_000;
/** MACs cost nothing to invent: the claim that is the oldest is forgotten. */
const claimsLimit = 1024;
/** So many addresses that are declined are no PC's mistake, and no single conflict. */
const declinesTold = 4;
/** MACs that are named in a text; of more it is said how many. */
const namedLimit = 3;

interface Claim {
  readonly mac: MacAddress;
  readonly address: string;
  readonly at: Millis;
}

/** By MAC and address. */
type Claims = Map<string, Claim>;

export class AddressClaims {
  /** Of clients, on what they were given. */
  private readonly declines: Claims = new Map();
  /** Of hosts that answered when an address was asked for. */
  private readonly answers: Claims = new Map();
  /** Those of them that answer for too many to be believed. */
  private readonly doubted = new Map<MacAddress, Millis>();
  /** When a client last got nothing because of those that are believed. */
  private occupiedAt: Millis | null = null;

  /** What the DHCP server made of a packet. */
  answered({ kind, mac, address, owner }: DhcpFact, now: Millis): void {
    if (kind === "occupied") this.occupiedAt = now;
    if (kind === "declined") claimed(this.declines, { mac, address: address ?? "", at: now });
    if (owner === undefined) return;
    claimed(this.answers, { mac: owner, address: address ?? "", at: now });
    if (kind !== "doubted") return;
    this.doubted.delete(owner);
    makeRoom(this.doubted, doubtedLimit);
    this.doubted.set(owner, now);
  }

  /** Of addresses that PCs declined, in words. */
  declineTexts(ownAddress: string, now: Millis): string[] {
    for (const [key, { at }] of this.declines) if (now - at > claimMs) this.declines.delete(key);
    const { count, macs } = counted([...this.declines.values()]);
    if (count < declinesTold) return [];
    return [
      `${count} addresses that ${ownAddress} gave were declined within a quarter of an hour, as if something else had them, by ${counting(macs)}. Look for a host that answers ARP for addresses which it was not given (a router's proxy ARP, a second DHCP server's PCs), or for whatever declines all that it is offered`,
    ];
  }

  /** Of hosts that answer for more addresses than a host has. */
  doubtedTexts(ownAddress: string, now: Millis): string[] {
    const { count, macs } = this.answersOf(true, now);
    if (macs.length === 0) return [];
    const [who, whom] =
      macs.length === 1
        ? [`the MAC ${macs[0]} answers`, "that MAC"]
        : [`${counting(macs)} answer`, "those MACs"];
    return [
      `${who} ARP for ${count} addresses that ${ownAddress} was about to give to PCs, as a router with proxy ARP does, or a host that answers for whatever is asked. PCs are given these addresses all the same, but packets for them may go to ${whom} instead. Turn off proxy ARP on the router's interface to this network, or find the host by the switch's table of MACs. A host that really has so many addresses needs others, which ${ownAddress} does not give`,
    ];
  }

  /** Of hosts that leave no address for PCs. */
  occupiedTexts(ownAddress: string, now: Millis): string[] {
    if (this.occupiedAt === null || now - this.occupiedAt > claimMs) return [];
    const { count, macs } = this.answersOf(false, now);
    if (macs.length === 0) return [];
    return [
      `no address was left for a PC: hosts that did not get them from ${ownAddress} answer ARP for ${count} of those that it gives, by ${counting(macs)}. If you know these hosts, name a range with --range that they do not use. If you do not, one host answers for whatever is asked, by MACs that it invents: find it by the switch's table of MACs, or by turning off one port after the other`,
    ];
  }

  private answersOf(areDoubted: boolean, now: Millis): Count {
    for (const [mac, at] of this.doubted) if (now - at > claimMs) this.doubted.delete(mac);
    // While a host is not believed, what it claimed before is known of it.
    for (const [key, { mac, at }] of this.answers)
      if (now - at > claimMs && !this.doubted.has(mac)) this.answers.delete(key);
    return counted(
      [...this.answers.values()].filter(({ mac }) => this.doubted.has(mac) === areDoubted),
    );
  }
}

/** Addresses, and who claims them. */
interface Count {
  readonly count: number;
  readonly macs: readonly MacAddress[];
}

function claimed(claims: Claims, claim: Claim): void {
  const key = `${claim.mac} ${claim.address}`;
  claims.delete(key);
  makeRoom(claims, claimsLimit);
  claims.set(key, claim);
}

function counted(claims: readonly Claim[]): Count {
  const macs = [...new Set(claims.map(({ mac }) => mac))];
  return { count: new Set(claims.map(({ address }) => address)).size, macs };
}

/** `2 MACs (…, …)`. */
function counting(macs: readonly MacAddress[]): string {
  const more = macs.length - namedLimit;
  const named = `${macs.slice(0, namedLimit).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  return `${macs.length} ${macs.length === 1 ? "MAC" : "MACs"} (${named})`;
}
