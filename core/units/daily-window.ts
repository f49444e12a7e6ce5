/** A part of each day, by the clock on the wall. */
import type { Decoded } from "../errors.ts";

const minutesPerDay = 24 * 60;

/** In minutes since midnight; one that ends before it begins goes over midnight. */
export interface DailyWindow {
  readonly from: number;
  readonly to: number;
}

/** Reads `22:00-06:00`. */
export function decodeDailyWindow(text: string): Decoded<DailyWindow> {
  const [, ...parts] = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(text) ?? [];
  const [fromHour = 99, fromMinute = 99, toHour = 99, toMinute = 99] = parts.map(Number);
  const isDay = fromHour < 24 && toHour < 24 && fromMinute < 60 && toMinute < 60;
  if (!isDay) return { ok: false, reason: "it is not a part of a day like 22:00-06:00" };
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute];
  if (from === to) return { ok: false, reason: "it ends when it begins" };
  return { ok: true, value: { from, to } };
}

/** Whether it is on at this minute of the day; its last minute is no part of it. */
export const isWithin = ({ from, to }: DailyWindow, minute: number): boolean =>
  (minute - from + minutesPerDay) % minutesPerDay < (to - from + minutesPerDay) % minutesPerDay;
