/** A host that gets a processor now and then: how long at a time, and how long not, is a matter of chance. */
export interface StallOptions {
  /** The means, in milliseconds. */
  readonly awakeMs: number;
  readonly asleepMs: number;
}

export class Stalls {
  private readonly options: StallOptions;
  private readonly random: () => number;
  /** The present time without a processor, or the next one. */
  private from = 0;
  private until = 0;

  constructor(options: StallOptions, random: () => number) {
    this.options = options;
    this.random = random;
  }

  /** When it has a processor next; `now`: it has one. Asked with times that never go back. */
  awakeAt(now: number): number {
    const { awakeMs, asleepMs } = this.options;
    while (now >= this.until) {
      this.from = this.until + this.lasts(awakeMs);
      this.until = this.from + this.lasts(asleepMs);
    }
    return now < this.from ? now : this.until;
  }

  private lasts(mean: number): number {
    return -mean * Math.log(1 - this.random());
  }
}
