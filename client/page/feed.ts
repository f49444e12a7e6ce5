/** The server's live events: one stream into the store, at most once a frame. */
import { signal } from "@preact/signals";
import type { LiveEvent } from "../../core/wire/api.ts";
import type { WallEvent } from "../../core/wire/wall.ts";
import { EventQueue, type Store } from "./store.ts";
import { fromWall } from "./wall-events.ts";

/** `down`: since when the server is not reached. */
export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "up" }
  | { readonly state: "down"; readonly since: Date };

/** Milliseconds after which a stream that the browser has given up is opened again. */
const againMs = 2000;
/**
 * Cells that are drawn anew at once, and milliseconds until the next ones are: a room of 40 shows each of four updates a
 * second, and one of 300 every second one, which is as fast as figures can be read. All 300 at once would be a frame
 * that everybody sees stumble, and some in each frame would leave no time for anything else.
 */
const cellsAtOnce = 30;
const drawEveryMs = 50;
/** Milliseconds between two changes of a page that nobody sees: it has no frames. */
const hiddenMs = 1000;

export class Feed {
  readonly connection = signal<Connection>({ state: "connecting" });
  private readonly queue = new EventQueue();
  private readonly store: Store;
  private readonly onRefused: () => void;
  private source: EventSource | null = null;
  private again: ReturnType<typeof setTimeout> | undefined;
  private isDue = false;

  /** `onRefused`: the browser has given the stream up; perhaps the login is over. */
  constructor(store: Store, onRefused: () => void) {
    this.store = store;
    this.onRefused = onRefused;
    document.addEventListener("visibilitychange", () => this.flush());
  }

  /** `isWall`: whoever is logged in only watches a room, and is told less. */
  open(isWall: boolean): void {
    this.close();
    const source = new EventSource("/api/v1/events");
    this.source = source;
    // A stream of its own brings the whole state, and nobody says so.
    this.queue.push({ type: "reset" });
    source.onopen = () => {
      this.connection.value = { state: "up" };
    };
    source.onerror = () => {
      if (this.connection.peek().state !== "down")
        this.connection.value = { state: "down", since: new Date() };
      if (source.readyState !== EventSource.CLOSED) return;
      this.onRefused();
      this.again = setTimeout(() => this.open(isWall), againMs);
    };
    source.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      this.push(isWall ? fromWall(event as WallEvent) : (event as LiveEvent));
    };
  }

  close(): void {
    clearTimeout(this.again);
    this.source?.close();
    this.source = null;
  }

  private push(event: LiveEvent): void {
    this.queue.push(event);
    this.flushSoon();
  }

  private flushSoon(): void {
    if (this.isDue) return;
    this.isDue = true;
    if (document.hidden) setTimeout(() => this.flush(), hiddenMs);
    else setTimeout(() => requestAnimationFrame(() => this.flush()), drawEveryMs);
  }

  private flush(): void {
    this.isDue = false;
    this.store.take(this.queue.drain());
    if (this.store.settle(document.hidden ? undefined : cellsAtOnce)) this.flushSoon();
  }
}
