/**
 * The receiving end of a cast, as a machine: packets in; whole entries, and reports, out. Entries are
 * put together in slots of a slab that the owner provides; no packet makes it grow.
 */
import { assert } from "../errors.ts";
import { type Millis, millis } from "../units/units.ts";
import {
  castHeaderBytes,
  codedPacketBytes,
  codedSetBytes,
  codedSetLimit,
  codedSymbolAt,
  dataPacketBytes,
  encodeReport,
  packetKind,
  reportListLimit,
  symbolBytes,
  symbolCountOf,
  symbolLimit,
  u16At,
  u32At,
} from "../wire/relay.ts";
import { allBits, bitAt, clearBit, setBit, xorInto } from "./bits.ts";

/** Room for the largest entry in whole symbols. */
export const slotBytes = symbolLimit * symbolBytes;
/** Coded packets kept for an entry until they can be solved; more are dropped. */
const unsolvedLimit = 96;
/** A slot whose entry got nothing for this long gives way to another entry. */
const staleAfter = millis(1500);
/** While packets come, the sender hears this often; in silence, `idleReportEvery`. */
const reportEvery = millis(25);
const idleReportEvery = millis(400);

export interface ReceiverOptions {
  readonly tag: number;
  /** Stored length of each index entry. */
  readonly storedLengths: Uint32Array;
  readonly wants: Uint8Array;
  readonly slotCount: number;
  /** At least `slotCount × slotBytes`. */
  readonly slab: Uint8Array;
}

export interface CompletedEntry {
  readonly entryIndex: number;
  readonly slot: number;
  readonly length: number;
}

interface Assembly {
  readonly slot: number;
  readonly symbolCount: number;
  readonly missing: Uint8Array;
  missingCount: number;
  heardAt: Millis;
  unsolved: Uint8Array[];
}

export class CastReceiverMachine {
  private readonly options: ReceiverOptions;
  private readonly wants: Uint8Array;
  private readonly freeSlots: number[] = [];
  private readonly assemblies = new Map<number, Assembly>();
  private readonly pending = new Map<number, number>();
  private completed: CompletedEntry[] = [];
  private readonly done = new Set<number>();
  private readonly again = new Set<number>();
  private generation = -1;
  private firstSequence = 0;
  private highest = 0;
  private received = 0;
  private dropped = 0;
  private taken = 0;
  private reportAt: Millis;
  private hasNews = true;
  /** Of all generations, for the owner. */
  readonly totals = { packets: 0, lost: 0, ignored: 0, bytes: 0 };

  constructor(options: ReceiverOptions, now: Millis) {
    assert(options.slab.length >= options.slotCount * slotBytes, "the slab holds the slots");
    this.options = options;
    this.wants = options.wants.slice();
    this.reportAt = now;
    for (let slot = options.slotCount - 1; slot >= 0; slot--) this.freeSlots.push(slot);
  }

  /** Takes one packet, `bytes[at … at + length]`. What is not ours is counted and ignored. */
  packet(bytes: Uint8Array, at: number, length: number, now: Millis): void {
    if (length < castHeaderBytes || u32At(bytes, at + 4) !== this.options.tag) {
      this.totals.ignored++;
      return;
    }
    const first = u16At(bytes, at);
    const kind = first & 15;
    const wanted =
      kind === packetKind.data
        ? dataPacketBytes
        : kind === packetKind.coded
          ? codedPacketBytes
          : kind === packetKind.sync
            ? castHeaderBytes
            : -1;
    if (length !== wanted) {
      this.totals.ignored++;
      return;
    }
    this.count(first >> 4, u32At(bytes, at + 12), now);
    this.totals.bytes += length;
    this.totals.packets++;
    if (kind === packetKind.sync) return;
    const entryIndex = u32At(bytes, at + 8);
    const symbol = u16At(bytes, at + 2);
    const assembly = this.assemblyOf(entryIndex, now);
    if (assembly === undefined) return;
    assembly.heardAt = now;
    if (kind === packetKind.data)
      this.symbol(entryIndex, assembly, symbol, bytes, at + castHeaderBytes);
    else this.coded(entryIndex, assembly, symbol, bytes.slice(at + castHeaderBytes, at + length));
  }

