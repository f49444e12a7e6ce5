/** Where an exported disk is written, when it is a file: raw with holes, compressed, or a virtual disk. */

import { once } from "node:events";
import { chmod, type FileHandle, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { isFull } from "../../core/node/disk-full.ts";
import { syncDirectory } from "../../core/node/sync-directory.ts";
import { chunkBytes } from "../../core/units/units.ts";
import { type Compression, compressionBySuffix, compressor } from "./compression.ts";
import { createVirtualDisk, type VirtualFormat, virtualFormats } from "./virtual-disk.ts";

/** Takes what is not zero of a disk, in its order. What was not finished when it is disposed of is removed. */
export interface DiskSink extends AsyncDisposable {
  write(offset: number, data: Uint8Array): Promise<void>;
  /** Durable, under its name. */
  finish(): Promise<void>;
}

/** The kind by the file's suffix: `.qcow2` and its like, `.gz` and its like, else raw. */
export async function openFileSink(
  path: string,
  diskBytes: number,
  signal: AbortSignal,
): Promise<DiskSink> {
  // Beside its place, so that a file of that name stays until this one is whole.
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  const format = virtualFormats.find(({ name }) => path.toLowerCase().endsWith(`.${name}`));
  const compression = compressionBySuffix(path.toLowerCase());
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(beside, { force: true }));
  const body = cleanup.use(
    await (format !== undefined
      ? virtualBody(beside, format, diskBytes, signal)
      : compression !== undefined
        ? compressedBody(beside, compression, diskBytes)
        : rawBody(beside, diskBytes)
    ).catch((cause: unknown) => {
      throw writeError(path, cause);
    }),
  );
  const owned = cleanup.move();
  return {
    write: (offset, data) =>
      body.write(offset, data).catch((cause: unknown) => {
        throw writeError(path, cause);
      }),
    async finish() {
      try {
        await body.end();
        await rename(beside, path);
        await syncDirectory(dirname(path));
      } catch (cause) {
        throw writeError(path, cause);
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface Body extends AsyncDisposable {
  write(offset: number, data: Uint8Array): Promise<void>;
  /** All of it is on the disk, and closed. */
  end(): Promise<void>;
}

async function rawBody(path: string, diskBytes: number): Promise<Body> {
  const handle = await open(path, "wx", 0o600);
  await handle.truncate(diskBytes);
  return inPlace(handle);
}

async function virtualBody(
  path: string,
  format: VirtualFormat,
  diskBytes: number,
  signal: AbortSignal,
): Promise<Body> {
  await using cleanup = new AsyncDisposableStack();
  const virtual = cleanup.use(await createVirtualDisk(path, format, diskBytes, signal));
  // A disk has secrets; qemu-img makes files that all may read.
  await chmod(path, 0o600);
  const inside = cleanup.use(inPlace(await open(virtual.path, "r+")));
  const owned = cleanup.move();
  return {
    write: inside.write,
    async end() {
      await inside.end();
      await owned.disposeAsync();
      await using handle = await open(path, "r+");
      await handle.sync();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function inPlace(handle: FileHandle): Body {
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await handle.close();
  };
  return {
    async write(offset, data) {
      for (let done = 0; done < data.length; ) {
        const { bytesWritten } = await handle.write(data, done, data.length - done, offset + done);
        done += bytesWritten;
      }
    },
    async end() {
      await handle.sync();
      await close();
    },
    [Symbol.asyncDispose]: close,
  };
}

const zeros = Buffer.alloc(chunkBytes);

async function compressedBody(
  path: string,
  compression: Compression,
  diskBytes: number,
): Promise<Body> {
  const handle = await open(path, "wx", 0o600);
  const tool = compressor(compression, handle.fd);
  // The tool's end says why.
  tool.stdin.on("error", () => {});
  let at = 0;
  const push = async (data: Uint8Array): Promise<void> => {
    at += data.length;
    if (tool.stdin.write(data)) return;
    await Promise.race([once(tool.stdin, "drain").catch(() => tool.ended), tool.ended]);
  };
  const zeroTo = async (offset: number): Promise<void> => {
    while (at < offset) await push(zeros.subarray(0, Math.min(zeros.length, offset - at)));
  };
  const inside = inPlace(handle);
  return {
    async write(offset, data) {
      await zeroTo(offset);
      await push(data);
    },
    async end() {
      await zeroTo(diskBytes);
      tool.stdin.end();
      await tool.ended;
      await inside.end();
    },
    async [Symbol.asyncDispose]() {
      tool.kill();
      await tool.ended.catch(() => {});
      await inside[Symbol.asyncDispose]();
    },
  };
}

function writeError(path: string, cause: unknown): RoomcastError {
  if (cause instanceof RoomcastError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  const hasNoSpace = isFull(code);
  return new RoomcastError(
    hasNoSpace ? "no-space" : "failed",
    `writing ${path}: ${hasNoSpace ? "no space is left" : (code ?? message)}`,
    hasNoSpace ? "free space in the file's folder" : "check that the folder exists and is writable",
    { cause },
  );
}
