/** What a PC is given as its own, put together from its seat and its room. */
import type { HostKey, OwnStep, Personal, PersonalAddress } from "../../core/wire/personal.ts";
import { dnsLimit, type RoomSettings } from "../../core/wire/rooms.ts";
import type { PcRecord } from "../state/records.ts";
import type { RoomNetwork } from "./addresses.ts";

export interface PersonalParts {
  readonly settings: RoomSettings;
  readonly network: RoomNetwork;
  /** Lines of `authorized_keys`. */
  readonly sshKeys: readonly string[];
  /** Null: it may not have those that are kept for it. */
  readonly hostKeys: readonly HostKey[] | null;
  readonly steps: readonly OwnStep[];
}

/** `windows` comes from files of the owner's (`windows.ts`). */
export type SeatPersonal = Omit<Personal, "windows">;

export function personalOf(pc: PcRecord, parts: PersonalParts): SeatPersonal {
  const { settings, sshKeys, hostKeys, steps } = parts;
  return {
    name: pc.name,
    domain: settings.domain,
    room: pc.room,
    seat: pc.seat,
    address: addressOf(pc, parts),
    sshKeys: [...sshKeys],
    hostKeys: hostKeys === null ? null : [...hostKeys],
    fields: pc.fields ?? {},
    bootFirst: settings.bootFirst,
    steps: steps.map(({ name, script }) => ({ name, script })),
  };
}

/** A reserved address comes by DHCP, too: nothing is written for it. */
function addressOf(
  { address, hello }: PcRecord,
  { settings, network }: PersonalParts,
): PersonalAddress {
  if (settings.address !== "static" || address === undefined) return { kind: "dhcp" };
  const [own = "", prefix] = address.split("/");
  return {
    ...{ kind: "static", address: own, prefix: Number(prefix) },
    ...{ gateway: network.gateway, dns: network.dns.slice(0, dnsLimit), mac: hello.mac },
  };
}
