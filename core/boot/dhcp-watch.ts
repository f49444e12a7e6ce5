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
}

export type WatchFact =
  | { readonly kind: "appeared"; readonly server: OtherServer }
  | { readonly kind: "gone"; readonly server: OtherServer };

/** Milliseconds between two looks. A rival that broadcasts its answer to a PC is heard at once. */
const lookEveryMs = 60_000;
/** Looks in a row after which a server that did not answer is gone; a busy one may miss one. */
const looksMissed = 3;
/** How many other servers are remembered: no lab has more, and the list has to end. */
const serversLimit = 16;

interface Known {
  server: OtherServer;
  missed: number;
}

export class DhcpWatch {
  private readonly ownAddress: string;
  private readonly ownMac: MacAddress;
  private readonly known = new Map<string, Known>();
  private lookAt: Millis;

  constructor(options: { ownAddress: string; ownMac: MacAddress }, now: Millis) {
    this.ownAddress = options.ownAddress;
    this.ownMac = options.ownMac;
    this.lookAt = now;
  }

  /** When to call `look`. */
  get deadline(): Millis {
    return this.lookAt;
  }

  get servers(): readonly OtherServer[] {
    return [...this.known.values()].map(({ server }) => server);
  }

  /** The DISCOVER to broadcast now, and the servers that have been silent for too long. `xid` is random. */
  look(xid: number, now: Millis): { readonly packet: DhcpPacket; readonly facts: WatchFact[] } {
    this.lookAt = millis(now + lookEveryMs);
    const facts: WatchFact[] = [];
    for (const [address, known] of this.known) {
      known.missed++;
      if (known.missed <= looksMissed) continue;
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
    if (address === undefined || address === this.ownAddress) return [];
    return this.note({
      address,
      givesAddresses: packet.yiaddr !== noAddress,
      namesBootFile: packet.file !== "" || packet.options.has(67) || isPxe(packet),
    });
  }

  /** A client of ours has asked for what this server offered it. */
  chosen(address: string): WatchFact[] {
    if (address === this.ownAddress) return [];
    return this.note({ address, givesAddresses: true, namesBootFile: false });
  }

  private note(seen: OtherServer): WatchFact[] {
    const known = this.known.get(seen.address);
    if (known === undefined) {
      if (this.known.size >= serversLimit) return [];
      this.known.set(seen.address, { server: seen, missed: 0 });
      return [{ kind: "appeared", server: seen }];
    }
    const server = {
      address: seen.address,
      givesAddresses: seen.givesAddresses || known.server.givesAddresses,
      namesBootFile: seen.namesBootFile || known.server.namesBootFile,
    };
    const isMore =
      server.givesAddresses !== known.server.givesAddresses ||
      server.namesBootFile !== known.server.namesBootFile;
    this.known.set(seen.address, { server, missed: 0 });
    return isMore ? [{ kind: "appeared", server }] : [];
  }
}

const isPxe = (packet: DhcpPacket): boolean =>
  (textOption(packet, 60) ?? "").startsWith("PXEClient");

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
    [55, Uint8Array.of(1, 3, 6, 54, 60, 66, 67)],
    [60, asciiBytes("PXEClient:Arch:00007:UNDI:003016")],
    [61, asciiBytes("\0roomcast looks for DHCP servers")],
    [93, Uint8Array.of(0, 7)],
    [94, Uint8Array.of(1, 3, 16)],
  ]),
});

/** What a person has to know of another server, and do, as this server is run. */
export function otherServerText(
  mode: "server" | "proxy" | "off",
  { address, givesAddresses, namesBootFile }: OtherServer,
): string | null {
  if (mode === "server" && givesAddresses)
    return `another DHCP server, ${address}, gives addresses on this network too: PCs take whichever answers first. End it, or serve with --dhcp proxy`;
  if (mode !== "off" && namesBootFile)
    return `${address} also tells PCs what to boot: they may start from it instead. End its network boot (next-server, options 66 and 67)`;
  return null;
}
