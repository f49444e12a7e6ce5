import { setImmediate } from "node:timers/promises";
import { type PartitionTable, readPartitionTable } from "../../core/image/partition-table.ts";
import { chunkBytes } from "../../core/units/units.ts";
import { damagedSource } from "./byte-reader.ts";
import { gptDiskBytes, logicalSectorOf, mbrEndBytes } from "./disk-head.ts";

/** The size of a stream is not known while it is read. */
const endless = Number.MAX_SAFE_INTEGER - chunkBytes;

interface Part {
  readonly offset: number;
  readonly data: Uint8Array;
}

interface Wanted {
  readonly offset: number;
  readonly into: Uint8Array;
  readonly done: PromiseWithResolvers<Uint8Array>;
}

/** Reads a partition table as the disk streams by: a table's next part lies behind what names it. */
export class StreamedTable {
  /** The disk's first chunk. */
  head: Uint8Array = new Uint8Array();
  /** What is passing, and what passed before it: the backup GPT's entries lie before its header. */
  private recent: Part[] = [];
  private wanted: Wanted[] = [];
  private table: Promise<PartitionTable> | null = null;

  /** The parts in order; the first is a whole chunk, unless the disk is shorter. Resolves when the part may go. */
  async saw(offset: number, data: Uint8Array): Promise<void> {
    this.recent = [...this.recent.slice(-1), { offset, data }];
    if (this.table === null) {
      this.head = new Uint8Array(data);
      const logicalSector = logicalSectorOf(data);
      const read = (at: number, length: number) => this.read(at, length);
      const diskBytes = gptDiskBytes(data) || endless;
      this.table = readPartitionTable({ diskBytes, logicalSector, read });
      await setImmediate();
    }
    // What was waited for may name a place in the same part.
    while (this.serve({ offset, data })) await setImmediate();
  }

  /** At the end: `diskBytes` have passed. */
  async finish(diskBytes: number): Promise<PartitionTable & { readonly logicalSector: number }> {
    if (this.table === null) throw new Error("a disk has at least a byte");
    let table: PartitionTable | null = null;
    this.table.then((read) => {
      table = read;
    });
    for (; table === null; await setImmediate()) {
      for (const { done, into } of this.wanted.splice(0)) done.resolve(into);
    }
    const found = await this.table;
    const gptBytes = found.kind === "gpt" ? gptDiskBytes(this.head) : 0;
    const warnings = [...found.warnings];
    if (gptBytes > 0 && gptBytes < diskBytes) {
      warnings.push("the backup GPT is not at the end of the disk");
    }
    return { ...found, warnings, logicalSector: logicalSectorOf(this.head) };
  }

  private read(offset: number, length: number): Promise<Uint8Array> {
    const done = Promise.withResolvers<Uint8Array>();
    const into = new Uint8Array(length);
    for (const part of [{ offset: 0, data: this.head }, ...this.recent]) {
      copyInto(into, offset, part);
      const isHere = offset >= part.offset && offset + length <= part.offset + part.data.length;
      if (isHere) return Promise.resolve(into);
    }
    this.wanted.push({ offset, into, done });
    return done.promise;
  }

  /** Whether anything was whole with what is passing. */
  private serve(passing: Part): boolean {
    const end = passing.offset + passing.data.length;
    const before = this.wanted.length;
    this.wanted = this.wanted.filter((wanted) => {
      copyInto(wanted.into, wanted.offset, passing);
      if (wanted.offset + wanted.into.length > end) return true;
      wanted.done.resolve(wanted.into);
      return false;
    });
    return this.wanted.length < before;
  }
}

/** What a part has of the bytes at `offset`. */
function copyInto(into: Uint8Array, offset: number, part: Part): void {
  const from = Math.max(offset, part.offset);
  const to = Math.min(offset + into.length, part.offset + part.data.length);
  if (from >= to) return;
  into.set(part.data.subarray(from - part.offset, to - part.offset), from - offset);
}

/** Throws `bad-input` when a table says that its disk is longer than this. */
export function requireWhole(
  table: PartitionTable,
  head: Uint8Array,
  diskBytes: number,
  what: string,
): void {
  const said = Math.max(
    table.kind === "gpt" ? gptDiskBytes(head) : 0,
    table.kind === "mbr" ? mbrEndBytes(head) : 0,
    ...table.partitions.map(({ start, size }) => start + size),
  );
  if (said <= diskBytes) return;
  throw damagedSource(
    what,
    `its partition table is of a disk of ${said} bytes, and ${diskBytes} are there`,
  );
}
