import type { WakeReport } from "../../core/wire/api.ts";
import type { PcState } from "../../core/wire/views.ts";
import type { PcRecord } from "../state/records.ts";
import type { Announcer } from "./announcer.ts";
import type { LabTimers } from "./timers.ts";

/** A magic packet may get lost, or come while the link is still going down; in milliseconds. */
const repeatEvery = 10_000;
const lookEvery = 250;

export interface WakesPorts {
  readonly announcer: Announcer;
  readonly timers: Pick<LabTimers, "now" | "sleep">;
  /** Sends the magic packet on the lab's network. */
  send(macs: readonly string[]): Promise<void>;
  isConnected(pc: string): boolean;
  stateOf(pc: string): PcState;
}

/**
 * Wakes those of the PCs that are off, and waits until all are here or `timeoutMs` is over: who was on
 * already, who came, and who did not and how far it got. Ends early with `signal`.
 */
export async function wakePcs(
  ports: WakesPorts,
  pcs: readonly PcRecord[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<WakeReport> {
  const { announcer, timers, send, isConnected, stateOf } = ports;
  const off = pcs.filter((pc) => !isConnected(pc.id));
  const missing = (): PcRecord[] => off.filter((pc) => !isConnected(pc.id));
  for (const pc of off) announcer.note({ pc: pc.id }, "woken by magic packet");
  const startedAt = timers.now();
  let sentAt = Number.NEGATIVE_INFINITY;
  while (missing().length > 0 && !signal.aborted) {
    const now = timers.now();
    if (now - sentAt >= repeatEvery) {
      sentAt = now;
      await send(missing().flatMap(({ macs }) => macs));
    }
    if (now - startedAt >= timeoutMs) break;
    await timers.sleep(lookEvery, signal);
  }
  const reached = (pc: PcRecord): "off" | "booting" =>
    stateOf(pc.id) === "booting" ? "booting" : "off";
  const absent = missing();
  if (timeoutMs > 0) {
    for (const pc of absent) {
      const how =
        reached(pc) === "booting"
          ? "it asked for its boot files, and its agent has not come"
          : "nothing was heard of it: check its power, its cable and wake-on-LAN in its firmware";
      announcer.note({ pc: pc.id }, `did not come when it was woken: ${how}`);
    }
  }
  return {
    alreadyOn: pcs.filter((pc) => !off.includes(pc)).map(({ name }) => name),
    came: off.filter((pc) => !absent.includes(pc)).map(({ name }) => name),
    missing: absent.map((pc) => ({ pc: pc.id, name: pc.name, reached: reached(pc) })),
  };
}
