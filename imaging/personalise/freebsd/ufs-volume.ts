/** A UFS2 volume whose files are read, and given other content in the blocks that they have. */
import type { Decoded } from "../../../core/errors.ts";
import {
  contentOf,
  findEntry,
  findFile,
  type Ufs,
  type UfsFile,
} from "../../../core/image/ufs-files.ts";
import { renameEntry, rewriteFile, type UfsWrite } from "../../../core/image/ufs-rewrite.ts";
import { systemClock } from "../../../core/node/clock.ts";
import { type Disk, sourceOf } from "../../disk/disk.ts";
import { put } from "../../fit/move.ts";

/** There is a reason not to do a thing: it is left as it is. */
export class Left extends Error {}

/** A path that was found, and what it holds: one character for each byte. */
interface FoundFile {
  readonly file: UfsFile;
  readonly text: string;
}

/** Paths are absolute ones of the volume; symbolic links are followed within it. */
export class UfsVolume {
  readonly #disk: Disk;
  readonly #ufs: Ufs;
  /** The files that were changed, in order. */
  readonly changed: string[] = [];

  constructor(disk: Disk, superblock: Ufs["superblock"]) {
    this.#disk = disk;
    this.#ufs = { source: sourceOf(disk), superblock };
  }

  /** null: it is not there. Throws `Left` when it cannot be read. */
  async text(path: string): Promise<string | null> {
    return (await this.#find(path))?.text ?? null;
  }

  async has(path: string): Promise<boolean> {
    const at = path.lastIndexOf("/");
    const names = { folder: path.slice(0, at), name: path.slice(at + 1) };
    return taken(path, await findEntry(this.#ufs, names)) !== null;
  }

  /**
   * Gives the file this content; line feeds at its end do not count. One that has it already is not
   * touched. Throws `Left` when it is not there or its blocks do not hold it.
   */
  async rewrite(path: string, text: string): Promise<void> {
    const found = await this.#find(path);
    if (found === null) throw new Left(`${path} is not there`);
    if (trimmed(found.text) === trimmed(text)) return;
    const { superblock } = this.#ufs;
    const unixSeconds = Math.floor(Date.parse(systemClock.isoTime()) / 1000);
    const content = Buffer.from(text, "latin1");
    const writes = rewriteFile(found.file, content, { superblock, unixSeconds });
    await this.#write(taken(path, writes));
    this.changed.push(path);
  }

  /** Gives an entry of the folder another name of the same length. */
  async rename(
    folder: string,
    names: { readonly from: string; readonly to: string },
  ): Promise<void> {
    const path = `${folder}/${names.from}`;
    const entry = taken(path, await findEntry(this.#ufs, { folder, name: names.from }));
    if (entry === null) throw new Left(`${path} is not there`);
    await this.#write([renameEntry(entry, names)]);
    this.changed.push(path, `${folder}/${names.to}`);
  }

  async #find(path: string): Promise<FoundFile | null> {
    const file = taken(path, await findFile(this.#ufs, path));
    if (file === null) return null;
    const text = Buffer.from(await contentOf(this.#ufs, file)).toString("latin1");
    return { file, text };
  }

  /** In whole sectors, each write read back before the next one. */
  async #write(writes: readonly UfsWrite[]): Promise<void> {
    const { logicalSector } = this.#disk;
    for (const { offset, data } of writes) {
      const skip = offset % logicalSector;
      const length = Math.ceil((skip + data.length) / logicalSector) * logicalSector;
      const sectors = await this.#ufs.source.read(offset - skip, length);
      sectors.set(data, skip);
      await put(this.#disk, [{ offset: offset - skip, data: sectors }]);
    }
  }
}

const trimmed = (text: string): string => text.replace(/\n+$/, "");

function taken<T>(path: string, decoded: Decoded<T>): T {
  if (!decoded.ok) throw new Left(`${path}: ${decoded.reason}`);
  return decoded.value;
}
