/** An image restored by the agent's own task, to a disk full of random bytes. */

import { randomBytes } from "node:crypto";
import { closeSync, openSync, statSync, truncateSync, writeSync } from "node:fs";
import fastify from "fastify";
import type {
  CastReceiver,
  CastReceiverEvents,
  CastReceiverOptions,
} from "../../../core/cast/ends.ts";
import type { Manifest } from "../../../core/image/types.ts";
import { systemClock } from "../../../core/node/clock.ts";
import { usualRule } from "../../../core/wire/disk-policy.ts";
import type { RestoreOrder } from "../../../core/wire/orders.ts";
import type { End } from "../../../core/wire/work.ts";
import { describePath } from "../../../imaging/disk/disks.ts";
import { systemRoots } from "../../../imaging/disk/sysfs.ts";
import { ServerFiles } from "../../../initrd/agent/link/http.ts";
import { startRestore } from "../../../initrd/agent/tasks/restore.ts";
import { imageRoutes } from "../../../server/gate/image-routes.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";
import { castKeys } from "../../core/cast/keys.ts";
import { plainHttp } from "../../tls.ts";

const mib = 1 << 20;

/** A disk file of random bytes. */
export function randomDisk(path: string, size: number): string {
  const fd = openSync(path, "w");
  const junk = randomBytes(mib);
  for (let at = 0; at < size; at += mib) writeSync(fd, junk, 0, Math.min(mib, size - at), at);
  closeSync(fd);
  truncateSync(path, size);
  return path;
}

/** What became of a restore of `image` to `target`, a disk file or a block device. */
export async function restoreTo(
  target: string,
  image: Manifest,
  store: ImageStore,
  more: Partial<RestoreOrder> = {},
): Promise<End> {
  const app = fastify();
  await imageRoutes(app, { store, list: () => [] });
  try {
    const server = plainHttp(await app.listen({ host: "127.0.0.1", port: 0 }));
    const disk = describePath(target, systemRoots);
    if (disk === null) throw new Error(`${target} is no disk`);
    const order: RestoreOrder = {
      type: "restore",
      session: "s1",
      attempt: 1,
      grant: "",
      imageId: image.id,
      image: `${image.name}@${image.version}`,
      cast: { tag: 1, group: "239.77.1.1", port: 7401, keys: castKeys },
      verify: "read-back",
      afterwards: "stay",
      disk: null,
      rule: usualRule,
      grow: "auto",
      scan: false,
      live: "no",
      personal: null,
      ...more,
    };
    const task = startRestore(order, {
      clock: systemClock,
      memoryBytes: 1e9,
      availableBytes: () => 1e9,
      mac: async () => "52:54:00:00:00:07",
      ownsFirmware: false,
      files: (signal, grant) => new ServerFiles(server, signal, grant),
      candidates: () => [{ disk, inUse: null }],
      interfaceAddress: async () => "127.0.0.1",
      isWireless: async () => false,
      startReceiver: (options, events) => fromStore(options, events, { store, image }),
      send: () => true,
      sendBulk: () => true,
      listen: () => {},
      log: () => {},
      milestone: () => {},
    });
    return await task.ended;
  } finally {
    await app.close();
  }
}

/** Stands in for the cast: the wanted chunks straight from the store. */
async function fromStore(
  { wants }: CastReceiverOptions,
  events: CastReceiverEvents,
  { store, image }: { store: ImageStore; image: Manifest },
): Promise<CastReceiver> {
  let isClosed = false;
  const pump = async (): Promise<void> => {
    for (let index = 0; index < wants.length * 8 && !isClosed; index++) {
      if ((((wants[index >> 3] as number) >> (index & 7)) & 1) === 0) continue;
      const stored = new Uint8Array(await store.readChunk(image.id, index));
      await new Promise((settle) => events.chunk(index, stored, settle));
    }
  };
  const ended = pump();
  return {
    forget() {},
    announce() {},
    refresh() {},
    rekey() {},
    ended,
    async close() {
      isClosed = true;
    },
  };
}

export const sizeOf = (path: string): number => statSync(path).size;
