import type { ApiEvent } from "../../core/wire/api.ts";
import type { WallEvent } from "../../core/wire/wall.ts";

/** Something that changed, as it is sent. */
export interface Change {
  /** Counts the changes of this start of the server, from 1. */
  readonly number: number;
  /** What it is the state of: a later change with the same key takes its place. */
  readonly key: string;
  /** JSON. */
  readonly text: string;
}

/** The latest change of each thing, in their order. */
export class Changes {
  /** Of the texts, in characters. */
  size = 0;
  private readonly latest = new Map<string, Change>();

  get isEmpty(): boolean {
    return this.latest.size === 0;
  }

  add(change: Change): void {
    const before = this.latest.get(change.key);
    if (before !== undefined) this.remove(before);
    this.latest.set(change.key, change);
    this.size += change.text.length;
  }

  /** Those with a larger number. */
  after(number: number): Change[] {
    return [...this.latest.values()].filter((each) => each.number > number);
  }

  /** All, which are then no longer here. */
  takeAll(): Change[] {
    const all = [...this.latest.values()];
    this.latest.clear();
    this.size = 0;
    return all;
  }

  /** The oldest, which is then no longer here. */
  takeOldest(): Change | undefined {
    for (const oldest of this.latest.values()) {
      this.remove(oldest);
      return oldest;
    }
    return undefined;
  }

  private remove(change: Change): void {
    this.latest.delete(change.key);
    this.size -= change.text.length;
  }
}

/** What an event is the state of; of a line of the history, itself alone. */
export function keyOf(event: ApiEvent | WallEvent, number: number): string {
  switch (event.type) {
    case "pc":
      return `pc ${event.pc.id}`;
    case "room":
      return `room ${event.room.name}`;
    case "session":
      return `session ${event.session.id}`;
    case "image":
      return `image ${event.image.id}`;
    case "request":
      return `request ${event.request.id}`;
    case "room-gone":
      return `room ${event.name}`;
    case "pc-gone":
      return `pc ${event.id}`;
    case "image-gone":
      return `image ${event.id}`;
    case "request-gone":
      return `request ${event.id}`;
    case "warnings":
    case "ready":
      return event.type;
    case "note":
      return `note ${number}`;
  }
}
