/** `roomcast restore-backup`: a data folder from a backup, or what was there before. */
import { chown, lstat, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { RoomcastError } from "../../core/errors.ts";
import { decodeIndex } from "../../core/image/index-codec.ts";
import { imageName } from "../../core/image/manifest.ts";
import { codec, type Manifest } from "../../core/image/types.ts";
import { writeDurably } from "../../core/node/write-durably.ts";
import { makeConfigFolder } from "../host/config-file.ts";
import { isOwnName } from "../host/data-folder.ts";
import { readCatalogue } from "../store/catalogue.ts";
import { checkHere } from "../store/checkers.ts";
import { nodeFiles, readOnlyFiles } from "../store/files.ts";
import { readIndex, readManifests } from "../store/image-files.ts";
import { configName } from "./backup.ts";
import { copyHashed, filesBelow } from "./copy.ts";
import { commitRestore, finishRestore, readyFolder, stageName } from "./finish.ts";
import { inWords } from "./in-words.ts";
import { type BackupList, checkedList } from "./list.ts";

export interface RestorePlan {
  readonly list: BackupList;
  /** There is a server's data already. */
  readonly overwrites: boolean;
  /** What is there and not in the backup, in words. */
  readonly lost: readonly string[];
  /** Images that will be known, and whose chunks are not all there. */
  readonly withoutChunks: readonly string[];
}

interface Places {
  readonly dataFolder: string;
  readonly backup: string;
}

/** Checks the backup, every byte, and compares it with what is there; changes nothing. */
export const planRestore = (
  places: Places,
  progress: (done: number, total: number) => void,
): Promise<RestorePlan> =>
  inWords("the backup could not be looked at", () => plan(places, progress));

async function plan(
  { dataFolder, backup }: Places,
  progress: (done: number, total: number) => void,
): Promise<RestorePlan> {
  const list = await checkedList(backup, progress);
  const there = await readdir(dataFolder).catch((): string[] => []);
  const overwrites = there.some((name) => isOwnName(name) && name !== "lost+found");
  // A backup without chunks has no drivers, and leaves those that are there.
  const folders = list.hasChunks ? ["windows", "drivers"] : ["windows"];
  const kept = await knownIn(backup, folders);
  const present = overwrites ? await knownIn(dataFolder, folders) : nothing;
  return {
    ...{ list, overwrites },
    lost: lostOf(present, kept),
    withoutChunks: list.hasChunks
      ? list.incomplete
      : await lackingChunks(kept.images, { backup, dataFolder }),
  };
}

/**
 * Puts the backup into the data folder. A kill leaves either what was there, or what the next start of the server
 * or of this finishes. Answers where the configuration went, or null.
 */
export const restoreBackup = (
  places: Places & { readonly configFile: string },
  list: BackupList,
): Promise<string | null> =>
  inWords("the backup could not be put back", () => restore(places, list));

async function restore(
  { dataFolder, backup, configFile }: Places & { readonly configFile: string },
  list: BackupList,
): Promise<string | null> {
  const owner = await ownerFor(dataFolder);
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  await give(dataFolder, owner);
  await finishRestore(dataFolder);
  const stage = join(dataFolder, stageName);
  const ready = readyFolder(dataFolder);
  const files = list.files.filter(({ path }) => path !== configName);
  for (const folder of new Set(["store", ...files.map(({ path }) => dirname(path))]))
    await mkdir(join(ready, folder), { recursive: true, mode: 0o700 });
  // After a kill amid what follows, which takes long, the server removes all of it: the folders have to be its own.
  await giveAll(stage, owner);
  try {
    for (const { path, sha256 } of files) {
      const copied = await copyHashed(join(backup, path), ready, path);
      if (copied.sha256 === sha256) continue;
      const what = `${path} of ${backup} has changed since it was checked; nothing was changed`;
      throw new RoomcastError("bad-input", what, "check the disk that holds the backup");
    }
  } catch (error) {
    await rm(stage, { recursive: true, force: true });
    throw error;
  }
  await giveAll(stage, owner);
  await commitRestore(dataFolder, !list.hasChunks);
  await finishRestore(dataFolder);
  return list.files.some(({ path }) => path === configName)
    ? placeConfig(join(backup, configName), configFile)
    : null;
}

/** A configuration that is there stays: it says what this host is like. */
async function placeConfig(from: string, to: string): Promise<string> {
  await makeConfigFolder(to);
  const isThere = await stat(to).then(
    () => true,
    () => false,
  );
  const isSame = isThere && (await readFile(to)).equals(await readFile(from));
  if (isSame) return to;
  const path = isThere ? `${to}.from-backup` : to;
  // A backup's is for its owner alone; this one the service reads, which is not root.
  await writeDurably(path, await readFile(from), { mode: 0o644 });
  return path;
}

/** What of a data folder is named when it is lost, by what it is called. */
type Kind = "images" | "files" | (typeof kindsInState)[number][0];

interface Known {
  readonly images: readonly Manifest[];
  readonly names: Partial<Record<Kind, readonly string[]>>;
  /** When the last session began; null: there was none. */
  readonly lastSession: string | null;
}

const kindsInState = [
  ["rooms", "SELECT name FROM rooms"],
  ["PCs", "SELECT record ->> '$.name' AS name FROM pcs"],
  ["operators", "SELECT id AS name FROM operators"],
  ["SSH keys", "SELECT name FROM ssh_keys"],
  ["schedules", "SELECT id AS name FROM schedule"],
  ["own steps", "SELECT name FROM image_steps"],
] as const;
const lastSession = "SELECT started AS name FROM session ORDER BY number DESC LIMIT 1";

const nothing: Known = { images: [], names: {}, lastSession: null };

/** What a data folder or a backup has. `folders`: of files that are named by their paths. */
async function knownIn(folder: string, folders: readonly string[]): Promise<Known> {
  // Of a server without images, a backup has no such folder.
  const parts = await readdir(join(folder, "store")).catch((): string[] => []);
  const images = parts.includes("images")
    ? (await readManifests(readOnlyFiles, join(folder, "store", "images"))).images
    : [];
  const files = await Promise.all(folders.map((each) => filesBelow(folder, each)));
  const inState = namesIn(join(folder, "state.db"), [...kindsInState, ["last", lastSession]]);
  return {
    images,
    names: { ...inState, images: images.map(imageName), files: files.flat() },
    lastSession: inState.last?.[0] ?? null,
  };
}

/** Of a state that cannot be read, or of a version that has no such table, nothing. */
function namesIn(
  path: string,
  queries: readonly (readonly [kind: string, sql: string])[],
): Record<string, readonly string[]> {
  const names: Record<string, readonly string[]> = {};
  try {
    using db = new DatabaseSync(path, { readOnly: true });
    for (const [kind, sql] of queries) {
      try {
        const rows = db.prepare(sql).all();
        names[kind] = rows.map((row) => String(row.name));
      } catch {}
    }
  } catch {}
  return names;
}

function lostOf(present: Known, kept: Known): string[] {
  const isLater = (present.lastSession ?? "") > (kept.lastSession ?? "");
  return [
    ...(["images", ...kindsInState.map(([kind]) => kind), "files"] as const).flatMap((kind) => {
      const there = new Set(kept.names[kind]);
      const lost = (present.names[kind] ?? []).filter((name) => !there.has(name));
      return lost.length === 0 ? [] : [`${kind}: ${lost.join(", ")}`];
    }),
    ...(isLater ? [`results of sessions after ${kept.lastSession ?? "the first"}`] : []),
  ];
}

/** The chunks of a backup without any are those that the data folder has. */
async function lackingChunks(
  images: readonly Manifest[],
  { backup, dataFolder }: Places,
): Promise<string[]> {
  const store = join(dataFolder, "store");
  const names = await readdir(store).catch((): string[] => []);
  if (!names.includes("catalogue.db")) return images.map(imageName);
  const catalogue = readCatalogue(store);
  try {
    const lacking: string[] = [];
    for (const manifest of images) {
      const index = await readIndex(
        nodeFiles,
        join(backup, "store", "images"),
        manifest,
        checkHere,
      );
      const decoded = decodeIndex(index, manifest.diskBytes);
      const isWhole =
        decoded.ok &&
        decoded.value.every((each) => each.codec === codec.zero || catalogue.find(each.sha256));
      if (!isWhole) lacking.push(imageName(manifest));
    }
    return lacking;
  } finally {
    catalogue.close();
  }
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Whom the folder belongs to; for a new one, as root, the user of the service. */
async function ownerFor(dataFolder: string): Promise<Owner> {
  const found = await stat(dataFolder).catch(() => null);
  if (found !== null) return { uid: found.uid, gid: found.gid };
  const users = await readFile("/etc/passwd", "utf8");
  const [, uid, gid] = /^roomcast:[^:]*:(\d+):(\d+):/m.exec(users) ?? [];
  const isRoot = process.getuid?.() === 0;
  if (isRoot && uid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

async function give(path: string, { uid, gid }: Owner): Promise<void> {
  const found = await lstat(path);
  if (found.uid !== uid || found.gid !== gid) await chown(path, uid, gid);
}

async function giveAll(folder: string, owner: Owner): Promise<void> {
  await give(folder, owner);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    await (entry.isDirectory() ? giveAll(path, owner) : give(path, owner));
  }
}
