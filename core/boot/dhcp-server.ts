/**
 * A full DHCP server for one subnet (RFC 2131), as a machine: packets and the time in, packets and
 * leases out. The time is the wall clock's, since leases outlive the process.
 */
import { ipv4ToNumber, ipv4ToText } from "../units/ipv4.ts";
import type { MacAddress } from "../units/mac.ts";
import type { Millis } from "../units/units.ts";
import {
  addressOption,
  asciiBytes,
  type DhcpPacket,
  dhcpType,
  messageType,
  noAddress,
  u32Bytes,
} from "../wire/dhcp/packet.ts";
import { loaderFor } from "./loader.ts";

export interface Lease {
  readonly mac: MacAddress;
  readonly address: string;
  /** Wall-clock milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface DhcpServerOptions {
  readonly serverAddress: string;
  readonly netmask: string;
  /** First and last address to lease, as numbers. */
  readonly range: { readonly first: number; readonly last: number };
  readonly leaseSeconds: number;
  readonly router: string | null;
  readonly dns: readonly string[];
  /** These PCs always get theirs. */
  readonly fixed: ReadonlyMap<string, string>;
  /** `http://ADDRESS:PORT` */
  readonly serverUrl: string;
}

export type DhcpAction =
  | {
      readonly type: "send";
      readonly packet: DhcpPacket;
      readonly address: string;
      readonly port: number;
    }
  | { readonly type: "save"; readonly lease: Lease }
  | { readonly type: "forget"; readonly mac: MacAddress }
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

/** An offered address is kept for the client this long. */
const offerSeconds = 60;
/** An address that a client declined is not given out this long: someone else has it. */
const declinedSeconds = 600;
/** Of these many clients at most offers and declines are remembered; the oldest go first. */
const rememberedLimit = 4096;

const broadcastAddress = "255.255.255.255";
const clientPort = 68;
const serverPort = 67;

export class DhcpServer {
  private readonly options: DhcpServerOptions;
  private readonly leases = new Map<string, Lease>();
  private readonly offers = new Map<string, { address: string; until: number }>();
  private readonly declined = new Map<string, number>();

  constructor(options: DhcpServerOptions, leases: readonly Lease[]) {
    this.options = options;
    for (const lease of leases) this.leases.set(lease.mac, lease);
  }

  /** Takes one packet of a client. */
  handle(packet: DhcpPacket, now: Millis): DhcpAction[] {
    if (packet.op !== 1) return [];
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
    const address = this.choose(packet, now);
    if (address === undefined) {
      const { first, last } = this.options.range;
      const range = `${ipv4ToText(first)}-${ipv4ToText(last)}`;
      return [fact(packet, "exhausted", null, `no free address left in ${range}`)];
    }
    const said = this.unsupported(packet);
    remember(this.offers, packet.mac, { address, until: now + offerSeconds * 1000 });
    return [
      this.answer(packet, dhcpType.offer, address),
      fact(packet, "offered", address, `offered ${address}`),
      ...said,
    ];
  }

  private request(packet: DhcpPacket, now: Millis): DhcpAction[] {
    const chosen = addressOption(packet, 54);
    if (chosen !== undefined && chosen !== this.options.serverAddress) {
      // RFC 2131 section 4.3.2: the client has taken another server's offer; ours is free again.
      this.offers.delete(packet.mac);
      return [fact(packet, "ignored", null, `the client has chosen the server ${chosen}`)];
    }
    const asked = addressOption(packet, 50) ?? packet.ciaddr;
    if (asked === noAddress) return [fact(packet, "ignored", null, "a request without an address")];
    const isRenewal = packet.ciaddr !== noAddress;
    const isOurs = this.options.fixed.get(packet.mac) === asked || this.inRange(asked);
    const holder = this.holderOf(asked, now);
    if (!isOurs || (holder !== undefined && holder !== packet.mac)) {
      // A client that moved here from another network must not go on with what it had there.
      return [
        this.nak(packet),
        fact(packet, "refused", asked, `${asked} is not this client's here`),
      ];
    }
    const fixed = this.options.fixed.get(packet.mac);
    if (fixed !== undefined && fixed !== asked) {
      return [
        this.nak(packet),
        fact(packet, "refused", asked, `this client's address is ${fixed}`),
      ];
    }
    const lease: Lease = {
      mac: packet.mac,
      address: asked,
      expiresAt: now + this.options.leaseSeconds * 1000,
    };
    this.leases.set(packet.mac, lease);
    this.offers.delete(packet.mac);
    return [
      { type: "save", lease },
      this.answer(packet, dhcpType.ack, asked),
      fact(packet, "leased", asked, `${isRenewal ? "renewed" : "leased"} ${asked}`),
    ];
  }

