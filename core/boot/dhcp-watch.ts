/**
 * Which other DHCP servers are on the wire: a DISCOVER is sent from time to time as if by a PC that boots,
 * and every server that offers is noted. It also hears what other servers send to PCs.
 */
import type { MacAddress } from "../units/mac.ts";
import { type Millis, millis } from "../units/units.ts";
import {
  addressOption,
  asciiBytes,
  type DhcpPacket,
  dhcpType,
  messageType,
  noAddress,
  textOption,
} from "../wire/dhcp/packet.ts";

/** A server that is not this one. */
export interface OtherServer {
  readonly address: string;
  /** It gives addresses; else it only says what to boot. */
  readonly givesAddresses: boolean;
  /** It tells PCs what to boot. */
  readonly namesBootFile: boolean;
  /** Where from, if it says so: an address. */
  readonly bootsFrom: string | null;
  /** It gives addresses and calls itself a `PXEClient` (option 60), and names nothing to boot: no file, and no option 43. */
  readonly feignsPxe: boolean;
  /** It calls itself by this server's address; `address` is where it sends PCs to. */
  readonly isInOurName: boolean;
}

export type WatchFact =
  | { readonly kind: "appeared"; readonly server: OtherServer }
  | { readonly kind: "gone"; readonly server: OtherServer };

/** Milliseconds between two looks. A rival that broadcasts its answer to a PC is heard at once. */
const lookEveryMs = 60_000;
/** The same while PCs boot, when it matters: a rival may answer each PC alone. */
const leastPauseMs = 5_000;
/** Milliseconds after which a server that did not answer is gone; a busy one may miss a look. */
const silenceMs = 3 * lookEveryMs;
/** How many other servers are remembered: no lab has more, and the list has to end. */
const serversLimit = 16;

interface Known {
  server: OtherServer;
  /** When the look was that it answered to, or the last one before. */
  heardAt: Millis;
  /** The same of when it last sent PCs to `server.bootsFrom`, and when it last feigned. */
  placeAt: Millis;
  feignedAt: Millis;
}

export class DhcpWatch {
  private readonly ownAddress: string;
  private readonly ownMac: MacAddress;
  private readonly known = new Map<string, Known>();
  private lookAt: Millis;
  private lookedAt: Millis;

  constructor(options: { ownAddress: string; ownMac: MacAddress }, now: Millis) {
    this.ownAddress = options.ownAddress;
    this.ownMac = options.ownMac;
    this.lookAt = now;
    this.lookedAt = now;
  }

  /** When to call `look`. */
  get deadline(): Millis {
    return this.lookAt;
  }

  get servers(): readonly OtherServer[] {
    return [...this.known.values()].map(({ server }) => server);
  }

  /** A PC boots: the next look is soon. */
  hurry(now: Millis): void {
    const soonest = Math.max(now, this.lookedAt + leastPauseMs);
    this.lookAt = millis(Math.min(this.lookAt, soonest));
  }

  /** The DISCOVER to broadcast now, and the servers that have been silent for too long. `xid` is random. */
  look(xid: number, now: Millis): { readonly packet: DhcpPacket; readonly facts: WatchFact[] } {
    this.lookAt = millis(now + lookEveryMs);
    this.lookedAt = now;
    const facts: WatchFact[] = [];
    for (const [address, known] of this.known) {
      if (now - known.heardAt <= silenceMs) continue;
      this.known.delete(address);
      facts.push({ kind: "gone", server: known.server });
    }
    return { packet: discoverOf(this.ownMac, xid), facts };
  }

