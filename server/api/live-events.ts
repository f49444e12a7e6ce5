import { randomBytes } from "node:crypto";
import type { ApiEvent } from "../../core/wire/api.ts";
import type { Feed } from "../lab/feed.ts";
import { type Change, Changes, keyOf } from "./changes.ts";

/** Of changes that are kept for whoever was away for a moment, in characters: some seconds of the largest room, hours of a quiet one. */
const keptLimit = 4 * 1024 * 1024;

/**
 * The lab's live events with numbers, and the latest of them: who lost the connection hears what was missed. Of a
 * thing that changed more than once in between, the last state is enough.
 */
export class LiveEvents {
  /** Of this start of the server: numbers of another one mean nothing here. */
  private readonly start = randomBytes(6).toString("hex");
  private readonly limit: number;
  private readonly kept = new Changes();
  private readonly listeners = new Set<(event: ApiEvent, change: Change) => void>();
  private number = 0;
  /** Of the latest change that is not kept any more. */
  private gone = 0;

  constructor(feed: Pick<Feed, "listen">, limit = keptLimit) {
    this.limit = limit;
    feed.listen((event) => this.take(event));
  }

  /** Of the latest change. */
  get latest(): number {
    return this.number;
  }

  /** As a client has it in `Last-Event-ID`. */
  idOf(number: number): string {
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
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private take(event: ApiEvent): void {
    const number = ++this.number;
    const change = { number, key: keyOf(event, number), text: JSON.stringify(event) };
    this.kept.add(change);
    while (this.kept.size > this.limit) this.gone = this.kept.takeOldest()?.number ?? number;
    for (const listener of this.listeners) listener(event, change);
  }
}
