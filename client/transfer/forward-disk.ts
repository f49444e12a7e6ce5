/** A disk that is put together from streams, and can be read once, from its beginning to its end. */
import { RoomcastError } from "../../core/errors.ts";
import type { Extent } from "../../core/image/extents.ts";
import type { BlockDevice } from "../../core/ports.ts";
import { bytes } from "../../core/units/units.ts";

/** Bytes of a volume at a place, in bytes from the volume's start. */
export interface Piece {
  readonly offset: number;
  readonly data: Uint8Array;
}

/** What a partition holds, read forward. */
export interface ForwardVolume {
  /** In use, in order; null: all of it. What is not in use reads as zeros. */
  readonly used: readonly Extent[] | null;
  /** In order, covering what is in use. Throws `bad-input` when its source is cut or damaged. */
  pieces(): AsyncGenerator<Piece>;
}

export interface PlacedVolume extends ForwardVolume {
  /** In bytes of the disk. */
  readonly start: number;
  readonly size: number;
}

/**
 * Reads have to come in the disk's order; several may be under way. `volumes` lie apart from each
 * other; between them, and where they hold nothing, the disk reads as zeros.
 */
export class ForwardDisk implements BlockDevice {
  readonly path: string;
  readonly size;
  readonly logicalSector: number;
  private readonly volumes: PlacedVolume[];
  private turn: Promise<void> = Promise.resolve();
  private current: {
    readonly volume: PlacedVolume;
    readonly pieces: AsyncGenerator<Piece>;
  } | null = null;
  /** The part of a piece that lies beyond what was read. */
  private rest: Piece | null = null;
  private readTo = 0;

  constructor(options: {
    readonly path: string;
    readonly size: number;
    readonly logicalSector: number;
    readonly volumes: readonly PlacedVolume[];
  }) {
    this.path = options.path;
    this.size = bytes(options.size);
    this.logicalSector = options.logicalSector;
    this.volumes = options.volumes.toSorted((one, other) => one.start - other.start);
  }

  read(offset: number, into: Uint8Array): Promise<void> {
    const mine = this.turn.then(() => this.readNow(offset, into));
    this.turn = mine.catch(() => {});
    return mine;
  }

  write(): Promise<void> {
    return Promise.reject(new Error("a disk made of streams is only read"));
  }

  async flush(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.turn;
    await this.current?.pieces.return(undefined);
  }

  private async readNow(offset: number, into: Uint8Array): Promise<void> {
    if (offset < this.readTo) throw new Error("a disk made of streams is read forward");
    const end = offset + into.length;
    this.readTo = end;
    into.fill(0);
    for (;;) {
      this.current ??= this.open();
      if (this.current === null || this.current.volume.start >= end) return;
      const { volume, pieces } = this.current;
      const piece = this.rest ?? (await pieces.next()).value;
      if (piece === undefined) {
        this.current = null;
        continue;
      }
      const at = volume.start + piece.offset;
      if (piece.offset + piece.data.length > volume.size) throw tooLong(this.path);
      if (at >= end) {
        this.rest = piece;
        return;
      }
      const skip = Math.max(0, offset - at);
      const taken = piece.data.subarray(skip, end - at);
      into.set(taken, at + skip - offset);
      const used = skip + taken.length;
      this.rest =
        used < piece.data.length
          ? { offset: piece.offset + used, data: piece.data.subarray(used) }
          : null;
      if (this.rest !== null) return;
    }
  }

  private open() {
    const volume = this.volumes.shift();
    return volume === undefined ? null : { volume, pieces: volume.pieces() };
  }
}

const tooLong = (path: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `${path}: a partition's data does not fit into the partition`,
    "save the disk again: this partition table does not belong to these partitions",
  );
