/** Who a PC is: SMBIOS and its network cards. Boards that nobody wrote numbers into say nonsense. */

import { parseMac } from "../../../core/units/mac.ts";
import { printable } from "../../../core/units/printable.ts";
import type { Hello } from "../../../core/wire/hello.ts";
import { names, type Roots, readNumber, readText } from "../../../imaging/disk/sysfs.ts";

/** What manufacturers leave in place of a serial number. */
const placeholders = new Set([
  "to be filled by o.e.m.",
  "to be filled by oem",
  "default string",
  "system serial number",
  "base board serial number",
  "chassis serial number",
  "system manufacturer",
  "system product name",
  "serial number",
  "not specified",
  "not applicable",
  "not available",
  "unknown",
  "invalid",
  "none",
  "empty",
  "oem",
  "o.e.m.",
  "n/a",
  "na",
  "0123456789",
  "123456789",
  "1234567890",
  "1234567",
]);

/** UUIDs that whole series of boards share. */
const sharedUuids = new Set([
  "03000200-0400-0500-0006-000700080009",
  "12345678-1234-5678-90ab-cddeefaabbcc",
  "fefefefe-fefe-fefe-fefe-fefefefefefe",
]);

/** A serial number that tells this PC from others, or null. */
export function usableSerial(text: string | null): string | null {
  const serial = printable(text?.trim() ?? "");
  if (serial === "" || placeholders.has(serial.toLowerCase())) return null;
  // "0", "xxxxxxxx", "........": one character, over and over.
  if (/^(.)\1*$/i.test(serial)) return null;
  return serial.slice(0, 256);
}

/** The SMBIOS UUID in lower case, or null when it is none or not this PC's own. */
export function usableUuid(text: string | null): string | null {
  const uuid = text?.trim().toLowerCase() ?? "";
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid)) return null;
  const digits = uuid.replaceAll("-", "");
  if (/^(.)\1*$/.test(digits) || sharedUuids.has(uuid)) return null;
  return uuid;
}

/** From sysfs; the files want root. */
export function readIdentity(roots: Roots): Hello["identity"] {
  const dmi = `${roots.sys}/class/dmi/id`;
  const serials = ["product_serial", "board_serial", "chassis_serial"].flatMap(
    (name) => usableSerial(readText(`${dmi}/${name}`)) ?? [],
  );
  return {
    uuid: usableUuid(readText(`${dmi}/product_uuid`)),
    serials: [...new Set(serials)],
    macs: listMacs(roots),
    vendor: usableName(readText(`${dmi}/sys_vendor`)),
    model: usableName(readText(`${dmi}/product_name`)),
  };
}

/** Of a maker or a model, of which there are many; null: nobody wrote it into the board. */
function usableName(text: string | null): string | null {
  const name = printable(text?.trim() ?? "");
  return name === "" || placeholders.has(name.toLowerCase()) ? null : name.slice(0, 256);
}

/** ARPHRD_ETHER of linux/if_arp.h */
const ethernet = 1;
/** As the message allows. */
const macLimit = 64;

/** Of network cards: interfaces with a device behind them, not bridges and tunnels. */
function listMacs(roots: Roots): string[] {
  const found = names(`${roots.sys}/class/net`).flatMap((name) => {
    const folder = `${roots.sys}/class/net/${name}`;
    if (readNumber(`${folder}/type`) !== ethernet || names(`${folder}/device`).length === 0) {
      return [];
    }
    const mac = parseMac(readText(`${folder}/address`) ?? "");
    return mac === undefined || mac === "00:00:00:00:00:00" ? [] : [mac];
  });
  return [...new Set(found)].slice(0, macLimit);
}
