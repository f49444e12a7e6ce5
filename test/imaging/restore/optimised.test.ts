/** An image that was packed anew is restored by the agent's own code, whole and as a delta. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { pack } from "../../../server/store/pack-job.ts";
import { mib, write } from "../../server/store/write-image.ts";
import { fill } from "./fake-disk.ts";
import { randomDisk, restoreTo } from "./restored.ts";

test("a restore, a packing, and a delta restore: the same root hash, and only what differs is written", async () => {
  const folder = mkdtempSync(join(tmpdir(), "optimised-"));
  try {
    const chunks = [1, 2, 3, 4].map((seed) => {
      const raw = new Uint8Array(mib);
      fill(raw, seed);
      return raw;
    });
    await using store = await openImageStore(join(folder, "store"));
    const image = await write(store, chunks);
    const repack = (level: number) =>
      store.repack(image.id, {
        ...{ level, lanes: 2, signal: new AbortController().signal, onProgress() {} },
        pack: async (job) => pack(job),
        isFree: () => true,
        untilFree: async () => {},
      });
    const { storedBytes } = await repack(1);
    assert(storedBytes < image.storedBytes / 2);
    const disk = randomDisk(join(folder, "disk"), image.diskBytes);
    const whole = await restoreTo(disk, image, store);
    assert.deepEqual(
      [whole.outcome, whole.rootHash, whole.reason],
      ["verified", image.rootHash, null],
    );
    assert(readFileSync(disk).equals(Buffer.concat(chunks)));

    await repack(9);
    const data = readFileSync(disk);
    data[2 * mib + 7] = (data[2 * mib + 7] as number) ^ 1;
    writeFileSync(disk, data);
    const delta = await restoreTo(disk, image, store, { scan: true });
    assert.deepEqual(
      [delta.outcome, delta.rootHash, delta.reason],
      ["verified", image.rootHash, null],
    );
    // The boot area, which is the first and the last of them, is written always.
    assert.deepEqual([delta.counters?.chunksKept, delta.counters?.chunksWritten], [1, 3]);
    assert(readFileSync(disk).equals(Buffer.concat(chunks)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
