/** What is not here comes when it is wanted: in which order, with how many requests, and what is said when it cannot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { withForms } from "../../../core/image/forms.ts";
import type { Manifest } from "../../../core/image/types.ts";
import type { CampusStore } from "../../../server/campus/campus-store.ts";
import type { ObjectCall, ObjectFault } from "./memory-objects.ts";
import { capture, captureWith, cellsOf, Site, until, World } from "./site.ts";

const quiet = { signal: new AbortController().signal, onProgress() {} };
const many = Array.from({ length: 30 }, (_, at) => `cell ${at} `.padEnd(400_000, "."));

async function twoServers() {
  const world = new World();
  const sites = [new Site(world, "alpha"), new Site(world, "beta")] as const;
  const [a, b] = [await sites[0].open(), await sites[1].open()];
  return {
    ...{ world, a, b, sites },
    async [Symbol.asyncDispose]() {
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
    },
  };
}

const shared = (store: CampusStore, { id }: Manifest) =>
  until(() => store.campus.serverOf(id) !== null, `${id} is known`);
const here = (store: CampusStore, { id }: Manifest) =>
  until(() => store.isHere(id), `${id} is here`);
const isPack = ({ kind, name }: ObjectCall): boolean => kind === "get" && name.startsWith("packs/");

test("neighbouring records come with one request, and a chunk that is here does not come again", async () => {
  await using two = await twoServers();
  const { a, b, world } = two;
  const image = await capture(a, many);
  await shared(b, image);
  b.campus.fetch(image.id);
  assert.deepEqual(b.campus.fetchOf(image.id), {
    ...{ state: "fetching", chunksDone: 0, chunksTotal: 30, reason: null },
  });
  await here(b, image);
  assert.equal(b.campus.fetchOf(image.id), null);
  // 12 MB, in requests of up to 4 MiB.
  assert.equal(world.objects.calls.filter(isPack).length, 3);
  const second = await capture(a, [...many.slice(1), "new"]);
  await shared(b, second);
  b.campus.fetch(second.id);
  await here(b, second);
  assert.equal(world.objects.calls.filter(isPack).length, 4);
  assert.deepEqual(await cellsOf(b, second), [...many.slice(1), "new"]);
});

test("a chunk that somebody reads comes before what nobody waits for", async () => {
  await using two = await twoServers();
  const { a, b, world } = two;
  // Three fit into one request.
  const cells = Array.from({ length: 36 }, (_, at) => `${at} `.padEnd(1 << 20, "."));
  const image = await capture(a, cells);
  await shared(b, image);
  const [first, later] = [Promise.withResolvers<null>(), Promise.withResolvers<null>()];
  let asked = 0;
  // Of the requests that follow the first six, those of the two readers alone come through.
  world.objects.plan = (call) => {
    if (!isPack(call) || (++asked > 6 && asked <= 8)) return null;
    return asked <= 6 ? first.promise : later.promise;
  };
  b.campus.fetch(image.id);
  await until(() => asked === 6, "all lanes are busy");
  const reading = [35, 26].map((entry) => b.readChunk(image.id, entry));
  first.resolve(null);
  for (const [at, chunk] of (await Promise.all(reading)).entries())
    assert.equal(Buffer.from(chunk).toString(), cells[[35, 26][at] as number]);
  assert.equal(b.isHere(image.id), false);
  later.resolve(null);
  await here(b, image);
});

test("a cast reads an image that is not here, in the forms that it was told", async () => {
  await using two = await twoServers();
  const { a, b } = two;
  const image = await capture(a, ["a", "b", "c"]);
  await shared(b, image);
  const formed = withForms(await b.index(image.id), await b.forms(image.id));
  assert(formed.ok);
  const source = b.castSource(image.id, formed.value);
  assert("read" in source);
  // The same chunk comes with a capture, in another form.
  const other = await capture(b, ["b"], "other", "+");
  const text = async (entry: number) => Buffer.from(await source.read(entry)).toString();
  assert.deepEqual([await text(1), await text(0), await text(2)], ["b", "a", "c"]);
  await here(b, image);
  assert.equal(await text(1), "b");
  assert.deepEqual(await cellsOf(b, other), ["b+"]);
  assert("module" in b.castSource(image.id, formed.value));
});

test("a bit that flips on the way is fetched again, and a lost pack is named", async () => {
  await using two = await twoServers();
  const { a, b, world } = two;
  const image = await capture(a, ["a", "b", "c"]);
  await shared(b, image);
  const faults: ObjectFault[] = ["flipped", "short", "flipped"];
  world.objects.plan = (call) => (isPack(call) ? (faults.shift() ?? null) : null);
  assert.deepEqual(await cellsOf(b, image), ["a", "b", "c"]);
  await here(b, image);

  const second = await capture(a, ["d"], "other");
  await shared(b, second);
  const pack = world.objects.calls.findLast(
    ({ kind, name }) => kind === "put" && /^packs/.test(name),
  );
  const lost = world.objects.objects.get(pack?.name ?? "");
  world.objects.objects.delete(pack?.name ?? "");
  // Who has it would put it there again.
  world.objects.plan = ({ kind }) => (kind === "put" ? "away" : null);
  const told = new RegExp(`cannot be had from the storage's ${pack?.name}: there is no object`);
  await assert.rejects(b.readChunk(second.id, 0), { code: "bad-input", message: told });
  assert.match(b.campus.fetchOf(second.id)?.reason ?? "", told);
  assert.equal(b.campus.fetchOf(second.id)?.state, "failed");
  const { ok, damaged } = await b.verify(second.id, quiet);
  assert.equal(ok, false);
  assert.deepEqual(
    damaged.map(({ pack, images, chunkIndex }) => [pack, images, chunkIndex]),
    [[pack?.name, ["other@1"], null]],
  );
  assert.match(
    damaged[0]?.reason ?? "",
    /is lost, with 1 chunks of other@1: run `roomcast image verify --repair`/,
  );
  assert.equal((await a.verify(image.id, quiet)).ok, true);
  // Put back, it is as if nothing had been.
  world.objects.objects.set(pack?.name ?? "", lost as Uint8Array);
  assert.equal((await b.verify(null, quiet)).ok, true);
  assert.deepEqual(await cellsOf(b, second), ["d"]);
});

test("a fetch that is stopped leaves nothing", async () => {
  await using two = await twoServers();
  const { a, b, world } = two;
  const image = await capture(a, many);
  await shared(b, image);
  let asked = 0;
  const gate = Promise.withResolvers<null>();
  world.objects.plan = (call) => (isPack(call) && ++asked > 1 ? gate.promise : null);
  b.campus.fetch(image.id);
  await until(() => (b.campus.fetchOf(image.id)?.chunksDone ?? 0) > 0, "some of it is here");
  const reading = assert.rejects(b.readChunk(image.id, 29), { code: "cancelled" });
  const stopping = b.campus.stopFetch(image.id);
  gate.resolve(null);
  await stopping;
  await reading;
  assert.equal(b.campus.fetchOf(image.id), null);
  assert.equal((await b.usage()).storedBytes, 0);
});

test("images go from the cache, used last the latest, and come back when they are read", async () => {
  const world = new World();
  await using a = await new Site(world, "alpha").open();
  const site = new Site(world, "beta");
  site.cacheBytes = 100_000;
  const images: Manifest[] = [];
  for (const name of ["one", "two", "three"])
    images.push(await capture(a, [name.padEnd(40_000, ".")], name));
  const [one, two, three] = images as [Manifest, Manifest, Manifest];
  {
    await using b = await site.open();
    for (const image of [one, two]) {
      await shared(b, image);
      b.campus.fetch(image.id);
      await here(b, image);
      world.time.pass(3_600_000);
    }
    await cellsOf(b, one);
    await b.index(one.id);
    world.time.pass(3_600_000);
  }
  // What was used when is known to the next process too.
  await using b = await site.open();
  await shared(b, three);
  b.campus.fetch(three.id);
  await here(b, three);
  await until(() => !b.isHere(two.id), "the one that was used the longest ago went");
  assert.deepEqual([b.isHere(one.id), b.isHere(three.id)], [true, true]);
  using _ = b.hold(one.id);
  using __ = b.hold(three.id);
  assert.deepEqual(await cellsOf(b, two), ["two".padEnd(40_000, ".")]);
  await here(b, two);
  assert.deepEqual([b.isHere(one.id), b.isHere(three.id)], [true, true]);
});

test("an image stays here while the storage lacks a part of it, or nobody else has it", async () => {
  const world = new World();
  const site = new Site(world, "alpha");
  site.cacheBytes = 0;
  world.objects.plan = () => "away";
  await using a = await site.open();
  const image = await capture(a, ["a"]);
  world.time.pass(3_600_000);
  assert.equal(a.isHere(image.id), true);
  world.objects.plan = ({ kind, name }) => {
    if (kind === "put" && name.startsWith("packs/"))
      setTimeout(() => world.objects.objects.delete(name));
    return kind === "size" && name.startsWith("packs/") ? gone(name) : null;
  };
  const gone = (name: string): null => {
    world.objects.objects.delete(name);
    return null;
  };
  await shared(a, image);
  await until(() => world.objects.calls.some(({ kind }) => kind === "size"), "it was looked for");
  world.time.pass(3_600_000);
  assert.deepEqual(await cellsOf(a, image), ["a"]);
  assert.equal(a.isHere(image.id), true);
});

test("a fitted version is made of an image that is not here, and goes with it", async () => {
  await using two = await twoServers();
  const { a, b } = two;
  const image = await capture(a, ["a", "b"]);
  await shared(b, image);
  const fitted = await captureWith(b.beginFitted(image, "240GB"), ["a"]);
  await shared(a, fitted);
  assert.equal(a.find("lab@1-fit-240GB")?.id, fitted.id);
  assert.throws(() => a.beginFitted(image, "240GB"), { code: "conflict" });
  assert.equal(b.isHere(image.id), false);
  await a.delete(image.id);
  await until(() => b.list().length === 0, "both are gone");
});

test("who holds an image is answered in the forms that were told, also when it has come here", async () => {
  await using two = await twoServers();
  const { a, b, world } = two;
  const image = await capture(a, ["a", "b", "c"], "lab", "+");
  await shared(b, image);
  const gate = Promise.withResolvers<null>();
  world.objects.plan = (call) => (isPack(call) ? gate.promise : null);
  using _ = b.hold(image.id);
  const told = Buffer.from(await b.forms(image.id));
  await capture(b, ["c"], "other");
  gate.resolve(null);
  await here(b, image);
  assert.deepEqual(Buffer.from(await b.forms(image.id)), told);
  const text = async (entry: number) => Buffer.from(await b.readChunk(image.id, entry)).toString();
  assert.deepEqual([await text(0), await text(1), await text(2)], ["a+", "b+", "c+"]);
});

test("an image that is deleted while it is fetched does not come back", async () => {
  await using two = await twoServers();
  const { a, b, world } = two;
  const image = await capture(a, ["a", "b"]);
  await shared(b, image);
  await b.index(image.id);
  // The database takes its time, amid the deletion.
  const gate = Promise.withResolvers<void>();
  const step = world.registry.step.bind(world.registry);
  world.registry.step = async (work) => {
    await gate.promise;
    return step(work);
  };
  const deleting = b.delete(image.id);
  await until(() => b.list().length === 0, "it is being deleted");
  for (let turn = 0; turn < 50; turn++) await setImmediate();
  b.campus.fetch(image.id);
  await until(() => b.campus.fetchOf(image.id)?.chunksDone === 2, "all of it has come");
  gate.resolve();
  await deleting;
  await until(() => b.campus.fetchOf(image.id)?.state !== "fetching", "the fetch has ended");
  world.time.pass(3_600_000);
  for (let turn = 0; turn < 200; turn++) await setImmediate();
  assert.equal(b.isHere(image.id), false);
  assert.deepEqual([a.list(), b.list()], [[], []]);
});

test("an image that another server deletes while it is restored here comes all the same, and goes afterwards", async () => {
  await using two = await twoServers();
  const { a, b, world } = two;
  const image = await capture(a, ["a", "b"]);
  await shared(b, image);
  const gate = Promise.withResolvers<null>();
  world.objects.plan = (call) => (isPack(call) ? gate.promise : null);
  const hold = b.hold(image.id);
  await until(() => b.campus.fetchOf(image.id)?.chunksTotal === 2, "it is on its way");
  const reading = cellsOf(b, image);
  await a.delete(image.id);
  await until(() => b.list().length === 0, "the other one has heard of it");
  gate.resolve(null);
  assert.deepEqual(await reading, ["a", "b"]);
  await here(b, image);
  assert.deepEqual(b.find(image.id), image);
  assert.deepEqual([a.list(), b.list()], [[], []]);
  world.time.pass(25 * 3_600_000);
  assert.equal(b.isHere(image.id), true);
  hold[Symbol.dispose]();
  await until(() => !b.isHere(image.id), "it went");
  assert.deepEqual([a.list(), b.list()], [[], []]);
});
