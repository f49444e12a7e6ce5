/** The size of a disk as people write it, which is a part of a fitted image's name. */
import { type Static, Type } from "typebox";
import type { Decoded } from "../errors.ts";

/** As `decodeDiskSize` spells it. */
export const FitSize = Type.String({
  pattern: "^\\d{1,15}(\\.\\d{1,3})?([MGT]i?B)?$",
  maxLength: 24,
  description: "a disk's size, like 240GB, 223GiB or 256060514304",
});

/** What a restore does for PCs whose disks are smaller than the image's: `auto` makes a fitted version for all. */
export const FitMode = Type.Union([Type.Literal("auto"), Type.Literal("never")]);
export type FitMode = Static<typeof FitMode>;

/** The parts of making a fitted version, as its program says them. */
export const fitParts = ["reading", "fitting", "storing"] as const;
export type FitPart = (typeof fitParts)[number];

export interface DiskSize {
  readonly bytes: number;
  /** In one spelling: `240GB` for `240gb`. */
  readonly text: string;
}

/** Bytes, or as disks are sold, or as systems count. */
const units: Readonly<Record<string, number>> = {
  "": 1,
  ...{ MB: 1e6, GB: 1e9, TB: 1e12 },
  ...{ MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
};

/** Fails with the reason. Bytes are rounded down to whole ones. */
export function decodeDiskSize(written: string): Decoded<DiskSize> {
  const [, number = "", unit = ""] = /^(\d{1,15}(?:\.\d{1,3})?)([MGT]i?B|)$/i.exec(written) ?? [];
  const known = Object.keys(units).find((each) => each.toLowerCase() === unit.toLowerCase()) ?? "";
  const bytes = Math.floor(Number(number) * (units[known] ?? 1));
  if (number === "" || !(bytes > 0) || !Number.isSafeInteger(bytes)) {
    return { ok: false, reason: `${JSON.stringify(written)} is no size of a disk` };
  }
  return { ok: true, value: { bytes, text: `${number}${known}` } };
}
