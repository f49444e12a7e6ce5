/** Which networks the server serves, and how: what the command line and the configuration say, put together. */
import { RoomcastError } from "../../core/errors.ts";
import { ipv4ToNumber, ipv4ToText, isInRange, netmaskOf, subnetOf } from "../../core/units/ipv4.ts";
import type { DhcpStatus } from "../../core/wire/api.ts";
import { bpsOf, type Config } from "./config.ts";

/** A network whose PCs a relay brings, and what they are given. */
export interface RelayedNetwork {
  /** Its network address. */
  readonly address: string;
  readonly netmask: string;
  readonly config: NonNullable<Config["dhcp"]>;
}

export interface NetworkPlan {
  readonly interfaceName: string;
  readonly dhcp: "auto" | DhcpStatus["mode"];
  /** FIRST-LAST; null: the upper half of the subnet. */
  readonly range: string | null;
  readonly router: string | null;
  readonly dns: readonly string[] | null;
  /** The highest rate of a session here, in bits a second; null: there is no such limit. */
  readonly rateBps: number | null;
  /** The networks whose PCs a relay brings to this one. */
  readonly relayed: readonly RelayedNetwork[];
}

export interface ServeWords {
  /** In the order in which they were given. */
  readonly interfaces: readonly string[];
  /** Null: not given. */
  readonly dhcp: "auto" | DhcpStatus["mode"] | null;
  readonly range: string | null;
}

/** One plan an interface: those of the command line first. Throws `usage`. */
export function plannedNetworks(
  words: ServeWords,
  config: Config,
): readonly [NetworkPlan, ...NetworkPlan[]] {
  const configured = config.network ?? [];
  const names = [...words.interfaces, ...configured.map((each) => each.interface)];
  const interfaces = [...new Set(names)];
  if (new Set(configured.map((each) => each.interface)).size < configured.length)
    throw usage("two [[network]] of the configuration name the same interface", "keep one of them");
  if (interfaces.length > 1 && words.range !== null)
    throw usage("--range is of one network", "give each network its own: [[network]] range");
  if (interfaces.length > 1 && config.dhcp?.range !== undefined)
    throw usage("[dhcp] range is of one network", "give each network its own: [[network]] range");
  const relayed = config.relayed ?? [];
  const plans = interfaces.map((interfaceName): NetworkPlan => {
    const own = configured.find((each) => each.interface === interfaceName);
    return {
      interfaceName,
      dhcp: words.dhcp ?? own?.dhcp ?? "auto",
      range: words.range ?? own?.range ?? config.dhcp?.range ?? null,
      router: own?.router ?? null,
      dns: own?.dns ?? null,
      rateBps: own?.rate === undefined ? null : bpsOf(own.rate),
      relayed: relayed
        .filter((each) => (each.interface ?? interfaces[0]) === interfaceName)
        .map((each) => relayedNetwork(each, config)),
    };
  });
  const lost = relayed.find((each) => !interfaces.includes(each.interface ?? interfaces[0] ?? ""));
  if (lost?.interface !== undefined)
    throw usage(
      `[[relayed]] ${lost.subnet} names ${lost.interface}, which is not served`,
      "name it with --interface, or as a [[network]]",
    );
  const [first, ...others] = plans;
  if (first !== undefined) return [first, ...others];
  throw usage(
    "no interface is named",
    "name the lab network's with --interface, or in the configuration as [[network]] interface",
  );
}

/** What DHCP gives on this network, of which there are `count`. With several, a router or a fixed address is that of the network that it lies in. */
export function dhcpConfigOf(
  plan: NetworkPlan,
  at: { readonly address: string; readonly netmask: string },
  { dhcp = {} }: Config,
  count: number,
): NonNullable<Config["dhcp"]> {
  const subnet = subnetOf(at.address, at.netmask);
  const isHere = (address: string): boolean =>
    count === 1 || isInRange(ipv4ToNumber(address) ?? 0, subnet);
  const { range: _, router, static: fixed = {}, ...rest } = dhcp;
  const ownRouter = plan.router ?? (router !== undefined && isHere(router) ? router : null);
  const relayed = plan.relayed.flatMap(({ config }) => Object.keys(config.static ?? {}));
  return {
    ...rest,
    ...(plan.range === null ? {} : { range: plan.range }),
    ...(ownRouter === null ? {} : { router: ownRouter }),
    ...(plan.dns === null ? {} : { dns: [...plan.dns] }),
    static: Object.fromEntries(
      Object.entries(fixed).filter(([mac, address]) => isHere(address) && !relayed.includes(mac)),
    ),
  };
}

function relayedNetwork(
  { subnet, range, router, dns }: NonNullable<Config["relayed"]>[number],
  { dhcp = {} }: Config,
): RelayedNetwork {
  const [address = "", prefix = ""] = subnet.split("/");
  const netmask = netmaskOf(Number(prefix));
  const within = subnetOf(address, netmask);
  const fixed = Object.entries(dhcp.static ?? {}).filter(([, each]) =>
    isInRange(ipv4ToNumber(each) ?? 0, within),
  );
  return {
    address: ipv4ToText(within.first),
    netmask,
    config: {
      ...(dhcp.leaseSeconds === undefined ? {} : { leaseSeconds: dhcp.leaseSeconds }),
      ...(range === undefined ? {} : { range }),
      ...(router === undefined ? {} : { router }),
      dns: dns ?? dhcp.dns ?? [],
      static: Object.fromEntries(fixed),
    },
  };
}

const usage = (what: string, next: string): RoomcastError => new RoomcastError("usage", what, next);
