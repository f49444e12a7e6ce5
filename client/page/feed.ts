/** The server's live events: one stream into the store, at most once a frame. */
import { signal } from "@preact/signals";
import type { LiveEvent } from "../../core/wire/api.ts";
import type { WallEvent } from "../../core/wire/wall.ts";
import { listen } from "./api.ts";
import { EventQueue, type Store } from "./store.ts";
import { fromWall } from "./wall-events.ts";

/** `down`: since when the server is not reached. */
export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "up" }
  | { readonly state: "down"; readonly since: Date };

/** Milliseconds until a stream that broke off is opened again. */
const againMs = 2000;
/** The server sends something every 5 s: after so many milliseconds without, the stream is dead. */
const silenceMs = 15_000;
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
  private readonly whenOpen: () => Promise<void>;
  /** Null: nobody listens. */
  private stream: AbortController | null = null;
  private again: ReturnType<typeof setTimeout> | undefined;
  private isDue = false;

  /** `whenOpen` looks who listens now, before anything is taken: perhaps not who did before. */
  constructor(store: Store, whenOpen: () => Promise<void>) {
    this.store = store;
    this.whenOpen = whenOpen;
    document.addEventListener("visibilitychange", () => this.flush());
  }

  /** The stream at this path. `isWall`: whoever is logged in only watches a room, and is told less. */
  open(path: string, isWall: boolean): void {
    this.close();
    void this.follow(path, isWall, null);
  }

  close(): void {
    clearTimeout(this.again);
    this.stream?.abort();
    this.stream = null;
  }

  /**
   * An `EventSource` would hide the server's signs of life, which are comments: a connection that dies without a word
   * would be shown as live. `last`: the id of the last event that was heard.
   */
  private async follow(path: string, isWall: boolean, last: string | null): Promise<void> {
    const stream = new AbortController();
    this.stream = stream;
    // A stream of its own brings the whole state, and nobody says so.
    if (last === null) this.queue.push({ type: "reset" });
    let silence: ReturnType<typeof setTimeout> | undefined;
    const waitOn = (): void => {
      stream.signal.throwIfAborted();
      clearTimeout(silence);
      silence = setTimeout(() => stream.abort(), silenceMs);
    };
    let heard = last;
    try {
      waitOn();
      const pieces = await listen(path, last, stream.signal);
      await this.whenOpen();
      waitOn();
      this.connection.value = { state: "up" };
      let id = last;
      for await (const lines of pieces) {
        waitOn();
        for (const line of lines) {
          if (line.startsWith("id: ")) id = line.slice(4);
          if (!line.startsWith("data: ")) continue;
          const event = JSON.parse(line.slice(6));
          this.push(isWall ? fromWall(event as WallEvent) : (event as LiveEvent));
          heard = id;
        }
      }
    } catch {
      // That it is not reached is shown below; that the login is over is told to all of the page; or it was closed.
    }
    clearTimeout(silence);
    if (this.stream !== stream) return;
    if (this.connection.peek().state !== "down")
      this.connection.value = { state: "down", since: new Date() };
    this.again = setTimeout(() => void this.follow(path, isWall, heard), againMs);
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
