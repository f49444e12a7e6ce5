/** What the storage has lost is put there again by whoever meets that and has it, and by the others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Manifest } from "../../../core/image/types.ts";
import type { CampusStore } from "../../../server/campus/campus-store.ts";
import { capture, cellsOf, Site, until, World } from "./site.ts";

const againMs = 10 * 60_000;

async function servers(options: { sealed?: boolean } = {}) {
  const world = new World(options);
  const sites = {
    a: new Site(world, "alpha"),
    b: new Site(world, "beta"),
    c: new Site(world, "gamma"),
  };
  const opened = new Set<CampusStore>();
  const open = async (site: Site): Promise<CampusStore> => {
    const store = await site.open();
    opened.add(store);
    return store;
  };
  const close = async (store: CampusStore): Promise<void> => {
    opened.delete(store);
    await store[Symbol.asyncDispose]();
  };
  const packs = (): string[] =>
    [...world.objects.objects.keys()].filter((name) => name.startsWith("packs/"));
  return {
    ...{ world, sites, open, close, packs },
    /** Captured at one, and known at the other. */
    async shared(from: CampusStore, to: CampusStore, cells: readonly string[], name: string) {
      const image = await capture(from, cells, name);
      await until(() => to.campus.serverOf(image.id) !== null, `${name} is known`);
      return image;
    },
    /** The storage loses its only pack; answers its name. */
    lose(): string {
      const [name = "", ...others] = packs();
      assert.deepEqual(others, []);
      world.objects.objects.delete(name);
      return name;
    },
    async [Symbol.asyncDispose]() {
      for (const store of opened) await close(store);
    },
  };
}

const warned = (store: CampusStore, pattern: RegExp): boolean =>
  store.warnings.some((text) => pattern.test(text));

/** An image that this server does not have, read whole. */
async function fetched(store: CampusStore, image: Manifest): Promise<string[]> {
  assert.equal(store.isHere(image.id), false);
  return cellsOf(store, image);
}

for (const sealed of [false, true])
  test(`an upload that meets a lost pack puts it there again, and the others the rest${sealed ? ", sealed" : ""}`, async () => {
    await using all = await servers({ sealed });
    const { world, sites, open, shared } = all;
    const [a, b, c] = [await open(sites.a), await open(sites.b), await open(sites.c)];
    const first = await shared(a, b, ["a", "b", "c", "d"], "lab");
    const lost = all.lose();
    const second = await shared(b, c, ["c", "d", "e"], "office");
    assert.deepEqual(await fetched(c, second), ["c", "d", "e"]);
    await until(() => warned(b, /had lost packs\/.*was put there again/), "all of it is there");
    assert.deepEqual(await fetched(c, first), ["a", "b", "c", "d"]);
    assert(b.warnings.some((text) => text.includes(lost)));
    assert.match(sites.b.log.join("\n"), /does not have packs\/.*is put there again/);
    assert.match(
      sites.b.log.join("\n"),
      /what images need of packs\/.* is in the campus's storage again/,
    );
    assert.match(
      sites.a.log.join("\n"),
      /what images need of packs\/.* is in the campus's storage again/,
    );
    assert.deepEqual(sites.c.log, []);
    // It is told for a day.
    world.time.pass(25 * 60 * 60_000);
    await until(() => !warned(b, /had lost/), "it is told no more");
  });

test("a pack that ends early counts as lost", async () => {
  await using all = await servers();
  const { world, sites, open, shared } = all;
  const [a, b, c] = [await open(sites.a), await open(sites.b), await open(sites.c)];
  await shared(a, b, ["a", "b", "c", "d"], "lab");
  const name = all.packs()[0] ?? "";
  const whole = world.objects.objects.get(name) as Uint8Array;
  world.objects.objects.set(name, whole.subarray(0, 100));
  const second = await shared(b, c, ["d", "e"], "office");
  assert.deepEqual(await fetched(c, second), ["d", "e"]);
});

test("a storage that has everything is asked for each pack once, and gets no chunk again", async () => {
  await using all = await servers();
  const { world, sites, open, shared } = all;
  const [a, b] = [await open(sites.a), await open(sites.b)];
  await shared(a, b, ["a", "b", "c", "d"], "lab");
  const before = world.objects.calls.length;
  await shared(b, a, ["c", "d", "b"], "office");
  const calls = world.objects.calls.slice(before).map(({ kind }) => kind);
  assert.deepEqual(calls, ["size", "put", "put"]);
  assert.deepEqual([...a.warnings, ...b.warnings, ...sites.b.log], []);
});

test("what nobody has is named, with the images that need it, until a server that has it is there", async () => {
  await using all = await servers();
  const { world, sites, open, shared } = all;
  const [a, b] = [await open(sites.a), await open(sites.b)];
  const first = await shared(a, b, ["a", "b", "c", "d"], "lab");
  await all.close(a);
  all.lose();
  await capture(b, ["c", "d", "e"], "office");
  const text =
    /has lost packs\/.* without that lab@1 cannot be fetched: run `roomcast image verify --repair` on a server that has it/;
  await until(() => warned(b, text), "it is told");
  assert.match(
    sites.b.log.join("\n"),
    /this server does not have all of it: without it lab@1 cannot/,
  );
  await assert.rejects(b.readChunk(first.id, 0), {
    code: "bad-input",
    next: /image verify --repair/,
  });
  await open(sites.a);
  world.time.pass(againMs);
  await until(() => warned(b, /had lost packs/) && !warned(b, text), "it is there again");
  assert.deepEqual(await fetched(b, first), ["a", "b", "c", "d"]);
});

