/** Which addresses PCs may have as their own. */
import type { Lease } from "../../core/boot/lease-pool.ts";
import {
  type AddressRange,
  ipv4ToNumber,
  ipv4ToText,
  isInRange,
  netmaskOf,
  subnetOf,
} from "../../core/units/ipv4.ts";
import type { RoomSettings } from "../../core/wire/rooms.ts";
import { bareAddress } from "./pc-index.ts";

/** A network that the server is on, as its interface and its configuration have it. */
export interface LabNetwork {
  /** Of its interface. */
  readonly name: string;
  readonly address: string;
  readonly netmask: string;
  /** What its DHCP gives. */
  readonly gateway: string | null;
  readonly dns: readonly string[];
  /** Addresses that its configuration gives, by MAC. */
  readonly fixed: ReadonlyMap<string, string>;
}

/** The network of a room's PCs. */
export interface RoomNetwork {
  readonly range: AddressRange;
  readonly prefix: number;
  readonly gateway: string | null;
  readonly dns: readonly string[];
}

/** Where a PC's agent is connected from, and the server's own address that it came to. */
export interface PcPlace {
  readonly address: string;
  readonly cameTo: string;
}

/** The first of the server's networks that this address lies in. */
export const networkWith = (
  networks: readonly LabNetwork[],
  address: string,
): LabNetwork | undefined =>
  networks.find((each) =>
    isInRange(ipv4ToNumber(address) ?? 0, subnetOf(each.address, each.netmask)),
  );

/** The network by which a PC is reached: its own, or the one that a router brings it to. The first, where nothing is known. */
export const networkOf = (
  networks: readonly LabNetwork[],
  place: PcPlace | undefined,
): LabNetwork =>
  (place === undefined
    ? undefined
    : (networkWith(networks, place.address) ??
      networks.find(({ address }) => address === place.cameTo))) ?? (networks[0] as LabNetwork);

/**
 * What the room does not say is as in the server's network in which its gateway lies, or else `address`, one of
 * its PCs'; the first, where both say nothing. The room's lies around its gateway, else around the server.
 */
export function roomNetwork(
  settings: RoomSettings,
  networks: readonly LabNetwork[],
  address: string | null,
): RoomNetwork {
  const at = [settings.gateway, address].flatMap((each) =>
    each === null ? [] : (networkWith(networks, each) ?? []),
  );
  const own = at[0] ?? (networks[0] as LabNetwork);
  const prefix = settings.prefix ?? prefixOf(own.netmask);
  const range = subnetOf(settings.gateway ?? own.address, netmaskOf(prefix));
  const given = settings.gateway ?? own.gateway;
  const gateway = given !== null && isInRange(ipv4ToNumber(given) ?? 0, range) ? given : null;
  return { range, prefix, gateway, dns: settings.dns ?? own.dns };
}

export const networkText = ({ range, prefix }: RoomNetwork): string =>
  `${ipv4ToText(range.first)}/${prefix}`;

/** ADDRESS/LEN as it is stored; without /LEN it is the room's. Undefined for a text that is no address. */
export function addressText(text: string, { prefix }: RoomNetwork): string | undefined {
  const [address = "", length = String(prefix), ...more] = text.split("/");
  const number = ipv4ToNumber(address);
  const isLength = /^\d{1,2}$/.test(length) && Number(length) <= 32;
  if (number === undefined || !isLength || more.length > 0) return undefined;
  return `${ipv4ToText(number)}/${Number(length)}`;
}

/** Why a PC with these MACs cannot have this address, as the end of a sentence; null: it can. */
export function addressFault(
  stored: string,
  macs: readonly string[],
  where: {
    readonly network: RoomNetwork;
    readonly networks: readonly LabNetwork[];
    readonly leased: ReadonlyMap<string, string>;
  },
): string | null {
  const { network, networks, leased } = where;
  const address = bareAddress(stored) ?? "";
  const value = ipv4ToNumber(address) ?? 0;
  const { first, last } = network.range;
  if (!isInRange(value, network.range) || !stored.endsWith(`/${network.prefix}`))
    return `is not of the room's network ${networkText(network)}`;
  if (value === first || value === last) return "is the network's own, and no PC's";
  if (networks.some((own) => address === own.address)) return "is this server's own";
  if (address === network.gateway) return "is the gateway's";
  const [fixedTo] =
    networks.flatMap(({ fixed }) => [...fixed]).find(([, each]) => each === address) ?? [];
  if (fixedTo !== undefined && !macs.includes(fixedTo))
    return `is given to ${fixedTo} by the server's configuration`;
  const holder = leased.get(address);
  if (holder !== undefined && !macs.includes(holder))
    return `is leased to ${holder} now: wait until that ends, or choose another one`;
  return null;
}

/** Who has which address by a lease that still runs; `now` in milliseconds since 1970. */
export const leasedNow = (leases: readonly Lease[], now: number): ReadonlyMap<string, string> =>
  new Map(
    leases
      .filter(({ expiresAt }) => expiresAt > now)
      .map(({ address, mac }) => [address, mac] as const),
  );

const prefixOf = (netmask: string): number =>
  (ipv4ToNumber(netmask) ?? 0).toString(2).replaceAll("0", "").length;
