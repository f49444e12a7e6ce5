/** `roomcast backup`: what the server knows, while it runs. */
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { RoomcastError } from "../../core/errors.ts";
import { crc32c } from "../../core/image/crc32c.ts";
import { decodeIndex } from "../../core/image/index-codec.ts";
import { imageName } from "../../core/image/manifest.ts";
import { codec, type IndexEntry, type Manifest } from "../../core/image/types.ts";
import { systemClock } from "../../core/node/clock.ts";
import { hashKey } from "../../core/node/hash.ts";
import { syncDirectory } from "../../core/node/sync-directory.ts";
import { version } from "../../core/node/version.ts";
import { writeDurably } from "../../core/node/write-durably.ts";
import { readCatalogue } from "../store/catalogue.ts";
import { checkHere } from "../store/checkers.ts";
import { readStored } from "../store/chunk-reader.ts";
import { nodeFiles } from "../store/files.ts";
import { readIndex, readManifest } from "../store/image-files.ts";
import { Packs } from "../store/packs.ts";
import { copyHashed, filesBelow } from "./copy.ts";
import { inWords } from "./in-words.ts";
import { type BackupFile, type BackupList, encodeList, listName, newList, sumOf } from "./list.ts";

export interface BackupOptions {
  readonly dataFolder: string;
  /** It is copied where it is there. */
  readonly configFile: string;
  readonly target: string;
  /** The images' chunks and the drivers of PCs, which are most of the bytes. */
  readonly withImages: boolean;
  readonly signal: AbortSignal;
  progress(done: number, total: number): void;
}

/** The configuration's place in a backup. */
export const configName = "etc/roomcast.toml";

/**
 * Makes the folder `target`, whole or not at all. Rejects with `refused` where there is something already, and
 * `bad-input` for a data folder without a server's state.
 */
export const makeBackup = (options: BackupOptions): Promise<BackupList> =>
  inWords("the backup could not be made", () => make(options));

