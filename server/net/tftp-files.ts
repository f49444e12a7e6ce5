import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { RoomcastError } from "../../core/errors.ts";

/** Larger files go by HTTP. */
const fileBytesLimit = 16 * 1024 * 1024;
/** Different files that are kept at once, the last used ones: a room asks for one or two. */
const filesKept = 8;

export interface TftpFiles {
  /**
   * The whole file, shared by all who read it at the same time. Rejects with `not-found`, for what is
   * not a plain file inside of the folder.
   */
  read(name: string): Promise<Uint8Array>;
}

interface Kept {
  readonly version: string;
  readonly content: Promise<Uint8Array>;
}

/** The text of a file that is made when it is asked for; undefined: the folder's own file is meant. */
export type MadeFile = (name: string) => string | undefined;

/** The files of one folder, and nothing that lies outside, be it by `..` or by a symbolic link. */
export async function openTftpFiles(
  folder: string,
  made: MadeFile = () => undefined,
): Promise<TftpFiles> {
  const root = await realpath(folder);
  const kept = new Map<string, Kept>();

  async function content(path: string, file: FileHandle): Promise<Uint8Array> {
    const found = await file.stat();
    if (!found.isFile() || found.size > fileBytesLimit) throw missing();
    const version = `${found.ino} ${found.size} ${found.mtimeMs}`;
    const known = kept.get(path);
    kept.delete(path);
    const entry: Kept = known?.version === version ? known : { version, content: file.readFile() };
    kept.set(path, entry);
    const [oldest] = kept.keys();
    if (kept.size > filesKept && oldest !== undefined) kept.delete(oldest);
    // What could not be read is read anew the next time.
    entry.content.catch(() => kept.delete(path));
    return entry.content;
  }

  return {
    async read(name) {
      // Some firmware writes its paths with backslashes, or from the root.
      const wanted = name.replaceAll("\\", "/");
      const text = made(wanted.replace(/^\/+/, ""));
      if (text !== undefined) return new TextEncoder().encode(text);
      const path = await realpath(join(root, wanted)).catch(() => undefined);
      if (path === undefined || !path.startsWith(root + sep)) throw missing();
      // Not to wait for a writer, should it be a named pipe.
      await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => {
        throw missing();
      });
      return await content(path, file);
    },
  };
}

const missing = (): RoomcastError =>
  new RoomcastError("not-found", "no such file", "see the boot folder's README");
