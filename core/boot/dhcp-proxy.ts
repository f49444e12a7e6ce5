/**
 * A proxyDHCP (PXE 2.1 section 2.2): beside the DHCP server that gives the addresses it tells PCs that boot
 * from the network what to load, on port 67 with an offer, and on port 4011 to who asks there. It has no
 * addresses, and a client that is not booting gets no answer from it.
 */
import { type AddressRange, ipv4ToNumber, isInRange, subnetOf } from "../units/ipv4.ts";
import { type DhcpPacket, dhcpType, messageType, noAddress } from "../wire/dhcp/packet.ts";
import {
  bootText,
  broadcastAddress,
  clientPort,
  type DhcpAction,
  endIpv6Wait,
  fact,
  isOfOneCard,
  loadsOf,
  relayedFrom,
  serverPort,
  unsupported,
} from "./dhcp-action.ts";
import { type BootSettings, proxyAnswer } from "./dhcp-answer.ts";
import { loaderFor } from "./loader.ts";

/** PXE 2.1 section 2.2.5: the UDP port for a PC that has its address already. */
export const proxyPort = 4011;

export type DhcpProxyOptions = BootSettings & {
  readonly netmask: string;
  /** The subnets that relays bring. */
  readonly relayed?: readonly AddressRange[];
};

export class DhcpProxy {
  private readonly options: DhcpProxyOptions;

  constructor(options: DhcpProxyOptions) {
    this.options = options;
  }

  /** Takes one packet that came to `port` from `source`, the client's address and port. */
  handle(
    packet: DhcpPacket,
    port: typeof serverPort | typeof proxyPort,
    source: { readonly address: string; readonly port: number },
  ): DhcpAction[] {
    if (packet.op !== 1 || !isOfOneCard(packet.mac)) return [];
    const type = messageType(packet);
    if (port === serverPort && type === dhcpType.discover) return this.discover(packet);
    // PXE clients send a REQUEST to 4011; some firmware an INFORM.
    if (port === proxyPort && (type === dhcpType.request || type === dhcpType.inform))
      return this.acknowledge(packet, source);
    // Everything else on port 67 is between the client and the server that gave it its address.
    return [];
  }

  private discover(packet: DhcpPacket): DhcpAction[] {
    const loader = loaderFor(packet, this.options.uefiLoaders.for(packet.mac));
    const answer = proxyAnswer(this.options, packet, dhcpType.offer);
    if (answer === undefined) return unsupported(packet, loader);
    const isRelayed = packet.giaddr !== noAddress;
    if (isRelayed && !this.isOnSubnet(packet.giaddr)) return [relayedFrom(packet)];
    // There is no ACK to see here. A PC that asks twice may get the shim, which does as well.
    this.options.uefiLoaders.told(packet.mac, loader);
    const loads = loadsOf(loader);
    return [
      {
        type: "send",
        packet: answer,
        address: isRelayed ? packet.giaddr : broadcastAddress,
        port: isRelayed ? serverPort : clientPort,
      },
      ...endIpv6Wait(packet),
      fact(
        packet,
        "offered",
        null,
        `told${bootText(loads)}, beside the DHCP server's address`,
        loads,
      ),
    ];
  }

  private acknowledge(
    packet: DhcpPacket,
    source: { readonly address: string; readonly port: number },
  ): DhcpAction[] {
    if (!this.isOnSubnet(source.address)) return [];
    const loader = loaderFor(packet, this.options.uefiLoaders.for(packet.mac));
    const answer = proxyAnswer(this.options, packet, dhcpType.ack);
    if (answer === undefined) return unsupported(packet, loader);
    const loads = loadsOf(loader);
    const text = `told${bootText(loads)}, on port ${proxyPort}`;
    return [
      { type: "send", packet: answer, address: source.address, port: source.port },
      fact(packet, "offered", source.address, text, loads),
    ];
  }

  private isOnSubnet(address: string): boolean {
    const { serverAddress, netmask, relayed = [] } = this.options;
    const number = ipv4ToNumber(address) ?? 0;
    return [subnetOf(serverAddress, netmask), ...relayed].some((subnet) =>
      isInRange(number, subnet),
    );
  }
}
