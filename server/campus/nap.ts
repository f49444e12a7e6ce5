/** A loop's pause: until a moment, or until something happens. */
import type { CampusTime } from "./patience.ts";

/** As long as a timer of Node can run, in milliseconds. */
const longest = 2 ** 31 - 1;

export class Nap {
  private readonly time: Pick<CampusTime, "sleep">;
  private readonly steady: () => number;
  private sleeping: AbortController | null = null;
  private isWoken = false;

  /** `steady`: a clock that nobody sets, in milliseconds. */
  constructor(time: Pick<CampusTime, "sleep">, steady: () => number) {
    this.time = time;
    this.steady = steady;
  }

  /** Ends the pause; called before it, the next one is none. */
  wake(): void {
    this.isWoken = true;
    this.sleeping?.abort();
  }

  /** `at`: by the steady clock; null, or infinite: until it is woken. */
  async until(at: number | null): Promise<void> {
    if (!this.isWoken) {
      this.sleeping = new AbortController();
      const ms = Math.min(longest, Math.max(0, (at ?? Infinity) - this.steady()));
      await this.time.sleep(ms, this.sleeping.signal);
      this.sleeping = null;
    }
    this.isWoken = false;
  }
}
