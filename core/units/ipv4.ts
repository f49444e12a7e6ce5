/** IPv4 addresses as dotted quads outside and as numbers where they are counted. */

/** The address as a number, or undefined when the text is none. */
export function ipv4ToNumber(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export const ipv4ToText = (value: number): string =>
  [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join(".");

/** The first and the last host address of the subnet that `address` is in. */
export function subnetHosts(address: string, netmask: string): { first: number; last: number } {
  const mask = ipv4ToNumber(netmask) ?? 0xffffff00;
  const network = ((ipv4ToNumber(address) ?? 0) & mask) >>> 0;
  return { first: network + 1, last: (network | (~mask >>> 0)) - 1 };
}

/** Reads `10.0.0.100-10.0.0.200`; undefined when it is no range. */
export function parseRange(text: string): { first: number; last: number } | undefined {
  const [from = "", to = "", ...rest] = text.split("-");
  const first = ipv4ToNumber(from.trim());
  const last = ipv4ToNumber(to.trim());
  if (first === undefined || last === undefined || last < first || rest.length > 0)
    return undefined;
  return { first, last };
}