  private decline(packet: DhcpPacket, now: Millis): DhcpAction[] {
    const address = addressOption(packet, 50);
    if (address === undefined || !this.isForUs(packet)) return [];
    remember(this.declined, address, now + declinedSeconds * 1000);
    return [
      ...this.drop(packet),
      fact(packet, "declined", address, `${address} is in use by something else`),
    ];
  }

  private release(packet: DhcpPacket): DhcpAction[] {
    const lease = this.leases.get(packet.mac);
    if (lease === undefined || lease.address !== packet.ciaddr || !this.isForUs(packet)) return [];
    return [...this.drop(packet), fact(packet, "released", lease.address, "released")];
  }

  /** RFC 2131 section 4.3.5: the settings without an address or a lease time. */
  private inform(packet: DhcpPacket): DhcpAction[] {
    if (packet.ciaddr === noAddress) return [];
    return [this.answer(packet, dhcpType.ack, null)];
  }

  private drop({ mac }: DhcpPacket): DhcpAction[] {
    this.offers.delete(mac);
    return this.leases.delete(mac) ? [{ type: "forget", mac }] : [];
  }

  private isForUs(packet: DhcpPacket): boolean {
    const server = addressOption(packet, 54);
    return server === undefined || server === this.options.serverAddress;
  }

  /** A PC asks several times in one boot (firmware, loader, kernel) and gets the same address each time. */
  private choose(packet: DhcpPacket, now: Millis): string | undefined {
    const { mac } = packet;
    const fixed = this.options.fixed.get(mac);
    if (fixed !== undefined) return fixed;
    const isFree = (address: string): boolean => {
      const holder = this.holderOf(address, now);
      return this.inRange(address) && (holder === undefined || holder === mac);
    };
    const wished = [
      this.leases.get(mac)?.address,
      this.offers.get(mac)?.address,
      addressOption(packet, 50),
    ].find((address) => address !== undefined && isFree(address));
    if (wished !== undefined) return wished;
    const taken = this.takenAddresses(now);
    const { first, last } = this.options.range;
    let oldest: Lease | undefined;
    for (let value = first; value <= last; value++) {
      const address = ipv4ToText(value);
      if (!taken.has(address)) return address;
    }
    // All were leased at some time: the one that expired longest ago is free again.
    for (const lease of this.leases.values()) {
      if (lease.expiresAt > now || (oldest !== undefined && oldest.expiresAt <= lease.expiresAt))
        continue;
      if (isFree(lease.address)) oldest = lease;
    }
    if (oldest !== undefined) this.leases.delete(oldest.mac);
    return oldest?.address;
  }

  /** Addresses not to hand out anew while there are fresh ones: expired leases count, for their owners may return. */
  private takenAddresses(now: Millis): Set<string> {
    const taken = new Set<string>([this.options.serverAddress, ...this.options.fixed.values()]);
    for (const lease of this.leases.values()) taken.add(lease.address);
    for (const { address, until } of this.offers.values()) if (until > now) taken.add(address);
    for (const [address, until] of this.declined) if (until > now) taken.add(address);
    return taken;
  }

  /** Who has the address now: a MAC, or another word for what is nobody's to give. */
  private holderOf(address: string, now: Millis): string | undefined {
    if (address === this.options.serverAddress) return "server";
    if ((this.declined.get(address) ?? 0) > now) return "declined";
    for (const [mac, fixed] of this.options.fixed) if (fixed === address) return mac;
    for (const lease of this.leases.values()) {
      if (lease.address === address && lease.expiresAt > now) return lease.mac;
    }
    for (const [mac, offer] of this.offers) {
      if (offer.address === address && offer.until > now) return mac;
    }
    return undefined;
  }

  private inRange(address: string): boolean {
    const value = ipv4ToNumber(address);
    const { first, last } = this.options.range;
    return value !== undefined && value >= first && value <= last;
  }

  private unsupported(packet: DhcpPacket): DhcpAction[] {
    const loader = loaderFor(packet);
    return loader?.kind === "unsupported" ? [fact(packet, "unsupported", null, loader.reason)] : [];
  }

