/** What a sweep takes, and what it leaves, whatever keeps the registry. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CampusWriter, Registry } from "../../../server/campus/ports.ts";
import {
  type SweepLease,
  type SweepReport,
  type SweepTables,
  sweepCampus,
} from "../../../server/campus/sweep.ts";
import { hashesOf, manifestOf, packOf } from "./campus-images.ts";
import { writerWith } from "./registry-contract.ts";
import { hourMs, noneAnew, onlyParts, type StormCampus, stormTimes } from "./sweep-storm.ts";

/** Of the first of two servers. */
interface Swept {
  readonly registry: Registry;
  readonly other: { readonly registry: Registry; readonly tables: SweepTables };
  readonly tables: SweepTables;
  /** Packs that were removed from the storage. */
  readonly removed: string[];
  pass(hours: number): Promise<void>;
  sweep(): Promise<SweepReport | null>;
}

const dayHours = 24;
/** Of chunks 1 to 9; no chunk of these tests is in another one. */
const parts = new Set(Array.from({ length: 9 }, (_, at) => hashesOf(at + 1)[0] as number));

/** As the sweep's beginning, in the parts that matter. */
async function markAll(lease: SweepLease | null): Promise<void> {
  for (const part of parts) await lease?.mark(part);
}

export function sweepContract(
  kind: string,
  open: () => Promise<StormCampus & AsyncDisposable>,
): void {
  const contract = (title: string, work: (swept: Swept) => Promise<void>): void => {
    test(`${kind}: ${title}`, async () => {
      await using campus = await open();
      const [one, other] = campus.servers;
      assert(one !== undefined && other !== undefined);
      const removed: string[] = [];
      const remove = async (name: string): Promise<void> => void removed.push(name);
      await work({
        ...one,
        other,
        removed,
        pass: (hours) => campus.pass(hours),
        sweep: () =>
          sweepCampus({
            tables: onlyParts(one.tables, parts),
            objects: { remove },
            objectName: (name) => name,
            packAnew: noneAnew,
          }),
      });
    });
  };

  contract(
    "what no image names is a candidate after a day, and gone after another",
    async (all) => {
      const { registry, sweep, pass, removed } = all;
      const writer = await writerWith(registry, 1, 2, 3);
      await writer.addPack(packOf(hashesOf(4, 5)));
      await writer.commit(manifestOf(1, "win11", 1), hashesOf(1));
      await writer.commit(manifestOf(2, "win11", 2), hashesOf(1, 4, 5));
      await writer.end();
      await registry.removeImage(manifestOf(2, "", 1).id);
      const nothing = { candidates: 0, deleted: 0, packs: 0, freedBytes: 0, emptied: 0, left: 0 };
      await pass(dayHours - 1);
      assert.deepEqual(await sweep(), nothing);
      await pass(2);
      assert.deepEqual(await sweep(), { ...nothing, candidates: 4 });
      assert.deepEqual(await sweep(), nothing);
      assert.equal((await registry.placesOf(hashesOf(2)))[0]?.pack, packOf(hashesOf(1, 2, 3)).name);
      await pass(dayHours + 1);
      assert.deepEqual(await sweep(), { ...nothing, deleted: 4, packs: 1, freedBytes: 2000 });
      assert.deepEqual(removed, [packOf(hashesOf(4, 5)).name]);
      const places = await registry.placesOf(hashesOf(1, 2, 3, 4, 5));
      assert.deepEqual(
        places.map((place) => place !== null),
        [true, false, false, false, false],
      );
      await pass(3 * dayHours);
      assert.deepEqual(await sweep(), nothing);
    },
  );

  const takenBack = (how: string, take: (writer: CampusWriter) => Promise<unknown>): void =>
    contract(`a candidate that is ${how} is alive again`, async (all) => {
      const { registry, sweep, pass, removed } = all;
      await (await writerWith(registry, 1)).end();
      await pass(dayHours + 1);
      assert.equal((await sweep())?.candidates, 1);
      await pass(dayHours + 1);
      const writer = await registry.beginWriter();
      await take(writer);
      await writer.end();
      for (const { manifest } of await registry.images()) await registry.removeImage(manifest.id);
      // It is no candidate any more, and its day begins anew.
      await pass(dayHours - 1);
      const report = await sweep();
      assert.deepEqual([report?.candidates, report?.deleted], [0, 0]);
      assert.deepEqual(removed, []);
      assert.notEqual((await registry.placesOf(hashesOf(1)))[0], null);
    });
  takenBack("held", (writer) => writer.hold(hashesOf(1)));
  takenBack("put again", (writer) => writer.addPack(packOf(hashesOf(1, 2))));
  takenBack("committed", (writer) => writer.commit(manifestOf(1, "win11", 1), hashesOf(1)));

  contract("what a writer counts on is not taken, however long it writes", async (all) => {
    const { registry, other, sweep, pass } = all;
    await (await writerWith(registry, 1)).end();
    await (await writerWith(registry, 2)).end();
    await pass(dayHours - 2);
    const writer = await other.registry.beginWriter();
    await writer.hold(hashesOf(1));
    await writer.addPack(packOf(hashesOf(2, 3)));
    for (let day = 0; day < 5; day++) {
      await pass(dayHours - 1);
      await writer.hold(hashesOf(9));
      await sweep();
    }
    await writer.commit(manifestOf(1, "win11", 1), hashesOf(1, 2, 3));
  });

  contract(
    "a writer that is not heard of for a day is dropped",
    async ({ registry, sweep, pass }) => {
      const writer = await writerWith(registry, 1);
      await pass(dayHours + 1);
      assert.deepEqual(await sweep().then((report) => report?.candidates), 1);
      await assert.rejects(writer.hold(hashesOf(1)), { code: "conflict" });
    },
  );

  contract("a deleted chunk that is put anew belongs to its new pack", async (all) => {
    const { registry, sweep, pass, removed } = all;
    await (await writerWith(registry, 1, 2)).end();
    const keeper = await writerWith(registry, 3);
    await keeper.commit(manifestOf(1, "win11", 1), hashesOf(3));
    await keeper.end();
    for (let day = 0; day < 2; day++) {
      await pass(dayHours + 1);
      const lease = await all.tables.takeLease();
      await markAll(lease);
      await lease?.end();
    }
    const writer = await registry.beginWriter();
    assert.deepEqual(await writer.hold(hashesOf(1)), [null]);
    const conflict = { code: "conflict" };
    await assert.rejects(writer.commit(manifestOf(2, "win11", 2), hashesOf(1)), conflict);
    const anew = packOf(hashesOf(1, 9));
    await writer.addPack(anew);
    await writer.commit(manifestOf(2, "win11", 2), hashesOf(1, 9));
    await writer.end();
    await sweep();
    assert.deepEqual(removed, [packOf(hashesOf(1, 2)).name]);
    assert.equal((await registry.placesOf(hashesOf(1)))[0]?.pack, anew.name);
  });

  contract(
    "the name of a pack that was deleted is free again when nothing late can hit it",
    async (all) => {
      const { registry, tables, sweep, pass } = all;
      const pack = packOf(hashesOf(1));
      await (await writerWith(registry, 1)).end();
      await pass(dayHours + 1);
      await sweep();
      await pass(dayHours + 1);
      const lease = await tables.takeLease();
      await markAll(lease);
      assert.deepEqual(await lease?.condemn(9), [{ name: pack.name, bytes: pack.bytes }]);
      const writer = await registry.beginWriter();
      const conflict = { code: "conflict", message: /^pack / };
      await assert.rejects(writer.addPack(pack), conflict);
      await lease?.forget(pack.name);
      await assert.rejects(writer.addPack(pack), conflict);
      await pass(0.1);
      const late = await registry.beginWriter();
      await writer.end();
      // Another request of the sweep may still be on its way.
      await lease?.dropOld();
      await assert.rejects(late.addPack(pack), conflict);
      await lease?.end();
      await pass(stormTimes.nameMs / hourMs + 1);
      await late.hold(hashesOf(1));
      await sweep();
      await late.addPack(pack);
      assert.equal((await registry.placesOf(hashesOf(1)))[0]?.pack, pack.name);
    },
  );

  contract(
    "a name is kept while a writer is open that was open when its pack was deleted",
    async (all) => {
      const { registry, sweep, pass } = all;
      await (await writerWith(registry, 1)).end();
      for (let day = 0; day < 2; day++) {
        await pass(dayHours + 1);
        if (day === 0) await sweep();
      }
      const lease = await all.tables.takeLease();
      await markAll(lease);
      const [condemned] = (await lease?.condemn(9)) ?? [];
      const writer = await registry.beginWriter();
      await lease?.forget(condemned?.name ?? "");
      await lease?.end();
      await pass(stormTimes.nameMs / hourMs + 1);
      await sweep();
      await assert.rejects(writer.addPack(packOf(hashesOf(1))), { code: "conflict" });
      await writer.end();
    },
  );

  contract(
    "what lives in a pack that is mostly dead goes to a new one, the old one later",
    async (all) => {
      const { registry, tables, pass, removed } = all;
      const old = packOf(hashesOf(1, 2, 3, 4, 5));
      const writer = await registry.beginWriter();
      await writer.addPack(old);
      await writer.commit(manifestOf(1, "win11", 1), hashesOf(2, 5));
      await writer.end();
      const anew = packOf(hashesOf(2, 5), "anew");
      const asked: string[][] = [];
      const sweepAnew = (): Promise<SweepReport | null> =>
        sweepCampus({
          tables: onlyParts(tables, parts),
          objects: { remove: async (name) => void removed.push(name) },
          objectName: (name) => name,
          packAnew: async (packs) => {
            asked.push(packs.map(({ name }) => name));
            assert.deepEqual(
              packs.flatMap(({ places }) => places.map(({ offset }) => offset)),
              [1000, 4000],
            );
            return { pack: anew, from: packs.map(({ name }) => name) };
          },
        });
      await pass(dayHours + 1);
      // Candidates may be taken back: nothing of the pack is dead yet.
      assert.equal((await sweepAnew())?.emptied, 0);
      await pass(dayHours + 1);
      assert.equal((await sweepAnew())?.emptied, 1);
      assert.deepEqual(asked, [[old.name]]);
      const places = await registry.placesOf(hashesOf(2, 5, 1));
      assert.deepEqual(
        places.map((place) => place && [place.pack, place.offset]),
        [[anew.name, 0], [anew.name, 1000], null],
      );
      // Who was told of the old places reads there for another day.
      await pass(dayHours - 1);
      assert.deepEqual([(await sweepAnew())?.packs, removed], [0, []]);
      await pass(2);
      assert.equal((await sweepAnew())?.packs, 1);
      assert.deepEqual([removed, asked.length], [[old.name], 1]);
      await (await registry.beginWriter()).commit(manifestOf(2, "win11", 2), hashesOf(2, 5));
    },
  );

  contract("a pack whose name is not free takes nothing over", async (all) => {
    const { registry, tables, pass } = all;
    const going = packOf(hashesOf(1));
    await (await writerWith(registry, 1)).end();
    const writer = await writerWith(registry, 2, 3, 4);
    await writer.commit(manifestOf(1, "win11", 1), hashesOf(2));
    await writer.end();
    for (let day = 0; day < 2; day++) {
      await pass(dayHours + 1);
      const lease = await tables.takeLease();
      await markAll(lease);
      await lease?.end();
    }
    const lease = await tables.takeLease();
    assert.deepEqual(await lease?.condemn(9), [{ name: going.name, bytes: going.bytes }]);
    const [before] = await registry.placesOf(hashesOf(2));
    const clash = { ...packOf(hashesOf(2)), name: going.name };
    assert.equal(await lease?.move(clash, [before?.pack ?? ""]), false);
    assert.deepEqual(await registry.placesOf(hashesOf(2)), [before]);
    await lease?.end();
  });

  contract("what a lost pack held is where a writer puts it instead", async (all) => {
    const { registry } = all;
    const lost = packOf(hashesOf(1, 2, 3));
    const writer = await registry.beginWriter();
    await writer.addPack(lost);
    await writer.commit(manifestOf(1, "win11", 1), hashesOf(1, 2, 3));
    const anew = packOf(hashesOf(3, 1), "anew");
    await writer.addPack(anew);
    assert.equal((await registry.placesOf(hashesOf(1)))[0]?.pack, lost.name);
    await writer.addPack(anew, [lost.name]);
    await writer.end();
    const packs = (await registry.placesOf(hashesOf(1, 2, 3))).map((place) => place?.pack);
    assert.deepEqual(packs, [anew.name, lost.name, anew.name]);
  });

  contract("one server sweeps at a time, and one that was slow does nothing more", async (all) => {
    const { tables, other, pass } = all;
    const lease = await tables.takeLease();
    assert.equal(await other.tables.takeLease(), null);
    assert.equal(await all.sweep(), null);
    await lease?.mark(0);
    await pass(stormTimes.leaseMs / hourMs + 0.1);
    const next = await other.tables.takeLease();
    assert.notEqual(next, null);
    const lost = { code: "conflict", message: /taken over/ };
    await assert.rejects(async () => lease?.mark(0), lost);
    await assert.rejects(async () => lease?.condemn(9), lost);
    await assert.rejects(async () => lease?.forget("00"), lost);
    await assert.rejects(async () => lease?.dropOld(), lost);
    await lease?.end();
    await next?.mark(0);
    await next?.end();
    assert.notEqual(await all.sweep(), null);
  });
}
