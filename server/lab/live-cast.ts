/**
 * The server's part in a live cast: a PC of the room sends its own disk while it reads it. Hashes come
 * here and are handed on to the receivers over their own connections; their feedback goes back to the
 * sender; and the server is one more receiver, which keeps the chunks for the archive and for PCs that
 * multicast does not reach. Whoever authenticates agents does it where these connections are made.
 */

import type {
  CastReceiver,
  CastReceiverEvents,
  CastReceiverOptions,
  CastSender,
} from "../../core/cast/ends.ts";
import { RoomcastError } from "../../core/errors.ts";
import { isSameForm } from "../../core/image/forms.ts";
import { decodeEntry } from "../../core/image/index-codec.ts";
import type { LivePlan } from "../../core/image/live-plan.ts";
import { rootHashOf } from "../../core/image/merkle.ts";
import { codec, type IndexEntry, indexEntryBytes, type Manifest } from "../../core/image/types.ts";
import { hashKey, writeSha256 } from "../../core/node/hash.ts";
import { chunkLengthAt } from "../../core/units/units.ts";
import { bulkKind, decodeNumbered, encodeNumbered } from "../../core/wire/bulk.ts";
import type { CastKeys, CastPlace } from "../../core/wire/cast-address.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { ImageWriter } from "../store/image-writer.ts";
import type { LabTimers } from "./timers.ts";

export interface LiveCastPorts {
  readonly timers: Pick<LabTimers, "now" | "later" | "every">;
  /** As they are now. */
  castKeys(): CastKeys;
  send(pc: string, message: ServerMessage): void;
  sendBulk(pc: string, kind: number, tag: number, payload: Uint8Array): void;
  startReceiver(
    options: Omit<CastReceiverOptions, "interfaceAddress">,
    events: CastReceiverEvents,
  ): Promise<CastReceiver>;
  /** The plan is there: the receivers can be ordered. */
  planned(): void;
  /** All entries are known. */
  sealed(rootHash: string, storedBytes: number): void;
  /** Every chunk is in the store, or why not all will be. */
  archived(trouble: string | null): void;
  /** PCs that are to hear of entries now. */
  receivers(): readonly string[];
}

/** The server as a receiver; the receivers of the room count from 1. */
const serverReceiver = 0;
const slotCount = 64;
/** Entries in a frame: 48 KB. */
const frameEntries = 1024;
/** A chunk that a PC asks for over HTTP is waited for so long; then it asks again. In milliseconds. */
const chunkWait = 15_000;
/** The server hears nothing of the cast for so long: it asks for the chunks over HTTP. */
const deafAfter = 3000;
const uploadsAtOnce = 4;
/** A chunk that comes damaged this often is asked for over HTTP, as at the PCs. */
const corruptLimit = 3;

export class LiveCast {
  readonly session: string;
  private readonly place: CastPlace;
  private readonly sender: string;
  private readonly writer: ImageWriter;
  private readonly ports: LiveCastPorts;
  private plan_: LivePlan | null = null;
  private index = new Uint8Array();
  private knownCount = 0;
  /** By entry, 1: in the store, or all zeros. */
  private archived = new Uint8Array();
  private archivedCount = 0;
  private storedBytes = 0;
  private receiver: CastReceiver | null = null;
  /** What is joined at the sender, with its wants when it joined. */
  private readonly joined = new Map<number, Uint8Array>();
  /** Receivers that have left. No number is used again. */
  private readonly gone = new Set<number>();
  private readonly waiting = new Map<number, Set<() => void>>();
  /** By entry: whoever waits for it in the form that was announced. */
  private readonly sought = new Map<number, Set<(stored: Uint8Array | null) => void>>();
  /** How often an entry came damaged. */
  private readonly corrupted = new Map<number, number>();
  private heard = { packets: 0, atMs: 0 };
  private readonly stopWatching: () => void;
  private isOver = false;

  constructor(
    options: {
      readonly session: string;
      readonly place: CastPlace;
      readonly sender: string;
      readonly writer: ImageWriter;
    },
    ports: LiveCastPorts,
  ) {
    this.session = options.session;
    this.place = options.place;
    this.sender = options.sender;
    this.writer = options.writer;
    this.ports = ports;
    this.stopWatching = ports.timers.every(1000, () => this.noticeDeafness());
  }

