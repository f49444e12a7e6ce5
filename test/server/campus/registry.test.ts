import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { usualDatabaseTimes } from "../../../server/campus/database.ts";
import { PgRegistry } from "../../../server/campus/registry.ts";
import { hashesOf, manifestOf } from "./campus-images.ts";
import { MemoryCampus } from "./memory-registry.ts";
import { PostgresCampus } from "./postgres-campus.ts";
import { registryContract, type TwoServers, until, writerWith } from "./registry-contract.ts";

let campus: PostgresCampus;
before(async () => {
  campus = await PostgresCampus.start();
});
after(() => campus[Symbol.asyncDispose]());

const warnings: string[] = [];
const open = (
  server: string,
  url: string,
  beatMs = usualDatabaseTimes.beatMs,
): Promise<PgRegistry> =>
  PgRegistry.open({
    settings: { url },
    server,
    warn: (text) => warnings.push(text),
    times: { ...usualDatabaseTimes, beatMs },
  });

registryContract("in memory", async () => {
  const memory = new MemoryCampus();
  const servers = { one: memory.registry("one"), other: memory.registry("other") };
  return { ...servers, [Symbol.asyncDispose]: async () => {} };
});

registryContract("PostgreSQL", async (): Promise<TwoServers> => {
  const [one, other] = (await campus.fresh()).registries;
  assert(one !== undefined && other !== undefined);
  return { one, other, [Symbol.asyncDispose]: async () => {} };
});

test("the beat finds what a lost notification would have said", async () => {
  const url = campus.postgres.url(await campus.postgres.database());
  await using one = await open("one", url);
  await using other = await open("other", url, 50);
  // Another server's transaction without its notification.
  await using admin = campus.postgres.admin(new URL(url).pathname.slice(1));
  // The first beat.
  await until(() => other.away() === null);
  await new Promise((done) => setTimeout(done, 200));
  let told = 0;
  using _listener = other.onChange(() => void told++);
  await new Promise((done) => setTimeout(done, 200));
  assert.equal(told, 0);
  await admin.sql`UPDATE change_count SET changes = changes + 1`;
  await until(() => told > 0);
  assert.deepEqual(await one.images(), []);
});

test("an image of a newer roomcast is left out of the list, and told once", async () => {
  const url = campus.postgres.url(await campus.postgres.database());
  await using one = await open("one", url);
  const writer = await writerWith(one, 1);
  await writer.commit(manifestOf(1, "win11", 1), hashesOf(1));
  await writer.commit(manifestOf(2, "win11", 2), hashesOf(1));
  await using admin = campus.postgres.admin(new URL(url).pathname.slice(1));
  await admin.sql`
    UPDATE image SET manifest = replace(manifest, '"formatVersion":2', '"formatVersion":4') WHERE version = 2`;
  for (let times = 0; times < 2; times++) assert.equal((await one.images()).length, 1);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /0000000000000002/);
});

test("a writer is heard of as long as its server lives", async () => {
  const url = campus.postgres.url(await campus.postgres.database());
  await using one = await open("one", url, 50);
  const writer = await one.beginWriter();
  await using admin = campus.postgres.admin(new URL(url).pathname.slice(1));
  await admin.sql`UPDATE writer SET heard = heard - interval '23 hours'`;
  await until(async () => {
    const [row] =
      await admin.sql`SELECT heard > now() - interval '1 minute' AS is_heard FROM writer`;
    return row?.is_heard === true;
  });
  await writer.end();
});
