/** The host's clock and timers. */
import { setTimeout as sleep } from "node:timers/promises";
import type { CampusTime } from "./patience.ts";

export const hostTime: CampusTime = {
  now: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
};
