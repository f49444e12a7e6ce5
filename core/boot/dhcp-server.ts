/**
 * A full DHCP server for one subnet (RFC 2131), as a machine: packets and the time in, packets and
 * leases out. The time is the wall clock's, since leases outlive the process.
 */
import { type AddressRange, ipv4ToNumber, ipv4ToText, isInRange, subnetOf } from "../units/ipv4.ts";
import type { MacAddress } from "../units/mac.ts";
import type { Millis } from "../units/units.ts";
import {
  addressOption,
  type DhcpPacket,
  dhcpType,
  messageType,
  noAddress,
} from "../wire/dhcp/packet.ts";
import {
  bootText,
  broadcastAddress,
  clientPort,
  type DhcpAction,
  endIpv6Wait,
  fact,
  isOfOneCard,
  loadsOf,
  type Probe,
  relayedFrom,
  serverPort,
  unsupported,
} from "./dhcp-action.ts";
import { type AnswerSettings, ackOrOffer, nak } from "./dhcp-answer.ts";
import { believedCount, DoubtedHosts } from "./doubted-hosts.ts";
import { type Lease, LeasePool, type LeasePoolOptions } from "./lease-pool.ts";
import { type Loader, loaderFor } from "./loader.ts";

export type DhcpServerOptions = AnswerSettings &
  LeasePoolOptions & {
    /** Ask whether an address is in use before it is offered: the machine answers with `probe`. */
    readonly probesAddresses: boolean;
  };

/** DISCOVERs that wait for a probe at once; further ones are answered without a probe. */
const probesLimit = 256;
/** Addresses that are asked for because of one DISCOVER: three seconds, if each is answered for. */
const askedLimit = 256;

interface Probing {
  readonly probe: Probe;
  readonly packet: DhcpPacket;
  /** Probes because of this packet, with this one. */
  readonly asked: number;
}

export class DhcpServer {
  private readonly options: DhcpServerOptions;
  private readonly subnet: AddressRange;
  private readonly pool: LeasePool;
  /** By the address that would be offered, while it is asked for. */
  private readonly probing = new Map<string, Probing>();
  private readonly doubted = new DoubtedHosts();

  constructor(options: DhcpServerOptions, leases: readonly Lease[]) {
    this.options = options;
    this.subnet = subnetOf(options.relayedSubnet ?? options.serverAddress, options.netmask);
    this.pool = new LeasePool(options, leases);
  }

  /** Takes one packet of a client, or of the relay (giaddr) that brings it. */
  handle(packet: DhcpPacket, now: Millis): DhcpAction[] {
    if (packet.op !== 1) return [];
    if (!isOfOneCard(packet.mac)) return [fact(packet, "ignored", null, "not a MAC of one card")];
    if (packet.giaddr !== noAddress && !this.isOnSubnet(packet.giaddr))
      return [relayedFrom(packet)];
    const loader = this.loaderFor(packet);
    if (loader?.kind === "unsupported" && !loader.getsAddress) return unsupported(packet, loader);
    switch (messageType(packet)) {
      case dhcpType.discover:
        return this.discover(packet, now);
      case dhcpType.request:
        return this.request(packet, now);
      case dhcpType.decline:
        return this.decline(packet, now);
      case dhcpType.release:
        return this.release(packet);
      case dhcpType.inform:
        return this.inform(packet);
      default:
        return [fact(packet, "ignored", null, "not a message that a client sends")];
    }
  }

  /** `asked`: the probes that there were for it. */
  private discover(packet: DhcpPacket, now: Millis, asked = 0): DhcpAction[] {
    // It asks again while its address is being asked for.
    if ([...this.probing.values()].some((each) => each.packet.mac === packet.mac)) return [];
    if (asked >= askedLimit) {
      const text = `other hosts answer by ARP for the ${asked} addresses that were tried for it`;
      return [fact(packet, "occupied", null, text)];
    }
    const offer = this.pool.offer(packet.mac, addressOption(packet, 50), now);
    if (offer === undefined) return [this.nothingLeft(packet, now)];
    const { address, forgotten, isNew } = offer;
    // Whoever waited for this address has lost it.
    if (isNew) this.probing.delete(address);
    if (!isNew || !this.options.probesAddresses || this.probing.size >= probesLimit)
      return [...forget(forgotten), ...this.offer(packet, address)];
    return [...forget(forgotten), this.probe(packet, address, now, asked + 1)];
  }

