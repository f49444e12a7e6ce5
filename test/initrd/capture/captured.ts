/** A disk captured over HTTP into a store, and put together again on another full of random bytes. */
import { randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import fastify from "fastify";
import { decodeIndex } from "../../../core/image/index-codec.ts";
import { codec, type IndexEntry, type Manifest } from "../../../core/image/types.ts";
import { openDisk } from "../../../core/node/disk.ts";
import { chunkBytes, chunkLengthAt } from "../../../core/units/units.ts";
import { captureDisk } from "../../../initrd/agent/capture/capture.ts";
import { httpUplink } from "../../../initrd/agent/capture/uplink.ts";
import { captureRoutes } from "../../../server/api/capture-routes.ts";
import { openChunkSource } from "../../../server/store/cast-source.ts";
import { type ImageStore, openImageStore } from "../../../server/store/image-store.ts";

export interface Captured {
  readonly image: Manifest;
  /** The restored disk: what the image does not hold is random. */
  readonly copy: string;
  readonly chunksKept: number;
}

/** `folder` gets the store and the copy. Rejects as the capture does. */
export async function captureAndRestore(
  path: string,
  folder: string,
  { raw = false }: { readonly raw?: boolean } = {},
): Promise<Captured> {
  const directory = join(folder, "store");
  await using store = await openImageStore(directory);
  const image = await captureInto(store, path, { raw });
  const { id, diskBytes } = image;
  const decoded = decodeIndex(await store.index(id), diskBytes);
  if (!decoded.ok) throw new Error(decoded.reason);
  const copy = join(folder, "copy");
  const fd = openSync(copy, "w");
  ftruncateSync(fd, diskBytes);
  const junk = randomBytes(chunkBytes);
  for (let at = 0; at < diskBytes; at += chunkBytes)
    writeSync(fd, junk, 0, Math.min(chunkBytes, diskBytes - at), at);
  const source = await openChunkSource({ directory, imageId: id });
  for (const [entryIndex, entry] of decoded.value.entries()) {
    const stored = await source.read(entryIndex);
    const length = chunkLengthAt(entry.chunkIndex, diskBytes);
    writeSync(fd, rawChunk(entry, stored, length), 0, length, entry.chunkIndex * chunkBytes);
  }
  await source.close();
  closeSync(fd);
  return { image, copy, chunksKept: decoded.value.length };
}

/** Captures the disk as an agent does, into `store`. Rejects as the capture does. */
export async function captureInto(
  store: ImageStore,
  path: string,
  { raw = false }: { readonly raw?: boolean } = {},
): Promise<Manifest> {
  const writer = store.beginImage("lab");
  const committed: Manifest[] = [];
  const app = fastify();
  await captureRoutes(app, {
    prefix: "/agent/v1/captures",
    writerFor: () => writer,
    onCommitted: (_task, manifest) => committed.push(manifest),
  });
  try {
    const server = new URL(await app.listen({ host: "127.0.0.1", port: 0 }));
    const { signal } = new AbortController();
    await using disk = await openDisk(path, { write: false });
    await captureDisk({
      disk,
      source: "test",
      raw,
      uplink: httpUplink({ server, task: "s1", signal }),
      signal,
      progress: () => {},
      log: () => {},
    });
  } finally {
    await app.close();
  }
  return committed[0] as Manifest;
}

/** The bytes on the disk, `length` of them, of which these are the stored ones. */
export function rawChunk(entry: IndexEntry, stored: Uint8Array, length: number): Uint8Array {
  if (entry.codec === codec.zero) return Buffer.alloc(length);
  return entry.codec === codec.raw ? stored : zstdDecompressSync(stored);
}
