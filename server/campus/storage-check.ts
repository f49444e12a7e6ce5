/** Looks whether the storage has the objects that images need: that they are there, and as long as they were. */
import { errorText } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import { inLanes } from "../../core/lanes.ts";
import type { Damage } from "../store/verify.ts";
import { imageObjectName, packObjectName } from "./pack-object.ts";
import { isAway } from "./patience.ts";
import { PlaceTable } from "./place-table.ts";
import type { ObjectStore, Registry } from "./ports.ts";
import { batches } from "./remote-images.ts";

/** Objects that are looked for at once. */
const laneCount = 8;

export interface StorageCheckPorts {
  readonly registry: Pick<Registry, "placesOf">;
  readonly objects: Pick<ObjectStore, "size">;
  /** Rejects with `bad-input` where it is lost or damaged. */
  index(image: Manifest): Promise<Uint8Array>;
  readonly signal?: AbortSignal;
}

/** What an image lacks in the storage. */
interface Lack {
  readonly object: string;
  readonly why: string;
  /** Chunks of the image that are in it. */
  readonly chunks: number;
}

/** Whether the storage has all of an image; false also where that cannot be found out. */
export async function isWhole(image: Manifest, ports: StorageCheckPorts): Promise<boolean> {
  try {
    return (await lostObjects([image], ports)).length === 0;
  } catch {
    return false;
  }
}

/** Objects of the images that are lost, each named once, with those who suffer. Rejects with `away`, or as the signal. */
export async function lostObjects(
  images: readonly Manifest[],
  ports: StorageCheckPorts,
): Promise<Damage[]> {
  const sizes = new Map<string, Promise<number | null>>();
  const lost = new Map<string, { why: string; chunks: number; images: string[] }>();
  for (const image of images) {
    for (const { object, why, chunks } of await lacksOf(image, ports, sizes)) {
      const known = lost.get(object) ?? { why, chunks: 0, images: [] };
      known.chunks += chunks;
      known.images.push(imageName(image));
      lost.set(object, known);
    }
  }
  return [...lost].map(([object, { why, chunks, images: users }]) => ({
    ...{ image: users[0] as string, chunkIndex: null, pack: object, images: users },
    reason: `the storage's ${object} ${why}${chunks > 0 ? `, with ${chunks} chunks` : ""} of ${users.join(", ")}: run \`roomcast image verify --repair\` on a server that has the image, or put the object back from a backup of the storage`,
  }));
}

async function lacksOf(
  image: Manifest,
  ports: StorageCheckPorts,
  sizes: Map<string, Promise<number | null>>,
): Promise<Lack[]> {
  const lacks: Lack[] = [];
  const sizeOf = (object: string): Promise<number | null> => {
    const known = sizes.get(object) ?? ports.objects.size(object);
    sizes.set(object, known);
    return known;
  };
  for (const part of ["index", "manifest"] as const) {
    const object = imageObjectName(image.id, part);
    if ((await sizeOf(object)) === null) lacks.push({ object, why: "is lost", chunks: 0 });
  }
  let index: Uint8Array;
  try {
    index = await ports.index(image);
  } catch (error) {
    if (isAway(error)) throw error;
    if (lacks.length > 0) return lacks;
    const object = imageObjectName(image.id, "index");
    return [{ object, why: `is damaged (${errorText(error)})`, chunks: 0 }];
  }
  const { packs, unplaced } = await packsOf(new PlaceTable(index), ports);
  if (unplaced > 0)
    lacks.push({ object: "database", why: "does not know where the chunks are", chunks: unplaced });
  await inLanes(packs, laneCount, async ([pack, { chunks, end }]) => {
    ports.signal?.throwIfAborted();
    const object = packObjectName(pack);
    const size = await sizeOf(object);
    if (size === null) lacks.push({ object, why: "is lost", chunks });
    else if (size < end)
      lacks.push({ object, why: `has ${size} bytes and should have more`, chunks });
  });
  return lacks;
}

/** By pack, how many chunks of the index are in it, and where the last of them ends; and how many are in none. */
async function packsOf(
  table: PlaceTable,
  { registry, signal }: StorageCheckPorts,
): Promise<{ packs: Map<string, { chunks: number; end: number }>; unplaced: number }> {
  const packs = new Map<string, { chunks: number; end: number }>();
  let unplaced = 0;
  for (const entries of batches(table)) {
    signal?.throwIfAborted();
    for (const place of await registry.placesOf(table.hashes(entries))) {
      if (place === null) {
        unplaced++;
        continue;
      }
      const known = packs.get(place.pack) ?? { chunks: 0, end: 0 };
      known.chunks++;
      known.end = Math.max(known.end, place.offset + place.length);
      packs.set(place.pack, known);
    }
  }
  return { packs, unplaced };
}
