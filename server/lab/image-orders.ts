import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import { sizeText } from "../../core/screen/format.ts";
import type { RestoreState } from "../../core/session/kinds/restore.ts";
import { type HostSystem, systemsOn } from "../../core/wire/host-names.ts";
import type { OwnStep } from "../../core/wire/personal.ts";
import type { ImageView } from "../../core/wire/views.ts";
import type { ImageStore } from "../store/image-store.ts";
import type { Announcer } from "./announcer.ts";
import type { ImageSteps } from "./image-steps.ts";
import type { Optimiser } from "./optimiser.ts";
import type { Sessions } from "./sessions.ts";

export interface ImageOrdersPorts {
  readonly images: ImageStore;
  readonly steps: ImageSteps;
  readonly announcer: Announcer;
  readonly sessions: Pick<Sessions, "session" | "restoreOf">;
  readonly optimiser: Pick<Optimiser, "view" | "stop">;
}

/** What operators do with images, and what becomes of them. Images are named by NAME, NAME@VERSION or id. */
export class ImageOrders {
  private readonly ports: ImageOrdersPorts;

  constructor(ports: ImageOrdersPorts) {
    this.ports = ports;
  }

  views(): ImageView[] {
    return this.ports.images.list().map((manifest) => this.view(manifest));
  }

  /**
   * What a person at a PC may choose from. A fitted version is for disks that its origin does not fit; what staff
   * tell each other of an image stays with them.
   */
  viewsAtPcs(): ImageView[] {
    return this.views().flatMap((view) => (view.fitOf === null ? [{ ...view, notes: "" }] : []));
  }

  /** The contract's view of an image. */
  view(manifest: Manifest): ImageView {
    const { format: _, formatVersion: __, chunkCount, ...rest } = manifest;
    const { id, fitOf = null, fitSize = null } = manifest;
    const { images, optimiser } = this.ports;
    return {
      ...rest,
      ...{ fitOf, fitSize, leastDiskBytes: images.leastDiskBytes(id) },
      ...{ storedBytes: images.storedBytes(manifest), optimise: optimiser.view(manifest) },
      ...{ here: images.isHere(id), server: images.campus?.serverOf(id) ?? null },
      fetch: images.campus?.fetchOf(id) ?? null,
      chunks: chunkCount,
      partitions: [...manifest.partitions],
      warnings: [...manifest.warnings],
      steps: this.ports.steps.list(originOf(manifest)),
      notes: images.notes(originOf(manifest)),
    };
  }

  /** Throws `not-found`. */
  find(reference: string): Manifest {
    const found = this.ports.images.find(reference);
    if (found !== undefined) return found;
    throw new RoomcastError(
      "not-found",
      `there is no image ${JSON.stringify(reference)}`,
      "see `roomcast image list`",
    );
  }

  /** Of the image that is named, which throws `not-found`; where none is, of the other one, if it is there (yet). */
  sizeOf(
    reference: string | null,
    other: string | null,
  ): { readonly name: string; readonly storedBytes: number } | null {
    const { images } = this.ports;
    const found = reference === null ? images.find(other ?? "") : this.find(reference);
    if (found === undefined) return null;
    return { name: imageName(found), storedBytes: images.storedBytes(found) };
  }

  /** NAME@VERSION of an image that is named; the name itself when there is none (any more). */
  nameOf(reference: string): string {
    const found = this.ports.images.find(reference);
    return found === undefined ? reference : imageName(found);
  }

  /** A script that runs on each disk that the image is restored to. Throws `not-found`, `bad-input`, `conflict`. */
  addStep(reference: string, step: OwnStep, by: string): ImageView {
    const manifest = this.find(reference);
    this.ports.steps.add(originOf(manifest), step, by);
    this.tell(manifest);
    return this.view(manifest);
  }

  /** Throws `not-found`. */
  removeStep(reference: string, name: string): ImageView {
    const manifest = this.find(reference);
    this.ports.steps.remove(originOf(manifest), name);
    this.tell(manifest);
    return this.view(manifest);
  }

