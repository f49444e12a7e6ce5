/**
 * At which level of zstd a capture packs: the highest for which nothing waits. A chunk that is hashed or
 * packed waits for a core; any other is on its way from the disk or to the server. While fewer chunks than
 * half the cores are hashed or packed, cores are free, and the next level costs no time; when twice as many
 * are as there are cores, the cores are what the capture waits for. What counts is the mean over the time: an
 * upload that ends sets many chunks free at once, also where the cores then rest until the next one ends.
 */
import type { Millis } from "../../core/units/units.ts";

/** Of zstd. From one to the next a chunk costs at most some 60 % more of a core. */
export const lowestLevel = 1;
const highestLevel = 9;
/** Chunks that are packed between two decisions: at a gigabit, a third of a second. */
const chunksAtOnce = 32;

export class PackLevel {
  private readonly cores: number;
  /** More at once than this: they wait for cores. */
  private readonly crowd: number;
  private readonly now: () => Millis;
  private current = lowestLevel;
  private atCores = 0;
  /** Chunks that were packed since the last decision. */
  private seen = 0;
  /** Since then: chunks at the cores, times how many milliseconds they were there. */
  private chunkMs = 0;
  private decidedAt: Millis;
  private countedAt: Millis;

  /** `lanes`: chunks that are under way at once, at most. */
  constructor(cores: number, lanes: number, now: () => Millis) {
    this.cores = cores;
    this.crowd = Math.min(2 * cores, 0.75 * lanes);
    this.now = now;
    this.decidedAt = now();
    this.countedAt = this.decidedAt;
  }

  get level(): number {
    return this.current;
  }

  /** Does what takes a core, for one chunk. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.come(1);
    try {
      return await work();
    } finally {
      this.come(-1);
    }
  }

  /** A chunk was packed. */
  packed(): void {
    if (++this.seen < chunksAtOnce) return;
    this.come(0);
    const mean = this.chunkMs / Math.max(1, this.countedAt - this.decidedAt);
    if (mean > this.crowd) this.current = Math.max(lowestLevel, this.current - 1);
    else if (mean < this.cores / 2) this.current = Math.min(highestLevel, this.current + 1);
    this.seen = 0;
    this.chunkMs = 0;
    this.decidedAt = this.countedAt;
  }

  /** So many more chunks are at the cores from now on. */
  private come(count: number): void {
    const now = this.now();
    this.chunkMs += this.atCores * (now - this.countedAt);
    this.countedAt = now;
    this.atCores += count;
  }
}
