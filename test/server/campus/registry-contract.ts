/** What every registry does, whatever keeps it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CampusWriter, Registry } from "../../../server/campus/ports.ts";
import { hashesOf, joined, manifestOf, packOf } from "./campus-images.ts";

/** Two servers of a new campus. */
export interface TwoServers extends AsyncDisposable {
  readonly one: Registry;
  readonly other: Registry;
}

/** Resolves when it is so; fails after 10 s. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let left = 1000; left > 0; left--) {
    if (await isSo()) return;
    await new Promise((done) => setTimeout(done, 10));
  }
  assert.fail("it did not become so in 10 s");
}

const packsOf = (places: readonly ({ readonly pack: string } | null)[]): (string | null)[] =>
  places.map((place) => place?.pack ?? null);

/** A writer that has put chunks with these numbers. */
export async function writerWith(
  registry: Registry,
  ...numbers: readonly number[]
): Promise<CampusWriter> {
  const writer = await registry.beginWriter();
  await writer.addPack(packOf(hashesOf(...numbers)));
  return writer;
}

export function registryContract(kind: string, open: () => Promise<TwoServers>): void {
  const contract = (title: string, work: (servers: TwoServers) => Promise<void>): void => {
    test(`${kind}: ${title}`, async () => {
      await using servers = await open();
      await work(servers);
    });
  };

  contract("a new campus has no images and no chunks", async ({ one }) => {
    assert.deepEqual(await one.images(), []);
    assert.deepEqual(await one.placesOf(hashesOf(1, 2)), [null, null]);
    assert.deepEqual(await one.placesOf(new Uint8Array(0)), []);
    assert.equal(one.away(), null);
  });

  contract("what one server commits the other has, place by place", async ({ one, other }) => {
    const hashes = hashesOf(1, 2, 3);
    const writer = await one.beginWriter();
    assert.deepEqual(await writer.hold(hashes), [null, null, null]);
    const pack = packOf(hashes);
    await writer.addPack(pack);
    assert.deepEqual(await writer.hold(hashes), pack.places);
    const manifest = manifestOf(1, "win11", 1, { warnings: ['a "quoted" \\ warning, ümläut'] });
    await writer.commit(manifest, hashes);
    await writer.end();
    assert.deepEqual(await other.images(), [{ manifest, server: "one", notes: "" }]);
    const wanted = joined([hashesOf(3), hashesOf(9), hashesOf(1), hashesOf(3)]);
    const [first, , third] = pack.places;
    assert.deepEqual(await other.placesOf(wanted), [third, null, first, third]);
  });

  contract("notes are written for all servers, and go with their image", async ({ one, other }) => {
    const writer = await one.beginWriter();
    await writer.addPack(packOf(hashesOf(1)));
    const manifest = manifestOf(1, "win11", 1);
    await writer.commit(manifest, hashesOf(1));
    await other.writeNotes(manifest.id, "Maths labs,\n'ümläut'");
    assert.equal((await one.images())[0]?.notes, "Maths labs,\n'ümläut'");
    await one.removeImage(manifest.id);
    await assert.rejects(other.writeNotes(manifest.id, "late"), { code: "not-found" });
  });

  contract("images come by name and version, fitted ones behind theirs", async ({ one }) => {
    const writer = await writerWith(one, 1);
    const commit = (...words: Parameters<typeof manifestOf>): Promise<void> =>
      writer.commit(manifestOf(...words), hashesOf(1));
    await commit(1, "ubuntu", 2);
    await commit(2, "ubuntu", 1);
    await commit(3, "Debian", 10);
    await commit(4, "ubuntu", 1, { fitOf: manifestOf(2, "", 1).id, fitSize: "240GB" });
    const names = (await one.images()).map(({ manifest }) => Number.parseInt(manifest.id, 16));
    assert.deepEqual(names, [3, 2, 4, 1]);
  });

  contract("a chunk that another writer put meanwhile keeps its place", async ({ one, other }) => {
    const first = await one.beginWriter();
    const second = await other.beginWriter();
    const [pack, later] = [packOf(hashesOf(1, 2)), packOf(hashesOf(2, 3))];
    await first.addPack(pack);
    await second.addPack(later);
    await second.addPack(later);
    const places = await one.placesOf(hashesOf(1, 2, 3));
    assert.deepEqual(packsOf(places), [pack.name, pack.name, later.name]);
  });

  contract("a chunk twice in one pack has one place", async ({ one }) => {
    const writer = await one.beginWriter();
    await writer.addPack(packOf(hashesOf(1, 1, 2)));
    const places = await one.placesOf(hashesOf(1, 2));
    assert(places.every((place) => place !== null));
  });

  contract("an image is not committed when a chunk is not there", async ({ one }) => {
    const writer = await writerWith(one, 1);
    const manifest = manifestOf(1, "win11", 1);
    await assert.rejects(writer.commit(manifest, hashesOf(1, 2)), { code: "conflict" });
    assert.deepEqual(await one.images(), []);
    await writer.commit(manifest, hashesOf(1));
    assert.equal((await one.images()).length, 1);
  });

  contract("an image is committed once, by its id and by its version", async ({ one, other }) => {
    const writer = await writerWith(one, 1);
    await writer.commit(manifestOf(1, "win11", 1), hashesOf(1));
    const second = await other.beginWriter();
    for (const again of [manifestOf(1, "else", 7), manifestOf(2, "WIN11", 1)]) {
      await assert.rejects(second.commit(again, hashesOf(1)), { code: "conflict" });
    }
  });

  contract("a fitted version of an image that is gone is not committed", async ({ one }) => {
    const writer = await writerWith(one, 1);
    const fitted = manifestOf(2, "win11", 1, { fitOf: manifestOf(1, "", 1).id, fitSize: "240GB" });
    await assert.rejects(writer.commit(fitted, hashesOf(1)), { code: "not-found" });
  });

  contract("an image is removed for all, with its fitted versions", async ({ one, other }) => {
    const writer = await writerWith(one, 1);
    const origin = manifestOf(1, "win11", 1);
    await writer.commit(origin, hashesOf(1));
    await writer.commit(
      manifestOf(2, "win11", 1, { fitOf: origin.id, fitSize: "240GB" }),
      hashesOf(1),
    );
    await writer.commit(manifestOf(3, "win11", 2), hashesOf(1));
    await other.removeImage(origin.id);
    assert.deepEqual(
      (await one.images()).map(({ manifest }) => manifest.version),
      [2],
    );
    await assert.rejects(one.removeImage(origin.id), { code: "not-found" });
  });

  contract("versions count on by the folded name, and never come again", async ({ one, other }) => {
    assert.deepEqual(await one.takeVersion("Win11"), { name: "Win11", version: 1 });
    assert.deepEqual(await other.takeVersion("WIN11"), { name: "Win11", version: 2 });
    assert.deepEqual(await other.takeVersion("ubuntu"), { name: "ubuntu", version: 1 });
    const writer = await writerWith(one, 1);
    await writer.commit(manifestOf(1, "Win11", 7), hashesOf(1));
    await one.removeImage(manifestOf(1, "", 1).id);
    assert.deepEqual(await one.takeVersion("win11"), { name: "Win11", version: 8 });
  });

  contract("two servers at once are given different versions", async ({ one, other }) => {
    const taken = await Promise.all(
      Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? one : other).takeVersion("lab")),
    );
    const versions = taken.map(({ version }) => version).sort((first, second) => first - second);
    assert.deepEqual(
      versions,
      Array.from({ length: 100 }, (_, at) => at + 1),
    );
  });

  contract(
    "two writers of the same chunks at once do not stand in each other's way",
    async (both) => {
      const numbers = Array.from({ length: 5000 }, (_, at) => at);
      const write = async (registry: Registry, order: number[], image: number): Promise<void> => {
        const writer = await registry.beginWriter();
        const hashes = hashesOf(...order);
        await writer.addPack(packOf(hashes, String(image)));
        assert((await writer.hold(hashes)).every((place) => place !== null));
        await writer.commit(manifestOf(image, "lab", image), hashes);
        await writer.end();
      };
      await Promise.all([
        write(both.one, numbers, 1),
        write(both.other, numbers.toReversed(), 2),
        write(both.other, [...numbers.slice(2500), ...numbers.slice(0, 2500)], 3),
      ]);
      assert.equal((await both.one.images()).length, 3);
    },
  );

  contract("a writer that has ended does nothing any more", async ({ one }) => {
    const writer = await writerWith(one, 1);
    await writer.end();
    await writer.end();
    const conflict = { code: "conflict" };
    await assert.rejects(writer.hold(hashesOf(1)), conflict);
    await assert.rejects(writer.addPack(packOf(hashesOf(2))), conflict);
    await assert.rejects(writer.commit(manifestOf(1, "win11", 1), hashesOf(1)), conflict);
  });

  contract("both servers are told of a commit and of a removal", async ({ one, other }) => {
    const writer = await writerWith(one, 1);
    const told = { one: 0, other: 0 };
    using _one = one.onChange(() => void told.one++);
    const listener = other.onChange(() => void told.other++);
    await writer.commit(manifestOf(1, "win11", 1), hashesOf(1));
    await until(() => told.one > 0 && told.other > 0);
    await other.removeImage(manifestOf(1, "", 1).id);
    const before = { ...told };
    await other.takeVersion("x");
    listener[Symbol.dispose]();
    await writer.commit(manifestOf(2, "win11", 2), hashesOf(1));
    await until(() => told.one > before.one);
  });

  contract("who needs a pack is known, and that it may be lost is told to all", async (both) => {
    const { one, other } = both;
    const pack = packOf(hashesOf(...Array.from({ length: 300 }, (_, at) => at)));
    const writer = await one.beginWriter();
    await writer.addPack(pack);
    await writer.addPack(packOf(hashesOf(1000)));
    assert.deepEqual(await other.packUse(pack.name), { bytes: pack.bytes, images: [] });
    await writer.commit(manifestOf(1, "lab", 1), hashesOf(299, 1000));
    await writer.commit(manifestOf(2, "lab", 2), hashesOf(0, 1, 2));
    await writer.commit(manifestOf(3, "lab", 3), hashesOf(1000));
    const use = await other.packUse(pack.name);
    const ids = [1, 2].map((number) => manifestOf(number, "", 1).id);
    assert.deepEqual(use?.images.toSorted(), ids);
    assert.equal(await other.packUse("0".repeat(64)), null);
    // What is put elsewhere instead is not needed there any more.
    await writer.addPack(packOf(hashesOf(0, 1, 2), "again"), [pack.name]);
    assert.deepEqual((await other.packUse(pack.name))?.images, [ids[0]]);
    const heard: string[] = [];
    using _heard = other.onLost((lost) => void heard.push(lost));
    await one.tellLost(pack.name);
    await until(() => heard.length > 0);
    assert.deepEqual(heard, [pack.name]);
  });
}
