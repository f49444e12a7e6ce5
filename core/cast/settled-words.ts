/** What a receiver still has to say of entries that were settled: each in several reports, since one may get lost. */
import { settledLimit } from "../wire/cast-report.ts";

/** Reports in a row that name a finished entry. */
const repeats = 3;

export class SettledWords {
  /** By entry: how many reports have yet to name it. */
  private readonly toSay = new Map<number, number>();

  get areAllSaid(): boolean {
    return this.toSay.size === 0;
  }

  /** Something became of the entry. */
  sayAnew(entryIndex: number): void {
    this.toSay.set(entryIndex, repeats);
  }

  /** The sender seems not to know. */
  say(entryIndex: number): void {
    if (!this.toSay.has(entryIndex)) this.toSay.set(entryIndex, 1);
  }

  /** The entries that the next report names. */
  take(): number[] {
    const taken: number[] = [];
    for (const [entryIndex, times] of this.toSay) {
      if (taken.length === settledLimit) break;
      taken.push(entryIndex);
      if (times > 1) this.toSay.set(entryIndex, times - 1);
      else this.toSay.delete(entryIndex);
    }
    return taken;
  }
}
