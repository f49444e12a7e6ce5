/**
 * Captures, deletes, packs anew and gives up images for ever, until it is killed, or kills itself at a step:
 * `kill-child.ts FOLDER SEED STEP`, 0 for none. Says on stdout what is done (`committed ID NAME@VERSION`,
 * `deleted ID`) and what is about to be (`deleting ID`).
 */

import { randomBytes } from "node:crypto";
import { writeSync } from "node:fs";
import { zstdCompressSync } from "node:zlib";
import { crc32c } from "../../../core/image/crc32c.ts";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { codec } from "../../../core/image/types.ts";
import { sha256 } from "../../../core/node/hash.ts";
import { seeded } from "../../sim/random.ts";
import { dieAtStep } from "./die-at-step.ts";
import { draftOf, mib } from "./write-image.ts";

const [folder = "", seed = "", step = ""] = process.argv.slice(2);
const random = seeded(Number(seed));
const below = (limit: number): number => Math.floor(random() * limit);
// Synchronous: what was said before a kill has arrived.
const say = (line: string): void => void writeSync(1, `${line}\n`);

await dieAtStep(Number(step));
const { openImageStore } = await import("../../../server/store/open-image-store.ts");
const { pack } = await import("../../../server/store/pack-job.ts");
say("ready");
const store = await openImageStore(folder);
if (store.problems.length > 0) say(`problem ${store.problems.join("; ")}`);

for (;;) {
  const images = store.list();
  if (images.length > 6 || (images.length > 2 && below(3) === 0)) {
    const { id } = images[below(images.length)] as (typeof images)[number];
    say(`deleting ${id}`);
    await store.delete(id);
    say(`deleted ${id}`);
    continue;
  }
  if (images.length > 0 && below(3) === 0) {
    const { id } = images[below(images.length)] as (typeof images)[number];
    await store.repack(id, {
      ...{ level: 2 + below(3), lanes: 2, signal: new AbortController().signal, onProgress() {} },
      pack: async (job) => pack(job),
      isFree: () => below(3) > 0,
      untilFree: async () => {},
    });
    say(`packed ${id}`);
    continue;
  }
  const writer = store.beginImage(["lab", "room"][below(2)] as string);
  const chunks = Array.from({ length: 1 + below(6) }, (_, chunkIndex) => {
    // Some that every image has, some that a few have, some of its own.
    const kind = below(4);
    const raw = Buffer.alloc(mib, `shared ${kind} `);
    if (kind > 1) raw.set(randomBytes(2000));
    const stored = new Uint8Array(zstdCompressSync(raw));
    const { length: storedLength } = stored;
    const checks = { storedLength, crc32c: crc32c(stored), sha256: sha256(raw) };
    return { entry: { chunkIndex, codec: codec.zstd, ...checks }, stored };
  });
  writer.known(Buffer.concat(chunks.map(({ entry }) => entry.sha256)));
  await Promise.all(chunks.map(({ entry, stored }) => writer.put(entry, stored)));
  if (below(5) === 0) {
    await writer.abort();
    continue;
  }
  const index = encodeIndex(chunks.map(({ entry }) => entry));
  const { id, name, version } = await writer.commit(draftOf(index, chunks.length), index);
  say(`committed ${id} ${name}@${version}`);
}
