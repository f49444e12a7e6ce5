import type { ServerResponse } from "node:http";
import { type Change, Changes } from "./changes.ts";

/** A listener for whom so much waits is cut off; it connects again, and goes on or starts anew. In characters. */
const waitingLimit = 8 * 1024 * 1024;

type Out = Pick<ServerResponse, "write" | "writableNeedDrain" | "on" | "destroy" | "end">;

/**
 * Server-sent events to one listener (HTML, 9.2). To one that does not take what was sent, nothing more is sent until
 * it has: of what changes meanwhile it then gets the last state.
 */
export class EventStream {
  private readonly out: Out;
  private readonly idOf: (number: number) => string;
  private readonly waiting = new Changes();

  constructor(out: Out, idOf: (number: number) => string) {
    this.out = out;
    this.idOf = idOf;
    out.on("drain", () => {
      for (const change of this.waiting.takeAll()) this.write(change);
    });
  }

  /** Something with no number of its own: after a break the client asks from the last one that had. */
  say(event: object): void {
    this.out.write(`data: ${JSON.stringify(event)}\n\n`);
  }

  /** The whole state has been said, as it is after this change. */
  sayReady(number: number): void {
    this.out.write(`id: ${this.idOf(number)}\ndata: {"type":"ready"}\n\n`);
  }

  tell(change: Change): void {
    if (this.waiting.isEmpty && !this.out.writableNeedDrain) return this.write(change);
    this.waiting.add(change);
    if (this.waiting.size > waitingLimit) this.out.destroy();
  }

  /** So that nobody on the way takes it for dead. */
  keepAlive(): void {
    if (!this.out.writableNeedDrain) this.out.write(": alive\n\n");
  }

  private write({ number, text }: Change): void {
    this.out.write(`id: ${this.idOf(number)}\ndata: ${text}\n\n`);
  }
}
