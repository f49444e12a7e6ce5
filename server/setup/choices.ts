/** What is chosen for the first configuration: checked, and suggested where there is something to suggest. */
import { RoomcastError } from "../../core/errors.ts";
import { ipv4ToText, netmaskOf, subnetHosts } from "../../core/units/ipv4.ts";
import { givenRange, upperHalf } from "../gate/boot/dhcp-settings.ts";
import { readConfig } from "../host/config.ts";
import type { Chosen } from "./configuration.ts";
import type { HostInterface } from "./interfaces.ts";

/** Throws `usage` for one that is not there, and `refused` for one without an address. */
export function requireInterface(
  all: readonly HostInterface[],
  name: string,
): HostInterface & { readonly cidr: string } {
  const found = all.find((each) => each.name === name);
  if (found === undefined) {
    const names = all.map((each) => each.name).join(", ");
    throw new RoomcastError("usage", `there is no interface ${name}`, `use one of these: ${names}`);
  }
  const { cidr } = found;
  if (cidr !== null) return { ...found, cidr };
  throw new RoomcastError(
    "refused",
    `${name} has no IPv4 address, and the server needs one that stays`,
    `give it one in /etc/network/interfaces or your network manager, or to try: ip addr add 10.77.0.1/24 dev ${name}`,
  );
}

const hostsOf = (cidr: string) => {
  const [address = "", length = "24"] = cidr.split("/");
  return subnetHosts(address, netmaskOf(Number(length)));
};

/** FIRST-LAST, as the server chooses it by itself. */
export function usualRange(cidr: string): string {
  const { first, last } = upperHalf(hostsOf(cidr));
  return `${ipv4ToText(first)}-${ipv4ToText(last)}`;
}

/** Null for the usual one, which then goes with the interface's address. Throws `usage`. */
export function requireRange(text: string, cidr: string): string | null {
  if (text === usualRange(cidr)) return null;
  givenRange(text, hostsOf(cidr));
  return text;
}

/** What a configuration that is there says of its first network. Rejects with `bad-input`, and with `refused` for one without an interface. */
export async function chosenIn(path: string): Promise<Chosen> {
  const config = await readConfig(path);
  const [network] = config.network ?? [];
  if (network === undefined) {
    throw new RoomcastError(
      "refused",
      `${path} does not say which interface the lab is on`,
      'add [[network]] and below it interface = "IF", or write it anew: roomcast setup --replace',
    );
  }
  const { interface: name, dhcp = "auto", range = config.dhcp?.range ?? null } = network;
  return { interface: name, dhcp, range, language: config.server?.language ?? null };
}
