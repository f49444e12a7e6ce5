/** An image that is being deleted is given to nobody, and one that is being given is not deleted. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { openApi, type TestApi } from "../api/open-api.ts";
import { draftOf, entryOf, mib, write } from "../store/write-image.ts";
import { helloOf, register } from "./hello.ts";

let api: TestApi;
beforeEach(async () => {
  api = await openApi("local");
  register(api.lab.inventory, helloOf("52:54:00:00:00:01"));
  await write(api.images, [new Uint8Array(randomBytes(mib))]);
});
afterEach(() => api.close());

const restore = (image = "lab") =>
  api.lab.orders.restore(
    {
      ...{ image, room: null, pcs: ["pc1"], disk: null, failingDisks: [] },
      ...{ start: "now", startTimeoutSeconds: null, delta: false },
      ...{ verify: "read-back", afterwards: "stay", personalise: "auto" },
      ...{ proveBootSeconds: null, canary: null, fit: "never" },
    },
    { operator: "ann", shown: null },
  );

test("a restore that begins while the deletion waits its turn is refused", async () => {
  // The store does one thing at a time: the first deletion keeps the second waiting.
  await write(api.images, [new Uint8Array(randomBytes(mib))], "other");
  const deletions = [api.lab.images.delete("other"), api.lab.images.delete("lab")];
  assert.throws(() => restore(), { code: "not-found", message: /there is no image "lab"/ });
  await assert.rejects(api.lab.images.delete("lab"), { code: "not-found" });
  await Promise.all(deletions);
  assert.deepEqual(api.lab.images.views(), []);
});

test("an image that a restore casts is not deleted, and can be once the restore is over", async () => {
  const { id } = restore();
  await assert.rejects(api.lab.images.delete("lab"), { code: "conflict" });
  api.lab.sessions.stop(id);
  await api.lab.images.delete("lab");
});

test("an image goes with its fitted versions, unless one of them is cast", async () => {
  const [origin] = api.images.list();
  assert(origin !== undefined);
  const writer = api.images.beginFitted(origin, "1MB");
  const data = new Uint8Array(randomBytes(mib));
  await writer.put(entryOf(0, data), data);
  const index = encodeIndex([entryOf(0, data)]);
  await writer.commit(draftOf(index, 1), index);
  const shown = api.lab.images
    .views()
    .map(({ fitOf, fitSize, version }) => ({ fitOf, fitSize, version }));
  assert.deepEqual(shown, [
    { fitOf: null, fitSize: null, version: 1 },
    { fitOf: origin.id, fitSize: "1MB", version: 1 },
  ]);
  assert.deepEqual(
    api.lab.images.viewsAtPcs().map(({ id }) => id),
    [origin.id],
  );
  const { id } = restore("lab@1-fit-1MB");
  const message = /casting lab@1-fit-1MB/;
  await assert.rejects(api.lab.images.delete("lab"), { code: "conflict", message });
  api.lab.sessions.stop(id);
  await api.lab.images.delete("lab");
  assert.deepEqual(api.lab.images.views(), []);
});

test("a deletion that fails leaves the image where it was", async (context) => {
  const [image] = api.images.list();
  assert(image !== undefined);
  await assert.rejects(api.images.delete("nobody"), { code: "not-found" });
  const { images } = api.images as unknown as { images: Map<string, unknown> };
  context.mock.method(images, "get", () => {
    throw new Error("EIO");
  });
  await assert.rejects(api.images.delete(image.id), /EIO/);
  context.mock.restoreAll();
  assert.equal(api.images.find("lab")?.id, image.id);
});