  private nothingLeft(packet: DhcpPacket, now: Millis): DhcpAction {
    const { first, last } = this.options.range;
    const text = `no free address left in ${ipv4ToText(first)}-${ipv4ToText(last)}`;
    const inUse = this.pool.inUseCount(now);
    if (inUse * 2 < this.pool.size) return fact(packet, "exhausted", null, text);
    return fact(
      packet,
      "occupied",
      null,
      `${text}: other hosts answer for ${inUse} of them by ARP`,
    );
  }

  private probe(packet: DhcpPacket, address: string, now: Millis, asked: number): DhcpAction {
    const probe: Probe = { type: "probe", address, doubted: this.doubted.at(now) };
    this.probing.set(address, { probe, packet, asked });
    return probe;
  }

  /** False once another PC has got the address: that one waits for a probe of its own. */
  isWaitingFor(probe: Probe): boolean {
    return this.probing.get(probe.address)?.probe === probe;
  }

  /** Who answered to a probe: the first that is not doubted, if any, after those that are. */
  probed(probe: Probe, answered: readonly MacAddress[], now: Millis): DhcpAction[] {
    const { address, doubted } = probe;
    const probing = this.probing.get(address);
    if (probing?.probe !== probe) return [];
    this.probing.delete(address);
    const { packet, asked } = probing;
    // A PC that still has the address, from its own system or an earlier stage of its boot, may keep it.
    const others = answered.filter((mac) => mac !== packet.mac);
    const owner = others.find((mac) => !doubted.includes(mac));
    const doubts = others.flatMap((mac) =>
      mac === owner ? [] : this.doubt(packet, address, mac, now),
    );
    if (owner === undefined) return [...doubts, ...this.offer(packet, address)];
    if (this.answersForAll(owner, now)) {
      this.pool.disbelieve(owner, now);
      // Who else has the address was not heard beside this one.
      return [...this.doubt(packet, address, owner, now), this.probe(packet, address, now, asked)];
    }
    this.pool.foundInUse(packet.mac, address, owner, now);
    const text = `${address} is in use by ${owner}, which did not get it here; it is left out`;
    return [
      ...doubts,
      heardFact(packet, "in-use", address, owner, text),
      ...this.discover(packet, now, asked),
    ];
  }

  private answersForAll(owner: MacAddress, now: Millis): boolean {
    const isMore = this.pool.inUseCount(now, owner) >= believedCount(this.pool.size);
    return isMore || this.doubted.has(owner);
  }

  private doubt(packet: DhcpPacket, address: string, mac: MacAddress, now: Millis): DhcpAction[] {
    this.doubted.heard(mac, now);
    const others = believedCount(this.pool.size);
    const text = `${mac} answers for ${address}, as for ${others} others or more: that does not count`;
    return [heardFact(packet, "doubted", address, mac, text)];
  }

  private offer(packet: DhcpPacket, address: string): DhcpAction[] {
    const loader = this.loaderFor(packet);
    const loads = loadsOf(loader);
    return [
      this.send(packet, ackOrOffer(this.options, packet, dhcpType.offer, address)),
      ...endIpv6Wait(packet),
      fact(packet, "offered", address, `offered ${address}${bootText(loads)}`, loads),
      ...unsupported(packet, loader),
    ];
  }

  private loaderFor(packet: DhcpPacket): Loader | undefined {
    return loaderFor(packet, this.options.uefiLoaders.for(packet.mac));
  }