  /** Something that was sent to DHCP clients on this wire. */
  heard(packet: DhcpPacket): WatchFact[] {
    const type = messageType(packet);
    if (packet.op !== 2 || (type !== dhcpType.offer && type !== dhcpType.ack)) return [];
    const address = addressOption(packet, 54);
    if (address === undefined) return [];
    const givesAddresses = packet.yiaddr !== noAddress;
    const hasFile = packet.file !== "" || packet.options.has(67);
    const feignsPxe = givesAddresses && isPxe(packet) && !hasFile && !packet.options.has(43);
    const namesBootFile = hasFile || (isPxe(packet) && !feignsPxe);
    const bootsFrom = namesBootFile ? bootServerOf(packet) : null;
    const seen = { givesAddresses, namesBootFile, bootsFrom, feignsPxe };
    const isOfLook = packet.mac === this.ownMac;
    if (address !== this.ownAddress)
      return this.note({ address, ...seen, isInOurName: false }, isOfLook);
    // Its own answers this server does not hear; a loop in the network may bring them back, unchanged.
    if (bootsFrom === null || bootsFrom === this.ownAddress) return [];
    return this.note({ address: bootsFrom, ...seen, isInOurName: true }, isOfLook);
  }

  /** A client of ours has asked for what this server offered it. */
  chosen(address: string): WatchFact[] {
    if (address === this.ownAddress) return [];
    return this.note(
      {
        ...{ address, givesAddresses: true, namesBootFile: false },
        ...{ bootsFrom: null, feignsPxe: false, isInOurName: false },
      },
      false,
    );
  }

  /** `isOfLook`: it answered this host, which asks as a PC that boots; others may have asked for less. */
  private note(seen: OtherServer, isOfLook: boolean): WatchFact[] {
    const heardAt = this.lookedAt;
    const before = this.known.get(seen.address);
    if (before === undefined) {
      if (this.known.size >= serversLimit) return [];
      const at = { heardAt, placeAt: heardAt, feignedAt: heardAt };
      this.known.set(seen.address, { server: seen, ...at });
      return [{ kind: "appeared", server: seen }];
    }
    const known = before.server;
    // It may tell BIOS PCs one thing and UEFI PCs another, and anybody can forge its answers: what it said first counts
    // until it has not said that for a while. What other PCs are told counts later, for the answer to a look may be lost.
    const overMs = isOfLook ? lookEveryMs : 2 * lookEveryMs;
    const isElsewhere = known.bootsFrom !== null && known.bootsFrom !== this.ownAddress;
    const isPlaceKept = isElsewhere && heardAt - before.placeAt < overMs;
    const isFeigningKept = !isOfLook || heardAt - before.feignedAt < overMs;
    const server: OtherServer = {
      address: seen.address,
      givesAddresses: seen.givesAddresses || known.givesAddresses,
      namesBootFile: seen.namesBootFile || known.namesBootFile,
      bootsFrom: isPlaceKept ? known.bootsFrom : (seen.bootsFrom ?? known.bootsFrom),
      feignsPxe: seen.feignsPxe || (known.feignsPxe && isFeigningKept),
      isInOurName: seen.isInOurName || known.isInOurName,
    };
    const isMore =
      server.givesAddresses !== known.givesAddresses ||
      server.namesBootFile !== known.namesBootFile ||
      server.bootsFrom !== known.bootsFrom ||
      server.feignsPxe !== known.feignsPxe ||
      server.isInOurName !== known.isInOurName;
    this.known.set(seen.address, {
      ...{ server, heardAt },
      placeAt: seen.bootsFrom === server.bootsFrom ? heardAt : before.placeAt,
      feignedAt: seen.feignsPxe ? heardAt : before.feignedAt,
    });
    return isMore ? [{ kind: "appeared", server }] : [];
  }
}

/** The address that PCs are sent to: next-server, that of a URL, or option 66. */
function bootServerOf(packet: DhcpPacket): string | null {
  const url = /^https?:\/\/([\d.]+)/.exec(packet.file || (textOption(packet, 67) ?? ""))?.[1];
  if (url !== undefined) return url;
  if (packet.siaddr !== noAddress) return packet.siaddr;
  return /^[\d.]+$/.exec(textOption(packet, 66) ?? "")?.[0] ?? null;
}

