/** What is to be done so that a campus has the images of a server that stood alone. */
import { decodeEntry } from "../../core/image/index-codec.ts";
import { imageName } from "../../core/image/manifest.ts";
import { indexEntryBytes, type Manifest } from "../../core/image/types.ts";
import { hashKey } from "../../core/node/hash.ts";
import { foldedName } from "../../core/wire/names.ts";
import { PlaceTable } from "../campus/place-table.ts";
import type { CampusImage, Registry } from "../campus/ports.ts";
import { batches } from "../campus/remote-images.ts";

export interface MovePlan {
  /** In the order in which they are put there. */
  readonly lacking: readonly Manifest[];
  /** Those that the campus has already, as they are. */
  readonly there: readonly Manifest[];
  /** Those that cannot be put there, since another image of the campus has their name and version. */
  readonly clashes: readonly Manifest[];
  /** Chunks that the storage lacks, and about how many bytes they take there. */
  readonly chunks: number;
  readonly bytes: number;
}

export interface PlanPorts {
  readonly campusImages: readonly CampusImage[];
  /** Null: the database has no tables yet, and so knows no chunk. */
  readonly placesOf: Registry["placesOf"] | null;
  index(imageId: string): Promise<Uint8Array>;
  readonly signal: AbortSignal;
}

export async function planMove(images: readonly Manifest[], ports: PlanPorts): Promise<MovePlan> {
  const { lacking, there, clashes } = sorted(images, ports.campusImages);
  const seen = new Set<string>();
  let chunks = 0;
  let bytes = 0;
  for (const image of lacking) {
    const index = await ports.index(image.id);
    const table = new PlaceTable(index);
    for (const entries of batches(table)) {
      ports.signal.throwIfAborted();
      const fresh = entries.filter((entry) => {
        const key = hashKey(table.hash(entry));
        const isNew = !seen.has(key);
        seen.add(key);
        return isNew;
      });
      if (fresh.length === 0) continue;
      const places = await ports.placesOf?.(table.hashes(fresh));
      for (const [nth, entry] of fresh.entries()) {
        if ((places?.[nth] ?? null) !== null) continue;
        const decoded = decodeEntry(index, entry * indexEntryBytes);
        chunks++;
        bytes += decoded.ok ? decoded.value.storedLength : 0;
      }
    }
  }
  return { lacking, there, clashes, chunks, bytes };
}

function sorted(images: readonly Manifest[], campus: readonly CampusImage[]) {
  const ids = new Set(campus.map(({ manifest: { id } }) => id));
  const taken = new Set(campus.map(({ manifest }) => keyOf(manifest)));
  const lacking: Manifest[] = [];
  const there: Manifest[] = [];
  const clashes: Manifest[] = [];
  for (const image of images) {
    const { id, fitOf } = image;
    const isWithoutOrigin = clashes.some((other) => other.id === fitOf);
    if (ids.has(id)) there.push(image);
    else if (taken.has(keyOf(image)) || isWithoutOrigin) clashes.push(image);
    else lacking.push(image);
  }
  return { lacking, there, clashes };
}

/** By which no two images of a campus are the same. */
const keyOf = (image: Manifest): string => foldedName(imageName(image));
