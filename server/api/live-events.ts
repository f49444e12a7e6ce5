import { randomBytes } from "node:crypto";
import type { ApiEvent } from "../../core/wire/api.ts";
import type { Feed } from "../lab/feed.ts";
import { type Change, Changes, keyOf } from "./changes.ts";

/** Of changes that are kept for whoever was away for a moment, in characters: some seconds of the largest room, hours of a quiet one. */
const keptLimit = 4 * 1024 * 1024;
/** So long after the last listener has gone, in milliseconds, nobody is taken to come back. */
const awayMs = 600_000;

/**
 * The lab's live events with numbers, and the latest of them: who lost the connection hears what was missed. Of a
 * thing that changed more than once in between, the last state is enough. While nobody can ask, the feed is not
 * listened to: what it has no listener for, it does not draw.
 */
export class LiveEvents {
  /** Of this start of the server: numbers of another one mean nothing here. */
  private readonly start = randomBytes(6).toString("hex");
  private readonly feed: Pick<Feed, "listen">;
  private readonly limit: number;
  private readonly kept = new Changes();
  private readonly listeners = new Set<(event: ApiEvent, change: Change) => void>();
  private number = 0;
  /** Of the latest change that is not kept any more. */
  private gone = 0;
  private stopFeed: (() => void) | null = null;
  private away: NodeJS.Timeout | undefined;

  constructor(feed: Pick<Feed, "listen">, limit = keptLimit) {
    this.feed = feed;
    this.limit = limit;
  }

  /** Of the latest change. */
  get latest(): number {
    return this.number;
  }

  /** As a client has it in `Last-Event-ID`. */
  idOf(number: number): string {
    this.begin();
    return `${this.start}-${number}`;
  }

  /** What came after the change with this id; null: that is not known any more. */
  missed(id: string): Change[] | null {
    const [, start, digits] = /^([0-9a-f]{12})-(\d{1,15})$/.exec(id) ?? [];
    const number = Number(digits);
    const isKnown = start === this.start && number >= this.gone && number <= this.number;
    return isKnown ? this.kept.after(number) : null;
  }

  /** Answers how to stop listening. */
  listen(listener: (event: ApiEvent, change: Change) => void): () => void {
    this.begin();
    clearTimeout(this.away);
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
      clearTimeout(this.away);
      if (this.listeners.size === 0) this.away = setTimeout(() => this.rest(), awayMs).unref();
    };
  }

  private begin(): void {
    this.stopFeed ??= this.feed.listen((event) => this.take(event));
  }

  /** What happens from now on is not known: no id that was given out says what was missed. */
  private rest(): void {
    this.stopFeed?.();
    this.stopFeed = null;
    this.kept.takeAll();
    this.gone = ++this.number;
  }

  private take(event: ApiEvent): void {
    const number = ++this.number;
    const change = { number, key: keyOf(event, number), text: JSON.stringify(event) };
    this.kept.add(change);
    while (this.kept.size > this.limit) this.gone = this.kept.takeOldest()?.number ?? number;
    for (const listener of this.listeners) listener(event, change);
  }
}
