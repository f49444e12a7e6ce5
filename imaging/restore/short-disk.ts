import { type Bytes, bytes, chunkBytes } from "../../core/units/units.ts";
import type { Disk } from "../disk/disk.ts";

/** Chunks that lie beyond a disk's end, or around it, by their offset: all zeros but for a backup GPT. */
export type BeyondEnd = Map<number, Uint8Array>;

/**
 * A disk that is smaller than the image's, as long as the image's. What lies beyond its end is zeros,
 * and the backup GPT, which is kept in memory: it is checked with all else, and made anew for the end
 * that the disk really has.
 */
export class ShortDisk implements Disk {
  readonly path: string;
  readonly size: Bytes;
  readonly logicalSector: number;
  private readonly disk: Disk;
  private readonly beyond: BeyondEnd;

  /** `imageBytes`: of the image's disk. Closing it leaves `disk` open, and `beyond` to another one. */
  constructor(disk: Disk, imageBytes: number, beyond: BeyondEnd) {
    this.disk = disk;
    this.beyond = beyond;
    this.path = disk.path;
    this.size = bytes(imageBytes);
    this.logicalSector = disk.logicalSector;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    const inside = this.inside(offset, into.length);
    if (inside > 0) await this.disk.read(offset, into.subarray(0, inside));
    for (let at = inside; at < into.length; at++) into[at] = this.byteAt(offset + at);
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    const inside = this.inside(offset, data.length);
    if (inside > 0) await this.disk.write(offset, data.subarray(0, inside));
    for (let at = inside; at < data.length; at++) this.put(offset + at, data[at] as number);
  }

  async zero(offset: number, length: number): Promise<void> {
    const inside = this.inside(offset, length);
    if (inside > 0) await this.disk.zero(offset, inside);
    for (const [start, kept] of this.beyond) {
      const from = Math.max(offset, start) - start;
      const to = Math.min(offset + length, start + chunkBytes) - start;
      if (from < to) kept.fill(0, from, to);
    }
  }

  discard(offset: number, length: number): Promise<boolean> {
    return this.disk.discard(offset, this.inside(offset, length));
  }

  flush(): Promise<void> {
    return this.disk.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  private inside(offset: number, length: number): number {
    return Math.max(0, Math.min(length, this.disk.size - offset));
  }

  private byteAt(at: number): number {
    return this.beyond.get(at - (at % chunkBytes))?.[at % chunkBytes] ?? 0;
  }

  private put(at: number, byte: number): void {
    const start = at - (at % chunkBytes);
    let kept = this.beyond.get(start);
    if (kept === undefined) {
      if (byte === 0) return;
      kept = new Uint8Array(chunkBytes);
      this.beyond.set(start, kept);
    }
    kept[at % chunkBytes] = byte;
  }
}
