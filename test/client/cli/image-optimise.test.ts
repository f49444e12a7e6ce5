/** `image optimise` against a real server: ordered, waited for, exported; what it says. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { imageName } from "../../../core/image/manifest.ts";
import type { ImageView, OptimiseView } from "../../../core/wire/views.ts";
import { fill } from "../../imaging/restore/fake-disk.ts";
import { mib, write } from "../../server/store/write-image.ts";
import { imageOf } from "../console/fake-lab.ts";
import { openTransfers } from "../transfer/open-transfers.ts";
import { ran } from "./run-command.ts";

const chunks = [1, 2, 3].map((seed) => {
  const raw = new Uint8Array(mib);
  fill(raw, seed);
  return raw;
});

test("it is packed in the background, is the same image, and is exported as it was", async () => {
  const at = await openTransfers();
  try {
    const image = await write(at.images, chunks, "win11");
    const path = `/images/${image.id}`;
    const before = await at.client.get<ImageView>(path);
    assert.equal(before.optimise, null);
    await at.client.post(`${path}/optimise`, { level: 3 });
    let after = await at.client.get<ImageView>(path);
    for (const end = Date.now() + 60_000; after.optimise?.state !== "done"; ) {
      assert(Date.now() < end, JSON.stringify(after.optimise));
      await new Promise((resolve) => setTimeout(resolve, 50));
      after = await at.client.get<ImageView>(path);
    }
    assert(after.storedBytes < before.storedBytes / 2);
    assert.equal(after.optimise.savedBytes, before.storedBytes - after.storedBytes);
    const { storedBytes: _, optimise: __, ...same } = after;
    const { storedBytes: ___, optimise: ____, ...was } = before;
    assert.deepEqual(same, was);
    const file = join(at.folder, "disk.raw");
    await at.export("win11", file);
    assert(readFileSync(file).equals(Buffer.concat(chunks)));
    // Nothing to stop any more.
    assert.equal((await at.client.delete<ImageView>(`${path}/optimise`)).optimise?.state, "done");
  } finally {
    await at.close();
  }
});

const image = imageOf(3, { name: "win11", storedBytes: 1e9 });
const how = (state: OptimiseView["state"], more: Partial<OptimiseView> = {}): OptimiseView => ({
  ...{ state, reason: null, chunksDone: 5, chunksTotal: 20, savedBytes: 150e6 },
  ...more,
});
const own = `/images/${image.id}/optimise`;

test("with --wait it says what was won; a failure and a stop are its own", async () => {
  const answers = (after: ImageView) => ({ "/images/win11": image, [own]: after });
  const done = await ran(
    ["image", "optimise", "win11", "--wait"],
    answers({ ...image, storedBytes: 850e6, optimise: how("done") }),
  );
  assert.match(
    done.said.join("\n"),
    /850.0 MB instead of 1.0 GB, 15 % less; a room at 1 Gbit\/s is done 1 s earlier/,
  );
  const failed = await ran(
    ["image", "optimise", "win11", "--wait"],
    answers({ ...image, optimise: how("failed", { reason: "the image store is full" }) }),
  );
  assert.match(String(failed.error), /it was not packed anew: the image store is full/);
  const background = await ran(
    ["image", "optimise", "win11"],
    answers({ ...image, optimise: how("waiting") }),
  );
  assert.match(background.said.join("\n"), new RegExp(`${imageName(image)} is packed anew in the`));
});

test("what is no level or no number of cores is refused", async () => {
  for (const odd of ["--level=0", "--level=20", "--level=x", "--threads=0", "--threads=1.5"]) {
    const { error } = await ran(["image", "optimise", "win11", odd], { "/images/win11": image });
    assert.match(String(error), /is not 1 to/, odd);
  }
});
