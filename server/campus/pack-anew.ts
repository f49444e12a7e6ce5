/** Packs anew what lives in packs of the storage that are mostly dead. The stored bytes of a chunk stay as they are. */
import type { IndexEntry } from "../../core/image/types.ts";
import { PackBuilder, packObjectName, readRecord } from "./pack-object.ts";
import { isDamage } from "./patience.ts";
import type { CampusPlace, ObjectStore } from "./ports.ts";
import type { Seal } from "./seal.ts";
import type { HalfDeadPack, PackAnew } from "./sweep.ts";

/** Of one request, in bytes. */
const requestBytes = 4 * 1024 * 1024;

export interface PackAnewPorts {
  readonly objects: Pick<ObjectStore, "get" | "put">;
  readonly seal: Seal | null;
  /** As many random bytes as a pack's salt has. */
  salt(): Uint8Array;
}

/** A pack that is lost or damaged is left as it is: whoever verifies an image is told of it. */
export const packsAnew =
  ({ objects, seal, salt }: PackAnewPorts): PackAnew =>
  async (packs, step) => {
    const builder = new PackBuilder(seal === null ? null : { seal, salt: salt() });
    const from: string[] = [];
    for (const pack of packs) {
      const chunks = await livingChunks(pack, { objects, seal, step });
      if (chunks === null) continue;
      for (const { entry, stored } of chunks) builder.add(entry, stored);
      from.push(pack.name);
    }
    if (from.length === 0) return null;
    const { pack, content } = builder.finish();
    await step();
    await objects.put(packObjectName(pack.name), content);
    return { pack, from };
  };

interface Chunk {
  readonly entry: IndexEntry;
  readonly stored: Uint8Array;
}

/** Null: something of it is lost or damaged. */
async function livingChunks(
  { name, places }: HalfDeadPack,
  ports: Pick<PackAnewPorts, "objects" | "seal"> & { step(): Promise<void> },
): Promise<Chunk[] | null> {
  const chunks: Chunk[] = [];
  try {
    for (const run of runsOf(places)) {
      await ports.step();
      const [first, last] = [run[0] as CampusPlace, run.at(-1) as CampusPlace];
      const range = { offset: first.offset, length: last.offset + last.length - first.offset };
      const bytes = await ports.objects.get(packObjectName(name), range);
      for (const place of run) {
        const from = place.offset - first.offset;
        const stored = readRecord(bytes.subarray(from, from + place.length), place, ports.seal);
        chunks.push({ entry: place.entry, stored });
      }
    }
    return chunks;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return null;
  }
}

/** Places that one request brings, with what lies between them. */
function* runsOf(places: readonly CampusPlace[]): Generator<CampusPlace[]> {
  let run: CampusPlace[] = [];
  for (const place of places) {
    const first = run[0];
    if (first !== undefined && place.offset + place.length > first.offset + requestBytes) {
      yield run;
      run = [];
    }
    run.push(place);
  }
  if (run.length > 0) yield run;
}
