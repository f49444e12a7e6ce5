/** For how long a disk had something to do. */
import type { BlockDevice } from "../../core/ports.ts";

export class BusyTime {
  private underWay = 0;
  private since = 0;
  private before = 0;

  /** Milliseconds in which at least one call was under way, in all. */
  get ms(): number {
    return this.before + (this.underWay > 0 ? performance.now() - this.since : 0);
  }

  async during<T>(call: Promise<T>): Promise<T> {
    if (this.underWay++ === 0) this.since = performance.now();
    try {
      return await call;
    } finally {
      this.underWay--;
      if (this.underWay === 0) this.before += performance.now() - this.since;
    }
  }
}

/** The same disk, whose reads are counted. */
export const timedReads = (disk: BlockDevice, busy: BusyTime): BlockDevice => ({
  ...{ path: disk.path, size: disk.size, logicalSector: disk.logicalSector },
  read: (offset, into) => busy.during(disk.read(offset, into)),
  write: (offset, data) => disk.write(offset, data),
  flush: () => disk.flush(),
  [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose](),
});
