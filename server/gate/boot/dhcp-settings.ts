import type { BootUuids } from "../../../core/boot/boot-uuids.ts";
import type { DhcpSeats } from "../../../core/boot/dhcp-seats.ts";
import type { DhcpServerOptions } from "../../../core/boot/dhcp-server.ts";
import type { UefiLoaders } from "../../../core/boot/uefi-loaders.ts";
import { RoomcastError } from "../../../core/errors.ts";
import {
  type AddressRange,
  ipv4ToNumber,
  ipv4ToText,
  isInRange,
  parseRange,
  subnetHosts,
  subnetOf,
} from "../../../core/units/ipv4.ts";
import { parseMac } from "../../../core/units/mac.ts";
import type { Config } from "../../host/config.ts";
import type { RelayedNetwork } from "../../host/network-plans.ts";

/** The server's own side of the wire. */
export interface OwnAddress {
  readonly address: string;
  readonly netmask: string;
  /** `http://ADDRESS:PORT` */
  readonly serverUrl: string;
  readonly uefiLoaders: UefiLoaders;
  readonly bootUuids: BootUuids;
  readonly seats: DhcpSeats;
}

/** A PC that leaves gives its address back within the hour; a session lasts minutes and renews. */
const defaultLeaseSeconds = 3600;
/** Addresses, unless a range is given: ten times the largest rooms. */
const defaultRangeLength = 4096;
/** What a range may hold: the whole of a /16, whose queues take 2 MB. */
const rangeLengthLimit = 65_536;

/** The same for a relayed network: what is asked there by ARP does not come here, and so no address is probed. */
export const relayedSettings = (
  own: OwnAddress,
  { address, netmask, config }: RelayedNetwork,
): DhcpServerOptions => ({
  ...dhcpSettings({ ...own, address, netmask }, config),
  ...{ serverAddress: own.address, relayedSubnet: address, probesAddresses: false },
});

/** What the DHCP server runs by. Throws `usage` or `bad-input` for addresses that cannot be given here. */
export function dhcpSettings(
  own: OwnAddress,
  config: NonNullable<Config["dhcp"]>,
): DhcpServerOptions {
  const hosts = subnetHosts(own.address, own.netmask);
  return {
    serverAddress: own.address,
    netmask: own.netmask,
    serverUrl: own.serverUrl,
    uefiLoaders: own.uefiLoaders,
    bootUuids: own.bootUuids,
    seats: seatsWithin(own),
    probesAddresses: true,
    range: config.range === undefined ? upperHalf(hosts) : givenRange(config.range, hosts),
    fixed: fixedAddresses(config.static ?? {}, own.address, hosts),
    leaseSeconds: config.leaseSeconds ?? defaultLeaseSeconds,
    router: config.router ?? null,
    dns: config.dns ?? [],
  };
}

/** An address that a PC has on another network is not given on this one. */
const seatsWithin = ({ seats, address, netmask }: OwnAddress): DhcpSeats => ({
  of(mac) {
    const seat = seats.of(mac);
    if (seat === null || seat.address === null) return seat;
    const number = ipv4ToNumber(seat.address) ?? 0;
    return isInRange(number, subnetOf(address, netmask)) ? seat : { ...seat, address: null };
  },
  isKept: (kept) => seats.isKept(kept),
});

/** The lower half stays free for what has fixed addresses. */
export function upperHalf({ first, last }: AddressRange): AddressRange {
  const middle = first + Math.floor((last - first + 1) / 2);
  return { first: middle, last: Math.min(last, middle + defaultRangeLength - 1) };
}

/** Throws `usage` for what is no range of these hosts. */
export function givenRange(text: string, hosts: AddressRange): AddressRange {
  const range = parseRange(text);
  const subnet = `${ipv4ToText(hosts.first)}-${ipv4ToText(hosts.last)}`;
  const next = `for example --range ${ipv4ToText(hosts.last - 100)}-${ipv4ToText(hosts.last)}`;
  if (range === undefined || !isInRange(range.first, hosts) || !isInRange(range.last, hosts)) {
    const why = `the range ${text} is not FIRST-LAST within ${subnet}`;
    throw new RoomcastError("usage", why, next);
  }
  if (range.last - range.first >= rangeLengthLimit) {
    const why = `the range ${text} has more than ${rangeLengthLimit} addresses`;
    throw new RoomcastError("usage", why, next);
  }
  return range;
}

function fixedAddresses(
  entries: Readonly<Record<string, string>>,
  serverAddress: string,
  hosts: AddressRange,
): ReadonlyMap<string, string> {
  const fixed = new Map<string, string>();
  for (const [text, address] of Object.entries(entries)) {
    const refuse = (why: string): RoomcastError =>
      new RoomcastError(
        "bad-input",
        `static lease "${text}" = "${address}": ${why}`,
        "give each MAC an address of its own, see docs/configuration.md",
      );
    const mac = parseMac(text);
    const value = ipv4ToNumber(address);
    if (mac === undefined) throw refuse("that is no MAC");
    if (value === undefined || !isInRange(value, hosts))
      throw refuse(`not within ${ipv4ToText(hosts.first)}-${ipv4ToText(hosts.last)}`);
    if (address === serverAddress) throw refuse("that is the server's own address");
    if (fixed.has(mac)) throw refuse("the MAC is given twice");
    if ([...fixed.values()].includes(address)) throw refuse("the address is given twice");
    fixed.set(mac, ipv4ToText(value));
  }
  return fixed;
}
