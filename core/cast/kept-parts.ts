/**
 * What a receiver has heard of entries that have no slot. A slot is as large as the longest entry; here each symbol has a
 * cell of its own, and memory is taken when it is needed. So a straggler, which hears a part of every entry, keeps what it
 * has heard until the sender serves it what it lacks.
 */
import { bitAt, bitmapBytes, setBit } from "../units/bits.ts";
import { symbolBytes } from "../wire/cast.ts";

/** Cells of one block, as a power of two: 2.8 MB. */
const blockBits = 11;
const blockCells = 1 << blockBits;
/** Beside its symbol, a cell has the place of the next and the symbol's number. */
const cellBytes = symbolBytes + 4 + 2;
const none = -1;

interface Block {
  readonly bytes: Uint8Array;
  /** The cell after this one: of its part, or of those that are free. */
  readonly next: Int32Array;
  readonly symbols: Uint16Array;
}

interface Part {
  /** A bitmap over the entry's symbols. */
  readonly has: Uint8Array;
  lackCount: number;
  firstCell: number;
  readonly lastCell: number;
}

export class KeptParts {
  private readonly parts = new Map<number, Part>();
  private readonly whole: number[] = [];
  private blocks: Block[] = [];
  private cellLimit: number;
  /** Cells that were in use at least once; the blocks have room for them. */
  private cellCount = 0;
  private freeCell = none;

  constructor(byteLimit: number) {
    this.cellLimit = Math.floor(byteLimit / cellBytes);
  }

  /** Of how many entries it has a part, or all. */
  get count(): number {
    return this.parts.size;
  }

  /** The entry of which every symbol is here for longest; null: there is none. */
  get nextWhole(): number | null {
    return this.whole[0] ?? null;
  }

  /** Of the entries of which some symbols lack the one that was begun first; null: there is none. */
  get nextPart(): number | null {
    for (const [entryIndex, { lackCount }] of this.parts) if (lackCount > 0) return entryIndex;
    return null;
  }

  /** Keeps a symbol, which is copied. Answers whether anything is kept of the entry: false, there was no room to begin it. */
  add(
    entryIndex: number,
    symbol: number,
    symbolCount: number,
    from: { readonly bytes: Uint8Array; readonly at: number },
  ): boolean {
    const part = this.parts.get(entryIndex);
    if (part !== undefined && bitAt(part.has, symbol)) return true;
    const cell = this.takeCell();
    if (cell === none) return part !== undefined;
    const { bytes, symbols } = this.blockOf(cell);
    const place = cell & (blockCells - 1);
    bytes.set(from.bytes.subarray(from.at, from.at + symbolBytes), place * symbolBytes);
    symbols[place] = symbol;
    const kept = part ?? this.begin(entryIndex, symbolCount, cell);
    if (part !== undefined) {
      this.link(cell, part.firstCell);
      part.firstCell = cell;
    }
    setBit(kept.has, symbol);
    kept.lackCount--;
    if (kept.lackCount === 0) this.whole.push(entryIndex);
    return true;
  }

  /** Hands over all that is kept of an entry, symbol by symbol, and keeps it no longer. */
  take(entryIndex: number, each: (symbol: number, bytes: Uint8Array, at: number) => void): void {
    const part = this.parts.get(entryIndex);
    if (part === undefined) return;
    for (let cell = part.firstCell; ; cell = this.nextOf(cell)) {
      const { bytes, symbols } = this.blockOf(cell);
      const place = cell & (blockCells - 1);
      each(symbols[place] as number, bytes, place * symbolBytes);
      if (cell === part.lastCell) break;
    }
    this.drop(entryIndex);
  }

  drop(entryIndex: number): void {
    const part = this.parts.get(entryIndex);
    if (part === undefined) return;
    this.parts.delete(entryIndex);
    if (part.lackCount === 0) this.whole.splice(this.whole.indexOf(entryIndex), 1);
    // With the last of them all memory is given back.
    if (this.parts.size === 0) {
      this.clear();
      return;
    }
    this.link(part.lastCell, this.freeCell);
    this.freeCell = part.firstCell;
  }

  /** Drops everything. Answers of which entries that was. */
  clear(): number[] {
    const entries = [...this.parts.keys()];
    this.parts.clear();
    this.whole.length = 0;
    this.blocks = [];
    this.cellCount = 0;
    this.freeCell = none;
    return entries;
  }

  private begin(entryIndex: number, symbolCount: number, cell: number): Part {
    const has = new Uint8Array(bitmapBytes(symbolCount));
    const part = { has, lackCount: symbolCount, firstCell: cell, lastCell: cell };
    this.parts.set(entryIndex, part);
    return part;
  }

  private takeCell(): number {
    const cell = this.freeCell;
    if (cell !== none) {
      this.freeCell = this.nextOf(cell);
      return cell;
    }
    if (this.cellCount >= this.cellLimit) return none;
    if (this.cellCount === this.blocks.length * blockCells && !this.addBlock()) return none;
    return this.cellCount++;
  }

  /** False: the host has no memory for it, and is asked for no more. */
  private addBlock(): boolean {
    const cells = Math.min(blockCells, this.cellLimit - this.cellCount);
    try {
      this.blocks.push({
        bytes: new Uint8Array(cells * symbolBytes),
        next: new Int32Array(cells),
        symbols: new Uint16Array(cells),
      });
      return true;
    } catch {
      this.cellLimit = this.cellCount;
      return false;
    }
  }

  private blockOf(cell: number): Block {
    return this.blocks[cell >> blockBits] as Block;
  }

  private nextOf(cell: number): number {
    return this.blockOf(cell).next[cell & (blockCells - 1)] as number;
  }

  private link(cell: number, next: number): void {
    this.blockOf(cell).next[cell & (blockCells - 1)] = next;
  }
}
