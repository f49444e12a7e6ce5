/** Uploads of chunks: what they may cost the server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fastify from "fastify";
import { encodeEntry, encodeIndex } from "../../../core/image/index-codec.ts";
import { codec, type Manifest } from "../../../core/image/types.ts";
import type { ImageWriter } from "../../../server/store/image-writer.ts";
import { captureRoutes } from "../../../server/store/upload-routes.ts";
import { draftOf, entryOf } from "./write-image.ts";

test("of 600 chunks of a few bytes each, that take a MiB inflated, four are checked at once", async () => {
  const app = fastify();
  const put: number[] = [];
  let [underWay, most] = [0, 0];
  const writer: Pick<ImageWriter, "put"> = {
    async put({ chunkIndex }) {
      most = Math.max(most, ++underWay);
      put.push(chunkIndex);
      await turn();
      underWay--;
    },
  };
  await captureRoutes(app, {
    prefix: "/captures",
    uploadOf: (task) =>
      task === "s1" ? { writer: writer as ImageWriter, chunkCount: 600 } : undefined,
    onCommitted() {},
  });
  const stored = Buffer.from("few bytes");
  const sha256 = new Uint8Array(32);
  const record = (chunkIndex: number): Uint8Array =>
    Buffer.concat([
      encodeEntry({
        chunkIndex,
        codec: codec.zstd,
        storedLength: stored.length,
        crc32c: 0,
        sha256,
      }),
      stored,
    ]);
  const all = Array.from({ length: 600 }, (_, chunkIndex) => chunkIndex);
  const answer = await app.inject({
    method: "PUT",
    url: "/captures/s1/chunks",
    headers: { "content-type": "application/octet-stream" },
    payload: Buffer.concat(all.map(record)),
  });
  await app.close();
  assert.equal(answer.statusCode, 204, answer.body);
  assert.deepEqual(put, all);
  assert.equal(most, 4);
});

test("a commit that takes long is answered with `away`, and asked again with what became of it", async () => {
  const app = fastify();
  const done = Promise.withResolvers<Manifest>();
  const writer: Pick<ImageWriter, "commit"> = { commit: () => done.promise };
  await captureRoutes(app, {
    prefix: "/captures",
    uploadOf: () => ({ writer: writer as ImageWriter, chunkCount: 1 }),
    commitAnswerMs: 10,
    onCommitted() {},
  });
  const entry = entryOf(0, new Uint8Array(1 << 20));
  const index = encodeIndex([entry]);
  await app.inject({
    method: "PUT",
    url: "/captures/s1/index",
    headers: { "content-type": "application/octet-stream" },
    payload: Buffer.from(index),
  });
  const commit = () =>
    app.inject({
      method: "POST",
      url: "/captures/s1/commit",
      headers: { "content-type": "application/json" },
      payload: JSON.stringify(draftOf(index, 1)),
    });
  const { code, message } = (await commit()).json();
  assert.equal(code, "away", message);
  const id = "00000000000000ab";
  done.resolve({ id, name: "lab", version: 3 } as Manifest);
  assert.deepEqual((await commit()).json(), { imageId: id, name: "lab", version: 3 });
  await app.close();
});
