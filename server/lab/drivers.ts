/**
 * Drivers by model, as the owner lays them out in the data folder: `drivers/VENDOR/MODEL/…`, with the names
 * that SMBIOS has for the PC. They are read at the moment of need.
 */
import { createHash } from "node:crypto";
import { type FileHandle, lstat, open, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { Value } from "typebox/value";
import { RoomcastError } from "../../core/errors.ts";
import { printable } from "../../core/units/printable.ts";
import { DriverFile } from "../../core/wire/personal.ts";

/** What SMBIOS says of a PC; null or absent: it says nothing that names a model. */
export interface Model {
  readonly vendor?: string | null;
  readonly model?: string | null;
}

/** Of one model: some four times what the largest of the vendors' packs have. */
const filesLimit = 10_000;
const bytesLimit = 8 * 1024 ** 3;
/** Hashes that are kept, of as many files as a room of several models may have. */
const hashesLimit = 50_000;

export class Drivers {
  private readonly folder: string;
  /** By path, size and time of the last change. */
  private readonly hashes = new Map<string, Promise<string>>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** In the order of their paths. Throws `refused` for what a PC could not be given. */
  async list(model: Model): Promise<DriverFile[]> {
    const top = await this.folderOf(model);
    if (top === null) return [];
    const paths = (await filesIn(top)).sort();
    if (paths.length > filesLimit) throw tooMuch(top, `more than ${filesLimit} files`);
    const files: DriverFile[] = [];
    let bytes = 0;
    for (const path of paths) {
      const { size, mtimeMs } = await lstat(join(top, path));
      bytes += size;
      if (bytes > bytesLimit) throw tooMuch(top, `more than ${bytesLimit / 1024 ** 3} GiB`);
      const file = { path, size, sha256: await this.hashOf(join(top, path), size, mtimeMs) };
      if (!Value.Check(DriverFile, file)) {
        const what = `${join(top, path)} has a name that Windows could not have there`;
        throw new RoomcastError("refused", what, "give it a shorter or plainer name");
      }
      files.push(file);
    }
    return files;
  }

  /** A file of the model's, opened. Throws `not-found` for all that is not in its list. */
  async open(model: Model, path: string): Promise<FileHandle> {
    const top = await this.folderOf(model);
    const isPath = Value.Check(DriverFile.properties.path, path);
    if (top !== null && isPath) {
      const whole = join(await realpath(top), path);
      // No link on the way leads elsewhere.
      const found = await realpath(whole).catch(() => null);
      if (found === whole && (await lstat(whole)).isFile()) return open(whole);
    }
    throw new RoomcastError("not-found", "there is no such driver", "restore the PC again");
  }

  /** Where the model's drivers are; null: there are none. */
  private async folderOf({ vendor, model }: Model): Promise<string | null> {
    if (!vendor || !model) return null;
    const within = await folderNamed(this.folder, vendor);
    return within === null ? null : folderNamed(within, model);
  }

  private hashOf(path: string, size: number, mtimeMs: number): Promise<string> {
    const key = `${path}\0${size}\0${mtimeMs}`;
    const known = this.hashes.get(key);
    if (known !== undefined) return known;
    if (this.hashes.size >= hashesLimit) this.hashes.clear();
    const hash = sha256Of(path);
    this.hashes.set(key, hash);
    hash.catch(() => this.hashes.delete(key));
    return hash;
  }
}

/** Of two spellings, those that are the same here are the same on Windows; no folder's name has a `/`. */
const folded = (name: string): string => printable(name).trim().replaceAll("/", "_").toLowerCase();

/** The folder in `within` that is named so, whatever the case; the name itself is never part of a path. */
async function folderNamed(within: string, name: string): Promise<string | null> {
  const entries = await readdir(within, { withFileTypes: true }).catch(absent);
  const found = entries.find((entry) => entry.isDirectory() && folded(entry.name) === folded(name));
  return found === undefined ? null : join(within, found.name);
}

/** Paths of files below a folder; links are left, wherever they lead. */
async function filesIn(top: string): Promise<string[]> {
  const entries = await readdir(top, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(top.length + 1));
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await using file = await open(path);
  for await (const piece of file.createReadStream({ autoClose: false })) hash.update(piece);
  return hash.digest("hex");
}

function absent(error: NodeJS.ErrnoException): [] {
  if (error.code === "ENOENT") return [];
  throw error;
}

const tooMuch = (folder: string, what: string): RoomcastError =>
  new RoomcastError("refused", `${folder} holds ${what}`, "leave in it what these PCs need");
