/** A disk captured over HTTP into a store, and restored by the agent to another full of random bytes. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import fastify from "fastify";
import { codec, type IndexEntry, type Manifest } from "../../../core/image/types.ts";
import { captureDisk } from "../../../imaging/capture/capture.ts";
import { httpUplink } from "../../../imaging/capture/uplink.ts";
import { openDisk } from "../../../imaging/disk/disk.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { captureRoutes } from "../../../server/store/upload-routes.ts";
import { plainHttp } from "../../tls.ts";
import { randomDisk, restoreTo } from "../restore/restored.ts";

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
  await using store = await openImageStore(join(folder, "store"));
  const image = await captureInto(store, path, { raw });
  const copy = randomDisk(join(folder, "copy"), image.diskBytes);
  const { device, release } = attach(copy, image.logicalSector);
  try {
    // With a scan nothing is discarded: what is not written stays random.
    const { outcome, reason } = await restoreTo(device, image, store, { scan: true });
    if (outcome !== "verified") throw new Error(`${outcome}: ${reason}`);
  } finally {
    release();
  }
  return { image, copy, chunksKept: image.chunkCount };
}

/** A file has sectors of 512 bytes; a loop device over it has others. */
function attach(path: string, sector: number): { device: string; release: () => void } {
  if (sector === 512) return { device: path, release: () => {} };
  const args = ["--show", "--find", "--sector-size", String(sector), path];
  const device = execFileSync("losetup", args, { encoding: "utf8" }).trim();
  return { device, release: () => void execFileSync("losetup", ["--detach", device]) };
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
    prefix: "/gate/v2/captures",
    uploadOf: () => ({ writer, chunkCount: null }),
    onCommitted: (_task, manifest) => committed.push(manifest),
  });
  try {
    const server = plainHttp(await app.listen({ host: "127.0.0.1", port: 0 }));
    const { signal } = new AbortController();
    await using disk = await openDisk(path, { write: false });
    await captureDisk({
      disk,
      source: "test",
      raw,
      uplink: httpUplink({ server, task: "s1", grant: () => "", signal }),
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
