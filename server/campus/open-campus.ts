/** A server's part in its campus, as its configuration says: database, storage, and what is kept of them here. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { version } from "../../core/node/version.ts";
import type { CampusConfig } from "../host/config.ts";
import { nodeFiles } from "../store/files.ts";
import type { ImageStore } from "../store/image-store.ts";
import { nodePorts } from "../store/store-ports.ts";
import { CampusHistory } from "./campus-history.ts";
import { CampusOrders } from "./campus-orders.ts";
import { CampusRooms } from "./campus-rooms.ts";
import { hostTime } from "./host-time.ts";
import { type CampusStorePorts, openCampusStore } from "./open-campus-store.ts";
import { isAway } from "./patience.ts";
import { PgRegistry } from "./registry.ts";
import { S3Objects } from "./s3.ts";
import type { S3Traffic } from "./s3-traffic.ts";
import { Seal, saltBytes } from "./seal.ts";
import { SharedRecords } from "./shared-records.ts";

/** Milliseconds in which a storage that answers says whether keys and bucket are right; the start waits no longer. */
const checkLimitMs = 5000;

/** Of ids that nobody guesses, in bytes. */
const idBytes = 16;

export interface OpenCampus {
  /** Closed after the others. */
  readonly images: ImageStore;
  readonly rooms: CampusRooms;
  readonly orders: CampusOrders;
  readonly history: CampusHistory;
  readonly shared: SharedRecords;
  /** With the storage, since the start. */
  readonly traffic: S3Traffic;
}

/**
 * Rejects for what is wrong in the configuration, with `conflict` when another server has this one's name, and while its
 * folder is opened also once `signal` aborts; not while database or storage are away.
 */
export async function openCampus(
  directory: string,
  config: CampusConfig,
  warn: (fields: Record<string, unknown>, text: string) => void,
  signal?: AbortSignal,
): Promise<OpenCampus> {
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
  const time = hostTime;
  const steady = (): number => performance.now();
  const newId = (): string => randomBytes(idBytes).toString("hex");
  const path = join(directory, "campus-rooms.json");
  const rooms = await CampusRooms.open({
    ...{ tables, server, version, seal, time, disk: nodeFiles, steady, path, newId },
  });
  opened.defer(() => rooms.close());
  const { instance } = rooms;
  const orders = new CampusOrders({
    ...{ tables: registry.orderTables(), server, instance, time, steady, newId },
    servers: () => rooms.status().servers,
  });
  opened.defer(() => orders.close());
  const history = new CampusHistory({
    ...{ tables: registry.historyTables(), server, time },
  });
  opened.defer(() => history.close());
  const shared = await SharedRecords.open({
    ...{ tables: registry.sharedTables(), server, time, disk: nodeFiles },
    path: join(directory, "campus-shared.json"),
  });
  opened.defer(() => shared.close());
  const ports: CampusStorePorts = {
    ...{ store: nodePorts(directory), registry, objects, seal, server, cacheBytes },
    ...{ tables: registry.sweepTables(), time: hostTime },
    salt: () => randomBytes(saltBytes),
    warn: (text) => warn({}, text),
  };
  const store = await openCampusStore(directory, ports, signal);
  store.closeWith(opened.move());
  return { images: store, rooms, orders, history, shared, traffic: objects.traffic };
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
