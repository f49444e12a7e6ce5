/** Opens the image store of a server that belongs to a campus. */
import { join } from "node:path";
import { readNumbers } from "../store/image-files.ts";
import { openImageStore } from "../store/open-image-store.ts";
import type { StorePorts } from "../store/store-ports.ts";
import { Campus, type CampusPorts } from "./campus.ts";
import { CampusStore } from "./campus-store.ts";
import { KnownImages } from "./known-images.ts";

export interface CampusStorePorts
  extends Omit<CampusPorts, "folder" | "disk" | "checker" | "directory"> {
  readonly store: StorePorts;
}

/**
 * The folder is opened as by `openImageStore`, until `signal` aborts. Registry and storage are closed by whoever opened
 * them, after the store.
 */
export async function openCampusStore(
  directory: string,
  { store, ...ports }: CampusStorePorts,
  signal?: AbortSignal,
): Promise<CampusStore> {
  const { disk, checker } = store;
  const opened: { campus: Campus | null } = { campus: null };
  const inCampus: StorePorts = {
    ...store,
    campus: {
      makeRoom: async (bytes) => opened.campus?.cache.makeRoom(bytes),
      committed: () => opened.campus?.tend(),
    },
  };
  const folder = await openImageStore(directory, inCampus, signal);
  const known = await KnownImages.open(join(directory, "campus.json"), disk);
  const used = (await readNumbers(disk, directory, "used.json", (id) => id)) ?? new Map();
  const campus = new Campus({ ...ports, folder, disk, checker, directory }, known, used);
  opened.campus = campus;
  return new CampusStore(campus);
}
