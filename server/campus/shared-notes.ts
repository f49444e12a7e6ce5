/** What staff wrote on images: in the registry, for all servers; of an image that the campus does not have yet, here. */
import { keptImageNotes } from "../../core/wire/image-notes.ts";
import type { FolderStore } from "../store/folder-store.ts";
import type { KnownImages } from "./known-images.ts";
import type { Registry } from "./ports.ts";

export interface SharedNotesPorts {
  readonly folder: Pick<FolderStore, "list" | "notes" | "writeNotes">;
  readonly registry: Pick<Registry, "writeNotes">;
  readonly known: Pick<KnownImages, "get" | "add">;
  /** Does it while nothing else changes what is known. */
  exclusively(work: () => Promise<void>): Promise<void>;
}

export class SharedNotes {
  private readonly ports: SharedNotesPorts;

  constructor(ports: SharedNotesPorts) {
    this.ports = ports;
  }

  of(imageId: string): string {
    const { folder, known } = this.ports;
    // Those that are here were not handed on yet.
    return folder.notes(imageId) || (known.get(imageId)?.notes ?? "");
  }

  /** Written when it resolves. Rejects with `away`. */
  write(imageId: string, text: string): Promise<void> {
    const { folder, registry, known, exclusively } = this.ports;
    return exclusively(async () => {
      const image = known.get(imageId);
      if (image === undefined) return folder.writeNotes(imageId, text);
      const notes = keptImageNotes(text);
      await registry.writeNotes(imageId, notes);
      await known.add({ ...image, notes });
      if (folder.notes(imageId) !== "") await folder.writeNotes(imageId, "");
    });
  }

  /** Hands on what was written before the campus had the image. What somebody wrote for all since then stays. */
  async handOn(): Promise<void> {
    const { folder, known } = this.ports;
    for (const { id } of folder.list()) {
      const text = folder.notes(id);
      const image = known.get(id);
      if (text === "" || image === undefined) continue;
      if (image.notes === "") await this.write(id, text);
      else await folder.writeNotes(id, "");
    }
  }
}
