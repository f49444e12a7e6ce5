/** A disk policy as people write it: `any`, or `transport=nvme,sata model="Samsung*" size=200GB-1TB`. */
import type { Decoded } from "../errors.ts";
import { anyDisk, type DiskPolicy } from "../wire/disk-policy.ts";

/** The disks of a room when nobody says otherwise. */
const any = "any";
/** Decimal, as disks are sold. */
const units: Readonly<Record<string, number>> = { MB: 1e6, GB: 1e9, TB: 1e12 };

/**
 * Reads such a text. Parts in any order: `transport=` and `serial=` take lists with commas, `model=` a
 * pattern with `*`, `size=` FROM-TO, either of them left out. Quotes are for blanks.
 */
export function parsePolicy(text: string): Decoded<DiskPolicy> {
  const said = text.trim();
  if (said === any) return { ok: true, value: anyDisk };
  const policy: { -readonly [K in keyof DiskPolicy]: DiskPolicy[K] } = { ...anyDisk };
  const parts = said.match(/[^\s"]*"[^"]*"|\S+/g) ?? [];
  if (parts.length === 0) return { ok: false, reason: `say ${any}, or what the disk has` };
  for (const part of parts) {
    const [, key = "", quoted = ""] = /^(\w+)=(.+)$/.exec(part) ?? [];
    const value = quoted.replaceAll('"', "");
    const list = value.split(",").filter((each) => each !== "");
    if (value === "" || list.length === 0) return { ok: false, reason: `${part} says nothing` };
    if (key === "transport") policy.transports = list;
    else if (key === "serial") policy.serials = list;
    else if (key === "model") policy.model = value;
    else if (key === "size") {
      const range = parseRange(value);
      if (range === null) return { ok: false, reason: `${part}: a size is like 200GB-1TB` };
      Object.assign(policy, range);
    } else return { ok: false, reason: `${part}: transport=, model=, serial= or size=` };
  }
  return { ok: true, value: policy };
}

/** The text that `parsePolicy` reads back. */
export function policyText(policy: DiskPolicy): string {
  const { transports, model, serials, minBytes, maxBytes } = policy;
  const quoted = (value: string): string => (/\s/.test(value) ? `"${value}"` : value);
  const parts = [
    transports === null ? "" : `transport=${transports.join(",")}`,
    model === null ? "" : `model=${quoted(model)}`,
    serials === null ? "" : `serial=${quoted(serials.join(","))}`,
    minBytes === null && maxBytes === null ? "" : `size=${sizeOf(minBytes)}-${sizeOf(maxBytes)}`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? any : parts.join(" ");
}

function parseRange(text: string): Pick<DiskPolicy, "minBytes" | "maxBytes"> | null {
  const size = "(\\d+(?:\\.\\d+)?)(MB|GB|TB)";
  const found = new RegExp(`^(?:${size})?-(?:${size})?$`, "i").exec(text);
  if (found === null || text === "-") return null;
  const [, from, fromUnit, to, toUnit] = found;
  const minBytes = from === undefined ? null : inBytes(from, fromUnit);
  const maxBytes = to === undefined ? null : inBytes(to, toUnit);
  if (minBytes !== null && maxBytes !== null && minBytes > maxBytes) return null;
  return { minBytes, maxBytes };
}

const inBytes = (number: string, unit = ""): number =>
  Math.round(Number(number) * (units[unit.toUpperCase()] ?? 1));

const sizeOf = (sizeBytes: number | null): string => {
  if (sizeBytes === null) return "";
  const unit = sizeBytes >= 1e12 ? "TB" : sizeBytes >= 1e9 ? "GB" : "MB";
  return `${sizeBytes / (units[unit] as number)}${unit}`;
};
