/** How long status calls take, one after the other. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../../client/api/client.ts";

const askEveryMs = 100;

/** In milliseconds. */
export interface StatusTimes {
  readonly calls: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

/** Asks ten times a second, until `isOver`. */
export async function statusTimes(client: ApiClient, isOver: () => boolean): Promise<StatusTimes> {
  const times: number[] = [];
  while (!isOver()) {
    const askedAt = performance.now();
    await client.get("/status");
    times.push(performance.now() - askedAt);
    await sleep(askEveryMs);
  }
  const sorted = times.toSorted((one, other) => one - other);
  const at = (fraction: number): number => sorted[Math.floor(fraction * (sorted.length - 1))] ?? 0;
  return { calls: sorted.length, p50: at(0.5), p99: at(0.99), most: at(1) };
}
