/**
 * The images of the campus as the registry last told them: in memory, and in a file, so that a server that is
 * started while the database is away knows what there is, and which of its own images the campus had.
 */
import { decodeManifest } from "../../core/image/manifest.ts";
import { canonicalJson } from "../../core/units/canonical-json.ts";
import type { StoreFiles } from "../store/files.ts";
import { readKeptText, writeKeptText } from "./kept-text.ts";
import type { CampusImage } from "./ports.ts";

export class KnownImages {
  private readonly disk: Pick<StoreFiles, "writeDurably">;
  private readonly path: string;
  private images = new Map<string, CampusImage>();
  /** Images of the folder that the campus had and has no more, by id, and since when (ISO 8601). */
  private gone = new Map<string, string>();
  private written: string;

  private constructor(path: string, disk: Pick<StoreFiles, "writeDurably">, text: string) {
    this.path = path;
    this.disk = disk;
    this.written = text;
  }

  /** A file that is missing or damaged costs what was known: the registry tells it again. */
  static async open(
    path: string,
    disk: Pick<StoreFiles, "read" | "writeDurably">,
  ): Promise<KnownImages> {
    const text = await readKeptText(path, disk);
    const known = new KnownImages(path, disk, text);
    known.load(text);
    return known;
  }

  list(): CampusImage[] {
    return [...this.images.values()];
  }

  get(imageId: string): CampusImage | undefined {
    return this.images.get(imageId);
  }

  has(imageId: string): boolean {
    return this.images.has(imageId);
  }

  /** Since when the campus does not have an image any more that is here; null: it has, or never had. */
  goneSince(imageId: string): string | null {
    return this.gone.get(imageId) ?? null;
  }

  /** What the registry says now; `isHere`: of the images of the folder. Durable when it resolves. */
  async replace(
    images: readonly CampusImage[],
    isHere: (imageId: string) => boolean,
    now: string,
  ): Promise<void> {
    const before = this.images;
    this.images = new Map(images.map((image) => [image.manifest.id, image]));
    const gone = new Map<string, string>();
    for (const id of [...before.keys(), ...this.gone.keys()])
      if (!this.images.has(id) && isHere(id)) gone.set(id, this.gone.get(id) ?? now);
    this.gone = gone;
    await this.write();
  }

  /** Durable when it resolves. */
  async add(image: CampusImage): Promise<void> {
    this.images.set(image.manifest.id, image);
    await this.write();
  }

  /** An image that the campus has no more comes here all the same, for who uses it. Durable when it resolves. */
  async keepGone(imageId: string, now: string): Promise<void> {
    this.gone.set(imageId, this.gone.get(imageId) ?? now);
    await this.write();
  }

  /** Somebody deleted it here: nothing of it is to be remembered. Durable when it resolves. */
  async forget(imageIds: Iterable<string>): Promise<void> {
    for (const id of imageIds) {
      this.images.delete(id);
      this.gone.delete(id);
    }
    await this.write();
  }

  private load(text: string): void {
    try {
      const { images, gone } = JSON.parse(text) as Record<string, unknown>;
      for (const { manifest, server, notes } of images as Record<string, unknown>[]) {
        const decoded = decodeManifest(canonicalJson(manifest));
        if (decoded.ok && typeof server === "string" && typeof notes === "string")
          this.images.set(decoded.value.id, { manifest: decoded.value, server, notes });
      }
      for (const [id, since] of Object.entries(gone as object))
        if (typeof since === "string") this.gone.set(id, since);
    } catch {
      // As if there were none.
    }
  }

  private async write(): Promise<void> {
    const text = canonicalJson({ images: this.list(), gone: Object.fromEntries(this.gone) });
    if (text === this.written) return;
    await writeKeptText(this.path, this.disk, text);
    this.written = text;
  }
}
