/**
 * A PC hears of its lease once that is durable. If the disk does not take it, it hears all the same, and people are told:
 * this server knows of the lease, and whoever is given an address is given one that answers no ARP.
 */
import { type DhcpAction, type Probe, unwritten } from "../../../core/boot/dhcp-action.ts";
import type { Lease } from "../../../core/boot/lease-pool.ts";
import { errorText } from "../../../core/errors.ts";
import { guarded } from "../../../core/node/guard.ts";
import type { AddressRange } from "../../../core/units/ipv4.ts";
import type { MacAddress } from "../../../core/units/mac.ts";

/** Where leases outlive the process. */
export interface LeaseStore {
  /** Those with an address of this subnet. */
  load(subnet: AddressRange): Lease[];
  /** Resolves when it is durable; rejects when it is not. */
  save(lease: Lease): Promise<void>;
  /** Durable soon: one that comes back in a crash costs nothing. Leaves one alone that is of another subnet by now. */
  remove(mac: string, subnet: AddressRange): void;
}

export type Said = Exclude<DhcpAction, { type: "save" | "forget" | "probe" }>;

export interface LeaseAnswersPorts {
  readonly leases: Pick<LeaseStore, "save" | "remove">;
  say(action: Said): void;
  /** Finds out who has the address that is to be offered to this PC. */
  probe(mac: MacAddress, subnet: AddressRange, asked: Probe): void;
  onError(error: Error): void;
}

/** Answers that wait for the disk at once. Who is not heard asks again, RFC 2131 section 4.1. */
const waitingLimit = 4096;

export class LeaseAnswers {
  private readonly ports: LeaseAnswersPorts;
  /** Of each PC for which something waits, the last that does. */
  private readonly last = new Map<MacAddress, Promise<void>>();
  private waiting = 0;

  constructor(ports: LeaseAnswersPorts) {
    this.ports = ports;
  }

  /** No packet is to be taken: the disk is too far behind. */
  get isFull(): boolean {
    return this.waiting >= waitingLimit;
  }

  /** Does what a machine has answered to a packet of this PC, after what it answered to those before. */
  take(mac: MacAddress, subnet: AddressRange, actions: readonly DhcpAction[]): void {
    const kept = this.write(actions, subnet);
    const before = this.last.get(mac);
    if (kept === null && before === undefined) return this.act(mac, subnet, actions);
    this.waiting++;
    const turn = Promise.all([kept, before]).then(([fault]) => {
      this.waiting--;
      if (this.last.get(mac) === turn) this.last.delete(mac);
      this.act(mac, subnet, actions);
      if (fault !== null) this.act(mac, subnet, unwritten(actions, fault));
    });
    this.last.set(mac, turn);
  }

  /** Null: nothing is waited for. Resolves with why it is not durable; null: it is. */
  private write(
    actions: readonly DhcpAction[],
    subnet: AddressRange,
  ): Promise<string | null> | null {
    const { leases } = this.ports;
    let kept: Promise<string | null> | null = null;
    for (const action of actions) {
      if (action.type === "forget") leases.remove(action.mac, subnet);
      if (action.type === "save") kept = leases.save(action.lease).then(() => null, errorText);
    }
    return kept;
  }

  private act(mac: MacAddress, subnet: AddressRange, actions: readonly DhcpAction[]): void {
    const { say, probe, onError } = this.ports;
    for (const action of actions)
      guarded(onError, () => {
        if (action.type === "probe") probe(mac, subnet, action);
        else if (isSaid(action)) say(action);
      });
  }
}

export const isSaid = (action: DhcpAction): action is Said =>
  !["save", "forget", "probe"].includes(action.type);