async function make(options: BackupOptions): Promise<BackupList> {
  const { target, signal } = options;
  const there = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (there.length > 0)
    throw new RoomcastError("refused", `${target} is not empty`, "name a new folder");
  await requireNoMount(target);
  const unfinished = `${target}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  try {
    const list = await fill(unfinished, options);
    signal.throwIfAborted();
    await writeDurably(join(unfinished, listName), encodeList(list));
    await rename(unfinished, target);
    await syncDirectory(dirname(target));
    return list;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

/** It is made beside its place, which has to be on the same file system. */
async function requireNoMount(target: string): Promise<void> {
  const deviceOf = (path: string) => stat(path).then(({ dev }) => dev);
  const own = await deviceOf(target).catch(() => null);
  if (own === null || own === (await deviceOf(dirname(resolve(target))))) return;
  const next = `name a new folder in it, as ${join(target, "backup")}`;
  throw new RoomcastError("refused", `a file system is mounted at ${target}`, next);
}

async function fill(to: string, options: BackupOptions): Promise<BackupList> {
  const { dataFolder, configFile, withImages } = options;
  // First: what it says of an image that is deleted meanwhile does no harm, an image that it does not know would.
  const { file, stateVersion } = await copyState(dataFolder, to);
  const files: BackupFile[] = [file];
  const copy = async (from: string, path: string): Promise<void> => {
    files.push(await copyHashed(from, to, path));
  };
  const names = await readdir(dataFolder);
  const own = names.filter((name) => name.endsWith(".key"));
  for (const folder of ["windows", ...(withImages ? ["drivers"] : [])])
    own.push(...(await filesBelow(dataFolder, folder)));
  for (const path of own) await copy(join(dataFolder, path), path);
  await ifThere(copy(configFile, configName));
  const store = join(dataFolder, "store");
  for (const name of [
    ...["versions.json", "least.json", "packed.json", "optimise.json"],
    "campus.json",
  ])
    await ifThere(copy(join(store, name), `store/${name}`));
  const images = await copyCatalogue(store, copy);
  const incomplete = withImages ? await copyChunks(images, to, options) : [];
  for (const path of await filesBelow(to, "store/packs"))
    files.push({ path, ...(await sumOf(join(to, path))) });
  const made = { roomcast: version, madeAt: systemClock.isoTime(), stateVersion };
  return newList({ ...made, hasChunks: withImages, incomplete, files });
}

/** By SQLite, as one moment saw it. */
async function copyState(
  dataFolder: string,
  to: string,
): Promise<{ readonly file: BackupFile; readonly stateVersion: number }> {
  const path = join(dataFolder, "state.db");
  const copy = join(to, "state.db");
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(path, { readOnly: true });
  } catch (cause) {
    const what = `${dataFolder} has no state of a server that can be read`;
    throw new RoomcastError(
      "bad-input",
      what,
      "name the server's data folder with --data, and run it as root",
      { cause },
    );
  }
  try {
    await (await open(copy, "wx", 0o600)).close();
    // In one step, of 2^31 pages at most: a server that writes meanwhile would have it begin again.
    await backup(db, copy, { rate: 0x7fffffff });
  } finally {
    db.close();
  }
  const copied = new DatabaseSync(copy);
  copied.exec("PRAGMA journal_mode = DELETE");
  const stateVersion = Number(Object.values(copied.prepare("PRAGMA user_version").get() ?? {})[0]);
  copied.close();
  return { file: { path: "state.db", ...(await sumOf(copy)) }, stateVersion };
}

/** Manifests and indexes; of an image that is deleted meanwhile, neither. */
async function copyCatalogue(
  store: string,
  copy: (from: string, path: string) => Promise<void>,
): Promise<{ readonly manifest: Manifest; readonly index: Uint8Array }[]> {
  const folder = join(store, "images");
  const images: { manifest: Manifest; index: Uint8Array }[] = [];
  for (const path of await filesBelow(store, "images")) {
    const [, id] = /^images\/([0-9a-f]+)\.json$/.exec(path) ?? [];
    if (id === undefined) continue;
    const found = await readImage(folder, id);
    if (found === null) continue;
    images.push(found);
    for (const end of ["index", "json"])
      await copy(join(folder, `${id}.${end}`), `store/images/${id}.${end}`);
    await ifThere(copy(join(folder, `${id}.notes`), `store/images/${id}.notes`));
  }
  return images;
}

/** Null: it was deleted between two looks. A damaged one ends the backup with `bad-input`, which names it. */
async function readImage(
  folder: string,
  id: string,
): Promise<{ manifest: Manifest; index: Uint8Array } | null> {
  try {
    const manifest = await readManifest(nodeFiles, folder, id);
    return { manifest, index: await readIndex(nodeFiles, folder, manifest, checkHere) };
  } catch (error) {
    const names = await readdir(folder);
    if (!names.includes(`${id}.json`)) return null;
    throw error;
  }
}

/** Into packs of the backup's own, each chunk once. Answers the images of which a chunk is lost or damaged. */
async function copyChunks(
  images: readonly { readonly manifest: Manifest; readonly index: Uint8Array }[],
  to: string,
  { dataFolder, signal, progress }: BackupOptions,
): Promise<string[]> {
  const store = join(dataFolder, "store");
  const catalogue = readCatalogue(store);
  const from = await Packs.open(join(store, "packs"), nodeFiles);
  const into = await Packs.open(join(to, "store/packs"), nodeFiles);
  const ports = {
    find: (hash: Uint8Array) => catalogue.find(hash),
    read: from.read.bind(from),
  };
  const taken = new Set<string>();
  const incomplete: string[] = [];
  const wanted = images.map(({ manifest, index }) => ({
    manifest,
    entries: chunksOf(manifest, index),
  }));
  const total = wanted.reduce(
    (sum, { entries }) => sum + entries.reduce((all, { storedLength }) => all + storedLength, 0),
    0,
  );
  let done = 0;
  try {
    for (const { manifest, entries } of wanted) {
      let isWhole = true;
      for (const entry of entries) {
        signal.throwIfAborted();
        done += entry.storedLength;
        progress(done, total);
        if (taken.has(hashKey(entry.sha256))) continue;
        const found = await readStored(entry, ports).catch(() => null);
        if (found === null || crc32c(found.stored) !== found.entry.crc32c) {
          isWhole = false;
          continue;
        }
        await into.append(found.entry, found.stored);
        taken.add(hashKey(entry.sha256));
      }
      if (!isWhole) incomplete.push(imageName(manifest));
    }
    await into.sync();
  } finally {
    await from.close();
    await into.close();
    catalogue.close();
  }
  return incomplete;
}

function chunksOf(manifest: Manifest, index: Uint8Array): IndexEntry[] {
  const decoded = decodeIndex(index, manifest.diskBytes);
  if (!decoded.ok) throw new Error(`an index that was just checked: ${decoded.reason}`);
  return decoded.value.filter((entry) => entry.codec !== codec.zero);
}

const ifThere = (work: Promise<void>): Promise<void> =>
  work.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
