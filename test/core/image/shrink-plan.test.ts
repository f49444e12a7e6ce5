import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type PartitionTable, readPartitionTable } from "../../../core/image/partition-table.ts";
import {
  planShrink,
  relaidMbr,
  type ShrinkPartition,
  type ShrinkPlan,
  shrinkOrder,
} from "../../../core/image/shrink-plan.ts";

import type { SqueezePlace } from "../../../core/image/squeeze.ts";

const mib = 1 << 20;
const gib = 2 ** 30;
const type = {
  efi: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
  msr: "e3c9e316-0b5c-4db8-817d-f92df00215ae",
  data: "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7",
  recovery: "de94bba4-06d1-4d40-a16a-bfd50179d6ac",
  linux: "0fc63daf-8483-4772-8e79-3d69d8477de4",
  swap: "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f",
  biosBoot: "21686148-6449-6e6f-744e-656564454649",
} as const;

const gpt: PartitionTable = {
  kind: "gpt",
  partitions: [],
  warnings: [],
  extended: null,
  active: new Set(),
  doubtful: new Set(),
};

type Part = readonly [kind: string, fs: string | null, sizeMib: number, gapMib?: number];

function rowOf(parts: readonly Part[]): ShrinkPartition[] {
  let at = mib;
  return parts.map(([kind, fs, sizeMib, gapMib = 0], order) => {
    const start = at + gapMib * mib;
    at = start + sizeMib * mib;
    return { index: order + 1, type: kind, fs, start, size: sizeMib * mib };
  });
}

const plan = (
  partitions: readonly ShrinkPartition[],
  endMib: number,
  leastMib: Readonly<Record<number, number>>,
  table = gpt,
): ShrinkPlan =>
  planShrink({
    table,
    partitions,
    endBytes: endMib * mib,
    least: new Map(Object.entries(leastMib).map(([index, size]) => [Number(index), size * mib])),
  });

/** Start and size of each partition, in MiB. */
const shown = (planned: ShrinkPlan): unknown =>
  planned.kind === "too-large"
    ? planned.leastEnd / mib
    : Object.fromEntries(
        [...planned.places].map(([index, { start, size }]) => [index, [start / mib, size / mib]]),
      );

const windows = rowOf([
  [type.efi, "vfat", 100],
  [type.msr, null, 16],
  [type.data, "ntfs", 200_000],
  [type.recovery, "ntfs", 600],
]);

test("Windows: C: gives the room, and recovery moves down", () => {
  const places = { 1: [1, 100], 2: [101, 16], 3: [117, 149_283], 4: [149_400, 600] };
  assert.deepEqual(shown(plan(windows, 150_000, { 3: 60_000 })), places);
  const least = 117 + 60_000 + 600;
  assert.equal(shown(plan(windows, least - 1, { 3: 60_000 })), least);
  assert.deepEqual(shown(plan(windows, least, { 3: 60_000 })), {
    ...places,
    3: [117, 60_000],
    4: [60_117, 600],
  });
});

test("an end between two MiB is rounded down for what shrinks, and not for what only moves", () => {
  const places = plan(windows, 150_000.5, { 3: 60_000 });
  assert.deepEqual(shown(places), {
    1: [1, 100],
    2: [101, 16],
    3: [117, 149_283],
    4: [149_400, 600],
  });
  const last = rowOf([[type.linux, "ext4", 1000]]);
  assert.deepEqual(shown(plan(last, 900.7, { 1: 10 })), { 1: [1, 899] });
});

test("free space behind what may shrink is used before anything shrinks", () => {
  const gaps = rowOf([
    [type.linux, "ext4", 1000],
    [type.swap, "swap", 100, 500],
  ]);
  assert.deepEqual(shown(plan(gaps, 1200, { 1: 10 })), { 1: [1, 1000], 2: [1100, 100] });
  assert.deepEqual(shown(plan(gaps, 1000, { 1: 10 })), { 1: [1, 899], 2: [900, 100] });
});

