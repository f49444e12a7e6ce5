/** What the storage has lost is put there again by a server that has it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { imageObjectName } from "../../../server/campus/pack-object.ts";
import { capture, cellsOf, Site, until, World } from "./site.ts";

const quiet = { signal: new AbortController().signal, onProgress() {} };
const repair = { ...quiet, repair: true };
const cells = ["a", "b", "c", "d"];

async function servers(options: { sealed?: boolean } = {}) {
  const world = new World(options);
  const a = await new Site(world, "alpha").open();
  const b = await new Site(world, "beta").open();
  const packs = (): string[] =>
    [...world.objects.objects.keys()].filter((name) => name.startsWith("packs/"));
  return {
    ...{ world, a, b, packs },
    async captured(name: string, disk: readonly string[]) {
      const image = await capture(a, disk, name);
      await until(() => b.campus.serverOf(image.id) !== null, `${name} is known`);
      return image;
    },
    async [Symbol.asyncDispose]() {
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
    },
  };
}

for (const sealed of [false, true])
  test(`lost packs, indexes and manifests are put there again${sealed ? ", sealed" : ""}`, async () => {
    await using all = await servers({ sealed });
    const { world, a, b, packs } = all;
    const first = await all.captured("lab", cells);
    const second = await all.captured("office", [...cells.slice(2), "e"]);
    const names = packs();
    assert.equal(names.length, 2);
    for (const name of [
      ...names,
      imageObjectName(first.id, "index"),
      imageObjectName(second.id, "manifest"),
    ])
      world.objects.objects.delete(name);
    const found = await a.verify(null, quiet);
    assert.equal(found.ok, false);
    assert.match(
      found.damaged[0]?.reason ?? "",
      /run `roomcast image verify --repair` on a server/,
    );
    assert.equal(found.repaired, undefined);
    // Who does not have the images cannot help.
    const elsewhere = await b.verify(null, repair);
    assert.deepEqual([elsewhere.ok, elsewhere.repaired], [false, []]);
    const report = await a.verify(null, repair);
    assert.deepEqual([report.ok, report.damaged, report.repaired?.length], [true, [], 4]);
    for (const [image, disk] of [
      [first, cells],
      [second, [...cells.slice(2), "e"]],
    ] as const)
      assert.deepEqual(await cellsOf(b, image), disk);
    assert.deepEqual((await a.verify(null, repair)).repaired, []);
  });

test("of one image only what it needs is put there, and what is damaged here stays lost", async () => {
  await using all = await servers();
  const { world, a, b, packs } = all;
  const first = await all.captured("lab", cells);
  const [lost = ""] = packs();
  const second = await all.captured("office", ["a", "b"]);
  world.objects.objects.delete(lost);
  // It names the pack still, for the chunks of the other image.
  const report = await a.verify(second.id, repair);
  assert.deepEqual([report.ok, report.repaired], [true, [lost]]);
  assert.deepEqual(await cellsOf(b, second), ["a", "b"]);
  const rest = await a.verify(first.id, quiet);
  assert.match(rest.damaged[0]?.reason ?? "", /is lost, with 2 chunks of lab@1/);
  assert.deepEqual((await a.verify(first.id, repair)).ok, true);
  assert.deepEqual(await cellsOf(b, first), cells);
});

test("a repair that the storage does not answer is told, and tried again by whoever orders it", async () => {
  await using all = await servers();
  const { world, a, packs } = all;
  await all.captured("lab", cells);
  for (const name of packs()) world.objects.objects.delete(name);
  world.objects.plan = ({ kind }) => (kind === "put" ? "away" : null);
  await assert.rejects(a.verify(null, repair), { code: "away" });
  world.objects.plan = () => null;
  assert.equal((await a.verify(null, repair)).ok, true);
});
