/** What this PC is, as the server hears it: read for each `hello`, and looked at again while it is idle. */
import { type Millis, millis } from "../../core/units/units.ts";
import type { Hello } from "../../core/wire/control.ts";

/** All of `hello` that the PC itself is. */
export type Described = Omit<Hello, "type" | "protocol" | "state" | "report">;

/** A disk may be slow to appear, a cable be put elsewhere. */
const lookEvery = millis(5000);

export class Description {
  private readonly read: () => Promise<Described>;
  private described: Described | null = null;
  private lookAt: Millis = millis(0);

  constructor(read: () => Promise<Described>) {
    this.read = read;
  }

  /** As it was read last; null before the first time. */
  get latest(): Described | null {
    return this.described;
  }

  /** Reads it anew. */
  async refresh(now: Millis): Promise<Described> {
    this.lookAt = millis(now + lookEvery);
    this.described = await this.read();
    return this.described;
  }

  /**
   * Looks again if it is time. Answers whether the disks or the link have changed, if it still matters
   * then; rejects when they cannot be read.
   */
  async lookAgain(now: Millis, matters: () => boolean): Promise<boolean> {
    if (now < this.lookAt) return false;
    this.lookAt = millis(now + lookEvery);
    const before = this.described;
    const after = await this.read();
    // A `hello` may have read it meanwhile.
    if (this.described !== before || !matters()) return false;
    this.described = after;
    return partsOf(after) !== partsOf(before);
  }
}

const partsOf = (described: Described | null): string =>
  JSON.stringify([described?.disks, described?.nic]);