  get plan(): LivePlan | null {
    return this.plan_;
  }

  /** The sender has mapped its disk. Again: nothing happens. */
  async takePlan(plan: LivePlan): Promise<void> {
    if (this.plan_ !== null || this.isOver) return;
    const entryCount = plan.chunkIndexes.length;
    this.plan_ = plan;
    this.index = new Uint8Array(entryCount * indexEntryBytes);
    this.archived = new Uint8Array(entryCount);
    const wants = new Uint8Array(Math.ceil(entryCount / 8)).fill(255);
    const keys = this.ports.castKeys();
    const receiver = await this.ports.startReceiver(
      { ...this.place, keys, index: { entryCount }, wants, slotCount },
      {
        chunk: (entryIndex, stored, settle) => {
          this.store(entryIndex, new Uint8Array(stored)).then(
            () => settle("taken"),
            (error: unknown) => {
              // One that does not match its hash is asked for again.
              const isCorrupt = error instanceof RoomcastError && error.code === "bad-input";
              settle(isCorrupt ? "corrupt" : "taken");
              if (isCorrupt) this.noteCorrupt(entryIndex);
              else this.breakArchive(error);
            },
          );
        },
        report: (payload) => this.feedback(serverReceiver, payload),
        stats: ({ packets }) => {
          if (packets !== this.heard.packets)
            this.heard = { packets, atMs: this.ports.timers.now() };
        },
      },
    );
    if (this.isOver) return receiver.close();
    this.receiver = receiver;
    if (this.ports.castKeys() !== keys) receiver.rekey(this.ports.castKeys());
    receiver.ended.catch((error: unknown) => this.breakArchive(error));
    this.announceToServer(0);
    this.ports.planned();
  }

  /** A frame of the sender. */
  takeEntries(payload: Uint8Array): void {
    const decoded = decodeNumbered(payload);
    if (!decoded.ok || this.plan_ === null || this.isOver) return;
    const { number: first, rest } = decoded.value;
    const from = this.knownCount;
    // A part was lost with an earlier connection: it is asked for by what it was told of.
    if (first > from) return this.tell();
    for (let at = (from - first) * indexEntryBytes; at < rest.length; at += indexEntryBytes) {
      const entry = decodeEntry(rest, at);
      if (!entry.ok || !this.isPlanned(this.knownCount, entry.value))
        throw new RoomcastError(
          "bad-input",
          `the sender's entry ${this.knownCount} is invalid`,
          "start the cast again; should it happen again, test the sender's memory",
        );
      this.index.set(rest.subarray(at, at + indexEntryBytes), this.knownCount * indexEntryBytes);
      this.knownCount++;
      this.storedBytes += entry.value.storedLength;
    }
    // What was said before its connection broke is said again: the sender goes on from what it is told.
    if (this.knownCount === from) return this.tell();
    if (this.knownCount === this.plan_.chunkIndexes.length)
      this.ports.sealed(rootHashOf(this.index, writeSha256), this.storedBytes);
    for (const pc of this.ports.receivers()) this.sendEntries(pc, from);
    this.announceToServer(from);
    this.tell();
  }

  /** All entries that are known, to a PC that has just been ordered. */
  sendKnown(pc: string): void {
    this.sendEntries(pc, 0);
  }

  /** The sender is there again, with its task. What it was told while it was away is lost: it hears all again. */
  senderReturned(): void {
    this.tell();
    for (const [receiver, wants] of this.joined) this.toSender(bulkKind.join, receiver, wants);
    for (const receiver of this.gone) this.toSender(bulkKind.leave, receiver, new Uint8Array());
  }

  /** The cast's keys are others now. */
  rekey(keys: CastKeys): void {
    this.receiver?.rekey(keys);
  }

