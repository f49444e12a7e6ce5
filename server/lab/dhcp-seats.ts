import type { DhcpSeats } from "../../core/boot/dhcp-seats.ts";
import { ipv4ToNumber, isInRange, subnetOf } from "../../core/units/ipv4.ts";
import { hostNameFault } from "../../core/wire/host-names.ts";
import type { LabNetwork } from "./addresses.ts";
import type { Inventory } from "./inventory.ts";
import { bareAddress } from "./pc-index.ts";

/** What DHCP gives the PCs of the inventory, as it is when a packet comes. A MAC is no proof: it gets no secret. */
export function dhcpSeats(inventory: Inventory, own: LabNetwork): DhcpSeats {
  const subnet = subnetOf(own.address, own.netmask);
  const isKeptIn = (room: string): boolean => inventory.room(room).settings.address !== "dhcp";
  return {
    of(mac) {
      // A MAC that several PCs have, as a dock's, names none of them.
      const [pc, ...others] = inventory.placedWithMac(mac);
      if (pc === undefined || others.length > 0) return null;
      const address = bareAddress(pc.address ?? null);
      const isOurs = address !== null && isInRange(ipv4ToNumber(address) ?? 0, subnet);
      return {
        name: hostNameFault(pc.name, "any system") === null ? pc.name : null,
        domain: inventory.room(pc.room).settings.domain,
        address: isOurs && isKeptIn(pc.room) ? address : null,
      };
    },
    isKept(address) {
      const pc = inventory.withAddress(address);
      return pc !== null && isKeptIn(pc.room);
    },
  };
}
