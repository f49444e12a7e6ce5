/**
 * `make bench-order`: seconds from an order to the first packet of a large image, for PCs that are there. The chunks of the
 * image are small once they are packed; what there is to read and to look up before that packet goes by their number.
 */
import { randomFillSync } from "node:crypto";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { zstdCompressSync } from "node:zlib";
import { ApiClient } from "../../client/api/client.ts";
import { crc32c } from "../../core/image/crc32c.ts";
import { encodeIndex } from "../../core/image/index-codec.ts";
import { codec, type IndexEntry } from "../../core/image/types.ts";
import { sha256 } from "../../core/node/hash.ts";
import type { SessionView } from "../../core/wire/views.ts";
import { openImageStore } from "../../server/store/open-image-store.ts";
import { openHostRoom } from "../net/hosts.ts";
import { serverPort } from "../room/network.ts";
import { draftOf, mib } from "../server/store/write-image.ts";
import { watchWire } from "./product/wire.ts";

const { values } = parseArgs({
  options: {
    gib: { type: "string", default: "40" },
    pcs: { type: "string", default: "1,4" },
  },
});
/** Of each chunk, in bytes: the rest is zeros. */
const ownBytes = 4096;
const orders = 3;
/** After which an order has failed, in milliseconds. */
const patienceMs = 60_000;
/** For what a start, or the session before, has left to be done. */
const restMs = 3000;
const chunkCount = Number(values.gib) * 1024;

async function makeImage(directory: string): Promise<void> {
  await using store = await openImageStore(directory);
  const writer = store.beginImage("large");
  const raw = new Uint8Array(mib);
  const entries: IndexEntry[] = [];
  for (let chunkIndex = 0; chunkIndex < chunkCount; chunkIndex++) {
    randomFillSync(raw, 0, ownBytes);
    const stored = new Uint8Array(zstdCompressSync(raw));
    const form = { codec: codec.zstd, storedLength: stored.length, crc32c: crc32c(stored) };
    const entry = { chunkIndex, ...form, sha256: sha256(raw) };
    await writer.put(entry, stored);
    entries.push(entry);
  }
  const index = encodeIndex(entries);
  await writer.commit(draftOf(index, chunkCount), index);
}

/** Of each of a server's first orders. */
async function secondsOf(store: string, pcCount: number): Promise<number[]> {
  const room = await openHostRoom();
  try {
    await cp(store, join(room.data, "store"), { recursive: true });
    await room.startServer();
    for (let pc = 1; pc <= pcCount; pc++) await room.addHost(pc, chunkCount * mib);
    const areIdle = () =>
      room.until(
        () => room.pcs(),
        (all) => all.filter(({ state }) => state === "idle").length === pcCount,
        100,
      );
    const names = (await areIdle()).map(({ name }) => name);
    const client = new ApiClient({ socketPath: join(room.data, "roomcast.sock") });
    await room.roomcast("room", "create", "lab");
    for (const name of names) await client.patch(`/pcs/${name}`, { room: "lab" });
    const seconds: number[] = [];
    while (seconds.length < orders) {
      await sleep(restMs);
      const watch = await watchWire(room, [serverPort], "udp");
      const orderedAt = Date.now();
      const { id } = await client.post<SessionView>("/sessions", {
        ...{ kind: "restore", image: "large", pcs: names, overwrite: names.join(",") },
        personalise: "none",
      });
      while (watch.firstAt() === null && Date.now() - orderedAt < patienceMs) await sleep(20);
      seconds.push(((watch.firstAt() ?? Number.NaN) - orderedAt) / 1000);
      await watch.close();
      await client.post(`/sessions/${id}/stop`);
      await areIdle();
    }
    return seconds;
  } finally {
    await room.close();
  }
}

const folder = await mkdtemp(join(tmpdir(), "roomcast-order-"));
try {
  const store = join(folder, "store");
  await makeImage(store);
  console.log(`${chunkCount} chunks; seconds from a server's first orders to the first packet`);
  for (const pcCount of values.pcs.split(",").map(Number)) {
    const seconds = await secondsOf(store, pcCount);
    console.log(`${pcCount} PCs: ${seconds.map((each) => each.toFixed(2)).join("  ")}`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
