/**
 * A disk under the image store, on the lab's clock. A process that dies leaves what it did; when the power
 * goes, what was not synced may be gone: of a folder's changes the latest, of a file any of its writes.
 */
import { basename, dirname } from "node:path";
import type { StoreFile, StoreFiles } from "../../server/store/files.ts";

/** A file, whatever it is called. */
interface Inode {
  data: Buffer;
  synced: Buffer;
  /** Since it was synced. */
  writes: { readonly at: number; readonly data: Buffer }[];
  /** Bytes that were given back to the file system. */
  punched: number;
}

interface Folder {
  readonly entries: Map<string, Inode>;
  synced: Map<string, Inode>;
  /** Since it was synced: an inode that has the name from then on, or none. */
  changes: { readonly name: string; readonly inode: Inode | null }[];
}

/** How a process reaches the disk. */
export interface Bus {
  /** Resolves when the work is done, after its time; never for a process that has died meanwhile. */
  done<T>(work: () => T): Promise<T>;
}

/** Plenty: that the store is full is another matter. */
const space = { totalBytes: 1e12, freeBytes: 1e12 };

export class LabFiles {
  private readonly folders = new Map<string, Folder>();
  private readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  /** The power goes, and comes back. */
  losePower(): void {
    const inodes = new Set<Inode>();
    for (const folder of this.folders.values()) {
      const kept = Math.floor(this.random() * (folder.changes.length + 1));
      for (const { name, inode } of folder.changes.slice(0, kept)) put(folder.synced, name, inode);
      folder.changes = [];
      folder.entries.clear();
      for (const [name, inode] of folder.synced) folder.entries.set(name, inode);
      for (const inode of folder.entries.values()) inodes.add(inode);
    }
    for (const inode of inodes) {
      let data = inode.synced;
      for (const write of inode.writes) {
        if (this.random() < 0.4) continue;
        // Not even one write is whole.
        const length = this.random() < 0.7 ? write.data.length : Math.floor(write.data.length / 2);
        data = written(data, write.data.subarray(0, length), write.at);
      }
      Object.assign(inode, { data, synced: data, writes: [] });
    }
  }

  /** The same files, as one process reaches them. */
  through(bus: Bus, syncs: boolean): StoreFiles {
    const { done } = bus;
    const sync = (inode: Inode): void => {
      if (syncs) Object.assign(inode, { synced: inode.data, writes: [] });
    };
    const change = (path: string, inode: Inode | null): void => {
      const { entries, changes } = this.folder(dirname(path));
      put(entries, basename(path), inode);
      changes.push({ name: basename(path), inode });
    };
    const syncFolder = (path: string): void => {
      const folder = this.folder(path);
      if (syncs) Object.assign(folder, { synced: new Map(folder.entries), changes: [] });
    };
    return {
      makeFolder: (path) => done(() => void this.folder(path)),
      list: (path) => done(() => [...this.folder(path).entries.keys()]),
      read: (path) => done(() => this.inode(path).data),
      async writeDurably(path, data) {
        const inode: Inode = {
          data: Buffer.alloc(0),
          synced: Buffer.alloc(0),
          writes: [],
          punched: 0,
        };
        await done(() => change(`${path}.new`, inode));
        await done(() => write(inode, Buffer.from(data), 0));
        await done(() => sync(inode));
        await done(() => {
          change(path, inode);
          change(`${path}.new`, null);
        });
        await done(() => syncFolder(dirname(path)));
      },
      remove: (path) =>
        done(() => {
          this.inode(path);
          change(path, null);
        }),
      syncFolder: (path) => done(() => syncFolder(path)),
      open: (path, how) =>
        done(() => {
          if (how === "new") {
            if (this.folder(dirname(path)).entries.has(basename(path))) throw failure("EEXIST");
            change(path, {
              data: Buffer.alloc(0),
              synced: Buffer.alloc(0),
              writes: [],
              punched: 0,
            });
          }
          return file(this.inode(path));
        }),
      diskBytes: (path) =>
        done(() => {
          const { data, punched } = this.inode(path);
          return data.length - punched;
        }),
      space: () => done(() => space),
      pause: () => done(() => {}),
      // By no clock but the lab's: a process that has died there is not to go on.
      atMost: (_ms, work) => work,
    };

    function file(inode: Inode): StoreFile {
      return {
        size: () => done(() => inode.data.length),
        read: (into, at) =>
          done(() => {
            const part = inode.data.subarray(at, at + into.length);
            into.set(part);
            return part.length;
          }),
        write: (data, at) => done(() => write(inode, Buffer.from(data), at)),
        punch: (at, length) =>
          done(() => {
            write(inode, Buffer.alloc(length), at);
            inode.punched += length;
          }),
        sync: () => done(() => sync(inode)),
        close: () => done(() => {}),
      };
    }
  }

  private folder(path: string): Folder {
    const found = this.folders.get(path);
    if (found !== undefined) return found;
    const made = { entries: new Map(), synced: new Map(), changes: [] };
    this.folders.set(path, made);
    return made;
  }

  private inode(path: string): Inode {
    const found = this.folder(dirname(path)).entries.get(basename(path));
    if (found === undefined) throw failure("ENOENT");
    return found;
  }
}

const put = (entries: Map<string, Inode>, name: string, inode: Inode | null): void =>
  void (inode === null ? entries.delete(name) : entries.set(name, inode));

function write(inode: Inode, data: Buffer, at: number): void {
  inode.data = written(inode.data, data, at);
  inode.writes.push({ at, data });
}

/** A copy with `data` at this offset; what was beyond the end before is zeros. */
function written(before: Buffer, data: Buffer, at: number): Buffer {
  const after = Buffer.alloc(Math.max(before.length, at + data.length));
  before.copy(after);
  data.copy(after, at);
  return after;
}

const failure = (code: string): Error => Object.assign(new Error(code), { code });
