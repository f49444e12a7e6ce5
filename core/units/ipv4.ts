/** IPv4 addresses: dotted quads outside, numbers (0 to 2³²−1) where they are counted. */

/** Addresses from `first` to `last`, both included, as numbers. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

/** The address as a number, or undefined when the text is none. */
export function ipv4ToNumber(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export const ipv4ToText = (value: number): string =>
  [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join(".");

export const isInRange = (value: number, { first, last }: AddressRange): boolean =>
  value >= first && value <= last;

/** `255.255.255.0` of 24. Bit operators answer signed numbers, and a shift by 32 does nothing. */
export const netmaskOf = (prefix: number): string =>
  ipv4ToText(prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0);

/** The subnet that `address` is in, from its network address to its broadcast address. */
export function subnetOf(address: string, netmask: string): AddressRange {
  const mask = ipv4ToNumber(netmask) ?? 0xffffff00;
  // Bit operators answer signed numbers: `>>> 0` after each of them.
  const first = ((ipv4ToNumber(address) ?? 0) & mask) >>> 0;
  return { first, last: (first | ~mask) >>> 0 };
}

/** The first and the last host address of the subnet that `address` is in. */
export function subnetHosts(address: string, netmask: string): AddressRange {
  const { first, last } = subnetOf(address, netmask);
  return { first: first + 1, last: last - 1 };
}

/** Reads `10.0.0.100-10.0.0.200`; undefined when it is no range. */
export function parseRange(text: string): AddressRange | undefined {
  const [from = "", to = "", ...rest] = text.split("-");
  const first = ipv4ToNumber(from.trim());
  const last = ipv4ToNumber(to.trim());
  if (first === undefined || last === undefined || last < first || rest.length > 0)
    return undefined;
  return { first, last };
}
