/**
 * Sends an image to the server as a capture does, at a steady rate, and commits it. Its chunks do not compress, and no
 * two are alike. Told all it has to know by IPC; says when it has begun, and when the image is committed.
 */
import { constants, setPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient } from "../../../client/api/client.ts";
import { agentFor } from "../../../client/api/trust.ts";
import { openUplink } from "../../../client/transfer/api-uplink.ts";
import { crc32c } from "../../../core/image/crc32c.ts";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { codec, type IndexEntry } from "../../../core/image/types.ts";
import { sha256 } from "../../../core/node/hash.ts";
import { chunkBytes } from "../../../core/units/units.ts";
import { Outbox } from "../../../imaging/capture/outbox.ts";
import { noiseOf } from "../../core/node/noise-source.ts";
import { draftOf } from "../../server/store/write-image.ts";

/** What a sender says: that it begins, and at the end the processor time that it has used since. */
export interface SenderWord {
  readonly used: NodeJS.CpuUsage | null;
}

export interface SenderOrder {
  readonly url: string;
  readonly pin: string;
  readonly token: string;
  readonly name: string;
  readonly chunkCount: number;
  readonly chunksPerSecond: number;
}

// Senders are other PCs: here they have what is left of the processors by all of the server's threads.
setPriority(constants.priority.PRIORITY_LOW);

process.once("message", (order: SenderOrder) => {
  send(order).then((used) => process.send?.({ used } satisfies SenderWord, () => process.exit()));
});

async function send(order: SenderOrder): Promise<NodeJS.CpuUsage> {
  const { pin, token, name, chunkCount, chunksPerSecond } = order;
  const url = new URL(order.url);
  const client = new ApiClient({ url, token, agent: agentFor(url, { pins: [pin] }) });
  await using uplink = await openUplink(client, { name }, new AbortController().signal);
  const outbox = new Outbox(uplink);
  const own = Buffer.from(name.padEnd(16));
  const entries: IndexEntry[] = [];
  const startedAt = performance.now();
  const usedBefore = process.cpuUsage();
  process.send?.({ used: null } satisfies SenderWord);
  for (let chunkIndex = 0; chunkIndex < chunkCount; chunkIndex++) {
    const dueAt = startedAt + (chunkIndex * 1000) / chunksPerSecond;
    if (dueAt > performance.now()) await sleep(dueAt - performance.now());
    const stored = new Uint8Array(noiseOf(chunkIndex % 8, chunkBytes));
    stored.set(own);
    new DataView(stored.buffer).setUint32(own.length, chunkIndex);
    const form = { codec: codec.raw, storedLength: chunkBytes, crc32c: crc32c(stored) };
    const entry = { chunkIndex, ...form, sha256: sha256(stored) };
    entries.push(entry);
    await outbox.isKnown(entry.sha256);
    await outbox.send({ entry, stored });
  }
  await outbox.emptied();
  const index = encodeIndex(entries);
  await uplink.index(index);
  await uplink.commit(draftOf(index, chunkCount));
  return process.cpuUsage(usedBefore);
}
