/**
 * Chunks in, a disk that is read back and right out. Nothing is believed: a chunk is written only if
 * it matches its hash, and counted only when the disk gives it back. What makes the disk bootable is
 * emptied before the first write and written after the last check, so that a disk half done never
 * starts.
 */

import type { ChunkVerdict } from "../../core/cast/ends.ts";
import { assert, type RoomcastError } from "../../core/errors.ts";
import { codec, type IndexEntry } from "../../core/image/types.ts";
import type { Counters, HeardCounters } from "../../core/wire/work.ts";
import { place, RestoreBooks } from "./books.ts";
import type { DiskRange } from "./boot-area.ts";
import { DiskFaults } from "./disk-faults.ts";
import { EmptyPlaces } from "./empty-places.ts";
import { ReadBackQueue } from "./read-back.ts";
import type { RestorePlan, RestorePorts } from "./restore-plan.ts";
import { RightChunks } from "./right-chunks.ts";

/** A chunk that comes damaged this often is fetched by unicast instead. */
const corruptLimit = 3;

interface Delivery {
  readonly entryIndex: number;
  readonly stored: Uint8Array;
  settle(verdict: ChunkVerdict): void;
}

export type RestorePhase = "scanning" | "receiving" | "verifying";

/** `scan` if the disk may hold some of it already, then `begin`, then `deliver` what comes; `ended` tells the end. */
export class DiskRestore {
  /**
   * The index as the disk gave it back (with `written`: as it was checked before it was written).
   * Rejects with a RoomcastError; then the disk does not start.
   */
  readonly ended: Promise<IndexEntry[]>;
  private readonly plan: RestorePlan;
  private readonly ports: RestorePorts;
  private readonly faults: DiskFaults;
  private readonly places: EmptyPlaces;
  private readonly books: RestoreBooks;
  private readonly right: RightChunks;
  /** How often an entry came damaged. */
  private readonly corrupted = new Map<number, number>();
  /** Raw bytes of what goes last. */
  private readonly held = new Map<number, Uint8Array>();
  private readonly inbox: Delivery[] = [];
  private readonly zeroes: number[] = [];
  private readonly announceWaiters: (() => void)[] = [];
  private readonly readBack = new ReadBackQueue();
  private readonly buffers: Uint8Array[] = [];
  /** Work under way, the end's included. */
  private busy = 0;
  private readonly idleWaiters: (() => void)[] = [];
  private state: "new" | "emptying" | "running" | "finishing" | "over" = "new";
  private bytesScanned = 0;
  private readonly end: PromiseWithResolvers<IndexEntry[]> = Promise.withResolvers();

  constructor(plan: RestorePlan, ports: RestorePorts) {
    this.plan = plan;
    this.ports = ports;
    this.faults = new DiskFaults(ports);
    this.places = new EmptyPlaces({
      ...{ faults: this.faults, diskBytes: ports.disk.size, boot: plan.boot.ranges },
      buffer: () => ports.buffer(),
    });
    this.books = new RestoreBooks(plan.entries, plan.diskBytes, plan.verify, plan.isLive ?? false);
    const { faults, books, held } = this;
    this.right = new RightChunks({ faults, books, held, ports });
    this.ended = this.end.promise;
    // A restore may be stopped before anybody waits for its end.
    this.ended.catch(() => {});
  }

  /** Milliseconds in which the disk had a call to answer, since it was begun. */
  get diskBusyMs(): number {
    return this.faults.busyMs;
  }

  get counters(): Omit<Counters, keyof HeardCounters | "writeBps" | "diskBusy"> {
    return this.books.counters;
  }

  /** That the disk does not answer, in words, while it does not. */
  get trouble(): string | null {
    return this.faults.trouble;
  }

  get diskHangs(): boolean {
    return this.faults.isHung;
  }

  get phase(): RestorePhase {
    if (this.state === "new") return "scanning";
    return this.books.toCome > 0 ? "receiving" : "verifying";
  }

  /** Raw bytes of the present phase that are done, of `counters.bytesWanted`. */
  get bytesDone(): number {
    if (this.phase === "scanning") return this.bytesScanned;
    const readsBack = this.phase === "verifying" && this.plan.verify === "read-back";
    return readsBack ? this.books.counters.bytesVerified : this.books.bytesHere;
  }

  /** Bit `i & 7` of byte `i >> 3`: entry `i` has to come over the network. */
  wants(): Uint8Array {
    return this.books.wants();
  }

  isWanted(entryIndex: number): boolean {
    return this.books.isWanted(entryIndex);
  }