test("the largest shrinks to its least before the next one does, and swap is the last", () => {
  const linux = rowOf([
    [type.linux, "ext4", 1000],
    [type.linux, "btrfs", 3000],
    [type.swap, "swap", 4000],
  ]);
  assert.deepEqual(shrinkOrder(linux), [2, 1, 3]);
  const least = { 1: 500, 2: 2000, 3: 1024 };
  assert.deepEqual(shown(plan(linux, 7001, least)), {
    1: [1, 1000],
    2: [1001, 2000],
    3: [3001, 4000],
  });
  assert.deepEqual(shown(plan(linux, 6801, least)), {
    1: [1, 800],
    2: [801, 2000],
    3: [2801, 4000],
  });
  assert.deepEqual(shown(plan(linux, 4501, least)), {
    1: [1, 500],
    2: [501, 2000],
    3: [2501, 2000],
  });
  assert.equal(shown(plan(linux, 3000, least)), 3525);
});

test("what cannot move stays, and so does what is before it", () => {
  const odd = rowOf([
    [type.linux, "ext4", 1000],
    [type.biosBoot, null, 1],
    [type.linux, "ext4", 100],
  ]);
  assert.deepEqual(shown(plan(odd, 1050, { 1: 10, 3: 10 })), {
    1: [1, 1000],
    2: [1001, 1],
    3: [1002, 48],
  });
  assert.equal(shown(plan(odd, 1000, { 1: 10, 3: 10 })), 1012);
});

test("on an MBR the largest NTFS keeps its start, and so does the active partition", () => {
  const disk = rowOf([
    ["0x07", "ntfs", 100],
    ["0x07", "ntfs", 1000, 500],
    ["0x83", "ext4", 100],
  ]);
  const mbr = { ...gpt, kind: "mbr" as const, active: new Set([1]) };
  assert.deepEqual(shown(plan(disk, 1300, { 2: 100 }, mbr)), {
    1: [1, 100],
    2: [601, 599],
    3: [1200, 100],
  });
  assert.equal(shown(plan(disk, 700, { 2: 100 }, mbr)), 801);
  assert.equal(shown(plan(disk, 300, { 2: 100 })), 301);
});

const kinds = [
  [type.linux, "ext4"],
  [type.data, "ntfs"],
  [type.linux, "xfs"],
  [type.linux, "btrfs"],
  [type.swap, "swap"],
  [type.efi, "vfat"],
  [type.recovery, "ntfs"],
  [type.msr, null],
  [type.linux, null],
  [type.biosBoot, null],
] as const;

const randomParts = fc.array(
  fc.record({
    kind: fc.constantFrom(...kinds),
    sectors: fc.integer({ min: 1, max: 400_000 }),
    gap: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50_000 })),
    least: fc.double({ min: 0, max: 1, noNaN: true }),
    isLogical: fc.boolean(),
  }),
  { minLength: 1, maxLength: 9 },
);

interface Random {
  readonly table: PartitionTable;
  readonly partitions: readonly ShrinkPartition[];
  readonly least: ReadonlyMap<number, number>;
}

function randomLayout(parts: typeof randomParts extends fc.Arbitrary<infer T> ? T : never): Random {
  let at = mib;
  const least = new Map<number, number>();
  const partitions = parts.map(({ kind, sectors, gap, least: part }, order): ShrinkPartition => {
    const index = order + 1;
    const start = at + gap * 512;
    const size = sectors * 512;
    at = start + size;
    least.set(index, Math.ceil(size * part));
    return { index, type: kind[0], fs: kind[1], start, size };
  });
  return { table: gpt, partitions, least };
}

/** At most three primary partitions, then an extended one with the rest, as an MBR has them. */
function randomMbr(parts: typeof randomParts extends fc.Arbitrary<infer T> ? T : never): Random {
  const { partitions: row } = randomLayout(parts);
  const primaryCount = Math.min(
    3,
    parts.findIndex(({ isLogical }) => isLogical) + 1,
    row.length - 1,
  );
  const first = row[primaryCount];
  if (primaryCount < 0 || first === undefined) return randomMbr([...parts, ...parts.slice(0, 1)]);
  const least = new Map<number, number>();
  let shift = 0;
  const partitions = row.map((each, order): ShrinkPartition => {
    const isLogical = order >= primaryCount;
    if (isLogical) shift += mib;
    const index = isLogical ? 5 + order - primaryCount : order + 1;
    least.set(index, Math.ceil(each.size * (parts[order]?.least ?? 1)));
    return { ...each, index, type: "0x83", start: each.start + shift };
  });
  const inside = partitions.slice(primaryCount);
  const start = (inside[0] as ShrinkPartition).start - mib;
  const last = inside.at(-1) as ShrinkPartition;
  const size = last.start + last.size - start;
  const extended = { index: 4, type: "0x05", start, size };
  return { table: { ...gpt, kind: "mbr", partitions, extended }, partitions, least };
}

