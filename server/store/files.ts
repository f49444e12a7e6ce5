/** What the image store does to its folder: the file system, or one that a simulated lab can cut the power of. */
import { mkdir, open, readdir, readFile, stat, unlink } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { atMost } from "../../core/node/at-most.ts";
import { punchHoleIn } from "../../core/node/disk-calls.ts";
import { syncDirectory } from "../../core/node/sync-directory.ts";
import { writeDurably } from "../../core/node/write-durably.ts";
import { type Space, spaceAt } from "./space.ts";

/** All of these reject as the file system does. */
export interface StoreFiles {
  /** Makes a folder, and those above it, for its owner alone. */
  makeFolder(path: string): Promise<void>;
  /** The names of what is in a folder. */
  list(path: string): Promise<string[]>;
  read(path: string): Promise<Uint8Array>;
  /** The file is there whole or not at all, and durable when it resolves; `PATH.new` may be left by a crash. */
  writeDurably(path: string, data: string | Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes the creation, renaming and removal of the files in a folder durable. */
  syncFolder(path: string): Promise<void>;
  /** `new`: for writing, and there must be none yet. One that may only be read is opened for `read` all the same. */
  open(path: string, how: "new" | "write" | "read"): Promise<StoreFile>;
  /** What a file takes on the disk, in bytes. */
  diskBytes(path: string): Promise<number>;
  space(path: string): Promise<Space>;
  /** Lets other work have its turn amid work that takes long. */
  pause(): Promise<void>;
  /** Resolves with the work, and at the latest after so many milliseconds; the work goes on. */
  atMost(ms: number, work: Promise<void>): Promise<void>;
}

/** An open file. Offsets and lengths in bytes. */
export interface StoreFile {
  size(): Promise<number>;
  /** Fills `into` from `at` on; answers how much of it, less at the end of the file. */
  read(into: Uint8Array, at: number): Promise<number>;
  /** Writes all of it; durable only after `sync`. */
  write(data: Uint8Array, at: number): Promise<void>;
  /** Gives the space of a range back to the file system: it reads as zeros from then on. */
  punch(at: number, length: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export const nodeFiles: StoreFiles = {
  makeFolder: async (path) => void (await mkdir(path, { recursive: true, mode: 0o700 })),
  list: (path) => readdir(path),
  read: (path) => readFile(path),
  writeDurably,
  remove: (path) => unlink(path),
  syncFolder: syncDirectory,
  open: openFile,
  diskBytes: async (path) => (await stat(path)).blocks * 512,
  space: spaceAt,
  pause: () => setImmediate(),
  atMost: async (ms, work) => void (await atMost(ms, work)),
};

/** For who only looks into a folder that may be a running server's: what was left of one that was killed is its own affair. */
export const readOnlyFiles: StoreFiles = {
  ...nodeFiles,
  makeFolder: async () => {},
  remove: async () => {},
  syncFolder: async () => {},
};

async function openFile(path: string, how: "new" | "write" | "read"): Promise<StoreFile> {
  // Writes go to places, not to the end: no O_APPEND. A reader elsewhere may lack the right to write.
  const handle =
    how === "new"
      ? await open(path, "wx+", 0o600)
      : await open(path, "r+").catch((error: NodeJS.ErrnoException) => {
          if (how === "write" || (error.code !== "EACCES" && error.code !== "EROFS")) throw error;
          return open(path, "r");
        });
  return {
    size: async () => (await handle.stat()).size,
    async read(into, at) {
      let done = 0;
      while (done < into.length) {
        const { bytesRead } = await handle.read(into, done, into.length - done, at + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done;
    },
    async write(data, at) {
      for (let done = 0; done < data.length; ) {
        const { bytesWritten } = await handle.write(data, done, data.length - done, at + done);
        done += bytesWritten;
      }
    },
    punch: async (at, length) => void (await punchHoleIn(handle.fd, at, length)),
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}
