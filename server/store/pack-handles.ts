/** Open packs: a few, for a large store has more of them than a process may have open. */
import { join } from "node:path";
import type { StoreFile, StoreFiles } from "./files.ts";

/** As many as are read at once when every room of a building restores another image. */
export const handlesKept = 128;

export const packName = (pack: number): string => `${String(pack).padStart(8, "0")}.pack`;

/** A pack that stays open until it is disposed of. */
export interface OpenPack extends Disposable {
  readonly file: StoreFile;
}

interface Handle {
  readonly opened: Promise<StoreFile>;
  users: number;
}

export class PackHandles {
  private readonly directory: string;
  private readonly disk: StoreFiles;
  /** The one that was used last is the last. */
  private readonly handles = new Map<number, Handle>();

  constructor(directory: string, disk: StoreFiles) {
    this.directory = directory;
    this.disk = disk;
  }

  /** How many are open. */
  get count(): number {
    return this.handles.size;
  }

  /** `how`: where it is not open yet. Rejects as the file system does. */
  async take(pack: number, how: "new" | "write" | "read"): Promise<OpenPack> {
    const handle = this.handles.get(pack) ?? this.open(pack, how);
    this.handles.delete(pack);
    this.handles.set(pack, handle);
    handle.users++;
    try {
      const file = await handle.opened;
      return { file, [Symbol.dispose]: () => this.release(handle) };
    } catch (error) {
      if (this.handles.get(pack) === handle) this.handles.delete(pack);
      throw error;
    }
  }

  /** Closes the pack, which nobody uses any more. */
  async drop(pack: number): Promise<void> {
    const handle = this.handles.get(pack);
    this.handles.delete(pack);
    await (await handle?.opened.catch(() => undefined))?.close();
  }

  async close(): Promise<void> {
    for (const pack of [...this.handles.keys()]) await this.drop(pack);
  }

  private open(pack: number, how: "new" | "write" | "read"): Handle {
    return { opened: this.disk.open(join(this.directory, packName(pack)), how), users: 0 };
  }

  /** Those that were not used for the longest time are closed, but for those that are in use. */
  private release(handle: Handle): void {
    handle.users--;
    if (this.handles.size <= handlesKept) return;
    for (const [pack, { users }] of this.handles) {
      if (users > 0) continue;
      // What was written is in the kernel, and is synced by another handle.
      this.drop(pack).catch(() => {});
      if (this.handles.size <= handlesKept) return;
    }
  }
}
