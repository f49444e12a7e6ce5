/** Images of several servers: each reads what any of them has committed, whatever of the campus is away meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { imageName } from "../../../core/image/manifest.ts";
import type { CampusStore } from "../../../server/campus/campus-store.ts";
import { capture, cellsOf, Site, until, World } from "./site.ts";

const quiet = { signal: new AbortController().signal, onProgress() {} };
const cells = ["a", "b", "c", "b", "d"];

async function twoServers(options: { sealed?: boolean } = {}) {
  const world = new World(options);
  const a = await new Site(world, "alpha").open();
  const b = await new Site(world, "beta").open();
  const isShared = (store: CampusStore, id: string) =>
    until(() => store.campus.serverOf(id) !== null, `${id} is known`);
  return {
    ...{ world, a, b, isShared },
    async [Symbol.asyncDispose]() {
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
    },
  };
}

for (const sealed of [false, true])
  test(`an image that one server captured is read by another${sealed ? ", sealed" : ""}`, async () => {
    await using two = await twoServers({ sealed });
    const { a, b, world, isShared } = two;
    const image = await capture(a, cells);
    assert.equal(a.isHere(image.id), true);
    await isShared(b, image.id);
    assert.equal(b.campus.serverOf(image.id), "alpha");
    assert.equal(b.isHere(image.id), false);
    assert.deepEqual(b.list(), a.list());
    assert.deepEqual(b.find("lab@1"), image);
    assert.deepEqual(await cellsOf(b, image), cells);
    await until(() => b.isHere(image.id), "the rest came too");
    const asked = world.objects.calls.length;
    assert.deepEqual(await cellsOf(b, image), cells);
    assert.equal(world.objects.calls.length, asked);
    assert.deepEqual(await b.index(image.id), await a.index(image.id));
    assert.equal((await b.verify(null, quiet)).ok, true);
    // One pack has all that is not there twice.
    const puts = world.objects.calls.filter(({ kind }) => kind === "put");
    assert.equal(puts.length, 3);
  });

test("notes on an image are seen by every server, those too that were written before it was shared", async () => {
  await using two = await twoServers();
  const { a, b, isShared } = two;
  const image = await capture(a, cells);
  await a.writeNotes(image.id, "Maths labs");
  assert.equal(a.notes(image.id), "Maths labs");
  await isShared(b, image.id);
  await until(() => b.notes(image.id) === "Maths labs", "they were handed on");
  await b.writeNotes(image.id, "");
  await until(() => a.notes(image.id) === "", "they were removed for all");
  await assert.rejects(b.writeNotes("0".repeat(16), "x"), { code: "not-found" });
});

test("a second version puts only what is new, and two servers never give one number twice", async () => {
  await using two = await twoServers();
  const { a, b, world, isShared } = two;
  const first = await capture(a, cells);
  await isShared(b, first.id);
  const stored = [...world.objects.objects.values()].reduce((sum, { length }) => sum + length, 0);
  const [second, third] = await Promise.all([
    capture(b, [...cells.slice(1), "e"], "LAB"),
    capture(a, ["f"]),
  ]);
  assert.deepEqual([second.version, third.version].sort(), [2, 3]);
  assert.equal(second.name, "lab");
  await isShared(a, second.id);
  await isShared(b, third.id);
  assert.deepEqual(a.list().map(imageName), ["lab@1", "lab@2", "lab@3"]);
  assert.deepEqual(await cellsOf(a, second), [...cells.slice(1), "e"]);
  const now = [...world.objects.objects.values()].reduce((sum, { length }) => sum + length, 0);
  assert(now > stored);
  const chunks = [...world.registry.chunks.values()].map(({ place }) => place.pack);
  assert.equal(new Set(chunks).size, 3);
});

test("a deleted image is gone for all, and from the disk of another server a day later", async () => {
  await using two = await twoServers();
  const { a, b, world, isShared } = two;
  const image = await capture(a, cells);
  await isShared(b, image.id);
  await cellsOf(b, image);
  await until(() => b.isHere(image.id), "it was fetched");
  const hold = b.hold(image.id);
  await a.delete(image.id);
  assert.deepEqual(a.list(), []);
  await until(() => b.list().length === 0, "the other one has heard of it");
  // Who uses it goes on.
  assert.deepEqual(await cellsOf(b, image), cells);
  assert.match(b.warnings.join(), /does not have lab@1 any more: it goes/);
  world.time.pass(25 * 3600_000);
  assert.equal(b.isHere(image.id), true);
  hold[Symbol.dispose]();
  await until(() => !b.isHere(image.id), "it went");
  assert.equal((await b.usage()).storedBytes, 0);
  assert.deepEqual(b.warnings, []);
  assert.equal((await capture(b, cells)).version, 2);
});

test("a server that is cut off goes on with what it has, and catches up", async () => {
  await using two = await twoServers();
  const { a, b, world, isShared } = two;
  const image = await capture(a, cells);
  await isShared(b, image.id);
  await cellsOf(b, image);
  await until(() => b.isHere(image.id), "it was fetched");
  world.registry.setAway("the cable is out");
  world.objects.plan = () => "away";
  assert.deepEqual(await cellsOf(b, image), cells);
  assert.match(b.warnings.join(), /database has not answered since .*the cable is out/);
  let second: { id: string } | null = null;
  const capturing = capture(b, ["x", "a"]).then((made) => {
    second = made;
    return made;
  });
  await until(() => /lab waits for its number/.test(b.warnings.join()), "the commit waits");
  assert.equal(second, null);
  await assert.rejects(b.delete(image.id), { code: "away" });
  world.registry.setAway(null);
  const made = await capturing;
  assert.equal(made.version, 2);
  await until(() => /lab@2 is on this server alone so far/.test(b.warnings.join()), "it is told");
  world.objects.plan = () => null;
  await isShared(a, made.id);
  assert.deepEqual(await cellsOf(a, made), ["x", "a"]);
  assert.deepEqual(b.warnings, []);
});

test("a commit that waits for its number is given up with the capture", async () => {
  await using two = await twoServers();
  const { a, world } = two;
  world.registry.setAway("off");
  const writer = a.beginImage("lab");
  const { captureWith } = await import("./site.ts");
  const committing = captureWith(writer, cells);
  const refused = assert.rejects(committing, { code: "conflict", message: /has ended/ });
  await until(() => a.warnings.length > 1, "the commit waits");
  await writer.abort();
  await refused;
  assert.equal((await a.usage()).storedBytes, 0);
  world.registry.setAway(null);
});

test("a server that starts while the database is away knows what there is", async () => {
  const world = new World();
  const site = new Site(world, "beta");
  await using a = await new Site(world, "alpha").open();
  const image = await capture(a, cells);
  {
    await using b = await site.open();
    await until(() => b.list().length === 1, "it is known");
  }
  world.registry.setAway("off");
  await using b = await site.open();
  assert.deepEqual(b.list(), [image]);
  assert.equal(b.isHere(image.id), false);
});

test("images from before a server belonged to the campus are put there, and count for the numbers", async () => {
  const world = new World();
  const site = new Site(world, "alpha");
  const { openImageStore } = await import("../../../server/store/open-image-store.ts");
  {
    await using alone = await openImageStore("store", site.ports());
    await capture(alone, ["p"]);
    await capture(alone, ["q"]);
  }
  world.objects.plan = () => "away";
  await using a = await site.open();
  assert.equal((await capture(a, ["r"])).version, 3);
  world.objects.plan = () => null;
  await using b = await new Site(world, "beta").open();
  await until(() => b.list().length === 3, "all are known");
  assert.deepEqual(b.list().map(imageName), ["lab@1", "lab@2", "lab@3"]);
  for (const [at, image] of b.list().entries())
    assert.deepEqual(await cellsOf(b, image), [["p"], ["q"], ["r"]][at]);
});
