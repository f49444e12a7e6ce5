import { BootCourses } from "../../../core/boot/boot-course.ts";
import type { BootUuids } from "../../../core/boot/boot-uuids.ts";
import type { DhcpFact } from "../../../core/boot/dhcp-action.ts";
import type { DhcpSeats } from "../../../core/boot/dhcp-seats.ts";
import { otherServerTexts, type WatchFact } from "../../../core/boot/dhcp-watch.ts";
import type { Lease } from "../../../core/boot/lease-pool.ts";
import { UefiLoaders, type UefiLoadersOptions } from "../../../core/boot/uefi-loaders.ts";
import { type Asked, whoAsks } from "../../../core/boot/who-asks.ts";
import { errorText } from "../../../core/errors.ts";
import { guarded } from "../../../core/node/guard.ts";
import {
  type AddressRange,
  ipv4ToNumber,
  ipv4ToText,
  isInRange,
  subnetOf,
} from "../../../core/units/ipv4.ts";
import type { MacAddress } from "../../../core/units/mac.ts";
import type { DhcpMode, DhcpStatus } from "../../../core/wire/api.ts";
import type { DhcpPacket } from "../../../core/wire/dhcp/packet.ts";
import type { Config } from "../../host/config.ts";
import { openDhcpClientListener } from "../../host/dhcp-frames.ts";
import { type DhcpWatcher, startDhcpWatcher } from "../../host/dhcp-watcher.ts";
import type { Log } from "../../host/log.ts";
import type { RelayedNetwork } from "../../host/network-plans.ts";
import type { StateStore } from "../../state/state-store.ts";
import type { BootLog } from "./boot-log.ts";
import { BootWatch, type BootWatchPorts } from "./boot-watch.ts";
import { type DhcpListenerPorts, startDhcpListener, startDhcpProxy } from "./dhcp-listener.ts";
import { dhcpSettings, relayedSettings } from "./dhcp-settings.ts";
import type { LeaseStore } from "./lease-answers.ts";

export interface DhcpServiceOptions {
  readonly interfaceName: string;
  readonly address: string;
  readonly netmask: string;
  readonly serverUrl: string;
  readonly wanted: "auto" | DhcpMode;
  readonly config: NonNullable<Config["dhcp"]>;
  /** The networks whose PCs a relay brings to this one. */
  readonly relayed: readonly RelayedNetwork[];
  /** What PCs with Secure Boot get: the site's image, Debian's GRUB, or nothing. */
  readonly signed: UefiLoadersOptions["signed"];
  isSecureBootOff(mac: MacAddress): boolean;
  /** Hears of every PC that boots. */
  readonly bootUuids: BootUuids;
  /** Of what packets bring about. */
  readonly told: Pick<BootLog, "dhcp" | "otherServer" | "otherServerTrouble">;
  /** What PCs have by their seats. */
  readonly seats: DhcpSeats;
  /** A PC has asked for an address, of this server or another. */
  asked(mac: MacAddress, asked: Asked): void;
  /** Hears of the PCs whose network boot does not go on. */
  readonly troubles: Pick<BootWatchPorts, "trouble" | "nameOf">;
  readonly state: StateStore;
  readonly log: Log;
  /** Something happened that people should find in the history. */
  note(text: string): void;
  /** What is wrong now, all of it, in words. */
  warn(texts: readonly string[]): void;
  onError(error: Error): void;
}

export interface DhcpService extends AsyncDisposable {
  status(): DhcpStatus;
  /** For people: what listens where. */
  readonly listeners: readonly string[];
  /** How far PCs have come. */
  readonly courses: BootCourses;
  /** The PCs whose network boot does not go on, a line each. */
  readonly pcTroubles: readonly string[];
}

