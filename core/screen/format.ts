/** Quantities in English words, as the command line, the logs and the API have them; a screen has its own (core/words). */
import { english } from "../words/english.ts";

export const {
  size: sizeText,
  byteRate: byteRateText,
  linkRate: linkRateText,
  duration: durationText,
  percent: percentText,
  loss: lossText,
  date: dateText,
} = english;

/** Seconds between two ISO 8601 times. */
export const secondsBetween = (from: string, to: string): number =>
  (Date.parse(to) - Date.parse(from)) / 1000;

/** `[#####-----]`, `width` cells in all; a bar that is full is complete. */
export function barText(fraction: number, width: number): string {
  const room = Math.max(0, width - 2);
  const filled = Math.floor(Math.min(1, Math.max(0, fraction)) * room + 1e-9);
  return `[${"#".repeat(filled)}${"-".repeat(room - filled)}]`;
}
