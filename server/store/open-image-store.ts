import { join } from "node:path";
import { openCatalogue } from "./catalogue.ts";
import { Chunks } from "./chunks.ts";
import { FolderStore } from "./folder-store.ts";
import { readManifests } from "./image-files.ts";
import { ImageNotes } from "./image-notes.ts";
import { ImageNumbers } from "./image-numbers.ts";
import { Packs } from "./packs.ts";
import { nodePorts, type StorePorts } from "./store-ports.ts";

/**
 * Opens the store, and makes it on first use. What an interrupted process left is removed; of a large store that goes on
 * when this resolves. Rejects with `cancelled` once `signal` aborts: a catalogue that is checked or made anew takes long.
 */
export async function openImageStore(
  directory: string,
  ports: StorePorts = nodePorts(directory),
  signal: AbortSignal = new AbortController().signal,
): Promise<FolderStore> {
  const { disk } = ports;
  await disk.makeFolder(directory);
  const folder = join(directory, "images");
  const { images, problems } = await readManifests(disk, folder);
  const numbers = await ImageNumbers.open(disk, directory);
  const notes = await ImageNotes.open(disk, folder);
  const packs = await Packs.open(join(directory, "packs"), disk);
  const catalogue = await openCatalogue(ports.catalogue, packs, signal);
  const chunks = new Chunks({
    ...{ packs, catalogue },
    space: () => disk.space(directory),
    pause: () => disk.pause(),
  });
  await chunks.finishErasing();
  const store = new FolderStore({
    ...{ ports, directory, folder, images, problems, numbers, notes, chunks },
  });
  await store.dropOrphans();
  await store.tidy();
  void store.readAhead();
  return store;
}
