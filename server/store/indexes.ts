/** The indexes of a folder's images, and in which forms their chunks are stored: the last that were asked for. */
import type { Form } from "../../core/image/forms.ts";
import type { Manifest } from "../../core/image/types.ts";
import { makeRoom } from "../../core/units/make-room.ts";
import { currentForms } from "./forms.ts";

/** Kept in memory: 24 MB each for a disk of 500 GB. */
const indexLimit = 4;

export interface IndexesPorts {
  /** Rejects with `bad-input` when it is damaged. */
  read(image: Manifest): Promise<Uint8Array>;
  /** In which form each chunk is stored; null: it is in no pack. */
  formsHere(hashes: readonly Uint8Array[]): readonly (Form | null)[];
  /** Lets other work have its turn. */
  pause(): Promise<void>;
}

export class Indexes {
  private readonly ports: IndexesPorts;
  private readonly known = new Map<string, Promise<Uint8Array>>();
  /** As `known`; of none after a chunk has another form. */
  private readonly knownForms = new Map<string, Promise<Uint8Array>>();

  constructor(ports: IndexesPorts) {
    this.ports = ports;
  }

  of(image: Manifest): Promise<Uint8Array> {
    return keptIn(this.known, image.id, () => this.ports.read(image));
  }

  formsOf(image: Manifest): Promise<Uint8Array> {
    const { formsHere, pause } = this.ports;
    return keptIn(this.knownForms, image.id, async () =>
      currentForms(await this.of(image), formsHere, pause),
    );
  }

  /** Reads the newest of these, beside other work: the first order of an image does not wait for what is read by then. */
  async readAhead(images: readonly Manifest[]): Promise<void> {
    const byAge = images.toSorted((one, other) => one.capturedAt.localeCompare(other.capturedAt));
    for (const image of byAge.slice(-indexLimit)) {
      // One that is damaged, or deleted meanwhile, is told to whoever asks for it.
      await this.formsOf(image).catch(() => {});
    }
  }

  /** An image that was just committed, with the index that was checked then. Its forms are looked up beside other work. */
  add(image: Manifest, index: Uint8Array): void {
    void keptIn(this.known, image.id, async () => new Uint8Array(index));
    void this.readAhead([image]);
  }

  /** A chunk has another form: whoever asks from here on is told the new ones. */
  forgetForms(): void {
    this.knownForms.clear();
  }

  /** The image is gone. */
  forget(imageId: string): void {
    this.known.delete(imageId);
    this.knownForms.delete(imageId);
  }
}

function keptIn(
  known: Map<string, Promise<Uint8Array>>,
  imageId: string,
  read: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const before = known.get(imageId);
  if (before !== undefined) return before;
  const reading = read();
  reading.catch(() => known.delete(imageId));
  makeRoom(known, indexLimit);
  known.set(imageId, reading);
  return reading;
}
