/** A server's part in its campus, as its configuration says: database, storage, and what is kept of them here. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { version } from "../../core/node/version.ts";
import type { CampusConfig } from "../host/config.ts";
import { nodeFiles } from "../store/files.ts";
import { type ImageStore, nodePorts } from "../store/image-store.ts";
import { CampusRooms } from "./campus-rooms.ts";
import { openCampusStore } from "./open-campus-store.ts";
import { type CampusTime, isAway } from "./patience.ts";
import { PgRegistry } from "./registry.ts";
import { S3Objects } from "./s3.ts";
import { Seal, saltBytes } from "./seal.ts";

/** Milliseconds in which a storage that answers says whether keys and bucket are right; the start waits no longer. */
const checkLimitMs = 5000;

const hostTime: CampusTime = {
  now: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal, ref: false }).catch(() => {}),
};

/** Of what tells a server apart from another one of its name, in bytes. */
const idBytes = 16;

/**
 * Rejects for what is wrong in the configuration, and with `conflict` when another server has this one's name; not while
 * database or storage are away. `rooms` is closed before `images`.
 */
export async function openCampus(
  directory: string,
  config: CampusConfig,
  warn: (fields: Record<string, unknown>, text: string) => void,
): Promise<{ readonly images: ImageStore; readonly rooms: CampusRooms }> {
  const { database: settings, storage, cacheBytes } = config;
  const { endpoint, forcePathStyle = false } = storage;
  const server = config.server ?? hostname();
  await using opened = new AsyncDisposableStack();
  const seal = config.seal === null ? null : await Seal.read(config.seal);
  const objects = opened.use(await S3Objects.open({ ...storage, forcePathStyle }));
  if (objects.goesInClear)
    warn({ endpoint }, "what goes to the campus's storage can be read and changed on its way");
  await refuseWrong(objects);
  const registry = opened.use(
    await PgRegistry.open({ settings, server, warn: (text) => warn({}, text) }),
  );
  const tables = registry.roomTables();
  await nodeFiles.makeFolder(directory);
  const rooms = await CampusRooms.open({
    ...{ tables, server, version, seal, time: hostTime, disk: nodeFiles },
    steady: () => performance.now(),
    path: join(directory, "campus-rooms.json"),
    newId: () => randomBytes(idBytes).toString("hex"),
  });
  opened.defer(() => rooms.close());
  const store = await openCampusStore(directory, {
    ...{ store: nodePorts(directory), registry, objects, seal, server, cacheBytes },
    ...{ tables: registry.sweepTables(), time: hostTime },
    salt: () => randomBytes(saltBytes),
  });
  store.closeWith(opened.move());
  return { images: store, rooms };
}

/** Rejects where the storage answers that something is wrong; not where it is away. */
async function refuseWrong(objects: S3Objects): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  const check = objects.check().catch((error: unknown) => {
    // It may answer after the start has gone on, or the server has ended.
    if (!isAway(error) && !signal.aborted) throw error;
  });
  await Promise.race([check, hostTime.sleep(checkLimitMs, signal)]).finally(() => over.abort());
}