  /** Entries that have become whole since the last call. Each keeps its slot until `settle`. */
  takeCompleted(): CompletedEntry[] {
    const { completed } = this;
    this.completed = [];
    return completed;
  }

  /** What became of a completed entry: its slot is free again. */
  settle(entryIndex: number, isRight: boolean): void {
    const slot = this.pending.get(entryIndex);
    if (slot === undefined) return;
    this.pending.delete(entryIndex);
    this.freeSlots.push(slot);
    this.taken++;
    this.hasNews = true;
    if (isRight) return;
    setBit(this.wants, entryIndex);
    this.done.delete(entryIndex);
    this.again.add(entryIndex);
  }

  /** The entry came another way. */
  forget(entryIndex: number): void {
    if (!bitAt(this.wants, entryIndex)) return;
    clearBit(this.wants, entryIndex);
    this.done.add(entryIndex);
    this.hasNews = true;
    const assembly = this.assemblies.get(entryIndex);
    if (assembly === undefined) return;
    this.assemblies.delete(entryIndex);
    this.freeSlots.push(assembly.slot);
  }

  /** The sender's side may have missed reports: what waits for the disk is told again. */
  refresh(): void {
    for (const entryIndex of this.pending.keys()) this.done.add(entryIndex);
    this.hasNews = true;
  }

  /** Packets that this host's socket has dropped, in all. */
  setDropped(count: number): void {
    this.dropped = count;
  }

  get reportDeadline(): Millis {
    return this.reportAt;
  }

  /** The next report, when it is due. */
  takeReport(now: Millis): Uint8Array | undefined {
    if (
      now < this.reportAt ||
      (!this.hasNews && now < this.reportAt + idleReportEvery - reportEvery)
    ) {
      return undefined;
    }
    this.reportAt = millis(now + reportEvery);
    this.hasNews = false;
    const done = [...this.done].slice(0, reportListLimit);
    const again = [...this.again].slice(0, reportListLimit);
    for (const entryIndex of done) this.done.delete(entryIndex);
    for (const entryIndex of again) this.again.delete(entryIndex);
    return encodeReport({
      generation: Math.max(0, this.generation),
      slots: this.options.slotCount,
      highest: this.highest,
      received: this.received,
      lost: this.lostNow(),
      dropped: this.dropped,
      taken: this.taken,
      done,
      again,
      parts: [...this.assemblies].map(([entryIndex, { missing }]) => ({ entryIndex, missing })),
    });
  }

  private lostNow(): number {
    if (this.highest === 0) return 0;
    return Math.max(0, this.highest - this.firstSequence + 1 - this.received);
  }

  private count(generation: number, sequence: number, now: Millis): void {
    if (generation !== this.generation) {
      // A sender that was started anew counts from 1 again.
      this.totals.lost += this.lostNow();
      this.generation = generation;
      this.firstSequence = sequence;
      this.highest = 0;
      this.received = 0;
    }
    this.received++;
    if (sequence > this.highest) this.highest = sequence;
    if (sequence < this.firstSequence) this.firstSequence = sequence;
    if (!this.hasNews) {
      this.hasNews = true;
      if (this.reportAt < now) this.reportAt = now;
    }
  }

  /** Packets lost on the way or here, in all. */
  get lost(): number {
    return this.totals.lost + this.lostNow();
  }

  private assemblyOf(entryIndex: number, now: Millis): Assembly | undefined {
    const { storedLengths } = this.options;
    if (entryIndex >= storedLengths.length) {
      this.totals.ignored++;
      return undefined;
    }
    if (!bitAt(this.wants, entryIndex)) {
      // The sender may not know: what is done is said again for as long as it is sent to us.
      if (bitAt(this.options.wants, entryIndex)) this.done.add(entryIndex);
      return undefined;
    }
    const known = this.assemblies.get(entryIndex);
    if (known !== undefined) return known;
    const slot = this.freeSlots.pop() ?? this.evict(now);
    if (slot === undefined) return undefined;
    const symbolCount = symbolCountOf(storedLengths[entryIndex] as number);
    const assembly: Assembly = {
      slot,
      symbolCount,
      missing: allBits(symbolCount),
      missingCount: symbolCount,
      heardAt: now,
      unsolved: [],
    };
    this.assemblies.set(entryIndex, assembly);
    return assembly;
  }

