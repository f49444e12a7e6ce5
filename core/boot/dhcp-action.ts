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
  | Probe
  | { readonly type: "fact"; readonly fact: DhcpFact };

/** Find out which host has this address, and call `probed` with this. That one of the doubted ones answers is not enough. */
export interface Probe {
  readonly type: "probe";
  readonly address: string;
  readonly doubted: readonly MacAddress[];
}

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
    /** `owner` answers for `address`, which is left out. */
    | "in-use"
    /** `owner` answers for `address`, as for many more, and is not believed. */
    | "doubted"
    /** No address was found, and that is for what is in use by others. */
    | "occupied"
    | "unsupported"
    /** `address` is the relay, of a network that this server does not answer. */
    | "relayed"
    /** The lease of `address` could not be written down: this server knows of it until it ends. */
    | "unwritten"
    | "ignored";
  readonly mac: MacAddress;
  readonly xid: number;
  readonly address: string | null;
  readonly text: string;
  /** What the client is told to load with it; null: nothing. */
  readonly loads: Loads | null;
  /** Of `in-use` and `doubted`. */
  readonly owner?: MacAddress;
}

/** A file by TFTP, or a path by HTTP. */
export interface Loads {
  readonly by: "TFTP" | "HTTP";
  readonly file: string;
}

export const broadcastAddress = "255.255.255.255";
export const clientPort = 68;
export const serverPort = 67;

export const fact = (
  { mac, xid }: DhcpPacket,
  kind: DhcpFact["kind"],
  address: string | null,
  text: string,
  loads: Loads | null = null,
): DhcpAction => ({ type: "fact", fact: { kind, mac, xid, address, text, loads } });

/** What is to be said beside these when their lease could not be written down. */
export const unwritten = (actions: readonly DhcpAction[], reason: string): DhcpAction[] =>
  actions.flatMap((action) => {
    if (action.type !== "fact") return [];
    const text = `its lease of ${action.fact.address} cannot be written down: ${reason}`;
    return [{ type: "fact", fact: { ...action.fact, kind: "unwritten", text, loads: null } }];
  });

/** Neither all zeros nor a group's (the lowest bit of the first byte). */
export const isOfOneCard = (mac: MacAddress): boolean =>
  mac !== "00:00:00:00:00:00" && (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0;

/** An iPXE (option 175 is its own) asks for IPv4 and for an IPv6 router at once, and waits for both. */
export const endIpv6Wait = ({ mac, options }: DhcpPacket): DhcpAction[] =>
  options.has(175) ? [{ type: "end-ipv6-wait", mac }] : [];

/** What the client is to load. */
export function loadsOf(loader: Loader | undefined): Loads | null {
  if (loader === undefined || loader.kind === "unsupported") return null;
  return loader.kind === "tftp"
    ? { by: "TFTP", file: loader.file }
    : { by: "HTTP", file: loader.path };
}

/** The same for the log. */
export const bootText = (loads: Loads | null): string =>
  loads === null ? "" : ` to boot ${loads.file}`;

/** RFC 1542 section 4.1: a relay brings what PCs of its own network ask. */
export const relayedFrom = (packet: DhcpPacket): DhcpAction => {
  const text = `the relay ${packet.giaddr} brings what a PC of a network asks that the configuration does not name: it gets no answer`;
  return fact(packet, "relayed", packet.giaddr, text);
};

/** A PC that wants to boot and cannot boot here is a fact for people: the PC itself does not show why. */
export const unsupported = (packet: DhcpPacket, loader: Loader | undefined): DhcpAction[] =>
  loader?.kind === "unsupported" ? [fact(packet, "unsupported", null, loader.reason)] : [];
