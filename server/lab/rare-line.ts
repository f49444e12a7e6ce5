/** Between two lines of one kind, in milliseconds. */
const lineEveryMs = 60_000;

/** Lines that anybody on the network can cause: one a minute is told, with how many were left out before it. */
export class RareLine {
  private readonly now: () => number;
  private toldAt: number | null = null;
  private leftOut = 0;

  /** `now`: milliseconds of a clock that only goes forward. */
  constructor(now: () => number) {
    this.now = now;
  }

  /** The line to tell, or null for one that is only counted. */
  take(text: string): string | null {
    const now = this.now();
    if (this.toldAt !== null && now - this.toldAt < lineEveryMs) {
      this.leftOut++;
      return null;
    }
    const more =
      this.leftOut === 0 ? "" : ` (and ${this.leftOut} more like it since the last such line)`;
    this.toldAt = now;
    this.leftOut = 0;
    return `${text}${more}`;
  }
}
