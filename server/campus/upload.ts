/**
 * Puts one image of the folder into the storage: the chunks that are not there, or that the storage has lost, in packs, then
 * its index and manifest, and last of all the registry is told. It may end at any step: what was told by then is found there next time.
 */
import { errorText, RoomcastError } from "../../core/errors.ts";
import { encodeManifestFile, imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import { hashKey, hexSha256 } from "../../core/node/hash.ts";
import type { StoredChunk } from "../store/pack-job.ts";
import { requireOwnStorage } from "./own-storage.ts";
import { encodeImageObject, imageObjectName, PackBuilder, packObjectName } from "./pack-object.ts";
import { foundBefore, type LostPacks, PacksSeen } from "./packs-seen.ts";
import { type CampusTime, patiently } from "./patience.ts";
import { PlaceTable } from "./place-table.ts";
import type { CampusPlace, CampusWriter, ObjectStore, Registry } from "./ports.ts";
import { hashesAtOnce } from "./remote-images.ts";
import type { Seal } from "./seal.ts";

export interface UploadPorts {
  readonly registry: Pick<Registry, "beginWriter" | "images">;
  readonly objects: Pick<ObjectStore, "put" | "size">;
  readonly seal: Seal | null;
  readonly time: CampusTime;
  /** As many random bytes as a pack's salt has. */
  salt(): Uint8Array;
  index(imageId: string): Promise<Uint8Array>;
  storedChunk(imageId: string, entry: number): Promise<StoredChunk>;
  /** Does it while what is known of the campus is not looked at. */
  exclusively(work: () => Promise<void>): Promise<void>;
  /** Whether the campus does not have it, and never had. */
  isLacking(manifest: Manifest): boolean;
  /** The campus has it. Durable when it resolves. */
  committed(manifest: Manifest): Promise<void>;
  /** The ids of the images that the campus has. */
  shared(): readonly string[];
  /** The storage has lost a pack of others, or its end: what the image has in it is put there again. */
  lost(pack: string): void;
  /** Why it waits, in words; null: not any more. */
  waits(reason: string | null): void;
  /** Lets other work have its turn. */
  pause(): Promise<void>;
}

/**
 * Rejects with the reason of the signal, `bad-input` for a chunk that is damaged here and that the storage does not have,
 * `conflict` as the registry says.
 */
export async function uploadImage(
  manifest: Manifest,
  ports: UploadPorts,
  signal: AbortSignal,
): Promise<void> {
  const { time, waits } = ports;
  const again = <T>(work: () => Promise<T>): Promise<T> => patiently({ time, signal, work, waits });
  const index = await ports.index(manifest.id);
  const table = new PlaceTable(index);
  const entries = await chunkEntries(table, ports);
  const writer = await again(() => ports.registry.beginWriter());
  try {
    const seen = new PacksSeen({
      ...{ objects: ports.objects, lost: (pack) => ports.lost(pack) },
      requireOwn: () => requireOwnStorage(ports.shared(), ports.objects),
    });
    const packs: LostPacks = {
      lost: seen.lost,
      look: (places) => again(() => seen.look(places)),
      isBack: (pack) => seen.isBack(pack),
    };
    await putChunks(
      manifest.id,
      { table, entries },
      {
        ...{ ...ports, writer, again, signal, packs },
        storedChunk: (id, entry, lostFrom) =>
          ports.storedChunk(id, entry).catch((error: unknown) => {
            if (lostFrom === null || !isDamagedHere(error)) throw error;
            throw nowhere(manifest, { entry, pack: lostFrom.pack }, error);
          }),
      },
    );
    for (const { name, bytes } of imageObjects(manifest, index, ports.seal))
      await again(() => ports.objects.put(name, bytes, signal));
    await again(() =>
      ports.exclusively(async () => {
        // An answer may have been lost before: others have it by then, and may have deleted it since.
        if (!ports.isLacking(manifest)) return;
        await commit(writer, manifest, { hashes: table.hashes(entries), registry: ports.registry });
        await ports.committed(manifest);
      }),
    );
  } finally {
    // What it held is let go by itself, later.
    await writer.end().catch(() => {});
  }
}

export interface AgainPorts
  extends Pick<UploadPorts, "seal" | "salt" | "index" | "storedChunk" | "pause"> {
  readonly objects: Pick<ObjectStore, "put">;
  readonly registry: Pick<Registry, "beginWriter">;
}

/**
 * Puts into the storage again what it has lost of an image that is here: its packs and objects of these names. A chunk that
 * is damaged here stays lost. Rejects with `away`, and with the reason of the signal.
 */
export async function putAgain(
  manifest: Manifest,
  lost: { readonly packs: Set<string>; readonly objects: ReadonlySet<string> },
  ports: AgainPorts,
  signal: AbortSignal,
): Promise<void> {
  const index = await ports.index(manifest.id);
  const table = new PlaceTable(index);
  const entries = await chunkEntries(table, ports);
  const writer = await ports.registry.beginWriter();
  try {
    await putChunks(
      manifest.id,
      { table, entries },
      {
        ...{ ...ports, writer, signal, packs: foundBefore(lost.packs), again: (work) => work() },
        storedChunk: (id, entry) => ports.storedChunk(id, entry).catch(onlyDamage),
      },
    );
    for (const { name, bytes } of imageObjects(manifest, index, ports.seal))
      if (lost.objects.has(name)) await ports.objects.put(name, bytes, signal);
  } finally {
    await writer.end().catch(() => {});
  }
}

const isDamagedHere = (error: unknown): boolean =>
  error instanceof RoomcastError && error.code === "bad-input";

function onlyDamage(error: unknown): null {
  if (isDamagedHere(error)) return null;
  throw error;
}

/** A chunk that neither the storage has nor this server. */
const nowhere = (
  manifest: Manifest,
  { entry, pack }: { readonly entry: number; readonly pack: string },
  cause: unknown,
): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `the storage has lost ${packObjectName(pack)}, and chunk ${entry} of ${imageName(manifest)}, which was in it, is damaged on this server, too: ${errorText(cause)}`,
    "run `roomcast image verify --repair` on another server that has an image with this chunk, put the object back from a backup of the storage, or capture the image again",
    { cause },
  );

