/** The settings of a room that are numbers, as people write them. */
import type { Decoded } from "../errors.ts";

/** `24` or `/24`; `auto` is null: as of the server's own address. */
export function parsePrefix(text: string): Decoded<number | null> {
  if (text === "auto") return { ok: true, value: null };
  const bits = wholeNumber(text.replace(/^\//, ""), 8, 30);
  return bits === null
    ? { ok: false, reason: "It has to be a number of bits from 8 to 30, or auto." }
    : { ok: true, value: bits };
}

/** How long a PC waits for a key before it starts its own disk. */
export function parseDiskSeconds(text: string): Decoded<number> {
  const seconds = wholeNumber(text, 1, 300);
  return seconds === null
    ? { ok: false, reason: "It has to be a number of seconds from 1 to 300." }
    : { ok: true, value: seconds };
}

function wholeNumber(text: string, least: number, most: number): number | null {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : null;
}
