/** Long work that the server does while the page is open: it can be stopped, and goes on from view to view. */
import { type Signal, signal } from "@preact/signals";
import { type Call, follow } from "./api.ts";

export interface Work {
  readonly id: number;
  readonly title: string;
  /** 0…1 */
  readonly fraction: Signal<number>;
  /** Why it did not succeed; null while it goes on. */
  readonly error: Signal<unknown>;
  stop(): void;
}

export class Works {
  readonly all = signal<readonly Work[]>([]);
  private count = 0;

  /** Begins what the server answers in lines; it stops when the page is closed. `done` gets the result. */
  begin<T>(title: string, call: Call, done: (result: T) => void): void {
    const stopping = new AbortController();
    const id = ++this.count;
    const work: Work = {
      ...{ id, title, fraction: signal(0), error: signal<unknown>(null) },
      stop: () => {
        stopping.abort();
        this.end(id);
      },
    };
    this.all.value = [...this.all.peek(), work];
    const progress = (fraction: number): void => {
      work.fraction.value = fraction;
    };
    follow<T>(call, progress, stopping.signal).then(
      (result) => {
        if (stopping.signal.aborted) return;
        this.end(id);
        done(result);
      },
      (cause: unknown) => {
        work.error.value = cause;
      },
    );
  }

  /** Whether something would be lost with the page. */
  isBusy(): boolean {
    return this.all.peek().some(({ error }) => error.peek() === null);
  }

  private end(id: number): void {
    this.all.value = this.all.peek().filter((each) => each.id !== id);
  }
}