  /** An entry of a live cast is known now. */
  announce(entryIndex: number, entry: IndexEntry): void {
    if (!this.books.isAt(entryIndex, place.unknown)) return;
    this.books.announce(entryIndex, entry);
    for (const wake of this.announceWaiters.splice(0)) wake();
    // Before that, `begin` finds it.
    if (this.state !== "running" || entry.codec !== codec.zero) return;
    if (this.isBoot(entryIndex))
      this.hold(entryIndex, new Uint8Array(this.books.lengthOf(entryIndex)));
    else this.zeroes.unshift(entryIndex);
    this.pump();
  }

  /** Whether it has been announced; always, but in a live cast. */
  isKnown(entryIndex: number): boolean {
    return !this.books.isAt(entryIndex, place.unknown);
  }

  /**
   * Hashes what is on the disk; what is right already is kept. Entries of a live cast that are not
   * known yet are waited for, or left out.
   */
  async scan(unknown: "wait" | "skip" = "skip"): Promise<void> {
    let next = 0;
    const lane = async (): Promise<void> => {
      const buffer = this.ports.buffer();
      while (next < this.plan.entries.length && this.state === "new") {
        if (!this.isKnown(next) && unknown === "wait") {
          await new Promise<void>((wake) => this.announceWaiters.push(wake));
          continue;
        }
        const entryIndex = next++;
        if (this.isKnown(entryIndex)) await this.scanEntry(entryIndex, buffer);
      }
    };
    this.busy++;
    try {
      await Promise.all(Array.from({ length: this.ports.laneCount }, lane));
    } finally {
      this.leave();
    }
  }

  /** Makes the disk unbootable, unless all on it is right already, and starts the work. */
  async begin(): Promise<void> {
    if (this.state !== "new") return;
    const { books } = this;
    this.state = "emptying";
    if (books.toDo === this.held.size) {
      await this.work(async () => {
        await this.emptyPlaces(this.plan.empty);
        await this.emptyVolumes();
        if (this.state !== "emptying") return;
        for (const index of this.held.keys()) books.noteRight(index);
        this.resolve();
      });
      return;
    }
    books.noteNotKept(this.held.size);
    await this.work(async () => {
      await this.places.emptyBootArea();
      if (this.plan.discard) await this.places.discard(() => this.state === "emptying");
      await this.emptyPlaces(this.plan.empty);
      if (this.state !== "emptying") return;
      for (const [index, entry] of books.entries.entries()) {
        if (entry.codec !== codec.zero || !books.isAt(index, place.wanted)) continue;
        if (this.isBoot(index)) this.hold(index, new Uint8Array(books.lengthOf(index)));
        else this.zeroes.push(index);
      }
      // Taken from the end.
      this.zeroes.reverse();
      this.state = "running";
    });
  }

  /** A chunk from the network, as it is stored; `settle` as in `CastReceiverEvents.chunk`. */
  deliver(entryIndex: number, stored: Uint8Array, settle: (verdict: ChunkVerdict) => void): void {
    const isOpen = this.state === "emptying" || this.state === "running";
    const isAwaited = this.books.isWanted(entryIndex) && this.books.isAt(entryIndex, place.wanted);
    if (!isOpen || !isAwaited) return settle("taken");
    this.books.move(entryIndex, place.inHand);
    this.inbox.push({ entryIndex, stored, settle });
    this.pump();
  }

  /** Ends it; a disk that was begun stays unbootable. `ended` rejects with `reason`. */
  stop(reason: RoomcastError): void {
    void this.fail(reason);
  }

  // --- the work, lane by lane

  private pump(): void {
    while (this.state === "running" && this.busy < this.ports.laneCount) {
      const next = this.nextWork();
      if (next === undefined) break;
      const buffer = this.buffers.pop() ?? this.ports.buffer();
      void this.work(() => next(buffer).finally(() => this.buffers.push(buffer)));
    }
    if (this.state !== "running" || this.busy > 0 || this.books.toDo > this.held.size) return;
    this.state = "finishing";
    void this.work(() => this.finish());
  }

  private async work(what: () => Promise<void>): Promise<void> {
    this.busy++;
    let failure: unknown;
    try {
      await what();
    } catch (error) {
      failure = error;
    }
    this.leave();
    if (failure === undefined) this.pump();
    else await this.fail(failure);
  }

  private leave(): void {
    this.busy--;
    if (this.busy > 0) return;
    for (const wake of this.idleWaiters.splice(0)) wake();
  }

