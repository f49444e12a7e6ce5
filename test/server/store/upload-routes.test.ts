/** Uploads of chunks: what they may cost the server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fastify from "fastify";
import { encodeEntry } from "../../../core/image/index-codec.ts";
import { codec } from "../../../core/image/types.ts";
import type { ImageWriter } from "../../../server/store/image-writer.ts";
import { captureRoutes } from "../../../server/store/upload-routes.ts";

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
