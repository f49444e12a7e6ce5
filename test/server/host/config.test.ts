import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import { type Config, campusOf, rateLimitOf, readConfig } from "../../../server/host/config.ts";

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-config-"));
});
after(() => rm(folder, { recursive: true, force: true }));

async function read(text: string): Promise<Config> {
  const path = join(folder, "roomcast.toml");
  await writeFile(path, text);
  return readConfig(path);
}

test("a room's own rate wins over the one for all, and units are understood", async () => {
  const config = await read(`
[cast]
rate = "1.5 Gbit/s"
[rooms.lab1]
rate = 90
[rooms."old lab"]
rate = "500k"
[rooms.lab2]
`);
  assert.equal(rateLimitOf(config, "lab1"), 90e6);
  assert.equal(rateLimitOf(config, "LAB1"), 90e6);
  assert.equal(rateLimitOf(config, "old lab"), 500e3);
  assert.equal(rateLimitOf(config, "lab2"), 1.5e9);
  assert.equal(rateLimitOf(config, null), 1.5e9);
  assert.equal(rateLimitOf(await read("[cast]\nrateMbps = 50\n"), "lab1"), 50e6);
  assert.equal(rateLimitOf({}, "lab1"), null);
});

test("a rate that makes no sense is refused with its place", async () => {
  for (const rate of ["0", "-5", '"fast"', '"5"', '"5 MB/s"', '"0 Mbit/s"', '"0.0M"']) {
    await assert.rejects(read(`[rooms.lab1]\nrate = ${rate}\n`), (error: unknown) => {
      assert(error instanceof RoomcastError && error.code === "bad-input");
      assert.match(error.message, /rooms\/lab1\/rate/);
      return true;
    });
  }
});

test("an address that is none is refused with its place", async () => {
  for (const line of [
    'router = "10.0.0.300"',
    'dns = ["10.0.0.1", "10.0.0.999"]',
    'router = "1.2.3"',
  ])
    await assert.rejects(read(`[dhcp]\n${line}\n`), {
      code: "bad-input",
      message: /dhcp\/(router|dns)/,
    });
  await read('[dhcp]\nrouter = "10.0.0.254"\ndns = ["0.0.0.0", "255.255.255.255"]\n');
});

const storage = `[store.s3]
endpoint = "https://s3.example.org"
region = "r"
bucket = "images"
accessKeyFile = "/a"
secretKeyFile = "/s"
`;
const database = '[state]\nurl = "postgres://db/roomcast"\n';

test("a campus has a database and a storage, and a server without them belongs to none", async () => {
  const campus = campusOf(
    await read(`[server]\nname = "alpha"\n${database}[store]\ncache = "500GB"\n${storage}`),
  );
  assert(campus !== null);
  assert.deepEqual(
    [campus.server, campus.cacheBytes, campus.seal, campus.storage.bucket, campus.database.url],
    ["alpha", 500e9, null, "images", "postgres://db/roomcast"],
  );
  assert.equal(campusOf(await read("")), null);
  const wrong: readonly (readonly [string, RegExp])[] = [
    [database, /state.* need \[store.s3\]/],
    [storage, /s3.*needs its database/],
    ['[store]\ncache = "5GB"\n', /cache is for a campus/],
    ['[store]\nseal = "/k"\n', /seal is for a campus/],
    [`${database}[store]\ncache = "much"\n${storage}`, /cache much is no size/],
  ];
  for (const [text, message] of wrong)
    await assert.rejects(read(text), { code: "bad-input", message });
});