const isPxe = (packet: DhcpPacket): boolean =>
  (textOption(packet, 60) ?? "").startsWith("PXEClient");

/** The client identifier of the question; type 0, and a text. */
const lookId = "\0roomcast looks for DHCP servers";

/** Whether a roomcast asks who is there, this one or another; it takes no offer. */
export const isLook = ({ options }: DhcpPacket): boolean =>
  String.fromCharCode(...(options.get(61) ?? [])) === lookId;

/** As a UEFI PC that boots from the network says it: a proxyDHCP answers to nobody else. */
const discoverOf = (mac: MacAddress, xid: number): DhcpPacket => ({
  op: 1,
  xid,
  secs: 0,
  // Otherwise the answer would go to an address that this host does not have.
  broadcast: true,
  ciaddr: noAddress,
  yiaddr: noAddress,
  siaddr: noAddress,
  giaddr: noAddress,
  mac,
  sname: "",
  file: "",
  options: new Map([
    [53, Uint8Array.of(dhcpType.discover)],
    [55, Uint8Array.of(1, 3, 6, 43, 54, 60, 66, 67)],
    [60, asciiBytes("PXEClient:Arch:00007:UNDI:003016")],
    [61, asciiBytes(lookId)],
    [93, Uint8Array.of(0, 7)],
    [94, Uint8Array.of(1, 3, 16)],
  ]),
});

/** What a person has to know of the other servers, and do, as this server is run. */
export function otherServerTexts(
  mode: "server" | "proxy" | "off",
  ownAddress: string,
  servers: readonly OtherServer[],
): string[] {
  const texts = servers.flatMap((server) => [
    ...rivalTexts(mode, ownAddress, server),
    ...(server.feignsPxe ? [feigning(server).join(". ")] : []),
  ]);
  const givers = servers.filter(
    ({ givesAddresses, isInOurName }) => givesAddresses && !isInOurName,
  );
  if (mode !== "server" && givers.length > 1) {
    const names = givers.map(({ address }) => address).join(" and ");
    texts.push(
      `${names} both give addresses on this network: PCs take whichever answers first. Find the one that does not belong here, and end it`,
    );
  }
  if (mode === "proxy" && givers.length === 0)
    texts.push(
      "no DHCP server answers on this network: PCs get no address. Start it again, or serve with --dhcp server",
    );
  return texts;
}

/** What UEFI does with such an offer (EDK II, PxeBcDxe), and what to do. */
export const feigning = ({ address }: OtherServer): [string, string] => [
  `the DHCP server ${address} sends option 60 "PXEClient" without option 43 and a boot file, as Windows Deployment Services leaves it behind: UEFI PCs wait for a boot server at its UDP port 4011, and hang`,
  "Take option 60 out of that server's options",
];

function rivalTexts(
  mode: "server" | "proxy" | "off",
  ownAddress: string,
  { address, givesAddresses, namesBootFile, bootsFrom, isInOurName }: OtherServer,
): string[] {
  if (isInOurName)
    return [
      `somebody answers PCs in this server's name, and sends them to ${address} to boot. Find that host and unplug it; until then start no PC from the network`,
    ];
  if (mode === "server" && givesAddresses)
    return [
      `another DHCP server, ${address}, gives addresses on this network too: PCs take whichever answers first. End it, or serve with --dhcp proxy`,
    ];
  // It may be told to send PCs here.
  if (!namesBootFile || bootsFrom === ownAddress) return [];
  const place = bootsFrom === null || bootsFrom === address ? "it" : bootsFrom;
  if (mode === "off" && givesAddresses)
    return [
      `${address} tells PCs to boot from ${place === "it" ? "itself" : place}, and not from this server: have it name ${ownAddress} (next-server, options 66 and 67)`,
    ];
  return [
    `${address} also tells PCs what to boot: they may start from ${place} instead. End its network boot (next-server, options 66 and 67)`,
  ];
}
