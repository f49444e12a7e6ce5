/**
 * The second half of `restore-backup`: everything lies ready in the data folder, and takes the place of what was
 * there. It may be killed at any moment, and is gone through again by the next who opens the folder.
 */
import { readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { syncDirectory } from "../../core/node/sync-directory.ts";
import { writeDurably } from "../../core/node/write-durably.ts";
import { isOwnName } from "../host/data-folder.ts";

/** In the data folder, which may be a file system of its own: what is renamed from here stays on it. */
export const stageName = ".restoring";
/** What is to come into the data folder. */
export const readyFolder = (dataFolder: string): string => join(dataFolder, stageName, "new");
const phaseFile = (dataFolder: string): string => join(dataFolder, stageName, "phase.json");

interface Phase {
  /** `clear`: what was there goes; all of it is old. `place`: what was there is gone. */
  readonly phase: "clear" | "place";
  /** The chunks and the drivers that are there stay: the backup has none. */
  readonly keepsChunks: boolean;
}

/** From now on there is no way back: whoever opens the folder next goes on. */
export const commitRestore = (dataFolder: string, keepsChunks: boolean): Promise<void> =>
  writePhase(dataFolder, { phase: "clear", keepsChunks });

/** It belongs to whom the folder belongs to: root may begin what the server goes on with. */
async function writePhase(dataFolder: string, phase: Phase): Promise<void> {
  const owner = await stat(join(dataFolder, stageName));
  await writeDurably(phaseFile(dataFolder), JSON.stringify(phase), { owner });
}

/** Goes on where one was killed; what was not committed is removed. Answers whether something was restored. */
export async function finishRestore(dataFolder: string): Promise<boolean> {
  const names = await readdir(dataFolder).catch((): string[] => []);
  if (!names.includes(stageName)) return false;
  const phase = await readPhase(dataFolder);
  if (phase !== null) {
    if (phase.phase === "clear") {
      await clear(dataFolder, phase);
      await writePhase(dataFolder, { ...phase, phase: "place" });
    }
    await place(dataFolder);
  }
  await rm(join(dataFolder, stageName), { recursive: true });
  await syncDirectory(dataFolder);
  return phase !== null;
}

async function readPhase(dataFolder: string): Promise<Phase | null> {
  const text = await readFile(phaseFile(dataFolder), "utf8").catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    },
  );
  return text === null ? null : (JSON.parse(text) as Phase);
}

/** Of the store: what says nothing of images, but only where chunks are. */
const ofChunks = /^(packs|catalogue\.db(-wal|-shm)?)$/;

async function clear(dataFolder: string, { keepsChunks }: Phase): Promise<void> {
  const remove = (path: string): Promise<void> => rm(path, { recursive: true, force: true });
  for (const name of (await readdir(dataFolder)).filter(isOwnName)) {
    const path = join(dataFolder, name);
    // A backup without chunks has no drivers either.
    if (name === "lost+found" || (name === "drivers" && keepsChunks)) continue;
    if (name !== "store" || !keepsChunks) await remove(path);
    else
      for (const part of await readdir(path))
        if (!ofChunks.test(part)) await remove(join(path, part));
  }
  await syncDirectory(dataFolder);
}

async function place(dataFolder: string): Promise<void> {
  const ready = readyFolder(dataFolder);
  const there = await readdir(dataFolder);
  for (const name of await readdir(ready)) {
    const from = join(ready, name);
    const to = join(dataFolder, name);
    // A store is there only where its chunks were kept.
    if (name !== "store" || !there.includes(name)) await rename(from, to);
    else {
      for (const part of await readdir(from)) await rename(join(from, part), join(to, part));
      await syncDirectory(to);
    }
  }
  await syncDirectory(dataFolder);
}
