/**
 * Whether the multicast reaches this PC: what the sender says that it has sent, held against what has come. A server that
 * is late with its packets, or with its word, makes nobody deaf by that.
 */
import type { CastReceiverStats } from "../../../core/cast/ends.ts";
import { sequenceDistance } from "../../../core/wire/cast.ts";
import type { SentRun } from "../../../core/wire/sent-run.ts";

/** What has come may be on its way yet, or wait behind a timer on a busy PC: the second look is sure. */
const looksNeeded = 2;

type Heard = Pick<CastReceiverStats, "heard">;

export class Hearing {
  private run: SentRun | null = null;
  /** Of senders that were heard; the last of them is. */
  private readonly generations = new Set<number>();
  private lastSeen: Heard | null = null;
  /** Looks in a row that found nothing of the run heard. */
  private deafLooks = 0;

  /** What this PC must have heard of by now; null: too little was sent to it. */
  sent(run: SentRun | null): void {
    this.run = run;
  }

  /** Asked a few times a second: whether what was sent has not come. */
  isDeaf(seen: Heard): boolean {
    // What has come since the last look is not counted yet.
    if (seen === this.lastSeen) return false;
    const isBehind = this.hasMore(seen);
    this.lastSeen = seen;
    this.deafLooks = this.hasHeard(seen) || isBehind ? 0 : this.deafLooks + 1;
    return this.deafLooks >= looksNeeded;
  }

  /** Since the last look: what comes is old if it has waited for a processor, and comes all the same. */
  private hasMore({ heard }: Heard): boolean {
    if (this.lastSeen === null) return false;
    const { heard: before } = this.lastSeen;
    return heard?.sequence !== before?.sequence || heard?.generation !== before?.generation;
  }

  private hasHeard({ heard }: Heard): boolean {
    const { run, generations } = this;
    if (heard !== null) generations.add(heard.generation);
    if (run === null) return true;
    if (heard?.generation === run.generation)
      return sequenceDistance(heard.sequence, run.from) >= 0;
    // One that was heard before has gone on to another, or ended.
    return generations.has(run.generation);
  }
}
