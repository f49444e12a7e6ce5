/** A disk in a file with holes: what is not there is zeros, and what is moved leaves a hole. */
import { type FileHandle, open } from "node:fs/promises";
import { assert, RoomcastError } from "../../core/errors.ts";
import type { Extent } from "../../core/image/extents.ts";
import { punchHoleIn, seekIn } from "../../core/node/disk-calls.ts";
import { isFull } from "../../core/node/disk-full.ts";

/** What is copied in one call. */
const pieceBytes = 1 << 20;

/** By the page cache, as loop devices over the file are. Rejects with `no-space`, or `failed`. */
export class SparseFile {
  readonly path: string;
  private readonly handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.handle = handle;
  }

  static async open(path: string): Promise<SparseFile> {
    return new SparseFile(path, await open(path, "r+"));
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const data = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.handle.read(data, done, length - done, offset + done);
      if (bytesRead === 0) throw failure(this.path, "it ends early");
      done += bytesRead;
    }
    return data;
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < data.length; ) {
        const { bytesWritten } = await this.handle.write(
          data,
          done,
          data.length - done,
          offset + done,
        );
        done += bytesWritten;
      }
    } catch (cause) {
      throw failure(this.path, cause);
    }
  }

  /** Zeros, which take no space where the file system can do that. */
  async clear({ start, length }: Extent): Promise<void> {
    if (length <= 0 || (await punchHoleIn(this.handle.fd, start, length)) === 0) return;
    const zeros = new Uint8Array(pieceBytes);
    for (let done = 0; done < length; done += pieceBytes) {
      await this.write(start + done, zeros.subarray(0, Math.min(pieceBytes, length - done)));
    }
  }

  /** Bytes of the place that are no hole. */
  dataBytes(place: Extent): number {
    let total = 0;
    for (const { length } of this.dataIn(place)) total += length;
    return total;
  }

  /** Moves what is at `from` down to `to`; the two places may overlap. */
  async moveDown(
    { from, to, size }: { readonly from: number; readonly to: number; readonly size: number },
    signal: AbortSignal,
    copied: (bytes: number) => void,
  ): Promise<void> {
    assert(to <= from, "what moves goes down");
    const by = from - to;
    let at = from;
    for (const { start, length } of this.dataIn({ start: from, length: size })) {
      signal.throwIfAborted();
      await this.clear({ start: at - by, length: start - at });
      await this.write(start - by, await this.read(start, length));
      copied(length);
      at = start + length;
    }
    await this.clear({ start: at - by, length: from + size - at });
    const freed = Math.max(from, to + size);
    await this.clear({ start: freed, length: from + size - freed });
  }

  async setSize(size: number): Promise<void> {
    await this.handle.truncate(size);
    await this.handle.sync();
  }

  async sync(): Promise<void> {
    await this.handle.sync().catch((cause: unknown) => {
      throw failure(this.path, cause);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle.close();
  }

  /** In pieces, in order. It is looked for piece by piece, since what was copied is data as well. */
  private *dataIn({ start, length }: Extent): Generator<Extent> {
    const end = start + length;
    for (let at = start; at < end; ) {
      const data = seekIn(this.handle.fd, at, "data");
      if (data === null || data >= end) return;
      const hole = Math.min(end, seekIn(this.handle.fd, data, "hole") ?? end, data + pieceBytes);
      yield { start: data, length: hole - data };
      at = hole;
    }
  }
}

function failure(path: string, cause: unknown): RoomcastError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const hasNoSpace = isFull(code);
  const why = hasNoSpace ? "no space is left" : (code ?? message ?? String(cause));
  return new RoomcastError(
    hasNoSpace ? "no-space" : "failed",
    `working on ${path}: ${why}`,
    hasNoSpace ? "free space in its folder" : "check the disk that holds the folder",
    { cause },
  );
}
