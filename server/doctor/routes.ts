/** The kernel's IPv4 routes, as /proc/net/route has them. */
import { ipv4ToNumber } from "../../core/units/ipv4.ts";

/** The interface by which the host sends to `address`, or null when it has no way. */
export function interfaceTowards(table: string, address: string): string | null {
  const wanted = ipv4ToNumber(address) ?? 0;
  let best: { readonly mask: number; readonly metric: number; readonly name: string } | null = null;
  for (const line of table.split("\n").slice(1)) {
    // Iface Destination Gateway Flags RefCnt Use Metric Mask: addresses in hex, lowest byte first.
    const [name = "", destination = "", , , , , metricText = "", maskText = ""] = line.split(/\s+/);
    if (maskText === "") continue;
    const mask = hostOrder(maskText);
    const metric = Number(metricText);
    if ((wanted & mask) >>> 0 !== hostOrder(destination)) continue;
    if (best !== null && (best.mask > mask || (best.mask === mask && best.metric <= metric)))
      continue;
    best = { mask, metric, name };
  }
  return best?.name ?? null;
}

const hostOrder = (hex: string): number =>
  (hex.match(/../g) ?? []).reduceRight((value, byte) => value * 256 + Number.parseInt(byte, 16), 0);
