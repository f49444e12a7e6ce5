/** A server with images joins a campus by the command line while it runs, and another one leaves it with all images. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { campusOf, readConfig } from "../../server/host/config.ts";
import { CampusServer, openServers } from "./campus-servers.ts";
import { openHostRoom } from "./hosts.ts";

test("a server joins a campus with its images, and another one leaves it with all of them", async () => {
  await using cleanup = new AsyncDisposableStack();
  const campus = cleanup.use(await openServers(["beta"], () => 0.5));
  const [beta] = campus.servers;
  assert(beta !== undefined);
  const own = await beta.import("win11", 5, 2);
  const room = await openHostRoom();
  cleanup.defer(() => room.close());
  const config = join(room.folder, "roomcast.toml");
  const before = '# Ours.\n[server]\nlanguage = "es"\n';
  writeFileSync(config, before);
  const alpha = new CampusServer("alpha", room, config);
  await alpha.start();
  const images = [await alpha.import("base", 6, 1), await alpha.import("win11", 5, 3)];

  const { database, storage } = campusOf(await readConfig(beta.config)) ?? {};
  assert(database !== undefined && storage !== undefined);
  const to = ["--to", database.url, "--s3", beta.config, "--config", config];
  const migrate = (...words: readonly string[]) => room.roomcast("migrate", ...words);
  const planned = await migrate(...to, "--dry-run");
  assert.equal(planned.status, 1, planned.stderr);
  const plan = planned.value as { images: string[]; clashes: string[]; checked: unknown };
  assert.deepEqual([plan.images, plan.clashes, plan.checked], [["base@1"], ["win11@1"], null]);
  assert.equal((await migrate(...to, "--name", "beta", "--dry-run")).status, 1);
  assert.equal(readFileSync(config, "utf8"), before);

  const moved = await migrate(...to, "--name", "alpha", "--verify", "full", "--write");
  assert.equal(moved.status, 1, moved.stderr);
  assert.deepEqual((moved.value as { checked: unknown }).checked, { images: 1, chunksRead: 6 });
  assert.equal(readFileSync(`${config}.old`, "utf8"), before);
  assert.match(readFileSync(config, "utf8"), /^# Ours\.\n\[server\]\nname = "alpha"\nlanguage/);
  await beta.requireWhole(images[0] as (typeof images)[0]);

  // Out again, with what the campus has; beta itself, since it is where the storage is reached from.
  const base = ["migrate", "--out", "--config", beta.config];
  const looked = await beta.room.roomcast(...base, "--dry-run");
  assert.equal((looked.value as { images: number }).images, 2);
  const left = await beta.room.roomcast(...base);
  assert.equal(left.status, 0, left.stderr);
  const report = left.value as { images: number; verified: number; damaged: string[] };
  assert.deepEqual([report.images, report.verified, report.damaged], [2, 2, []]);
  await beta.kill();
  await beta.room.startServer();
  const alone = await beta.images();
  assert.deepEqual(
    alone.map(({ id, here, server }) => [id, here, server]).sort(),
    [own, images[0]].map((image) => [image?.id, true, null]).sort(),
  );
  assert.equal((await beta.room.roomcast("image", "verify")).status, 0);
  const refused = await beta.room.roomcast(...base);
  assert.match(refused.stderr, /this server belongs to no campus/);
});
