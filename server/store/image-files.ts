/**
 * Manifests and indexes as files: `images/ID.index`, and `images/ID.json`, whose being there is the
 * commit; and numbers by name: `versions.json`, the highest version that each name whose newest was deleted
 * ever had, `least.json`, the smallest disk that an image was found to fit, `packed.json`, the bytes of an
 * image that was packed anew, and `used.json`, when the images of a campus were used last. `optimise.json` says how
 * those are to be packed that somebody ordered so.
 */

import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { decodeManifestFile, encodeManifestFile, imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import { hexSha256 } from "../../core/node/hash.ts";
import { canonicalJson } from "../../core/units/canonical-json.ts";
import type { Checker } from "./checkers.ts";
import { storeError } from "./faults.ts";
import type { StoreFiles } from "./files.ts";
import type { RepackOrder } from "./repack.ts";

/** What is in the folder: images, and in words what could not be read. Leftovers of commits that never were are removed. */
export async function readManifests(
  disk: StoreFiles,
  directory: string,
): Promise<{ images: Manifest[]; problems: string[] }> {
  await disk.makeFolder(directory);
  // A process that was killed may have removed a manifest that a power cut would bring back, after its chunks are swept.
  await disk.syncFolder(directory);
  const names = new Set(await disk.list(directory));
  const images: Manifest[] = [];
  const problems: string[] = [];
  for (const name of names) {
    const path = join(directory, name);
    const [id = "", ending] = name.split(".");
    if (name.endsWith(".new") || (ending === "index" && !names.has(`${id}.json`))) {
      await disk.remove(path);
    } else if (ending === "json") {
      try {
        images.push(await readManifest(disk, directory, id));
      } catch (error) {
        if (!(error instanceof RoomcastError)) throw error;
        problems.push(error.message);
      }
    }
  }
  return { images, problems };
}

/** Rejects with `not-found`, or `bad-input` that says what is wrong with it. */
export async function readManifest(
  disk: StoreFiles,
  directory: string,
  id: string,
): Promise<Manifest> {
  const text = await readText(disk, join(directory, `${id}.json`)).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw damaged(id, "unreadable", cause);
    const next = "see `roomcast image list`";
    throw new RoomcastError("not-found", `there is no image ${id}`, next, { cause });
  });
  const decoded = decodeManifestFile(text, hexSha256);
  if (!decoded.ok) throw damaged(id, decoded.reason);
  if (decoded.value.id !== id) throw damaged(id, "it belongs to another image");
  return decoded.value;
}

const damaged = (id: string, why: string, cause?: unknown): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `the manifest of image ${id} is damaged: ${why}`,
    "restore images/ of the data folder's store from a backup, or remove the file and capture the image again",
    { cause },
  );

const readText = async (disk: StoreFiles, path: string): Promise<string> =>
  Buffer.from(await disk.read(path)).toString("utf8");

/** Of numbers by name. */
export type NumbersFile = "versions.json" | "least.json" | "packed.json" | "used.json";

const ordersFile = "optimise.json";

/** By the image's id. What cannot be read was not ordered. */
export async function readOrders(
  disk: StoreFiles,
  directory: string,
): Promise<Map<string, RepackOrder>> {
  const text = await readText(disk, join(directory, ordersFile)).catch(() => "{}");
  const orders = new Map<string, RepackOrder>();
  try {
    for (const [id, how] of Object.entries(JSON.parse(text) as object)) {
      const { level, threads } =
        typeof how === "number" ? { level: how, threads: null } : (how ?? {});
      if (Number.isInteger(level))
        orders.set(id, { level, threads: Number.isInteger(threads) ? threads : null });
    }
  } catch {
    return new Map();
  }
  return orders;
}

export function writeOrders(
  disk: StoreFiles,
  directory: string,
  orders: ReadonlyMap<string, RepackOrder>,
): Promise<void> {
  const entries = [...orders].map(([id, { level, threads }]) => [
    id,
    // The level alone is what earlier servers know.
    threads === null ? level : { level, threads },
  ]);
  return writeJson(disk, directory, ordersFile, Object.fromEntries(entries));
}

/** The largest of each key. Empty when it was never written; `null` when it cannot be read, or is damaged. */
export async function readNumbers(
  disk: StoreFiles,
  directory: string,
  file: NumbersFile,
  keyOf: (name: string) => string,
): Promise<Map<string, number> | null> {
  try {
    const text = await readText(disk, join(directory, file)).catch(
      (cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return "{}";
        throw cause;
      },
    );
    const pairs: [string, unknown][] = Object.entries(JSON.parse(text) as object);
    const numbers = new Map<string, number>();
    for (const [name, value] of pairs) {
      const key = keyOf(name);
      if (Number.isInteger(value))
        numbers.set(key, Math.max(value as number, numbers.get(key) ?? 0));
    }
    return numbers;
  } catch {
    return null;
  }
}

export function writeNumbers(
  disk: StoreFiles,
  directory: string,
  file: NumbersFile,
  numbers: ReadonlyMap<string, number>,
): Promise<void> {
  return writeJson(disk, directory, file, Object.fromEntries(numbers));
}

async function writeJson(
  disk: StoreFiles,
  directory: string,
  file: string,
  value: object,
): Promise<void> {
  await disk.writeDurably(join(directory, file), canonicalJson(value)).catch((cause: unknown) => {
    throw storeError(`writing ${file}`, cause);
  });
}

/** Durable when it resolves; the rename of the manifest is what makes the image be. */
export async function commitImage(
  disk: StoreFiles,
  directory: string,
  manifest: Manifest,
  index: Uint8Array,
): Promise<void> {
  try {
    await disk.writeDurably(join(directory, `${manifest.id}.index`), index);
    const text = encodeManifestFile(manifest, hexSha256);
    await disk.writeDurably(join(directory, `${manifest.id}.json`), text);
  } catch (cause) {
    for (const end of ["json", "json.new", "index", "index.new"]) {
      await disk.remove(join(directory, `${manifest.id}.${end}`)).catch(() => {});
    }
    throw storeError("committing the image", cause);
  }
}

export async function removeImage(
  disk: StoreFiles,
  directory: string,
  { id }: Manifest,
): Promise<void> {
  try {
    await disk.remove(join(directory, `${id}.json`));
    await disk.syncFolder(directory);
    await disk.remove(join(directory, `${id}.index`)).catch(() => {});
  } catch (cause) {
    throw storeError("deleting the image", cause);
  }
}

/** The index as committed; rejects with `bad-input` when it is not what the manifest's root hash says. */
export async function readIndex(
  disk: StoreFiles,
  directory: string,
  manifest: Manifest,
  checker: Pick<Checker, "check">,
): Promise<Uint8Array> {
  const index = await disk.read(join(directory, `${manifest.id}.index`)).catch((cause) => {
    throw damagedIndex(manifest, "it cannot be read", cause);
  });
  const { diskBytes } = manifest;
  const { fault, rootHash } = await checker.check({ type: "index", index, diskBytes });
  if (fault !== null) throw damagedIndex(manifest, fault);
  if (rootHash !== manifest.rootHash) {
    throw damagedIndex(manifest, "it does not match the root hash");
  }
  return new Uint8Array(index);
}

const damagedIndex = (manifest: Manifest, why: string, cause?: unknown): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `the index of image ${imageName(manifest)} is damaged: ${why}`,
    "capture or import the image again, and check the disk that holds the data folder",
    { cause },
  );
