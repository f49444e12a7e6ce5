/**
 * Why a receiver falls behind, from the counters in its reports. A cause is named only where its own figure shows it, and
 * has shown it for a while; it is named no more when the figure has not shown it for a while.
 */
import { chunkBytes } from "../units/units.ts";
import { dataPacketBytes, wireOverheadBytes } from "../wire/cast.ts";
import type { StragglerReason } from "./ends.ts";
import type { Figures } from "./measure.ts";

const packetBits = (dataPacketBytes + wireOverheadBytes) * 8;
export const bpsOf = (packetsPerMs: number): number => packetsPerMs * packetBits * 1000;

/** Speeds that an Ethernet port negotiates, in bits a second. */
const portSpeeds = [10e6, 100e6, 1e9, 2.5e9, 5e9];
/** A fraction of its speed: an overrun port carries more than this. */
const portFill = 0.85;
/** A factor: the count may include packets that were queued before. */
const countError = 1.1;
/** A fraction: an overrun port loses at least what the rate exceeds it by; less is not worth a cable. */
const leastPortLoss = 0.05;
/** A fraction of the packets: repairs make good what is less without being noticed. */
const leastLoss = 0.02;
/** A fraction of the packets: a host whose socket drops as much is late all the time, and not once. */
const leastDrops = 0.01;
/** Milliseconds: a receiver that takes what was sent so long ago is not on time. Reports and syncs are further apart by less. */
export const leastBehind = 1000;
/** A fraction of its slots: so many chunks in hand, all the time, wait for the disk. */
const leastBacklog = 0.5;

/** Windows of `Measure`, a quarter of a second each, that are looked at: two seconds. */
const windowsKept = 8;
/** Of them, how many show a cause before it is named, and how few no longer do. */
const namedFrom = 4;
const namedUntil = 2;

/** What one window shows; null: nothing that would hold the receiver up. */
export function shownBy(figures: Figures): StragglerReason | null {
  const { packetsPerMs, sentPerMs, lossRatio, dropRatio, backlogRatio, writtenPerMs, behindMs } =
    figures;
  if (dropRatio >= leastDrops && dropRatio > lossRatio / 2) return { cause: "host", dropRatio };
  if (behindMs >= leastBehind) return { cause: "behind", behindMs };
  if (backlogRatio >= leastBacklog)
    return { cause: "disk", writeBytesPerSecond: writtenPerMs * 1000 * chunkBytes };
  const receiveBps = bpsOf(packetsPerMs);
  const isPort = portSpeeds.some(
    (speed) =>
      receiveBps > speed * portFill && receiveBps < speed * countError && bpsOf(sentPerMs) > speed,
  );
  if (isPort && lossRatio >= leastPortLoss) return { cause: "link", receiveBps };
  return lossRatio - dropRatio >= leastLoss ? { cause: "loss", lossRatio } : null;
}

export class CauseWatch {
  /** The cause that lasts, with the mean of its figure over the windows that show it; null: none does. */
  reason: StragglerReason | null = null;
  private readonly windows: (StragglerReason | null)[] = [];

  note(figures: Figures): void {
    this.windows.push(shownBy(figures));
    if (this.windows.length > windowsKept) this.windows.shift();
    const named = this.reason?.cause;
    const mostShown = causes
      .map((cause) => ({ cause, shown: this.showing(cause) }))
      .reduce((one, other) => (other.shown.length > one.shown.length ? other : one));
    if (mostShown.shown.length >= namedFrom) this.reason = meanOf(mostShown.shown);
    else if (named !== undefined) {
      const shown = this.showing(named);
      this.reason = shown.length > namedUntil ? meanOf(shown) : null;
    }
  }

  private showing(cause: StragglerReason["cause"]): StragglerReason[] {
    return this.windows.filter((each) => each !== null).filter((each) => each.cause === cause);
  }
}

const causes = ["host", "behind", "disk", "link", "loss"] as const;

function meanOf(all: readonly StragglerReason[]): StragglerReason {
  const [first] = all as [StragglerReason];
  const mean = (of: (reason: never) => number): number =>
    all.reduce((sum, each) => sum + of(each as never), 0) / all.length;
  type Of<C> = Extract<StragglerReason, { cause: C }>;
  switch (first.cause) {
    case "disk":
      return {
        cause: "disk",
        writeBytesPerSecond: mean((each: Of<"disk">) => each.writeBytesPerSecond),
      };
    case "link":
      return { cause: "link", receiveBps: mean((each: Of<"link">) => each.receiveBps) };
    case "loss":
      return { cause: "loss", lossRatio: mean((each: Of<"loss">) => each.lossRatio) };
    case "behind":
      return { cause: "behind", behindMs: mean((each: Of<"behind">) => each.behindMs) };
    case "host":
      return { cause: "host", dropRatio: mean((each: Of<"host">) => each.dropRatio) };
    default:
      return first;
  }
}
