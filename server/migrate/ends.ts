/** Database and storage of a campus, tried before anything is moved there: that they are reached, what may be done, and the key. */
import { randomBytes } from "node:crypto";
import { RoomcastError } from "../../core/errors.ts";
import type { DatabaseSettings } from "../campus/database-address.ts";
import { decodeImageObject, imageObjectName } from "../campus/pack-object.ts";
import type { CampusImage, ObjectStore } from "../campus/ports.ts";
import { PgRegistry } from "../campus/registry.ts";
import { S3Objects } from "../campus/s3.ts";
import type { S3Config } from "../campus/s3-config.ts";
import { Seal } from "../campus/seal.ts";

/** What the configuration of a server of the campus says of it. */
export interface CampusSettings {
  /** What the others call it. */
  readonly server: string;
  readonly database: DatabaseSettings;
  readonly storage: S3Config;
  /** The file of the key; null: nothing is sealed. */
  readonly seal: string | null;
}

export interface CampusEnds extends AsyncDisposable {
  readonly registry: PgRegistry;
  readonly objects: S3Objects;
  readonly seal: Seal | null;
  readonly images: readonly CampusImage[];
  /** Bytes that the storage took a second, of one object. */
  readonly rate: number;
}

/** Put there and removed again, to see what the keys may do: as large as a request of a fetch. */
const trialBytes = 4 * 1024 * 1024;

/**
 * Rejects for each thing that is not as it has to be. With `isDry` the database stays as it is; an object is put into
 * the storage and removed in any case.
 */
export async function openEnds(
  settings: CampusSettings,
  { isDry, warn }: { readonly isDry: boolean; warn(text: string): void },
): Promise<CampusEnds> {
  const { server, database, storage } = settings;
  await using opened = new AsyncDisposableStack();
  const seal = settings.seal === null ? null : await Seal.read(settings.seal);
  const objects = opened.use(await S3Objects.open(storage));
  if (objects.goesInClear) warn("what goes to the storage can be read and changed on its way");
  await objects.check();
  const rate = await tried(objects);
  const tables = isDry ? "look" : "make";
  const registry = opened.use(await PgRegistry.open({ settings: database, server, warn, tables }));
  const away = registry.away();
  if (away !== null) {
    const next = "check that it runs and is reached from here, then start this again";
    throw new RoomcastError("away", `the database is not reached: ${away.reason}`, next);
  }
  const images = registry.hasTables ? await registry.images() : [];
  if (registry.hasTables) await requireFreeName(registry, server);
  await requireSameSeal(images, objects, seal);
  const stack = opened.move();
  const end = (): Promise<void> => stack.disposeAsync();
  return { registry, objects, seal, images, rate, [Symbol.asyncDispose]: end };
}

/** The keys may write, read and delete. Answers at which rate it was put there, in bytes a second. */
async function tried(objects: ObjectStore): Promise<number> {
  const name = `trial/${randomBytes(8).toString("hex")}`;
  const bytes = randomBytes(trialBytes);
  const began = performance.now();
  await objects.put(name, bytes);
  const seconds = (performance.now() - began) / 1000;
  try {
    const read = await objects.get(name, { offset: 0, length: trialBytes });
    if (!bytes.equals(read)) {
      const next = "the storage is not to be trusted with images: see its log";
      throw new RoomcastError("failed", "the storage gives back other bytes than it took", next);
    }
  } finally {
    await objects.remove(name);
  }
  return trialBytes / Math.max(seconds, 0.001);
}

async function requireFreeName(registry: PgRegistry, server: string): Promise<void> {
  const { servers } = await registry.roomTables().look(0);
  const namesake = servers.find(({ name }) => name === server);
  if (namesake === undefined || namesake.away !== null) return;
  throw new RoomcastError(
    "conflict",
    `a server of the campus is named ${server} already: the one at ${namesake.address ?? "an unknown address"}`,
    "name this one otherwise: --name NAME",
  );
}

/** What the campus has can be read with this key. Rejects with `bad-input`. */
async function requireSameSeal(
  images: readonly CampusImage[],
  objects: ObjectStore,
  seal: Seal | null,
): Promise<void> {
  const [image] = images;
  if (image === undefined) return;
  const name = imageObjectName(image.manifest.id, "manifest");
  if ((await objects.size(name)) === null) {
    throw new RoomcastError(
      "bad-input",
      `the storage lacks ${name}, of an image that the database has: they are not of one campus`,
      "compare --to and --s3 with the configuration of another server of the campus",
    );
  }
  decodeImageObject(name, await objects.get(name), seal);
}