const isMovable = ({ type: kind, fs }: ShrinkPartition): boolean =>
  kind !== type.biosBoot && (fs !== null || kind === type.msr);

function assertSound({ partitions, least }: Random, planned: ShrinkPlan, endBytes: number): void {
  assert(planned.kind === "fits");
  let end = 0;
  for (const [order, each] of partitions.entries()) {
    const place: SqueezePlace | undefined = planned.places.get(each.index);
    assert(place !== undefined);
    assert(place.start >= end, "order is kept and nothing overlaps");
    end = place.start + place.size;
    const by: number = each.start - place.start;
    assert(by >= 0 && by % mib === 0, "what moves, moves down by whole chunks");
    if (order === 0 || !isMovable(each)) assert.equal(by, 0);
    assert(place.size % 512 === 0);
    const mayShrink = shrinkOrder(partitions).includes(each.index);
    const smallest = mayShrink ? (least.get(each.index) ?? each.size) : each.size;
    assert(place.size <= each.size && place.size >= smallest);
  }
  assert(end <= endBytes);
}

test("random layouts: order, places and sizes are kept to; what does not fit is told from what does", () => {
  fc.assert(
    fc.property(randomParts, fc.double({ min: 0, max: 1.1, noNaN: true }), (parts, part) => {
      const random = randomLayout(parts);
      const last = random.partitions.at(-1) as ShrinkPartition;
      const endBytes = Math.floor(((last.start + last.size) * part) / 512) * 512;
      const none = planShrink({ ...random, endBytes: 0 });
      assert(none.kind === "too-large");
      assertSound(random, planShrink({ ...random, endBytes: none.leastEnd }), none.leastEnd);
      assert.equal(planShrink({ ...random, endBytes: none.leastEnd - 512 }).kind, "too-large");
      const planned = planShrink({ ...random, endBytes });
      assert.equal(planned.kind, endBytes >= none.leastEnd ? "fits" : "too-large");
      if (planned.kind === "fits") assertSound(random, planned, endBytes);
    }),
    { numRuns: 2000 },
  );
});

test("random MBRs: the new table reads as it was planned, with room for each EBR", async () => {
  await fc.assert(
    fc.asyncProperty(
      randomParts,
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (parts, part) => {
        const random = randomMbr(parts);
        const { table, partitions } = random;
        const last = partitions.at(-1) as ShrinkPartition;
        const formerEnd = last.start + last.size;
        const none = planShrink({ ...random, endBytes: 0 });
        assert(none.kind === "too-large");
        const wanted = none.leastEnd + (formerEnd - none.leastEnd) * part;
        const endBytes = Math.ceil(wanted / 512) * 512;
        const planned = planShrink({ ...random, endBytes });
        assertSound(random, planned, endBytes);
        assert(planned.kind === "fits");
        const relaid = relaidMbr(new Uint8Array(512), table, planned.places, 512);
        assert(relaid.ok, relaid.ok ? "" : relaid.reason);
        const held = new Map(relaid.value.map(({ offset, data }) => [offset, data]));
        const read = await readPartitionTable({
          diskBytes: endBytes,
          logicalSector: 512,
          read: async (offset) => held.get(offset) ?? new Uint8Array(512),
        });
        assert.deepEqual(read.warnings, []);
        const places = partitions.map(({ index, type: kind }) => ({
          ...{ index, type: kind },
          ...planned.places.get(index),
        }));
        assert.deepEqual(
          read.partitions.toSorted((a, b) => a.index - b.index),
          places.toSorted((a, b) => a.index - b.index),
        );
        assert.deepEqual(read.extended, { ...table.extended, ...planned.places.get(4) });
      },
    ),
    { numRuns: 1000 },
  );
});

test("a disk of terabytes is planned with whole numbers", () => {
  const large = rowOf([
    [type.linux, "ext4", 20_000_000],
    [type.swap, "swap", 8192],
  ]);
  const planned = plan(large, 10_000_000, { 1: 1_000_000 });
  assert.deepEqual(shown(planned), { 1: [1, 9_991_807], 2: [9_991_808, 8192] });
  assert((20_000_000 * mib) / gib > 19_000);
});