  /** The sender, for the session: what it is told goes to the PC that sends. */
  remoteSender(): CastSender {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    return {
      join: (receiver, wants) => {
        this.joined.set(receiver, wants);
        this.toSender(bulkKind.join, receiver, wants);
      },
      report: (receiver, payload) => this.feedback(receiver, payload),
      leave: (receiver) => {
        this.joined.delete(receiver);
        this.gone.add(receiver);
        this.toSender(bulkKind.leave, receiver, new Uint8Array());
      },
      // The PC that sends knows its entries first, and has the keys from its order.
      announce() {},
      rekey() {},
      ended,
      async close() {
        resolve();
      },
    };
  }

  /** The server joins the cast. */
  join(): void {
    const wants = new Uint8Array(Math.ceil(this.archived.length / 8));
    for (const [entryIndex, isHere] of this.archived.entries())
      if (isHere === 0)
        wants[entryIndex >> 3] = (wants[entryIndex >> 3] as number) | (1 << (entryIndex & 7));
    this.heard = { packets: 0, atMs: this.ports.timers.now() };
    this.joined.set(serverReceiver, wants);
    this.toSender(bulkKind.join, serverReceiver, wants);
  }

  /** The stored bytes of an entry, once they are here. Rejects with `unreachable` when that takes long. */
  async chunk(entryIndex: number): Promise<Uint8Array> {
    const giveUpAt = this.ports.timers.now() + chunkWait;
    while (this.archived[entryIndex] !== 1) {
      const left = giveUpAt - this.ports.timers.now();
      if (this.isOver || left <= 0 || entryIndex >= this.archived.length)
        throw notHereYet(entryIndex);
      await this.arrival(entryIndex, left);
    }
    const entry = this.entryAt(entryIndex);
    if (entry.codec === codec.zero || this.writer.holds(entry)) return this.writer.read(entry);
    return this.fromSender(entryIndex, giveUpAt - this.ports.timers.now());
  }

  /** The store has the chunk in another form than the PCs were told of: an image has it, packed otherwise. */
  private async fromSender(entryIndex: number, withinMs: number): Promise<Uint8Array> {
    if (this.isOver) throw notHereYet(entryIndex);
    const { promise, resolve } = Promise.withResolvers<Uint8Array | null>();
    const takers = this.sought.get(entryIndex) ?? new Set();
    this.sought.set(entryIndex, takers.add(resolve));
    this.toSender(bulkKind.upload, entryIndex, new Uint8Array());
    const stop = this.ports.timers.later(withinMs, () => resolve(null));
    const stored = await promise;
    stop();
    takers.delete(resolve);
    if (takers.size === 0) this.sought.delete(entryIndex);
    if (stored === null) throw notHereYet(entryIndex);
    return stored;
  }

  /** A chunk that came over HTTP; rejects as the writer's `put` does. */
  async takeUpload(entry: IndexEntry, stored: Uint8Array): Promise<void> {
    await this.writer.put(entry, stored);
    const entryIndex = this.plan_?.chunkIndexes.indexOf(entry.chunkIndex) ?? -1;
    if (entryIndex < 0 || entryIndex >= this.knownCount) return;
    const announced = this.entryAt(entryIndex);
    // For the archive, the form that the store had before is as good.
    if (!isSameForm(entry, announced) || hashKey(entry.sha256) !== hashKey(announced.sha256))
      return;
    this.receiver?.forget(entryIndex);
    this.noteArchived(entryIndex);
    for (const take of this.sought.get(entryIndex) ?? []) take(new Uint8Array(stored));
  }

  /** Makes the image be. Only after `archived(null)`. */
  commit(): Promise<Manifest> {
    const { manifest } = this.plan_ as LivePlan;
    return this.writer.commit(
      { ...manifest, rootHash: rootHashOf(this.index, writeSha256) },
      this.index,
    );
  }