  private nak(packet: DhcpPacket): DhcpAction {
    const { serverAddress } = this.options;
    const options = new Map([
      [53, Uint8Array.of(dhcpType.nak)],
      [54, quadBytes(serverAddress)],
    ]);
    const reply = { ...blankReply(packet), options, broadcast: true };
    // RFC 2131 section 4.3.2: a NAK is broadcast, through the relay where there is one.
    return packet.giaddr === noAddress
      ? { type: "send", packet: reply, address: broadcastAddress, port: clientPort }
      : { type: "send", packet: reply, address: packet.giaddr, port: serverPort };
  }

  /** An OFFER or an ACK; `address` is null in the answer to an INFORM. */
  private answer(packet: DhcpPacket, type: number, address: string | null): DhcpAction {
    const { serverAddress, netmask, leaseSeconds, router, dns } = this.options;
    const options = new Map<number, Uint8Array>([
      [53, Uint8Array.of(type)],
      [54, quadBytes(serverAddress)],
      [1, quadBytes(netmask)],
    ]);
    if (router !== null) options.set(3, quadBytes(router));
    if (dns.length > 0)
      options.set(6, Uint8Array.from(dns.flatMap((each) => [...quadBytes(each)])));
    if (address !== null) {
      options.set(51, Uint8Array.from(u32Bytes(leaseSeconds)));
      // RFC 2131 section 4.4.5: renew at half, rebind at seven eighths.
      options.set(58, Uint8Array.from(u32Bytes(Math.floor(leaseSeconds / 2))));
      options.set(59, Uint8Array.from(u32Bytes(Math.floor((leaseSeconds * 7) / 8))));
    }
    const boot = this.bootFields(packet);
    for (const [code, value] of boot.options) options.set(code, value);
    // RFC 3046 section 2.2: a relay's own option goes back as it came.
    const relay = packet.options.get(82);
    if (relay !== undefined) options.set(82, relay);
    const reply: DhcpPacket = {
      ...blankReply(packet),
      ciaddr: type === dhcpType.ack ? packet.ciaddr : noAddress,
      yiaddr: address ?? noAddress,
      siaddr: boot.file === "" ? noAddress : serverAddress,
      file: boot.file,
      options,
    };
    if (packet.giaddr !== noAddress) {
      return { type: "send", packet: reply, address: packet.giaddr, port: serverPort };
    }
    // A client without an address cannot answer ARP, so it is told by broadcast (RFC 2131 section 4.1).
    const to = packet.ciaddr === noAddress ? broadcastAddress : packet.ciaddr;
    return { type: "send", packet: reply, address: to, port: clientPort };
  }

  private bootFields(packet: DhcpPacket): { file: string; options: [number, Uint8Array][] } {
    const loader = loaderFor(packet);
    if (loader === undefined || loader.kind === "unsupported") return { file: "", options: [] };
    const { serverAddress, serverUrl } = this.options;
    const file = loader.kind === "tftp" ? loader.file : `${serverUrl}${loader.path}`;
    const vendorClass = loader.kind === "tftp" ? "PXEClient" : loader.vendorClass;
    const options: [number, Uint8Array][] = [
      [60, asciiBytes(vendorClass)],
      [66, asciiBytes(serverAddress)],
      [67, asciiBytes(file)],
    ];
    if (vendorClass === "PXEClient") {
      // PXE 2.1, section 2.2.1: discovery control 8 = boot the named file, ask no boot server.
      options.push([43, Uint8Array.of(6, 1, 8, 255)]);
    }
    // iPXE's own option, `no-pxedhcp`: do not wait for a proxyDHCP.
    if (packet.options.has(175)) options.push([175, Uint8Array.of(176, 1, 1)]);
    // An HTTPClient takes the URL from option 67 alone.
    return { file: vendorClass === "HTTPClient" ? "" : file, options };
  }
}

const blankReply = (packet: DhcpPacket): DhcpPacket => ({
  op: 2,
  xid: packet.xid,
  secs: 0,
  broadcast: packet.broadcast,
  ciaddr: noAddress,
  yiaddr: noAddress,
  siaddr: noAddress,
  giaddr: packet.giaddr,
  mac: packet.mac,
  sname: "",
  file: "",
  options: new Map(),
});

const quadBytes = (address: string): Uint8Array =>
  Uint8Array.from(u32Bytes(ipv4ToNumber(address) ?? 0));

const fact = (
  { mac, xid }: DhcpPacket,
  kind: DhcpFact["kind"],
  address: string | null,
  text: string,
): DhcpAction => ({ type: "fact", fact: { kind, mac, xid, address, text } });

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > rememberedLimit && oldest !== undefined) map.delete(oldest);
}
