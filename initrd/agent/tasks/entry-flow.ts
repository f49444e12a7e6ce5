/**
 * The entries of a live cast at its sender: each is said to the server, which hands it on to the
 * receivers and says so; only then is its chunk cast.
 */
import { encodeIndex } from "../../../core/image/index-codec.ts";
import type { IndexEntry } from "../../../core/image/types.ts";
import { bulkKind, encodeNumbered } from "../../../core/wire/bulk.ts";

/** From when the receivers are told of a chunk until it is cast, in milliseconds: by then they know it. */
const toldLead = 60;
/** Entries in a frame: 48 KB. */
const frameEntries = 1024;

export interface EntryFlowPorts {
  readonly tag: number;
  /** All that are known by now. */
  entries(): readonly IndexEntry[];
  sendBulk(kind: number, tag: number, payload: Uint8Array): boolean;
  /** The entry may be cast from now on; false: there is nobody yet to cast it. */
  announce(entryIndex: number, entry: IndexEntry): boolean;
}

export class EntryFlow {
  private readonly ports: EntryFlowPorts;
  private saidCount = 0;
  private toldCount = 0;
  private announced = 0;

  constructor(ports: EntryFlowPorts) {
    this.ports = ports;
  }

  get announcedCount(): number {
    return this.announced;
  }

  /** Says to the server what it has not been told of yet, as far as the connection takes it. */
  say(): void {
    const { tag, sendBulk } = this.ports;
    const entries = this.ports.entries();
    while (this.saidCount < entries.length) {
      const part = entries.slice(this.saidCount, this.saidCount + frameEntries);
      const payload = encodeNumbered(this.saidCount, encodeIndex(part));
      if (!sendBulk(bulkKind.entries, tag, payload)) return;
      this.saidCount += part.length;
    }
  }

  /** The receivers have the entries before this one. */
  told(entryCount: number): void {
    // The server says how far it has got: what was lost on the way is said again.
    if (entryCount < this.saidCount && entryCount <= this.toldCount) this.saidCount = entryCount;
    this.toldCount = Math.max(this.toldCount, entryCount);
    this.say();
    const due = this.toldCount;
    setTimeout(() => this.announce(due), toldLead);
  }

  /** What was said and not answered may be lost. */
  reconnected(): void {
    this.saidCount = Math.min(this.saidCount, this.toldCount);
    this.say();
  }

  private announce(toCount: number): void {
    const entries = this.ports.entries();
    const limit = Math.min(toCount, entries.length);
    while (this.announced < limit) {
      if (!this.ports.announce(this.announced, entries[this.announced] as IndexEntry)) return;
      this.announced++;
    }
  }
}
