/**
 * At which level of zstd a capture packs: the highest for which nothing waits. A chunk that is hashed or
 * packed waits for a core; any other is on its way from the disk or to the server. While fewer chunks than
 * half the cores are hashed or packed, cores are free, and the next level costs no time; when twice as many
 * are as there are cores, the cores are what the capture waits for.
 */

/** Of zstd. From one to the next a chunk costs at most some 60 % more of a core. */
export const lowestLevel = 1;
const highestLevel = 9;
/** Chunks that are packed between two decisions: at a gigabit, a third of a second. */
const chunksAtOnce = 32;

export class PackLevel {
  private readonly cores: number;
  /** More at once than this: they wait for cores. */
  private readonly crowd: number;
  private current = lowestLevel;
  private atCores = 0;
  private seen = 0;
  private sum = 0;

  /** `lanes`: chunks that are under way at once, at most. */
  constructor(cores: number, lanes: number) {
    this.cores = cores;
    this.crowd = Math.min(2 * cores, 0.75 * lanes);
  }

  get level(): number {
    return this.current;
  }

  /** Does what takes a core, for one chunk. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.atCores++;
    try {
      return await work();
    } finally {
      this.atCores--;
    }
  }

  /** A chunk was packed. */
  packed(): void {
    this.sum += this.atCores;
    if (++this.seen < chunksAtOnce) return;
    const mean = this.sum / this.seen;
    if (mean > this.crowd) this.current = Math.max(lowestLevel, this.current - 1);
    else if (mean < this.cores / 2) this.current = Math.min(highestLevel, this.current + 1);
    this.seen = 0;
    this.sum = 0;
  }
}
