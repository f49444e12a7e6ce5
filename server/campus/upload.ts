/**
 * Puts one image of the folder into the storage: the chunks that are not there, in packs, then its index and manifest,
 * and last of all the registry is told. It may end at any step: what was told by then is found there next time.
 */
import { RoomcastError } from "../../core/errors.ts";
import { encodeManifestFile } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import { hashKey, hexSha256 } from "../../core/node/hash.ts";
import type { StoredChunk } from "../store/pack-job.ts";
import { encodeImageObject, imageObjectName, PackBuilder, packObjectName } from "./pack-object.ts";
import { type CampusTime, patiently } from "./patience.ts";
import { PlaceTable } from "./place-table.ts";
import type { CampusWriter, ObjectStore, Registry } from "./ports.ts";
import { hashesAtOnce } from "./remote-images.ts";
import type { Seal } from "./seal.ts";

export interface UploadPorts {
  readonly registry: Pick<Registry, "beginWriter" | "images">;
  readonly objects: Pick<ObjectStore, "put">;
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
  /** Why it waits, in words; null: not any more. */
  waits(reason: string | null): void;
  /** Lets other work have its turn. */
  pause(): Promise<void>;
}

/** Rejects with the reason of the signal, `bad-input` for a chunk that is damaged here, `conflict` as the registry says. */
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
    const lost = new Set<string>();
    await putChunks(manifest.id, { table, entries }, { ...ports, writer, again, signal, lost });
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
  extends Pick<UploadPorts, "objects" | "seal" | "salt" | "index" | "storedChunk" | "pause"> {
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
        ...{ ...ports, writer, signal, lost: lost.packs, again: (work) => work() },
        storedChunk: (id, entry) => ports.storedChunk(id, entry).catch(onlyDamage),
      },
    );
    for (const { name, bytes } of imageObjects(manifest, index, ports.seal))
      if (lost.objects.has(name)) await ports.objects.put(name, bytes, signal);
  } finally {
    await writer.end().catch(() => {});
  }
}

function onlyDamage(error: unknown): null {
  if (error instanceof RoomcastError && error.code === "bad-input") return null;
  throw error;
}

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

interface PutPorts extends Pick<UploadPorts, "objects" | "seal" | "salt"> {
  readonly writer: CampusWriter;
  readonly signal: AbortSignal;
  /** Packs that the storage is known to have lost; one that is put anew just as it was is none any more. */
  readonly lost: Set<string>;
  /** Null: it cannot be had, and is left out. */
  storedChunk(imageId: string, entry: number): Promise<StoredChunk | null>;
  again<T>(work: () => Promise<T>): Promise<T>;
}

async function putChunks(
  imageId: string,
  { table, entries }: { readonly table: PlaceTable; readonly entries: readonly number[] },
  ports: PutPorts,
): Promise<void> {
  const { again, writer, seal, lost } = ports;
  const newPack = (): PackBuilder =>
    new PackBuilder(seal === null ? null : { seal, salt: ports.salt() });
  let builder: PackBuilder | null = null;
  for (let first = 0; first < entries.length; first += hashesAtOnce) {
    const some = entries.slice(first, first + hashesAtOnce);
    const places = await again(() => writer.hold(table.hashes(some)));
    for (const [at, entry] of some.entries()) {
      const place = places[at] ?? null;
      if (place !== null && !lost.has(place.pack)) continue;
      const found = await ports.storedChunk(imageId, entry);
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
  ports.lost.delete(pack.name);
  await ports.again(() => ports.writer.addPack(pack, [...ports.lost]));
}
