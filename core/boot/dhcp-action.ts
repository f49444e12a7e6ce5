/** What the machines that answer DHCP want done. */
import type { MacAddress } from "../units/mac.ts";
import type { DhcpPacket } from "../wire/dhcp/packet.ts";
import type { Lease } from "./lease-pool.ts";
import type { Loader } from "./loader.ts";

export type DhcpAction =
  | {
      readonly type: "send";
      readonly packet: DhcpPacket;
      readonly address: string;
      readonly port: number;
    }
  | { readonly type: "save"; readonly lease: Lease }
  | { readonly type: "forget"; readonly mac: MacAddress }
  /** Tell this PC that there is no IPv6 router: its iPXE waits for one. */
  | { readonly type: "end-ipv6-wait"; readonly mac: MacAddress }
  /** Find out which host has this address, and call `probed`. */
  | { readonly type: "probe"; readonly address: string }
  | { readonly type: "fact"; readonly fact: DhcpFact };

/** What a log or a screen may want to know. */
export interface DhcpFact {
  readonly kind:
    | "offered"
    | "leased"
    | "refused"
    | "exhausted"
    | "released"
    | "declined"
    /** `address` is the other server that the client has chosen. */
    | "elsewhere"
    | "in-use"
    | "unsupported"
    | "ignored";
  readonly mac: MacAddress;
  readonly xid: number;
  readonly address: string | null;
  readonly text: string;
}

export const broadcastAddress = "255.255.255.255";
export const clientPort = 68;
export const serverPort = 67;

export const fact = (
  { mac, xid }: DhcpPacket,
  kind: DhcpFact["kind"],
  address: string | null,
  text: string,
): DhcpAction => ({ type: "fact", fact: { kind, mac, xid, address, text } });

/** Neither all zeros nor a group's (the lowest bit of the first byte). */
export const isOfOneCard = (mac: MacAddress): boolean =>
  mac !== "00:00:00:00:00:00" && (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0;

/** An iPXE (option 175 is its own) asks for IPv4 and for an IPv6 router at once, and waits for both. */
export const endIpv6Wait = ({ mac, options }: DhcpPacket): DhcpAction[] =>
  options.has(175) ? [{ type: "end-ipv6-wait", mac }] : [];

/** What the client is to load, for the log. */
export function bootText(loader: Loader | undefined): string {
  if (loader === undefined || loader.kind === "unsupported") return "";
  return ` to boot ${loader.kind === "tftp" ? loader.file : loader.path}`;
}

/** A PC that wants to boot and cannot boot here is a fact for people: the PC itself does not show why. */
export const unsupported = (packet: DhcpPacket, loader: Loader | undefined): DhcpAction[] =>
  loader?.kind === "unsupported" ? [fact(packet, "unsupported", null, loader.reason)] : [];