test("a fetch that meets a lost pack has it put there again by who has it", async () => {
  await using all = await servers();
  const { sites, open, shared } = all;
  const [a, b] = [await open(sites.a), await open(sites.b)];
  const image = await shared(a, b, ["a", "b"], "lab");
  all.lose();
  await assert.rejects(b.readChunk(image.id, 0), { code: "bad-input" });
  await until(() => warned(b, /had lost packs/), "it is there again");
  assert.deepEqual(await fetched(b, image), ["a", "b"]);
});

test("an upload fails in plain words where its chunk is damaged and the storage has lost it, and goes on when that has it", async () => {
  await using all = await servers();
  const { world, sites, open, shared } = all;
  const [a, b] = [await open(sites.a), await open(sites.b)];
  await shared(a, b, ["a", "b", "c", "d"], "lab");
  await all.close(a);
  const object = all.packs()[0] ?? "";
  const whole = world.objects.objects.get(object) as Uint8Array;
  all.lose();
  const looked = Promise.withResolvers<null>();
  let isAsked = false;
  world.objects.plan = ({ kind }) => {
    if (kind !== "size") return null;
    isAsked = true;
    return looked.promise;
  };
  const image = await capture(b, ["c", "d"], "office");
  await until(() => isAsked, "the upload looks");
  await damageChunks(sites.b);
  world.objects.plan = () => null;
  looked.resolve(null);
  const text =
    /the image office@1 is on this server alone, and cannot be put into the campus's storage: the storage has lost packs\/.* is damaged on this server, too: .*; run `roomcast image verify --repair` on another server/;
  await until(() => warned(b, text), "it is told");
  assert.equal(world.registry.images.size, 1);
  world.objects.objects.set(object, whole);
  world.time.pass(againMs);
  await until(() => b.campus.serverOf(image.id) === "beta", "it is in the campus");
  assert.equal(warned(b, /is on this server alone/), false);
});

/** All that the packs of a server's folder hold is zeros. */
async function damageChunks(site: Site): Promise<void> {
  const { disk } = site.ports();
  for (const name of await disk.list("store/packs")) {
    const file = await disk.open(`store/packs/${name}`, "write");
    await file.write(new Uint8Array(await file.size()), 0);
    await file.close();
  }
}

test("a repair that the storage or the database interrupts is done later", async () => {
  await using all = await servers();
  const { world, sites, open, shared } = all;
  const [a, b] = [await open(sites.a), await open(sites.b)];
  const first = await shared(a, b, ["a", "b", "c", "d"], "lab");
  const image = await shared(a, b, ["c", "d"], "office");
  b.campus.fetch(image.id);
  await until(() => b.isHere(image.id), "it is here");
  all.lose();
  let fails = 5;
  world.objects.plan = ({ kind }) => (kind === "put" && fails-- > 0 ? "away" : null);
  await assert.rejects(b.readChunk(first.id, 0), { code: "bad-input" });
  await until(() => fails <= 4, "a repair was tried");
  for (let times = 0; times < 12; times++) {
    world.time.pass(againMs);
    await capture(a, [`more ${times}`], "more");
  }
  await until(() => warned(b, /had lost packs/), "it is there again");
  assert.deepEqual(await fetched(b, first), ["a", "b", "c", "d"]);
});

test("a storage that has nothing of the campus is another one: nothing is put there by itself", async () => {
  await using all = await servers();
  const { world, sites, open, shared } = all;
  const [a, b] = [await open(sites.a), await open(sites.b)];
  await shared(a, b, ["a", "b"], "lab");
  const pack = all.packs()[0] ?? "";
  const kept = new Map(world.objects.objects);
  // As if the bucket's name were wrong in the configuration.
  world.objects.objects.clear();
  await capture(b, ["b", "c"], "office");
  await until(
    () => warned(b, /office@1 is on this server alone.*it is another one.*check \[store.s3\]/),
    "it is told",
  );
  await world.registry.registry("gamma").tellLost(pack.slice(9, 73));
  await until(() => warned(a, /it is another one/), "the other one tells it, too");
  assert.deepEqual([...world.objects.objects.keys()], []);
  for (const [name, bytes] of kept) world.objects.objects.set(name, bytes);
  world.time.pass(againMs);
  await until(() => b.campus.serverOf(b.list()[1]?.id ?? "") === "beta", "it is in the campus");
  assert.equal(all.packs().length, 2);
});

test("that a pack is lost which is there costs a look, and nothing else", async () => {
  await using all = await servers();
  const { world, sites, open, shared } = all;
  const [a, b] = [await open(sites.a), await open(sites.b)];
  await shared(a, b, ["a", "b"], "lab");
  const name = (all.packs()[0] ?? "").slice(9, 73);
  const before = world.objects.calls.length;
  const registry = world.registry.registry("gamma");
  for (const told of [name, "0".repeat(64)]) await registry.tellLost(told);
  await until(() => world.objects.calls.length >= before + 2, "both have looked");
  const calls = world.objects.calls.slice(before).map(({ kind }) => kind);
  assert.deepEqual(calls, ["size", "size"]);
  assert.deepEqual([...a.warnings, ...b.warnings, ...sites.a.log, ...sites.b.log], []);
});
