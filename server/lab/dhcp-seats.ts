import type { DhcpSeats } from "../../core/boot/dhcp-seats.ts";
import { hostNameFault } from "../../core/wire/host-names.ts";
import type { Inventory } from "./inventory.ts";
import { bareAddress } from "./pc-index.ts";

/** What DHCP gives the PCs of the inventory, as it is when a packet comes. A MAC is no proof: it gets no secret. */
export function dhcpSeats(inventory: Inventory): DhcpSeats {
  const isKeptIn = (room: string): boolean => inventory.room(room).settings.address !== "dhcp";
  return {
    of(mac) {
      // A MAC that several PCs have, as a dock's, names none of them.
      const [pc, ...others] = inventory.placedWithMac(mac);
      if (pc === undefined || others.length > 0) return null;
      return {
        name: hostNameFault(pc.name, "any system") === null ? pc.name : null,
        domain: inventory.room(pc.room).settings.domain,
        address: isKeptIn(pc.room) ? bareAddress(pc.address ?? null) : null,
      };
    },
    isKept(address) {
      const pc = inventory.withAddress(address);
      return pc !== null && isKeptIn(pc.room);
    },
  };
}
