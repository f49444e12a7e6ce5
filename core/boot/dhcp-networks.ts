/** A DHCP server that serves, beside its own network, those that relays bring to it: a machine for each subnet. */
import { type AddressRange, ipv4ToNumber, isInRange } from "../units/ipv4.ts";
import type { Millis } from "../units/units.ts";
import { type DhcpPacket, noAddress } from "../wire/dhcp/packet.ts";
import type { DhcpAction } from "./dhcp-action.ts";
import type { DhcpServer } from "./dhcp-server.ts";

/** A machine, and the subnet that it gives addresses of. */
export interface DhcpSubnet {
  readonly subnet: AddressRange;
  readonly machine: Pick<DhcpServer, "handle">;
}

export class DhcpNetworks {
  private readonly own: DhcpSubnet;
  private readonly relayed: readonly DhcpSubnet[];

  constructor(own: DhcpSubnet, relayed: readonly DhcpSubnet[]) {
    this.own = own;
    this.relayed = relayed;
  }

  /**
   * Takes a packet; answers what is to be done, and of which subnet. RFC 2131 section 4.3.1: giaddr says the client's
   * subnet. One that renews asks the server itself, without the relay, from the address that it has.
   */
  handle(packet: DhcpPacket, now: Millis): { subnet: AddressRange; actions: DhcpAction[] } {
    const { giaddr, ciaddr } = packet;
    const address = ipv4ToNumber(giaddr === noAddress ? ciaddr : giaddr) ?? 0;
    const found = this.relayed.find(({ subnet }) => isInRange(address, subnet)) ?? this.own;
    return { subnet: found.subnet, actions: found.machine.handle(packet, now) };
  }
}
