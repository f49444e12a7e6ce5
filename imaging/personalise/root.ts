/**
 * The files of a restored system, by its own paths. Whoever made the image may have put links anywhere:
 * each is followed inside of the root, and never out of it. Texts are read and written byte by byte, a
 * character each.
 */
import { constants, type Stats } from "node:fs";
import {
  chmod,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  unlink,
} from "node:fs/promises";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { copyAttributes } from "../../core/node/disk-calls.ts";
import { syncDirectory } from "../../core/node/sync-directory.ts";

/** path_resolution(7): Linux follows as many. */
const linksLimit = 40;
/** No text that is changed is longer; a longer one is no text. */
const textLimit = 4 * 1024 * 1024;

interface Place {
  /** As the system would call it, without a link on the way. */
  readonly path: string;
  /** null: nothing is there, but its folder is. */
  readonly stats: Stats | null;
}

export interface WriteOptions {
  /** Permissions; without it those that the file has, or 644. */
  readonly mode?: number;
}

export class Root {
  /** On this host. */
  readonly folder: string;
  private readonly touched = new Set<string>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** What was changed or removed since the last time this was asked. */
  takeChanged(): string[] {
    const paths = [...this.touched].sort();
    this.touched.clear();
    return paths;
  }

  /** What a path leads to on this host; null: to nothing. */
  async find(path: string): Promise<string | null> {
    const place = await this.walk(path, true);
    return place === null || place.stats === null ? null : this.here(place.path);
  }

  /** `link` only of what stands at the path itself. */
  async kind(path: string): Promise<"file" | "folder" | "link" | "other" | null> {
    const stats = (await this.walk(path, false))?.stats ?? null;
    if (stats === null) return null;
    if (stats.isSymbolicLink()) return "link";
    return stats.isFile() ? "file" : stats.isDirectory() ? "folder" : "other";
  }

  /** null: there is no such file. */
  async read(path: string): Promise<string | null> {
    const place = await this.walk(path, true);
    if (place?.stats?.isFile() !== true) return null;
    if (place.stats.size > textLimit) throw odd(`${place.path} is too long to be a text`);
    return await readFile(this.here(place.path), "latin1");
  }

  /** Names in a folder, in order; none if there is no such folder. */
  async list(path: string): Promise<string[]> {
    const place = await this.walk(path, true);
    if (place?.stats?.isDirectory() !== true) return [];
    return (await readdir(this.here(place.path))).sort();
  }

  /** Whole or not at all. What is there already, with these permissions, is left as it is. */
  async write(path: string, text: string, { mode }: WriteOptions = {}): Promise<void> {
    const place = await this.walk(path, true);
    if (place === null) throw odd(`${path} leads to no folder of this system`);
    const { stats } = place;
    if (stats !== null && !stats.isFile()) throw odd(`${place.path} is no file`);
    const wanted = mode ?? (stats === null ? 0o644 : stats.mode & 0o7777);
    if (stats !== null && (await this.read(place.path)) === text) {
      if ((stats.mode & 0o7777) !== wanted) await this.changeMode(place.path, wanted);
      return;
    }
    const target = this.here(place.path);
    const at = target.lastIndexOf("/");
    const unfinished = `${target.slice(0, at)}/.${target.slice(at + 1)}.roomcast`;
    await rm(unfinished, { force: true });
    try {
      {
        await using file = await open(unfinished, "wx", 0o600);
        await file.writeFile(text, "latin1");
        await file.chown(stats?.uid ?? 0, stats?.gid ?? 0);
        await file.chmod(wanted);
        if (stats !== null) {
          await using before = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW);
          copyAttributes(before.fd, file.fd);
        }
        await file.sync();
      }
      await rename(unfinished, target);
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {});
      throw error;
    }
    await syncDirectory(target.slice(0, at));
    this.touched.add(place.path);
  }

  /** The folder may be there; its own folder has to be. */
  async makeFolder(path: string, mode: number): Promise<void> {
    const place = await this.walk(path, true);
    if (place === null) throw odd(`${path} leads to no folder of this system`);
    if (place.stats !== null && !place.stats.isDirectory()) throw odd(`${place.path} is no folder`);
    if (place.stats === null) {
      await mkdir(this.here(place.path), { mode });
      this.touched.add(place.path);
    } else if ((place.stats.mode & 0o7777) !== mode) await this.changeMode(place.path, mode);
  }

  /** A file, a link itself, or a folder with all that is in it. */
  async remove(path: string): Promise<void> {
    const place = await this.walk(path, false);
    if (place === null || place.stats === null) return;
    if (place.stats.isDirectory()) {
      for (const name of await readdir(this.here(place.path))) {
        await this.remove(`${place.path}/${name}`);
      }
      await rmdir(this.here(place.path));
    } else await unlink(this.here(place.path));
    this.touched.add(place.path);
  }

  private async changeMode(path: string, mode: number): Promise<void> {
    await chmod(this.here(path), mode);
    this.touched.add(path);
  }

  private readonly here = (path: string): string => join(this.folder, path);

  /** null: something on the way is not there, or goes in a circle. */
  private async walk(path: string, followsLast: boolean): Promise<Place | null> {
    let rest = partsOf(path);
    const at: string[] = [];
    let links = 0;
    for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
      if (part === "..") {
        at.pop();
        continue;
      }
      const target = this.here([...at, part].join("/"));
      const stats = await lstat(target).catch(absent);
      if (stats === null) return rest.length > 0 ? null : { path: pathOf([...at, part]), stats };
      if (stats.isSymbolicLink() && (rest.length > 0 || followsLast)) {
        if (++links > linksLimit) return null;
        const to = await readlink(target);
        if (to.startsWith("/")) at.length = 0;
        rest = [...partsOf(to), ...rest];
        continue;
      }
      if (rest.length > 0 && !stats.isDirectory()) return null;
      at.push(part);
    }
    return { path: pathOf(at), stats: await lstat(this.here(pathOf(at))) };
  }
}

const partsOf = (path: string): string[] =>
  path.split("/").filter((part) => part !== "" && part !== ".");
const pathOf = (parts: readonly string[]): string => `/${parts.join("/")}`;

const absent = (error: NodeJS.ErrnoException): null => {
  if (error.code === "ENOENT") return null;
  throw error;
};

const odd = (what: string): RoomcastError =>
  new RoomcastError("failed", what, "look at it on the master, and capture it again");
