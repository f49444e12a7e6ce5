/** What a restore to a disk is asked to do, and what it does that with. */
import type { ByteSource } from "../../core/image/byte-source.ts";
import type { IndexEntry } from "../../core/image/types.ts";
import type { Verify } from "./books.ts";
import type { BootArea, DiskRange } from "./boot-area.ts";
import type { ChunkCheckPorts } from "./chunk-check.ts";
import type { AnswerLimits, FaultyDisk } from "./disk-faults.ts";

export interface RestorePlan {
  readonly entries: readonly IndexEntry[];
  /** Of the image's disk. */
  readonly diskBytes: number;
  readonly boot: BootArea;
  /** Parts of the disk that the image has nothing for, and that have to read as zeros all the same. */
  readonly empty: readonly DiskRange[];
  /** Likewise, known only once the copy tells what volumes are in its partitions. */
  emptyInVolumes(copy: ByteSource): Promise<readonly DiskRange[]>;
  readonly verify: Verify;
  /** Nothing on the disk is of use: it is discarded first, where it has that. */
  readonly discard: boolean;
  /** Of the entries only `chunkIndex` is known: the rest is announced. */
  readonly isLive?: boolean;
}

export interface RestorePorts extends ChunkCheckPorts {
  readonly disk: FaultyDisk;
  /** The disk for people: path, model, serial. */
  readonly diskName: string;
  /** The stored bytes of an entry from the server itself. */
  fetch(entryIndex: number): Promise<Uint8Array>;
  /** Chunks at work at once. */
  readonly laneCount: number;
  /** Memory of one chunk that the disk takes without a copy. */
  buffer(): Uint8Array;
  sleep(ms: number): Promise<void>;
  readonly limits?: AnswerLimits;
}