  /** What staff write on it; empty: nothing any more. A fitted version has those of its origin. Rejects with `not-found`. */
  async setNotes(reference: string, text: string): Promise<ImageView> {
    const manifest = this.find(reference);
    const { images } = this.ports;
    const origin = originOf(manifest);
    await images.writeNotes(origin, text);
    for (const each of images.list()) if (originOf(each) === origin) this.tell(each);
    return this.view(manifest);
  }

  /** The own steps of what a session casts. */
  stepsOf(session: string): readonly OwnStep[] {
    const { kindName, state } = this.ports.sessions.session(session);
    if (kindName !== "restore") return [];
    const { id } = (state as RestoreState).image;
    return this.ports.steps.scripts(this.ports.images.find(id)?.fitOf ?? id);
  }

  /** Whether there may be a Windows on what a session casts: so it may where its systems are not known. */
  mayHoldWindows(session: string): boolean {
    const { kindName, state } = this.ports.sessions.session(session);
    if (kindName !== "restore") return true;
    const systems = this.systemsOf((state as RestoreState).image.id);
    return systems.length === 0 || systems.includes("Windows");
  }

  /** The systems on an image; none where there is no such image (any more). */
  systemsOf(id: string): readonly HostSystem[] {
    return systemsOn(this.ports.images.find(id)?.partitions ?? []);
  }

  /** An import's image is in the store and visible. */
  imported(manifest: Manifest): void {
    const image = imageName(manifest);
    const what =
      manifest.fitOf === undefined
        ? `imported ${image} from ${manifest.source}`
        : `made ${image}, for disks of ${sizeText(manifest.diskBytes)}`;
    this.ports.announcer.note({ image }, what);
    this.tell(manifest);
  }

  /** What an attempt to fit it has found. */
  async noteLeastDisk(reference: string, bytes: number): Promise<void> {
    const manifest = this.find(reference);
    await this.ports.images.noteLeastDisk(manifest.id, bytes);
    this.tell(manifest);
  }

  /** Brings an image of another server here, in the background. Of one that is here nothing happens. Throws `not-found`. */
  fetch(reference: string): ImageView {
    const manifest = this.find(reference);
    this.ports.images.campus?.fetch(manifest.id);
    return this.view(manifest);
  }

  /** What came by then goes, unless another image needs it. */
  async stopFetch(reference: string): Promise<ImageView> {
    const manifest = this.find(reference);
    await this.ports.images.campus?.stopFetch(manifest.id);
    return this.view(manifest);
  }

  /** Its fitted versions go with it. */
  async delete(reference: string): Promise<{ freedBytes: number }> {
    const manifest = this.find(reference);
    const { images, sessions, announcer, optimiser } = this.ports;
    const going = [manifest, ...images.list().filter(({ fitOf }) => fitOf === manifest.id)];
    for (const each of going) {
      const user = sessions.restoreOf(each.id);
      if (user === null) continue;
      const what = `session ${user} is casting ${imageName(each)}`;
      throw new RoomcastError("conflict", what, "wait for its end, or stop it");
    }
    // From this call on nobody finds the images.
    const deleting = images.delete(manifest.id);
    const [freed] = await Promise.all([deleting, ...going.map((each) => optimiser.stop(each))]);
    this.ports.steps.forget(manifest.id);
    for (const { id } of going) announcer.feed.say({ type: "image-gone", id });
    return freed;
  }

  /** Something has become of an image, at this server or at another one of the campus. */
  changed(imageId: string): void {
    const manifest = this.ports.images.list().find(({ id }) => id === imageId);
    if (manifest !== undefined) this.tell(manifest);
    else this.ports.announcer.feed.say({ type: "image-gone", id: imageId });
  }

  /** The image has changed, or is new. */
  tell(manifest: Manifest): void {
    this.ports.announcer.feed.say({ type: "image", image: this.view(manifest) });
  }
}

/** The image that has the own steps and the notes: of a fitted version, what it was made of. */
const originOf = ({ fitOf, id }: Manifest): string => fitOf ?? id;
