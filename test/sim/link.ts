import { wireOverheadBytes } from "../../core/wire/cast.ts";

export interface LinkOptions {
  readonly bps: number;
  /** What may wait before packets are dropped. */
  readonly queueBytes: number;
}

/** A wire with a bounded queue before it. */
export class Link {
  dropped = 0;
  private readonly options: LinkOptions;
  /** Until when what has been accepted keeps the wire busy, in milliseconds. */
  private busyUntil = 0;

  constructor(options: LinkOptions) {
    this.options = options;
  }

  /** When a packet offered at `at` is through, or null when the queue has no room for it. */
  pass(at: number, bytes: number): number | null {
    const { bps, queueBytes } = this.options;
    const wait = Math.max(0, this.busyUntil - at);
    if ((wait * bps) / 8000 > queueBytes) {
      this.dropped++;
      return null;
    }
    this.busyUntil = at + wait + ((bytes + wireOverheadBytes) * 8000) / bps;
    return this.busyUntil;
  }
}

export interface LossOptions {
  /** Fraction of packets lost one by one. */
  readonly ratio: number;
  /** Fraction of packets at which a burst begins, and its mean length. */
  readonly burstRatio: number;
  readonly burstLength: number;
}

/** Answers, packet by packet, whether it is lost. */
export function lossy({ ratio, burstRatio, burstLength }: LossOptions, random: () => number) {
  let burst = 0;
  return (): boolean => {
    if (burst > 0) {
      burst--;
      return true;
    }
    if (burstRatio > 0 && random() < burstRatio)
      burst = Math.ceil(-Math.log(1 - random()) * burstLength);
    return ratio > 0 && random() < ratio;
  };
}