  /** Nothing is left of it but a committed image. */
  async close(): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    this.stopWatching();
    for (const arrivals of this.waiting.values()) for (const wake of arrivals) wake();
    for (const takers of this.sought.values()) for (const take of takers) take(null);
    await this.receiver?.close();
    await this.writer.abort();
  }

  private isPlanned(entryIndex: number, entry: IndexEntry): boolean {
    const { manifest, chunkIndexes } = this.plan_ as LivePlan;
    if (entryIndex >= chunkIndexes.length || chunkIndexes[entryIndex] !== entry.chunkIndex)
      return false;
    const rawLength = chunkLengthAt(entry.chunkIndex, manifest.diskBytes);
    return entry.codec === codec.raw
      ? entry.storedLength === rawLength
      : entry.storedLength <= rawLength;
  }

  private entryAt(entryIndex: number): IndexEntry {
    const decoded = decodeEntry(this.index, entryIndex * indexEntryBytes);
    if (!decoded.ok) throw new Error(`entry ${entryIndex}: ${decoded.reason}`);
    return decoded.value;
  }

  private sendEntries(pc: string, from: number): void {
    for (let first = from; first < this.knownCount; first += frameEntries) {
      const end = Math.min(this.knownCount, first + frameEntries);
      const bytes = this.index.subarray(first * indexEntryBytes, end * indexEntryBytes);
      this.ports.sendBulk(pc, bulkKind.entries, this.place.tag, encodeNumbered(first, bytes));
    }
  }

  private announceToServer(from: number): void {
    const { receiver } = this;
    if (receiver === null) return;
    for (let entryIndex = from; entryIndex < this.knownCount; entryIndex++) {
      const entry = this.entryAt(entryIndex);
      receiver.announce(entryIndex, entry);
      if (entry.codec !== codec.zero && !this.writer.holds(entry)) continue;
      receiver.forget(entryIndex);
      this.noteArchived(entryIndex);
    }
  }

  private async store(entryIndex: number, stored: Uint8Array): Promise<void> {
    await this.writer.put(this.entryAt(entryIndex), stored);
    this.noteArchived(entryIndex);
  }

  private noteCorrupt(entryIndex: number): void {
    const times = (this.corrupted.get(entryIndex) ?? 0) + 1;
    this.corrupted.set(entryIndex, times);
    if (times >= corruptLimit) this.toSender(bulkKind.upload, entryIndex, new Uint8Array());
  }

  private noteArchived(entryIndex: number): void {
    if (this.archived[entryIndex] === 1) return;
    this.archived[entryIndex] = 1;
    this.archivedCount++;
    for (const wake of this.waiting.get(entryIndex) ?? []) wake();
    this.waiting.delete(entryIndex);
    if (this.archivedCount === this.archived.length && !this.isOver) this.ports.archived(null);
  }

  private arrival(entryIndex: number, withinMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const arrivals = this.waiting.get(entryIndex) ?? new Set();
    this.waiting.set(entryIndex, arrivals.add(resolve));
    const stop = this.ports.timers.later(withinMs, resolve);
    return promise.finally(stop);
  }

  private breakArchive(error: unknown): void {
    if (this.isOver) return;
    const why = error instanceof RoomcastError ? `${error.message}: ${error.next}` : String(error);
    this.ports.archived(why);
  }

  private noticeDeafness(): void {
    const isDone = this.archivedCount === this.knownCount;
    if (
      isDone ||
      !this.joined.has(serverReceiver) ||
      this.ports.timers.now() - this.heard.atMs < deafAfter
    )
      return;
    let asked = 0;
    for (let entryIndex = 0; entryIndex < this.knownCount; entryIndex++) {
      if (this.archived[entryIndex] === 1) continue;
      this.toSender(bulkKind.upload, entryIndex, new Uint8Array());
      if (++asked === uploadsAtOnce) return;
    }
  }

  private feedback(receiver: number, report: Uint8Array): void {
    this.toSender(bulkKind.feedback, receiver, report);
  }

  private toSender(kind: number, number: number, rest: Uint8Array): void {
    this.ports.sendBulk(this.sender, kind, this.place.tag, encodeNumbered(number, rest));
  }

  private tell(): void {
    this.ports.send(this.sender, {
      type: "told",
      session: this.session,
      // A sender is ordered once.
      attempt: 1,
      entryCount: this.knownCount,
    });
  }
}

const notHereYet = (entryIndex: number): RoomcastError =>
  new RoomcastError(
    "unreachable",
    `chunk ${entryIndex} of the live cast is not here yet`,
    "it is asked for again",
  );
