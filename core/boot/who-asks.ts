/**
 * What a PC runs that asks for an address: firmware or a boot loader, our boot image, or a system of its own.
 * The signs are those of its DHCP packet, so it is what somebody says, and a guess where it names a system.
 */
import { printable } from "../units/printable.ts";
import {
  addressOption,
  type DhcpPacket,
  dhcpType,
  messageType,
  noAddress,
  textOption,
} from "../wire/dhcp/packet.ts";

export type Asker =
  | { readonly kind: "loader" | "agent" }
  | {
      readonly kind: "system";
      /** What it looks like; null: it could be anything. */
      readonly system: string | null;
      /** As it calls itself. */
      readonly host: string | null;
    };

/** What a client says of itself and of its address. */
export interface Asked {
  readonly asker: Asker;
  /** That it has, or asks for; null: it names none. */
  readonly address: string | null;
}

/** RFC 1035 section 2.3.4: a label of a name has at most 63 characters. */
const hostLimit = 63;

/** Null for what says nothing of who runs: a release, a decline, an answer. */
export function whoAsks(packet: DhcpPacket): Asked | null {
  const type = messageType(packet);
  const isAsking =
    type === dhcpType.discover || type === dhcpType.request || type === dhcpType.inform;
  if (packet.op !== 1 || !isAsking) return null;
  const given = packet.ciaddr === noAddress ? addressOption(packet, 50) : packet.ciaddr;
  return { asker: askerOf(packet), address: given ?? null };
}

function askerOf(packet: DhcpPacket): Asker {
  const { options } = packet;
  const vendor = textOption(packet, 60) ?? "";
  const wanted = [...(options.get(55) ?? [])];
  const host = hostOf(packet);
  const isLoader =
    /^(PXEClient|HTTPClient|AAPLBSDPC|iPXE|U-Boot)/.test(vendor) ||
    (textOption(packet, 77) ?? "").includes("iPXE") ||
    // RFC 4578: the architecture and the machine's UUID; 175 is iPXE's own option, 67 a boot file's name.
    [93, 97, 175].some((code) => options.has(code)) ||
    wanted.includes(67);
  if (isLoader) return { kind: "loader" };
  // The boot image's client is busybox's; systems that use it give their name, as Alpine Linux does.
  if (vendor === "roomcast" || (/^udhcpc? /.test(vendor) && host === null))
    return { kind: "agent" };
  return { kind: "system", system: systemOf(vendor, options.get(61), wanted), host };
}

/** Parameter request lists (option 55) as the systems' own clients ask, their first options in their order. */
const lists: readonly (readonly [string, readonly number[]])[] = [
  // /etc/dhcp/dhclient.conf of Debian and Ubuntu.
  ["Debian", [1, 28, 2, 3, 15, 6, 119, 12]],
  // The defaults of FreeBSD's dhclient (clparse.c).
  ["FreeBSD", [1, 28, 2, 121, 3, 15, 6, 12, 119]],
  // dhcpcd as Debian configures it: without a vendor class.
  ["Linux (dhcpcd)", [1, 121, 3, 6, 12, 15, 26, 28, 33]],
  // NetworkManager's own client.
  ["Linux (NetworkManager)", [1, 2, 6, 12, 15, 26, 28, 121, 3, 33, 40, 41, 42]],
  ["macOS", [1, 121, 3, 6, 15, 119, 252]],
  ["macOS", [1, 121, 3, 6, 15, 108, 114, 119]],
  ["macOS", [1, 121, 3, 6, 15, 114, 119]],
];

/** RFC 4361 client identifier: 255, four bytes of the interface, then a DUID by enterprise, which is systemd's. */
const systemdDuid = [0, 2, 0, 0, 0xab, 0x11];

function systemOf(
  vendor: string,
  clientId: Uint8Array | undefined,
  wanted: readonly number[],
): string | null {
  if (vendor.startsWith("MSFT 5.0")) return "Windows";
  if (vendor.startsWith("android-dhcp")) return "Android";
  if (/^udhcpc? /.test(vendor)) return "Linux (busybox)";
  const dhcpcd = /^dhcpcd-[^:]*:([A-Za-z]{1,16})/.exec(vendor)?.[1];
  if (dhcpcd !== undefined) return `${dhcpcd} (dhcpcd)`;
  if (clientId?.[0] === 255 && systemdDuid.every((byte, index) => clientId[5 + index] === byte))
    return "Linux (systemd-networkd)";
  const [found] = lists.flatMap(([system, list]) =>
    list.every((code, index) => wanted[index] === code) ? [system] : [],
  );
  return found ?? null;
}

/** Whoever sends the packet chooses the name: no more of it than a host's name has, and nothing that moves a cursor. */
function hostOf(packet: DhcpPacket): string | null {
  const name = printable(textOption(packet, 12) ?? "")
    .trim()
    .slice(0, hostLimit);
  return name === "" ? null : name;
}