/** Decides how DHCP is answered, answers it, and keeps an eye on who else does. */
export async function startDhcpService(options: DhcpServiceOptions): Promise<DhcpService> {
  const { interfaceName, wanted, log, note, warn } = options;
  const noteIfTold = (text: string | null): void => {
    if (text !== null) note(text);
  };
  await using opened = new AsyncDisposableStack();
  let mode: DhcpMode | undefined;
  let told: readonly string[] | null = null; // not decided yet, or not looked for long enough
  let boots: BootWatch | undefined;
  const tell = (): void => {
    if (mode === undefined || told === null) return;
    const texts = otherServerTexts(mode, options.address, watcher.servers);
    for (const text of texts)
      if (!told.includes(text)) noteIfTold(options.told.otherServerTrouble(text));
    told = texts;
    warn([...texts, ...(boots?.networkTexts ?? []), ...(boots?.pcTexts ?? [])]);
  };
  const onWatch = (fact: WatchFact): void => {
    const text = options.told.otherServer(fact, interfaceName);
    if (fact.kind === "gone" && mode !== undefined) noteIfTold(text);
    tell();
  };
  const watcher: DhcpWatcher = opened.use(watcherOf({ ...options, onFact: onWatch }));
  if (wanted === "auto") await watcher.looked;
  const found = watcher.servers.filter(({ givesAddresses }) => givesAddresses);
  const names = found.map(({ address }) => address).join(", ");
  mode = wanted === "auto" ? (found.length > 0 ? "proxy" : "server") : wanted;
  const seen = found.length > 0 ? `${names} gives addresses` : "no other DHCP server answered";
  const why = wanted === "auto" ? `auto: ${seen} on ${interfaceName}` : `--dhcp ${wanted}`;
  log.info({ mode, interface: interfaceName }, `DHCP: ${mode} (${why})`);
  const courses = new BootCourses(mode);
  boots = opened.use(watchOf(options, courses, tell));

  const tellFact = factTeller(options, watcher);
  const onFact = (fact: DhcpFact): void => {
    boots?.answered(fact);
    tellFact(fact);
  };
  const onClient = (packet: DhcpPacket): void => {
    boots?.asked(packet);
    const asked = whoAsks(packet);
    if (asked !== null) options.asked(packet.mac, asked);
  };
  const listeners: string[] = [];
  if (mode === "off") overhear(options, opened, onClient);
  else listeners.push(await answer(options, mode, opened, { onFact, onClient }));
  void watcher.looked.then(() => {
    told = [];
    guarded(options.onError, tell);
  });
  const kept = opened.move();
  const decided = mode;
  return {
    listeners,
    courses,
    get pcTroubles() {
      return boots?.pcTexts ?? [];
    },
    status: () => ({
      mode: decided,
      why,
      otherServers: watcher.servers.map(({ address }) => address),
    }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** For the log, and what people have to know of also for the history. */
function factTeller(
  { interfaceName, told, note }: DhcpServiceOptions,
  watcher: DhcpWatcher,
): (fact: DhcpFact) => void {
  return (fact) => {
    const { kind, address } = fact;
    if (kind === "offered") watcher.hurry();
    if (kind === "elsewhere" && address !== null) watcher.chosen(address);
    const text = told.dhcp(fact, interfaceName);
    if (kind === "exhausted" && text !== null)
      note(`DHCP: ${text}: widen it with --range, or shorten leaseSeconds in the configuration`);
  };
}

const watchOf = (
  { address, troubles, note, onError }: DhcpServiceOptions,
  courses: BootCourses,
  changed: () => void,
): BootWatch =>
  new BootWatch({
    ...{ courses, address, note, changed, onError },
    trouble: (mac, text) => troubles.trouble(mac, text),
    nameOf: (mac) => troubles.nameOf(mac),
  });

/** With `--dhcp off` a server runs without the privilege to watch, too. */
function watcherOf(options: DhcpServiceOptions & { onFact(fact: WatchFact): void }): DhcpWatcher {
  try {
    return startDhcpWatcher(options);
  } catch (error) {
    if (options.wanted !== "off") throw error;
    options.log.info({ reason: errorText(error) }, "DHCP: other servers are not looked for");
    const nothing = (): void => {};
    const looked = Promise.resolve();
    return { servers: [], looked, chosen: nothing, hurry: nothing, [Symbol.dispose]: nothing };
  }
}

/** What a PC asks another server for says what it runs. Without the privilege, what else it shows has to do. */
function overhear(
  { interfaceName, onError, log }: DhcpServiceOptions,
  opened: AsyncDisposableStack,
  onClient: DhcpListenerPorts["onClient"],
): void {
  try {
    opened.use(openDhcpClientListener({ interfaceName, onClient, onError }));
  } catch (error) {
    log.info({ reason: errorText(error) }, "DHCP: what PCs ask for is not heard");
  }
}

/** Answers what listens, for people. */
async function answer(
  options: DhcpServiceOptions,
  mode: "server" | "proxy",
  opened: AsyncDisposableStack,
  hears: Pick<DhcpListenerPorts, "onFact" | "onClient">,
): Promise<string> {
  const { interfaceName, address, netmask, serverUrl, state, onError } = options;
  const uefiLoaders = new UefiLoaders({
    // Debian's signed GRUB takes its server from the DHCP server's answer, and that is another one's.
    signed: options.signed === "shim" && mode === "proxy" ? null : options.signed,
    isSecureBootOff: options.isSecureBootOff,
  });
  const own = { address, netmask, serverUrl, uefiLoaders, bootUuids: options.bootUuids };
  const ports = { interfaceName, ...hears, onError };
  if (mode === "proxy") {
    const relayed = options.relayed.map((each) => subnetOf(each.address, each.netmask));
    opened.use(await startDhcpProxy({ ...own, serverAddress: address, relayed, ...ports }));
    return `proxyDHCP ${interfaceName}`;
  }
  const ownAddress = { ...own, seats: options.seats };
  const settings = dhcpSettings(ownAddress, options.config);
  opened.use(
    await startDhcpListener({
      ...settings,
      ...ports,
      leases: dhcpLeases(state),
      relayed: options.relayed.map((each) => relayedSettings(ownAddress, each)),
    }),
  );
  const { first, last } = settings.range;
  return `DHCP ${interfaceName} ${ipv4ToText(first)}-${ipv4ToText(last)}`;
}

/** A PC has one lease on all networks together: of the one that it asked on last. */
export function dhcpLeases(
  state: Pick<StateStore, "leases" | "saveLease" | "removeLease">,
): LeaseStore {
  const isOf =
    (subnet: AddressRange) =>
    ({ address }: Lease): boolean =>
      isInRange(ipv4ToNumber(address) ?? 0, subnet);
  return {
    load: (subnet) =>
      state
        .leases()
        .map(({ record }) => record as Lease)
        .filter(isOf(subnet)),
    save: (lease) => state.saveLease(lease.mac, lease),
    remove: (mac, subnet) => state.removeLease(mac, (record) => isOf(subnet)(record as Lease)),
  };
}
