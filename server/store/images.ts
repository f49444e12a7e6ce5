/** Which images a folder has, and which of them somebody means. */
import type { Manifest } from "../../core/image/types.ts";
import { foldedName } from "../../core/wire/names.ts";
import { fittedOf, imageIn, inOrder } from "./image-names.ts";

export class Images {
  private readonly byId: Map<string, Manifest>;
  /** Being deleted: nobody may begin to use them. */
  private readonly going = new Set<string>();

  constructor(images: readonly Manifest[]) {
    this.byId = new Map(images.map((image) => [image.id, image]));
  }

  /** All but those that are being deleted, in the order in which they are shown. */
  list(): Manifest[] {
    return inOrder(this.byId.values()).filter(({ id }) => !this.going.has(id));
  }

  /** By its id also one that is being deleted. */
  find(reference: string): Manifest | undefined {
    return imageIn(this.list(), reference) ?? this.byId.get(reference);
  }

  get(id: string): Manifest | undefined {
    return this.byId.get(id);
  }

  has(id: string): boolean {
    return this.byId.has(id);
  }

  /** Those that are being deleted, too; what goes meanwhile is left out. */
  all(): Iterable<Manifest> {
    return this.byId.values();
  }

  /** Whatever the spelling of the name; those that are being deleted, too. */
  versionsOf(name: string): Manifest[] {
    return inOrder(this.byId.values()).filter(
      (image) => foldedName(image.name) === foldedName(name),
    );
  }

  fittedOf(originId: string): Manifest[] {
    return fittedOf(this.byId.values(), originId);
  }

  add(image: Manifest): void {
    this.byId.set(image.id, image);
  }

  remove(id: string): void {
    this.byId.delete(id);
  }

  isGoing(id: string): boolean {
    return this.going.has(id);
  }

  /** These are going to be deleted, until it is disposed of. */
  mark(ids: readonly string[]): Disposable {
    for (const id of ids) this.going.add(id);
    return {
      [Symbol.dispose]: () => {
        for (const id of ids) this.going.delete(id);
      },
    };
  }
}
