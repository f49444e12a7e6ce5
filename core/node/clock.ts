import type { Clock } from "../ports.ts";
import { millis } from "../units/units.ts";

/** The system's own clocks. */
export const systemClock: Clock = {
  now: () => millis(performance.now()),
  isoTime: () => new Date().toISOString(),
};
