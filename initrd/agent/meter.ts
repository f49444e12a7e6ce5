/** How fast a total grows, lately. */
export class Meter {
  private total = 0;
  private at: number | null = null;
  private rate: number | null = null;

  /** `total` at `nowMs`; answers bytes a second, or null before there are two totals. */
  take(total: number, nowMs: number): number | null {
    if (this.at === null || total < this.total) {
      this.rate = null;
      this.at = nowMs;
      this.total = total;
      return null;
    }
    const elapsed = nowMs - this.at;
    if (elapsed < sampleMs) return this.rate;
    const rate = ((total - this.total) * 1000) / elapsed;
    const weight = Math.min(1, elapsed / memoryMs);
    this.rate = this.rate === null ? rate : this.rate + (rate - this.rate) * weight;
    this.at = nowMs;
    this.total = total;
    return this.rate;
  }
}

/** The fraction of the time in which a disk had something to do, lately. */
export class BusyMeter {
  private readonly meter = new Meter();

  /** `busyMs` in all at `nowMs`; null before there are two totals. */
  take(busyMs: number, nowMs: number): number | null {
    const perSecond = this.meter.take(busyMs, nowMs);
    return perSecond === null ? null : Math.min(1, perSecond / 1000);
  }
}

/** A chunk at 5 MB/s takes 0.2 s: shorter samples jump. */
const sampleMs = 500;
/** What was longer ago counts little. */
const memoryMs = 3000;
