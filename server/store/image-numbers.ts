/** What a store keeps of its images beside their manifests, each in a file of its own (`image-files.ts`). */
import { RoomcastError } from "../../core/errors.ts";
import { foldedName } from "../../core/wire/names.ts";
import type { StoreFiles } from "./files.ts";
import {
  type NumbersFile,
  readNumbers,
  readOrders,
  writeNumbers,
  writeOrders,
} from "./image-files.ts";
import type { RepackOrder } from "./repack.ts";

const unreadVersions = "versions.json of the image store is damaged or cannot be read";
const mendVersions =
  "let the server's user read it, put it back from a backup, or remove it, and start the server again";

/** Each change is durable when it resolves. */
export class ImageNumbers {
  /** What could not be read, in words. */
  readonly problems: readonly string[];
  private readonly disk: StoreFiles;
  private readonly directory: string;
  /** The highest version of names whose newest image was deleted, by `foldedName`; null: it could not be read. */
  private readonly versions: Map<string, number> | null;
  /** By the image's id; what it costs to lose it is another try. */
  private readonly least: Map<string, number>;
  /** Stored bytes of the images that were packed anew, by id; what it costs to lose them is another try. */
  private readonly packed: Map<string, number>;
  private readonly orders: Map<string, RepackOrder>;

  private constructor(
    place: { readonly disk: StoreFiles; readonly directory: string },
    read: {
      readonly versions: Map<string, number> | null;
      readonly least: Map<string, number>;
      readonly packed: Map<string, number>;
      readonly orders: Map<string, RepackOrder>;
    },
  ) {
    this.disk = place.disk;
    this.directory = place.directory;
    this.versions = read.versions;
    this.least = read.least;
    this.packed = read.packed;
    this.orders = read.orders;
    this.problems =
      read.versions === null
        ? [`${unreadVersions}: a deleted version's number may come again; ${mendVersions}`]
        : [];
  }

  static async open(disk: StoreFiles, directory: string): Promise<ImageNumbers> {
    const byId = async (file: NumbersFile): Promise<Map<string, number>> =>
      (await readNumbers(disk, directory, file, (id) => id)) ?? new Map();
    const versions = await readNumbers(disk, directory, "versions.json", foldedName);
    const least = await byId("least.json");
    const packed = await byId("packed.json");
    const orders = await readOrders(disk, directory);
    return new ImageNumbers({ disk, directory }, { versions, least, packed, orders });
  }

  /** The highest version of a name that was deleted; 0: none was. */
  versionOf(name: string): number {
    return this.versions?.get(foldedName(name)) ?? 0;
  }

  /** Rejects with `failed` where those of before could not be read: they would be lost. */
  async noteVersion(name: string, version: number): Promise<void> {
    if (this.versions === null) {
      const what = `${unreadVersions}: it cannot keep the number of ${name}@${version}, which stays`;
      throw new RoomcastError("failed", what, mendVersions);
    }
    this.versions.set(foldedName(name), version);
    await this.write("versions.json", this.versions);
  }

  /** The smallest disk that the image was found to fit; null: nobody has tried. */
  leastOf(imageId: string): number | null {
    return this.least.get(imageId) ?? null;
  }

  async noteLeast(imageId: string, bytes: number): Promise<void> {
    this.least.set(imageId, bytes);
    await this.write("least.json", this.least);
  }

  async forgetLeast(imageId: string): Promise<void> {
    if (this.least.delete(imageId)) await this.write("least.json", this.least);
  }

  /** Stored bytes of an image that was packed anew; null: it was not. */
  packedOf(imageId: string): number | null {
    return this.packed.get(imageId) ?? null;
  }

  async notePacked(imageId: string, bytes: number): Promise<void> {
    this.packed.set(imageId, bytes);
    await this.write("packed.json", this.packed);
  }

  /** Images that somebody ordered to be packed anew, and how. */
  get ordered(): ReadonlyMap<string, RepackOrder> {
    return this.orders;
  }

  /** Null: no more. */
  async order(imageId: string, how: RepackOrder | null): Promise<void> {
    if (how !== null) this.orders.set(imageId, how);
    else if (!this.orders.delete(imageId)) return;
    await writeOrders(this.disk, this.directory, this.orders);
  }

  async forgetPacking(imageId: string): Promise<void> {
    if (this.packed.delete(imageId)) await this.write("packed.json", this.packed);
    await this.order(imageId, null);
  }

  private write(file: NumbersFile, numbers: ReadonlyMap<string, number>): Promise<void> {
    return writeNumbers(this.disk, this.directory, file, numbers);
  }
}
