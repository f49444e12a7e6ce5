/** What the server says to a task under way, beyond what the agent itself understands. */
import { isSameWork, type Order } from "../../core/agent/life.ts";
import type { BulkFrame } from "../../core/wire/bulk.ts";
import type { SentRun } from "../../core/wire/sent-run.ts";
import type { Work } from "../../core/wire/work.ts";

/** A task hears what it has a listener for; the rest is none of its business. */
export interface Listeners {
  /** Of a live cast: the receivers have the entries before this one. */
  told?(entryCount: number): void;
  /** Of a live cast: everyone has everything. */
  finish?(): void;
  /** What was sent to this PC, which it must have heard of; null: too little was. */
  sent?(run: SentRun | null): void;
  bulk?(frame: BulkFrame): void;
  /** The order has come again: its grant and keys may be new. */
  refreshed?(order: Order): void;
  /** There was no connection, and there is one again: what was said before may be lost. */
  reconnected?(): void;
}

interface Box {
  readonly work: Work;
  readonly listeners: Listeners;
}

/** Holds the box of the task under way. */
export class Mailbox {
  private box: Box | null = null;

  open(work: Work, listeners: Listeners): void {
    this.box = { work, listeners };
  }

  /** The task has ended: nobody hears any more. */
  close(): void {
    this.box = null;
  }

  /** The listeners of this work; none, if it is not under way. */
  of(work: Work): Listeners {
    return this.box !== null && isSameWork(this.box.work, work) ? this.box.listeners : {};
  }

  /** The same, of whichever attempt at the session. */
  ofSession(session: string): Listeners {
    return this.box?.work.session === session ? this.box.listeners : {};
  }

  /** The listeners of whatever is under way. */
  get current(): Listeners {
    return this.box?.listeners ?? {};
  }
}
