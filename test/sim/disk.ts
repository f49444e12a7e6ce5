export interface DiskOptions {
  /** What it takes. */
  readonly diskBps: number;
  /** For so long from then on it takes `stallBps`. */
  readonly stallAtMs: number;
  readonly stallForMs: number;
  readonly stallBps: number;
}

/** Writes one after the other, at its speed. */
export class Disk {
  private readonly options: DiskOptions;
  private freeAt = 0;

  constructor(options: DiskOptions) {
    this.options = options;
  }

  /** When a write that is asked for at `at` is done. */
  write(at: number, bytes: number): number {
    const { diskBps, stallAtMs, stallForMs, stallBps } = this.options;
    const start = Math.max(at, this.freeAt);
    const isStalled = start >= stallAtMs && start < stallAtMs + stallForMs;
    const took = (bytes * 8000) / (isStalled ? stallBps : diskBps);
    // A write that a stall has caught goes on at full speed when that is over.
    const end = isStalled ? Math.min(start + took, stallAtMs + stallForMs + took) : start + took;
    this.freeAt = end;
    return end;
  }

  /** The host is gone. */
  reset(): void {
    this.freeAt = 0;
  }
}
