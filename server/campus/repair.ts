/** Puts into the storage again what it has lost of images that are here: by an order, and by itself where that is found. */
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import type { FolderStore } from "../store/folder-store.ts";
import type { Damage } from "../store/verify.ts";
import { requireOwnStorage } from "./own-storage.ts";
import { packOfObject } from "./pack-object.ts";
import type { CampusTime } from "./patience.ts";
import type { ObjectStore, Registry } from "./ports.ts";
import { SelfRepair } from "./self-repair.ts";
import { type AgainPorts, putAgain } from "./upload.ts";

export interface RepairsPorts extends Pick<AgainPorts, "seal" | "salt" | "pause"> {
  readonly folder: Pick<FolderStore, "isHere" | "index" | "storedChunk">;
  readonly objects: Pick<ObjectStore, "put" | "size">;
  readonly registry: Pick<Registry, "beginWriter" | "packUse" | "tellLost" | "onLost">;
  readonly time: Pick<CampusTime, "now">;
  /** Ends what is done by itself. */
  readonly signal: AbortSignal;
  image(id: string): Manifest | undefined;
  /** The ids of the images that the campus has. */
  shared(): readonly string[];
  hold(imageId: string): Disposable;
  /** Something can be done with the next `run`. */
  wake(): void;
  /** For the log. */
  warn(text: string): void;
}

interface Lost {
  readonly packs: Set<string>;
  readonly objects: ReadonlySet<string>;
}

export class Repairs {
  private readonly ports: RepairsPorts;
  private readonly own: SelfRepair;
  private readonly hints: Disposable;

  constructor(ports: RepairsPorts) {
    this.ports = ports;
    const { registry, objects, time, signal, folder, image, warn } = ports;
    this.own = new SelfRepair({
      ...{ registry, objects, time, signal, warn },
      nameOf: (id) => {
        const known = image(id);
        return known === undefined ? id : imageName(known);
      },
      isHere: (id) => folder.isHere(id),
      requireOwn: () => requireOwnStorage(ports.shared(), objects),
      putAgain: async (id, packs) => {
        const known = image(id);
        if (known !== undefined) await this.put(known, { packs, objects: new Set() }, signal);
      },
    });
    this.hints = registry.onLost((pack) => {
      this.own.heard(pack);
      ports.wake();
    });
  }

  /** In words. */
  get warnings(): string[] {
    return this.own.warnings;
  }

  /** An upload or a fetch has found that the storage has lost a pack. */
  found(pack: string): void {
    this.own.found(pack);
  }

  /** What was found and can be done now. Rejects with `away`. */
  run(): Promise<void> {
    return this.own.run();
  }

  /** `lost`: what was found of these images. Rejects with `away`, or as the signal. */
  async repair(
    images: readonly Manifest[],
    lost: readonly Damage[],
    signal: AbortSignal,
  ): Promise<void> {
    const objects = new Set(lost.flatMap(({ pack }) => pack ?? []));
    const packs = new Set([...objects].flatMap((name) => packOfObject(name) ?? []));
    for (const image of images) {
      const isMeant = lost.some((damage) => damage.images.includes(imageName(image)));
      if (isMeant) await this.put(image, { packs, objects }, signal);
    }
  }

  close(): void {
    this.hints[Symbol.dispose]();
  }

  /** Nothing where the image is not here any more. */
  private async put(image: Manifest, lost: Lost, signal: AbortSignal): Promise<void> {
    const { folder, hold, ...ports } = this.ports;
    if (!folder.isHere(image.id)) return;
    using _ = hold(image.id);
    const again: AgainPorts = {
      ...ports,
      index: (id) => folder.index(id),
      storedChunk: (id, entry) => folder.storedChunk(id, entry),
    };
    await putAgain(image, lost, again, signal);
  }
}
