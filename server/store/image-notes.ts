/** What staff wrote on images, each as a text file beside its manifest: `images/ID.notes`. */
import { join } from "node:path";
import { Turns } from "../../core/node/turns.ts";
import { imageNotesLimit, keptImageNotes } from "../../core/wire/image-notes.ts";
import { noImage, storeError } from "./faults.ts";
import type { StoreFiles } from "./files.ts";

/** The notes of the images of a folder. One change after another, but never behind a sweep: somebody waits for it. */
export class ImageNotes {
  private readonly disk: StoreFiles;
  private readonly folder: string;
  private readonly texts = new Map<string, string>();
  private readonly turns = new Turns(1);

  private constructor(disk: StoreFiles, folder: string) {
    this.disk = disk;
    this.folder = folder;
  }

  /** Reads what there is. Notes of an image that is gone are removed, and those that cannot be read are none. */
  static async open(disk: StoreFiles, folder: string): Promise<ImageNotes> {
    const notes = new ImageNotes(disk, folder);
    const names = new Set(await disk.list(folder));
    for (const name of names) {
      const [id = "", ending] = name.split(".");
      if (ending !== "notes") continue;
      const path = join(folder, name);
      if (!names.has(`${id}.json`)) await disk.remove(path);
      else notes.texts.set(id, textOf(await disk.read(path).catch(() => new Uint8Array())));
    }
    return notes;
  }

  /** Empty: nobody has written any. */
  of(imageId: string): string {
    return this.texts.get(imageId) ?? "";
  }

  /** Empty: none any more. Durable when it resolves. `hasImage`: asked when it is this change's turn. */
  write(imageId: string, text: string, hasImage: () => boolean): Promise<void> {
    const kept = keptImageNotes(text);
    return this.turns.take(async () => {
      if (!hasImage()) throw noImage(imageId);
      if (kept === "") return this.remove(imageId);
      await this.disk.writeDurably(this.path(imageId), kept).catch((cause: unknown) => {
        throw storeError("writing the notes of an image", cause);
      });
      this.texts.set(imageId, kept);
    });
  }

  /** The image is gone. */
  forget(imageId: string): Promise<void> {
    return this.turns.take(() => this.remove(imageId));
  }

  private async remove(imageId: string): Promise<void> {
    if (!this.texts.has(imageId)) return;
    try {
      await this.disk.remove(this.path(imageId));
      await this.disk.syncFolder(this.folder);
    } catch (cause) {
      throw storeError("removing the notes of an image", cause);
    }
    this.texts.delete(imageId);
  }

  private path(imageId: string): string {
    return join(this.folder, `${imageId}.notes`);
  }
}

/** Whoever may write into the folder may have written anything. */
const textOf = (bytes: Uint8Array): string =>
  keptImageNotes(Buffer.from(bytes).toString("utf8").slice(0, imageNotesLimit));
