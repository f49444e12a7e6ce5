/** Which image a room was restored from last: the one that a check of its network tells the time of. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { openApi } from "../api/open-api.ts";
import { mib, write } from "../store/write-image.ts";
import { helloOf, register } from "./hello.ts";

test("the last restore to the room itself says it, also once it is over", async () => {
  const api = await openApi("local");
  try {
    const { lab } = api;
    register(lab.inventory, helloOf("52:54:00:00:00:01"));
    await write(api.images, [new Uint8Array(randomBytes(mib))]);
    await write(api.images, [new Uint8Array(randomBytes(mib))], "other");
    const restore = (image: string, room: string | null): string => {
      const { id } = lab.orders.restore(
        {
          ...{ image, room, pcs: room === null ? ["pc1"] : null, disk: null, failingDisks: [] },
          ...{ start: "now", startTimeoutSeconds: null, delta: false },
          ...{ verify: "read-back", afterwards: "stay", personalise: "auto" },
          ...{ proveBootSeconds: null, canary: null, fit: "never" },
        },
        { operator: "ann", shown: null },
      );
      lab.sessions.stop(id);
      return lab.images.find(image).id;
    };
    assert.equal(lab.sessions.lastImageOf("default"), null);
    restore("lab", "default");
    const other = restore("other", "default");
    assert.equal(lab.sessions.lastImageOf("default"), other);
    restore("lab", null);
    assert.equal(lab.sessions.lastImageOf("default"), other, "that was for one PC");
    assert.equal(lab.sessions.lastImageOf("elsewhere"), null);
    for (let count = 0; count < 55; count++) restore("lab", null);
    assert(!lab.sessions.views().some(({ room }) => room !== null), "it is not listed any more");
    assert.equal(lab.sessions.lastImageOf("default"), other);
    const { storedBytes } = lab.images.view(lab.images.find(other));
    assert.deepEqual(lab.images.sizeOf(null, other), { name: "other@1", storedBytes });
    assert.equal(lab.images.sizeOf("lab", other)?.name, "lab@1", "the one that is named");
    assert.throws(() => lab.images.sizeOf("nothing", other), { code: "not-found" });
    await lab.images.delete("other");
    assert.equal(lab.images.sizeOf(null, other), null, "it is gone since");
    assert.equal(lab.images.sizeOf(null, null), null);
  } finally {
    await api.close();
  }
});
