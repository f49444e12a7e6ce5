/** Asks the database what is new, whenever something may be: one question at a time, and one more where it was to be asked meanwhile. */
import type { CampusTime } from "./patience.ts";

export interface AskingPorts {
  readonly time: Pick<CampusTime, "sleep">;
  readonly signal: AbortSignal;
  /** Milliseconds until it is asked again after a question that failed. */
  readonly againMs: number;
  /** Asks, and takes what is answered. */
  question(): Promise<void>;
  /** A question is over. `error`: why it failed; null: it did not. */
  over(error: unknown): void;
  /** The same, and no other follows at once. */
  rests?(): void;
}

export class Asking {
  private readonly ports: AskingPorts;
  private state: "quiet" | "asking" | "asking and to be asked again" = "quiet";

  constructor(ports: AskingPorts) {
    this.ports = ports;
  }

  ask(): void {
    if (this.ports.signal.aborted) return;
    const isQuiet = this.state === "quiet";
    this.state = isQuiet ? "asking" : "asking and to be asked again";
    if (!isQuiet) return;
    void this.ports.question().then(
      () => this.over(null),
      (error: unknown) => this.over(error),
    );
  }

  private over(error: unknown): void {
    const isAskedAgain = this.state === "asking and to be asked again";
    const { time, signal, againMs, over, rests } = this.ports;
    this.state = "quiet";
    over(error);
    if (isAskedAgain) return this.ask();
    if (error !== null) void time.sleep(againMs, signal).then(() => this.ask());
    rests?.();
  }
}