  private async idle(): Promise<void> {
    if (this.busy > 0) await new Promise<void>((wake) => this.idleWaiters.push(wake));
  }

  private nextWork(): ((buffer: Uint8Array) => Promise<void>) | undefined {
    const delivery = this.inbox.shift();
    if (delivery !== undefined) return (buffer) => this.take(delivery, buffer);
    const zero = this.zeroes.pop();
    if (zero !== undefined) return () => this.takeZero(zero);
    const written = this.readBack.take(this.books.toCome > 0);
    if (written === undefined) return undefined;
    return async (buffer) => {
      try {
        await this.right.verify(written, buffer);
      } finally {
        this.readBack.done();
      }
      this.books.noteRight(written);
    };
  }

  private async take({ entryIndex, stored, settle }: Delivery, buffer: Uint8Array): Promise<void> {
    let raw = await this.right.checked(entryIndex, stored, buffer);
    if (raw === null) {
      const times = (this.corrupted.get(entryIndex) ?? 0) + 1;
      this.corrupted.set(entryIndex, times);
      if (times < corruptLimit) {
        this.books.move(entryIndex, place.wanted);
        return settle("corrupt");
      }
      raw = await this.right.fetched(entryIndex, buffer);
    }
    this.books.noteReceived(entryIndex);
    if (this.isBoot(entryIndex)) this.hold(entryIndex, new Uint8Array(raw));
    else {
      await this.faults.write(this.books.offsetOf(entryIndex), raw);
      this.noteWritten(entryIndex);
    }
    settle("taken");
  }

  private async takeZero(entryIndex: number): Promise<void> {
    await this.faults.zero(this.books.offsetOf(entryIndex), this.books.lengthOf(entryIndex));
    this.noteWritten(entryIndex);
  }

  private async scanEntry(entryIndex: number, buffer: Uint8Array): Promise<void> {
    const length = this.books.lengthOf(entryIndex);
    const right = await this.right.readsRight(entryIndex, buffer);
    this.bytesScanned += length;
    if (!right || this.state !== "new") return;
    if (this.isBoot(entryIndex))
      this.held.set(entryIndex, new Uint8Array(buffer.subarray(0, length)));
    this.books.noteKept(entryIndex, this.isBoot(entryIndex));
  }

  // --- the end

  private async finish(): Promise<void> {
    await this.faults.flush();
    await this.emptyVolumes();
    const buffer = this.ports.buffer();
    // The first chunk last of all.
    const order = [...this.held.keys()].sort((one, other) => other - one);
    for (const entryIndex of order) {
      if (this.state !== "finishing") return;
      const raw = buffer.subarray(0, this.books.lengthOf(entryIndex));
      raw.set(this.held.get(entryIndex) as Uint8Array);
      await this.faults.write(this.books.offsetOf(entryIndex), raw);
      await this.faults.flush();
      if (this.plan.verify === "read-back") await this.right.verify(entryIndex, buffer);
      this.books.noteWritten(entryIndex);
      if (this.plan.verify === "read-back") this.books.noteRight(entryIndex);
    }
    await this.faults.flush();
    if (this.state === "finishing") this.resolve();
  }

  private resolve(): void {
    assert(this.books.toDo === 0, "every entry is done");
    this.state = "over";
    this.end.resolve(this.books.asReadBack());
  }

  private async fail(error: unknown): Promise<void> {
    if (this.state === "over") return;
    const begun = this.state !== "new";
    this.state = "over";
    for (const { settle } of this.inbox.splice(0)) settle("taken");
    for (const wake of this.announceWaiters.splice(0)) wake();
    if (!this.faults.isHung) {
      // What is under way may be a write to the boot area.
      await this.idle();
      if (begun) await this.places.emptyBootArea().catch(() => {});
    }
    this.end.reject(error);
  }

  private emptyPlaces(places: readonly DiskRange[]): Promise<void> {
    return this.places.empty(places, () => this.state !== "over");
  }

  private async emptyVolumes(): Promise<void> {
    const copy = this.right.copy(this.plan.diskBytes);
    await this.emptyPlaces(await this.plan.emptyInVolumes(copy));
  }

  private isBoot(entryIndex: number): boolean {
    return this.plan.boot.entryIndexes.has(entryIndex);
  }

  private hold(entryIndex: number, raw: Uint8Array): void {
    this.held.set(entryIndex, raw);
    this.books.noteHeld(entryIndex);
  }

  private noteWritten(entryIndex: number): void {
    this.books.noteWritten(entryIndex);
    if (this.plan.verify === "read-back") this.readBack.add(entryIndex);
  }
}