/** What of an image lies in the storage beside its chunks. */
const imageObjects = (manifest: Manifest, index: Uint8Array, seal: Seal | null) =>
  (
    [
      ["index", index],
      ["manifest", Buffer.from(encodeManifestFile(manifest, hexSha256))],
    ] as const
  ).map(([part, plain]) => {
    const name = imageObjectName(manifest.id, part);
    return { name, bytes: encodeImageObject(name, plain, seal) };
  });

async function commit(
  writer: CampusWriter,
  manifest: Manifest,
  { hashes, registry }: { readonly hashes: Uint8Array } & Pick<UploadPorts, "registry">,
): Promise<void> {
  try {
    await writer.commit(manifest, hashes);
  } catch (error) {
    if (!(error instanceof RoomcastError) || error.code !== "conflict") throw error;
    // It was done, and the answer was lost on its way, maybe before this server was started anew.
    const all = await registry.images();
    if (!all.some(({ manifest: { id } }) => id === manifest.id)) throw error;
  }
}

/** Of each chunk the first entry that has it; none of zeros. */
async function chunkEntries(
  table: PlaceTable,
  { pause }: Pick<UploadPorts, "pause">,
): Promise<number[]> {
  const seen = new Set<string>();
  const entries: number[] = [];
  for (let entry = 0; entry < table.entryCount; entry++) {
    if (entry % hashesAtOnce === 0) await pause();
    const key = hashKey(table.hash(entry));
    if (table.isZero(entry) || seen.has(key)) continue;
    seen.add(key);
    entries.push(entry);
  }
  return entries;
}

interface PutPorts extends Pick<UploadPorts, "seal" | "salt"> {
  readonly objects: Pick<ObjectStore, "put">;
  readonly writer: CampusWriter;
  readonly signal: AbortSignal;
  readonly packs: LostPacks;
  /** Null: it cannot be had, and is left out. `lostFrom`: where the storage had it, and has it no more. */
  storedChunk(
    imageId: string,
    entry: number,
    lostFrom: CampusPlace | null,
  ): Promise<StoredChunk | null>;
  again<T>(work: () => Promise<T>): Promise<T>;
}

async function putChunks(
  imageId: string,
  { table, entries }: { readonly table: PlaceTable; readonly entries: readonly number[] },
  ports: PutPorts,
): Promise<void> {
  const { again, writer, seal, packs } = ports;
  const newPack = (): PackBuilder =>
    new PackBuilder(seal === null ? null : { seal, salt: ports.salt() });
  let builder: PackBuilder | null = null;
  for (let first = 0; first < entries.length; first += hashesAtOnce) {
    const some = entries.slice(first, first + hashesAtOnce);
    const places = await again(() => writer.hold(table.hashes(some)));
    await packs.look(places.filter((place) => place !== null));
    for (const [at, entry] of some.entries()) {
      const place = places[at] ?? null;
      if (place !== null && !packs.lost.has(place.pack)) continue;
      const found = await ports.storedChunk(imageId, entry, place);
      if (found === null) continue;
      const { entry: form, stored } = found;
      builder ??= newPack();
      if (!builder.fits(stored.length)) {
        await putPack(builder, ports);
        builder = newPack();
      }
      builder.add(form, stored);
    }
  }
  if (builder !== null) await putPack(builder, ports);
}

async function putPack(builder: PackBuilder, ports: PutPorts): Promise<void> {
  const { pack, content } = builder.finish();
  const name = packObjectName(pack.name);
  await ports.again(() => ports.objects.put(name, content, ports.signal));
  ports.packs.isBack(pack);
  await ports.again(() => ports.writer.addPack(pack, [...ports.packs.lost]));
}
