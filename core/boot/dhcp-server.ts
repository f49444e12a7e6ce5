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
import { type AnswerSettings, ackOrOffer, nak } from "./dhcp-answer.ts";
import { type Lease, LeasePool, type LeasePoolOptions } from "./lease-pool.ts";
import { loaderFor } from "./loader.ts";

export type DhcpServerOptions = AnswerSettings & LeasePoolOptions;

export type DhcpAction =
  | {
      readonly type: "send";
      readonly packet: DhcpPacket;
      readonly address: string;
      readonly port: number;
    }
  | { readonly type: "save"; readonly lease: Lease }
  | { readonly type: "forget"; readonly mac: MacAddress }
  /** Tell this PC that there is no IPv6 router: its iPXE waits for one. */
  | { readonly type: "end-ipv6-wait"; readonly mac: MacAddress }
  | { readonly type: "fact"; readonly fact: DhcpFact };

/** What a log or a screen may want to know. */
export interface DhcpFact {
  readonly kind:
    | "offered"
    | "leased"
    | "refused"
    | "exhausted"
    | "released"
    | "declined"
    | "unsupported"
    | "ignored";
  readonly mac: MacAddress;
  readonly xid: number;
  readonly address: string | null;
  readonly text: string;
}

const broadcastAddress = "255.255.255.255";
const clientPort = 68;
const serverPort = 67;

export class DhcpServer {
  private readonly options: DhcpServerOptions;
  private readonly subnet: AddressRange;
  private readonly pool: LeasePool;

  constructor(options: DhcpServerOptions, leases: readonly Lease[]) {
    this.options = options;
    this.subnet = subnetOf(options.serverAddress, options.netmask);
    this.pool = new LeasePool(options, leases);
  }

  /** Takes one packet of a client, or of the relay (giaddr) that brings it. */
  handle(packet: DhcpPacket, now: Millis): DhcpAction[] {
    if (packet.op !== 1) return [];
    if (!isOfOneCard(packet.mac)) return [fact(packet, "ignored", null, "not a MAC of one card")];
    if (packet.giaddr !== noAddress && !this.isOnSubnet(packet.giaddr)) {
      const text = `the relay ${packet.giaddr} is on a subnet that this server has no addresses for`;
      return [fact(packet, "ignored", null, text)];
    }
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

  private discover(packet: DhcpPacket, now: Millis): DhcpAction[] {
    const offer = this.pool.offer(packet.mac, addressOption(packet, 50), now);
    if (offer === undefined) {
      const { first, last } = this.options.range;
      const range = `${ipv4ToText(first)}-${ipv4ToText(last)}`;
      return [fact(packet, "exhausted", null, `no free address left in ${range}`)];
    }
    const { address, forgotten } = offer;
    return [
      ...forget(forgotten),
      this.send(packet, ackOrOffer(this.options, packet, dhcpType.offer, address)),
      ...endIpv6Wait(packet),
      fact(packet, "offered", address, `offered ${address}${this.bootText(packet)}`),
      ...this.unsupported(packet),
    ];
  }

  private request(packet: DhcpPacket, now: Millis): DhcpAction[] {
    const chosen = addressOption(packet, 54);
    if (chosen !== undefined && chosen !== this.options.serverAddress) {
      // RFC 2131 section 4.3.2: the client has taken another server's offer; ours is free again.
      this.pool.withdraw(packet.mac);
      return [fact(packet, "ignored", null, `the client has chosen the server ${chosen}`)];
    }
    const asked = addressOption(packet, 50) ?? packet.ciaddr;
    if (asked === noAddress) return [fact(packet, "ignored", null, "a request without an address")];
    const { leaseSeconds } = this.options;
    const claim = this.pool.claim(packet.mac, asked, now, leaseSeconds * 1000);
    switch (claim.name) {
      case "granted": {
        const verb = packet.ciaddr === noAddress ? "leased" : "renewed";
        return [
          ...forget(claim.forgotten),
          { type: "save", lease: claim.lease },
          this.send(packet, ackOrOffer(this.options, packet, dhcpType.ack, asked)),
          ...endIpv6Wait(packet),
          fact(packet, "leased", asked, `${verb} ${asked}${this.bootText(packet)}`),
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

  /** What the client is to load, for the log. */
  private bootText(packet: DhcpPacket): string {
    const loader = loaderFor(packet, this.options.uefiLoader);
    if (loader === undefined || loader.kind === "unsupported") return "";
    return ` to boot ${loader.kind === "tftp" ? loader.file : loader.path}`;
  }

  private unsupported(packet: DhcpPacket): DhcpAction[] {
    const loader = loaderFor(packet, this.options.uefiLoader);
    return loader?.kind === "unsupported" ? [fact(packet, "unsupported", null, loader.reason)] : [];
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
   * broadcast, since who has none yet cannot answer ARP. Never away from the subnet.
   */
  private send(request: DhcpPacket, packet: DhcpPacket): DhcpAction {
    if (request.giaddr !== noAddress)
      return { type: "send", packet, address: request.giaddr, port: serverPort };
    const hasAddress = this.isOnSubnet(request.ciaddr);
    const address = hasAddress ? request.ciaddr : broadcastAddress;
    return { type: "send", packet, address, port: clientPort };
  }
}

/** Neither all zeros nor a group's (the lowest bit of the first byte). */
const isOfOneCard = (mac: MacAddress): boolean =>
  mac !== "00:00:00:00:00:00" && (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0;

const forget = (macs: readonly MacAddress[]): DhcpAction[] =>
  macs.map((mac) => ({ type: "forget", mac }));

/** An iPXE (option 175 is its own) asks for IPv4 and for an IPv6 router at once, and waits for both. */
const endIpv6Wait = ({ mac, options }: DhcpPacket): DhcpAction[] =>
  options.has(175) ? [{ type: "end-ipv6-wait", mac }] : [];

const fact = (
  { mac, xid }: DhcpPacket,
  kind: DhcpFact["kind"],
  address: string | null,
  text: string,
): DhcpAction => ({ type: "fact", fact: { kind, mac, xid, address, text } });