  private request(packet: DhcpPacket, now: Millis): DhcpAction[] {
    const chosen = addressOption(packet, 54);
    if (chosen !== undefined && chosen !== this.options.serverAddress) {
      // RFC 2131 section 4.3.2: the client has taken another server's offer; ours is free again.
      this.pool.withdraw(packet.mac);
      return [fact(packet, "elsewhere", chosen, `the client has chosen the server ${chosen}`)];
    }
    const asked = addressOption(packet, 50) ?? packet.ciaddr;
    if (asked === noAddress) return [fact(packet, "ignored", null, "a request without an address")];
    const { leaseSeconds } = this.options;
    const isRenewal = packet.ciaddr !== noAddress;
    const term = { leaseMs: leaseSeconds * 1000, isRenewal };
    const claim = this.pool.claim(packet.mac, asked, now, term);
    switch (claim.name) {
      case "granted": {
        const verb = isRenewal ? "renewed" : "leased";
        const loader = this.loaderFor(packet);
        const loads = loadsOf(loader);
        const ack = ackOrOffer(this.options, packet, dhcpType.ack, asked);
        this.options.uefiLoaders.told(packet.mac, loader);
        return [
          ...forget(claim.forgotten),
          { type: "save", lease: claim.lease },
          this.send(packet, ack),
          ...endIpv6Wait(packet),
          fact(packet, "leased", asked, `${verb} ${asked}${bootText(loads)}`, loads),
        ];
      }
      case "foreign":
        // RFC 2131 section 4.3.2: without a record of the client, the server stays silent; but one
        // that comes from another network must not go on with what it had there.
        if (chosen === undefined && this.isOnSubnet(asked)) {
          return [fact(packet, "ignored", asked, `${asked} is not of this server's range`)];
        }
        return this.refuse(packet, asked);
      case "wrong":
        return this.refuse(packet, asked);
    }
  }

  /** RFC 2131 section 4.3.2: a NAK is broadcast, by the relay where there is one. */
  private refuse(packet: DhcpPacket, asked: string): DhcpAction[] {
    const reply = nak(this.options, packet);
    const isRelayed = packet.giaddr !== noAddress;
    return [
      {
        type: "send",
        packet: reply,
        address: isRelayed ? packet.giaddr : broadcastAddress,
        port: isRelayed ? serverPort : clientPort,
      },
      fact(packet, "refused", asked, `${asked} is not this client's here`),
    ];
  }

  private decline(packet: DhcpPacket, now: Millis): DhcpAction[] {
    const address = addressOption(packet, 50);
    if (address === undefined || !this.isForUs(packet)) return [];
    // Only the one who was given an address can say that it is in use.
    if (!this.pool.decline(packet.mac, address, now)) return [];
    return [
      { type: "forget", mac: packet.mac },
      fact(packet, "declined", address, `${address} is in use by something else`),
    ];
  }

  private release(packet: DhcpPacket): DhcpAction[] {
    const { mac, ciaddr } = packet;
    if (!this.isForUs(packet) || !this.pool.release(mac, ciaddr)) return [];
    return [{ type: "forget", mac }, fact(packet, "released", ciaddr, `released ${ciaddr}`)];
  }

  /** RFC 2131 section 4.3.5: the settings without an address or a lease time, to the client itself. */
  private inform(packet: DhcpPacket): DhcpAction[] {
    if (!this.isOnSubnet(packet.ciaddr)) return [];
    const reply = ackOrOffer(this.options, packet, dhcpType.ack, null);
    return [{ type: "send", packet: reply, address: packet.ciaddr, port: clientPort }];
  }

  private isForUs(packet: DhcpPacket): boolean {
    const server = addressOption(packet, 54);
    return server === undefined || server === this.options.serverAddress;
  }

  private isOnSubnet(address: string): boolean {
    return isInRange(ipv4ToNumber(address) ?? 0, this.subnet);
  }

  /**
   * RFC 2131 section 4.1: by the relay; else to a client that has its address already; else by
   * broadcast, since a client without an address cannot answer ARP. Nothing leaves the subnet.
   */
  private send(request: DhcpPacket, packet: DhcpPacket): DhcpAction {
    if (request.giaddr !== noAddress)
      return { type: "send", packet, address: request.giaddr, port: serverPort };
    const hasAddress = this.isOnSubnet(request.ciaddr);
    const address = hasAddress ? request.ciaddr : broadcastAddress;
    return { type: "send", packet, address, port: clientPort };
  }
}

const heardFact = (
  { mac, xid }: DhcpPacket,
  kind: "in-use" | "doubted",
  address: string,
  owner: MacAddress,
  text: string,
): DhcpAction => ({ type: "fact", fact: { kind, mac, xid, address, text, loads: null, owner } });

const forget = (macs: readonly MacAddress[]): DhcpAction[] =>
  macs.map((mac) => ({ type: "forget", mac }));
