/** The same requests, answered by a real storage. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  packObjectName,
  packOfObject,
  readFooter,
  readRecord,
  tailBytes,
} from "../../../server/campus/pack-object.ts";
import { hostSurroundings, S3Objects, usualPatience } from "../../../server/campus/s3.ts";
import { type Swift, startSwift } from "../../swift.ts";
import { holdToContract } from "./object-contract.ts";
import { chunkOf, packOf, seal } from "./pack-chunks.ts";

let swift: Swift;
let objects: S3Objects;
before(async () => {
  swift = await startSwift();
  objects = await S3Objects.open(swift.config);
});
after(async () => {
  await objects?.[Symbol.asyncDispose]();
  await swift?.[Symbol.asyncDispose]();
});

holdToContract(() => objects);

test("a sealed pack goes to the storage, and its chunks and its footer come back one by one", async () => {
  await objects.check();
  const chunks = [chunkOf(1, 1 << 20), chunkOf(2, 500), chunkOf(3, 700_000)];
  const { pack, content } = packOf(chunks, seal);
  const name = packObjectName(pack.name);
  await objects.put(name, content);
  assert.equal(await objects.size(name), pack.bytes);
  for (const [at, place] of pack.places.entries()) {
    const stored = readRecord(await objects.get(name, place), place, seal);
    assert.equal(Buffer.compare(stored, (chunks[at] as (typeof chunks)[0]).stored), 0);
  }
  const offset = Math.max(0, pack.bytes - tailBytes);
  const tail = await objects.get(name, { offset, length: pack.bytes - offset });
  assert.deepEqual(readFooter(tail, pack.name, pack.bytes, seal), pack);
  assert.equal(Buffer.compare(await objects.get(name), content), 0);
  const names: (string | null)[] = [];
  for await (const each of objects.list("packs/")) names.push(packOfObject(each.name));
  assert.deepEqual(names, [pack.name]);
});

test("a wrong clock, a wrong key and a wrong bucket are told apart", async () => {
  const surroundings = { ...hostSurroundings, wallClock: () => Date.now() - 3_600_000 };
  await using late = await S3Objects.open(swift.config, usualPatience, surroundings);
  await assert.rejects(late.check(), { code: "away", message: /the clocks differ/ });
  await assert.rejects(late.size("x"), { code: "away", message: /the clocks differ/ });
  const { accessKeyFile: secretKeyFile } = swift.config;
  await using stranger = await S3Objects.open({ ...swift.config, secretKeyFile });
  await assert.rejects(stranger.check(), { code: "failed", message: /refuses these keys/ });
  await using elsewhere = await S3Objects.open({ ...swift.config, bucket: "elsewhere" });
  const noBucket = { code: "failed", message: /has no bucket elsewhere/ };
  await assert.rejects(elsewhere.check(), noBucket);
  await assert.rejects(elsewhere.get("x"), noBucket);
  await assert.rejects(elsewhere.put("x", new Uint8Array(9)), noBucket);
});