  private evict(now: Millis): number | undefined {
    for (const [entryIndex, assembly] of this.assemblies) {
      if (now - assembly.heardAt < staleAfter) continue;
      this.assemblies.delete(entryIndex);
      return assembly.slot;
    }
    return undefined;
  }

  private symbol(
    entryIndex: number,
    assembly: Assembly,
    symbol: number,
    bytes: Uint8Array,
    at: number,
  ): void {
    if (symbol >= assembly.symbolCount) {
      this.totals.ignored++;
      return;
    }
    if (!bitAt(assembly.missing, symbol)) return;
    const home = assembly.slot * slotBytes + symbol * symbolBytes;
    this.options.slab.set(bytes.subarray(at, at + symbolBytes), home);
    this.gained(entryIndex, assembly, symbol);
  }

  private gained(entryIndex: number, assembly: Assembly, symbol: number): void {
    clearBit(assembly.missing, symbol);
    assembly.missingCount--;
    if (assembly.missingCount === 0) this.complete(entryIndex, assembly);
    else if (assembly.unsolved.length > 0) this.solveKept(entryIndex, assembly);
  }

  /** `body`: the set's 48 bytes and the XOR of its symbols. */
  private coded(entryIndex: number, assembly: Assembly, setSize: number, body: Uint8Array): void {
    if (setSize < 1 || setSize > codedSetLimit) {
      this.totals.ignored++;
      return;
    }
    // The set's size travels in the header; it is kept beside the body's set, in its last spare bits.
    const kept = new Uint8Array(body.length + 1);
    kept.set(body);
    kept[body.length] = setSize;
    if (this.trySolve(entryIndex, assembly, kept)) return;
    if (assembly.unsolved.length < unsolvedLimit) assembly.unsolved.push(kept);
  }

  /** True when the packet is of no further use: solved, or nothing in it is missing, or it is nonsense. */
  private trySolve(entryIndex: number, assembly: Assembly, kept: Uint8Array): boolean {
    const setSize = kept[kept.length - 1] as number;
    let lacking = -1;
    for (let place = 0; place < setSize; place++) {
      const symbol = codedSymbolAt(kept, 0, place);
      if (symbol >= assembly.symbolCount) {
        this.totals.ignored++;
        return true;
      }
      if (!bitAt(assembly.missing, symbol)) continue;
      if (lacking >= 0) return false;
      lacking = symbol;
    }
    if (lacking < 0) return true;
    const { slab } = this.options;
    const base = assembly.slot * slotBytes;
    const home = base + lacking * symbolBytes;
    slab.set(kept.subarray(codedSetBytes, codedSetBytes + symbolBytes), home);
    for (let place = 0; place < setSize; place++) {
      const symbol = codedSymbolAt(kept, 0, place);
      if (symbol !== lacking) xorInto(slab, home, slab, base + symbol * symbolBytes, symbolBytes);
    }
    this.gained(entryIndex, assembly, lacking);
    return true;
  }

  private solveKept(entryIndex: number, assembly: Assembly): void {
    const { unsolved } = assembly;
    assembly.unsolved = [];
    while (unsolved.length > 0) {
      const kept = unsolved.pop() as Uint8Array;
      if (!this.assemblies.has(entryIndex)) return;
      if (!this.trySolve(entryIndex, assembly, kept)) assembly.unsolved.push(kept);
    }
  }

  private complete(entryIndex: number, assembly: Assembly): void {
    this.assemblies.delete(entryIndex);
    clearBit(this.wants, entryIndex);
    this.done.add(entryIndex);
    this.again.delete(entryIndex);
    this.pending.set(entryIndex, assembly.slot);
    const length = this.options.storedLengths[entryIndex] as number;
    this.completed.push({ entryIndex, slot: assembly.slot, length });
  }
}
