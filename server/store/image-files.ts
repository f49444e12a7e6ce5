/** Manifests and indexes as files: `images/ID.index`, and `images/ID.json`, whose being there is the commit. */
import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { decodeIndex } from "../../core/image/index-codec.ts";
import { canonicalJson, decodeManifest } from "../../core/image/manifest.ts";
import { rootHashOf } from "../../core/image/merkle.ts";
import type { Manifest } from "../../core/image/types.ts";
import { storeError } from "./faults.ts";
import { syncDirectory } from "./packs.ts";

export const sha256 = (data: Uint8Array): Uint8Array =>
  new Uint8Array(createHash("sha256").update(data).digest());

export const imageName = ({ name, version }: Manifest): string => `${name}@${version}`;

/** What is in the folder: images, and in words what could not be read. Leftovers of commits that never were are removed. */
export async function readManifests(
  directory: string,
): Promise<{ images: Manifest[]; problems: string[] }> {
  await mkdir(directory, { recursive: true });
  const names = new Set(await readdir(directory));
  const images: Manifest[] = [];
  const problems: string[] = [];
  for (const name of names) {
    const path = join(directory, name);
    const [id = "", ending] = name.split(".");
    if (name.endsWith(".new") || (ending === "index" && !names.has(`${id}.json`))) {
      await unlink(path);
    } else if (ending === "json") {
      const decoded = decodeManifest(await readFile(path, "utf8"));
      if (!decoded.ok) problems.push(`image ${id}: its manifest is damaged (${decoded.reason})`);
      else if (decoded.value.id !== id) problems.push(`image ${id}: its manifest is of another`);
      else images.push(decoded.value);
    }
  }
  return { images, problems };
}

/** Durable when it resolves; the rename of the manifest is what makes the image be. */
export async function commitImage(
  directory: string,
  manifest: Manifest,
  index: Uint8Array,
): Promise<void> {
  try {
    await writeDurably(directory, `${manifest.id}.index`, index);
    await writeDurably(directory, `${manifest.id}.json`, Buffer.from(canonicalJson(manifest)));
  } catch (cause) {
    for (const end of ["json", "json.new", "index", "index.new"]) {
      await unlink(join(directory, `${manifest.id}.${end}`)).catch(() => {});
    }
    throw storeError("committing the image", cause);
  }
}

export async function removeImage(directory: string, { id }: Manifest): Promise<void> {
  try {
    await unlink(join(directory, `${id}.json`));
    await syncDirectory(directory);
    await unlink(join(directory, `${id}.index`)).catch(() => {});
  } catch (cause) {
    throw storeError("deleting the image", cause);
  }
}

/** The index as committed; rejects with `bad-input` when it is not what the manifest's root hash says. */
export async function readIndex(directory: string, manifest: Manifest): Promise<Uint8Array> {
  const index = await readFile(join(directory, `${manifest.id}.index`)).catch((cause) => {
    throw damagedIndex(manifest, "it cannot be read", cause);
  });
  const decoded = decodeIndex(index, manifest.diskBytes);
  if (!decoded.ok) throw damagedIndex(manifest, decoded.reason);
  if (rootHashOf(index, sha256) !== manifest.rootHash) {
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

async function writeDurably(directory: string, name: string, data: Uint8Array): Promise<void> {
  const path = join(directory, name);
  {
    await using handle = await open(`${path}.new`, "w", 0o600);
    await handle.writeFile(data);
    await handle.sync();
  }
  await rename(`${path}.new`, path);
  await syncDirectory(directory);
}
