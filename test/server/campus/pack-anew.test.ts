/** What lives in mostly dead packs, read from the storage and put there in a new one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { packsAnew } from "../../../server/campus/pack-anew.ts";
import { packObjectName, readRecord } from "../../../server/campus/pack-object.ts";
import type { CampusPack } from "../../../server/campus/ports.ts";
import type { Seal } from "../../../server/campus/seal.ts";
import { MemoryObjects } from "./memory-objects.ts";
import { both, chunkOf, packOf, saltOf } from "./pack-chunks.ts";

const step = async (): Promise<void> => {};

async function storageOf(seal: Seal | null) {
  const objects = new MemoryObjects();
  const put = async (fills: readonly number[], bytes: number, salt: number) => {
    const chunks = fills.map((fill) => chunkOf(fill, bytes + fill));
    const { pack, content } = packOf(chunks, seal, saltOf(salt));
    await objects.put(packObjectName(pack.name), content);
    return pack;
  };
  const packs = [await put([1, 2, 3, 4], 100, 1), await put([5, 6, 7, 8], 3_000_000, 2)] as const;
  const anew = packsAnew({ objects, seal, salt: () => saltOf(9) });
  return { objects, packs, anew };
}

const living = ({ name, places }: CampusPack, ...which: readonly number[]) => ({
  name,
  places: which.map((at) => places[at] as CampusPack["places"][number]),
});

for (const seal of both) {
  const how = seal === null ? "plain" : "sealed";

  test(`${how}: chunks of several packs are in one, as they were`, async () => {
    const { objects, packs, anew } = await storageOf(seal);
    const [small, large] = packs;
    let steps = 0;
    const made = await anew(
      [living(small, 1, 3), living(large, 0, 1, 3)],
      async () => void steps++,
    );
    assert.deepEqual(made?.from, [small.name, large.name]);
    const content = objects.objects.get(packObjectName(made?.pack.name ?? "")) ?? new Uint8Array();
    assert.equal(content.length, made?.pack.bytes);
    const fills = made?.pack.places.map((place) => {
      const record = content.subarray(place.offset, place.offset + place.length);
      const stored = readRecord(record, place, seal);
      return [stored[0], stored.length];
    });
    assert.deepEqual(fills, [
      [2, 102],
      [4, 104],
      [5, 3_000_005],
      [6, 3_000_006],
      [8, 3_000_008],
    ]);
    // 4 MiB a request: one for the small pack, three for the large one, and what puts the new one.
    assert.deepEqual([steps, objects.calls.filter(({ kind }) => kind === "get").length], [5, 4]);
  });

  test(`${how}: a pack that is lost or damaged is left as it is`, async () => {
    const { objects, packs, anew } = await storageOf(seal);
    const [small, large] = packs;
    objects.objects.delete(packObjectName(small.name));
    const made = await anew([living(small, 0), living(large, 2)], step);
    assert.deepEqual([made?.from, made?.pack.places.length], [[large.name], 1]);
    objects.plan = ({ kind }) => (kind === "get" ? "flipped" : null);
    assert.equal(await anew([living(large, 2)], step), null);
    objects.plan = ({ kind }) => (kind === "get" ? "away" : null);
    await assert.rejects(anew([living(large, 2)], step), { code: "away" });
  });
}
