/** Finds out why a receiver falls behind, from the counters in its reports. */
import { chunkBytes } from "../units/units.ts";
import { dataPacketBytes, wireOverheadBytes } from "../wire/cast.ts";
import type { StragglerReason } from "./ends.ts";
import type { Figures } from "./measure.ts";

export type StragglerCause = StragglerReason["cause"];

const packetBits = (dataPacketBytes + wireOverheadBytes) * 8;
export const bpsOf = (packetsPerMs: number): number => packetsPerMs * packetBits * 1000;

/** Speeds that an Ethernet port negotiates, in bits a second. */
const portSpeeds = [10e6, 100e6, 1e9, 2.5e9, 5e9];
/** A fraction of its speed: an overrun port carries more than this. */
const portFill = 0.85;
/** A factor: the count may include packets that were queued before. */
const countError = 1.1;

/** The cause of a receiver that loses far more than the others. */
export function causeOfLoss(figures: Figures | null): StragglerCause {
  if (figures === null) return "loss";
  const { packetsPerMs, sentPerMs, lossRatio, dropRatio } = figures;
  if (dropRatio > lossRatio / 2) return "host";
  const receiveBps = bpsOf(packetsPerMs);
  const isPort = portSpeeds.some(
    (speed) =>
      receiveBps > speed * portFill && receiveBps < speed * countError && bpsOf(sentPerMs) > speed,
  );
  return isPort ? "link" : "loss";
}

/** The cause together with its present figures. */
export function reasonOf(cause: StragglerCause, figures: Figures): StragglerReason {
  switch (cause) {
    case "disk":
      return { cause, writeBytesPerSecond: figures.writtenPerMs * 1000 * chunkBytes };
    case "link":
      return { cause, receiveBps: bpsOf(figures.packetsPerMs) };
    case "loss":
      return { cause, lossRatio: figures.lossRatio };
    case "host":
      return { cause, dropRatio: figures.dropRatio };
  }
}
