/** Reading back while chunks still come uses the disk's idle time only. */
const lanesVerifying = 2;
/** Chunks that are read back in one run, which spares a rotating disk its seeks. */
const verifyRun = 16;

/** Entries that are written and have to be read back, in runs. */
export class ReadBackQueue {
  private entries: number[] = [];
  private next = 0;
  private isRunning = false;
  private busy = 0;

  add(entryIndex: number): void {
    this.entries.push(entryIndex);
  }

  /** The next entry, if its time has come; `done` is said of it after. `moreComes`: not all chunks are here. */
  take(moreComes: boolean): number | undefined {
    const backlog = this.entries.length - this.next;
    if (backlog === 0) {
      this.isRunning = false;
      this.entries = [];
      this.next = 0;
      return undefined;
    }
    if (moreComes) {
      this.isRunning ||= backlog >= verifyRun;
      if (!this.isRunning || this.busy >= lanesVerifying) return undefined;
    }
    this.busy++;
    return this.entries[this.next++];
  }

  done(): void {
    this.busy--;
  }
}
