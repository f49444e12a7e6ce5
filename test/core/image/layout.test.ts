import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Layout,
  type LayoutPartition,
  type LayoutRequest,
  planLayout,
} from "../../../core/image/layout.ts";

const mib = 1 << 20;
const gib = 2 ** 30;
const type = {
  efi: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
  msr: "e3c9e316-0b5c-4db8-817d-f92df00215ae",
  data: "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7",
  recovery: "de94bba4-06d1-4d40-a16a-bfd50179d6ac",
  linux: "0fc63daf-8483-4772-8e79-3d69d8477de4",
  swap: "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f",
  lvm: "e6d6d379-f507-44c2-a23c-238f2a3df928",
  biosBoot: "21686148-6449-6e6f-744e-656564454649",
} as const;

const noFrame = { extended: null, active: new Set<number>(), doubtful: new Set<number>() };

/** Partitions one after another from 1 MiB on; sizes in MiB. */
function rowOf(
  parts: readonly (readonly [kind: string, fs: string | null, sizeMib: number, index?: number])[],
): LayoutPartition[] {
  let at = mib;
  return parts.map(([kind, fs, sizeMib, number], order) => {
    const start = at;
    at += sizeMib * mib;
    return { index: number ?? order + 1, type: kind, fs, start, size: sizeMib * mib };
  });
}

const plan = (
  partitions: readonly LayoutPartition[],
  endMib: number,
  more: Partial<LayoutRequest> = {},
): Layout =>
  planLayout({ table: noFrame, partitions, endBytes: endMib * mib, grow: "auto", ...more });

const windows = rowOf([
  [type.efi, "vfat", 100],
  [type.msr, null, 16],
  [type.data, "ntfs", 100_000],
  [type.recovery, "ntfs", 600],
]);

test("Windows: C: takes the room, and recovery moves to the end", () => {
  const { moves, grown, left } = plan(windows, 200_000);
  assert.deepEqual([grown?.index, left], [3, null]);
  const from = (1 + 100 + 16 + 100_000) * mib;
  assert.deepEqual(moves, [{ index: 4, from, to: 199_400 * mib, size: 600 * mib }]);
  assert.equal((grown?.start ?? 0) + (grown?.size ?? 0), 199_400 * mib);
});

test("what each mode does with it", () => {
  assert.match(plan(windows, 200_000, { grow: "last" }).left ?? "", /partition 4 is Windows' rec/);
  assert.match(plan(windows, 200_000, { grow: "none" }).left ?? "", /the room says/);
  const rootLast = rowOf([
    [type.data, "ntfs", 9000],
    [type.linux, "ext4", 5000],
  ]);
  assert.equal(plan(rootLast, 30_000, { grow: "last" }).grown?.index, 2);
});

test("Debian guided: root grows, the extended partition with swap in it moves", () => {
  const root = { index: 1, type: "0x83", fs: "ext4", start: mib, size: 9 * gib };
  const frame = { index: 2, type: "0x05", start: 9 * gib + 2 * mib, size: gib };
  const swap = { index: 5, type: "0x82", fs: "swap", start: frame.start + mib, size: gib - mib };
  const table = { ...noFrame, extended: frame, active: new Set([1]) };
  const { moves, grown } = plan([root, swap], 20_480, { table });
  assert.deepEqual(moves, [{ index: 2, from: frame.start, to: 19 * gib, size: gib }]);
  assert.deepEqual([grown?.index, grown?.size], [1, 19 * gib - mib]);
});

test("a logical partition grows when it is the last one, and is left when another is behind it", () => {
  const extended = { index: 1, type: "0x05", start: mib, size: 9 * gib };
  const table = { ...noFrame, extended };
  const one = { index: 5, type: "0x83", fs: "ext4", start: 2 * mib, size: 5 * gib };
  const behind = { index: 6, type: "0x82", fs: "swap", start: 6 * gib, size: gib };
  assert.equal(plan([one], 20_480, { table }).grown?.index, 5);
  assert.match(
    plan([one, behind], 20_480, { table }).left ?? "",
    /partition 6, another, is behind/,
  );
});

test("Ubuntu's cloud image: root is the first and lies last; LVM takes the room of its disk", () => {
  const cloud = rowOf([
    [type.biosBoot, null, 4, 14],
    [type.efi, "vfat", 106, 15],
    [type.linux, "ext4", 2000, 1],
  ]);
  assert.deepEqual([plan(cloud, 8000).grown?.index, plan(cloud, 8000).moves.length], [1, 0]);
  const lvm = rowOf([
    [type.efi, "vfat", 512],
    [type.linux, "ext2", 488],
    [type.lvm, "LVM2_member", 50_000],
  ]);
  assert.equal(plan(lvm, 90_000).grown?.index, 3);
});

test("what stands in the way is told, and the next system takes the room", () => {
  const dual = rowOf([
    [type.data, "ntfs", 100_000],
    [type.linux, "ext4", 50_000],
    [type.swap, "swap", 8000],
  ]);
  const { grown, left } = plan(dual, 300_000);
  assert.equal(grown?.index, 2);
  assert.match(left ?? "", /partition 1 keeps its size: partition 2 behind it is too large/);
  const whyLeft = (
    behind: readonly [string, string | null, number],
    endMib = 300_000,
    table: LayoutRequest["table"] = noFrame,
  ): string => plan(rowOf([[type.data, "ntfs", 100_000], behind]), endMib, { table }).left ?? "";
  assert.match(whyLeft([type.efi, "vfat", 100]), /firmware's boot entries/);
  assert.match(whyLeft([type.biosBoot, null, 1]), /found by its sector/);
  assert.match(whyLeft([type.data, null, 100]), /not known/);
  assert.match(whyLeft([type.data, "exfat", 100]), /has exfat, which is not moved/);
  assert.match(whyLeft([type.recovery, "ntfs", 900], 101_401), /larger than the room there is/);
  const active = { ...noFrame, active: new Set([2]) };
  assert.match(whyLeft(["0x07", "ntfs", 100], 300_000, active), /the PC starts from/);
  const doubtful = { ...noFrame, doubtful: new Set([2]) };
  assert.match(whyLeft([type.data, "ntfs", 100], 300_000, doubtful), /lies over another/);
  assert.equal(whyLeft([type.msr, null, 16]), "");
});

test("neither /boot beside an encrypted system nor a partition of a firmware's own takes the room", () => {
  const encrypted = rowOf([
    [type.efi, "vfat", 512],
    [type.linux, "ext4", 1024],
    [type.linux, "crypto_LUKS", 9000],
  ]);
  assert.match(plan(encrypted, 20_000).left ?? "", /partition 3 has crypto_LUKS/);
  const { grown, left } = plan(rowOf([[type.efi, "vfat", 512]]), 20_000);
  assert.deepEqual(
    [grown, left],
    [null, "partition 1 is of the firmware's or the boot loader's own"],
  );
});

// --- properties

interface Drawn {
  readonly request: LayoutRequest;
  readonly diskBytes: number;
}

const kinds = fc.constantFrom(
  [type.efi, "vfat"],
  [type.msr, null],
  [type.data, "ntfs"],
  [type.data, "exfat"],
  [type.recovery, "ntfs"],
  [type.linux, "ext4"],
  [type.linux, "btrfs"],
  [type.linux, null],
  [type.swap, "swap"],
  [type.lvm, "LVM2_member"],
  [type.biosBoot, null],
) as fc.Arbitrary<readonly [string, string | null]>;

/** Any sizes and gaps, whole sectors; numbers in any order. */
const drawn: fc.Arbitrary<Drawn> = fc
  .record({
    parts: fc.array(
      fc.record({
        kind: kinds,
        sectors: fc.oneof(
          fc.integer({ min: 1, max: 4 * 2048 }),
          fc.integer({ min: 1, max: 60_000 }).map((count) => count * 2048),
          fc.integer({ min: 1, max: 100_000_000 }),
        ),
        gap: fc.oneof(fc.constant(0), fc.constant(2048), fc.integer({ min: 0, max: 9999 })),
      }),
      { minLength: 1, maxLength: 9 },
    ),
    more: fc.oneof(fc.integer({ min: 0, max: 9000 }), fc.integer({ min: 0, max: 400_000_000 })),
    frame: fc.option(fc.tuple(fc.nat(8), fc.nat(8))),
    grow: fc.constantFrom("auto", "auto", "last", "none"),
    seed: fc.nat(8),
  })
  .map(({ parts, more, frame, grow, seed }) => {
    let at = 2048;
    const partitions = parts.map(({ kind: [kind, fs], sectors, gap }, order) => {
      at += gap;
      const start = at * 512;
      at += sectors;
      const index = ((order + seed) % parts.length) + 1;
      return { index, type: kind, fs, start, size: sectors * 512 };
    });
    const [from, to] = [Math.min(...(frame ?? [])), Math.max(...(frame ?? []))];
    const inside = frame === null ? [] : partitions.slice(from, to + 1);
    const [first, last] = [inside[0], inside.at(-1)];
    const isInside = new Set(inside);
    const extended =
      first === undefined || last === undefined
        ? null
        : {
            index: 4,
            type: "0x05",
            start: first.start,
            size: last.start + last.size - first.start,
          };
    const numbered =
      extended === null
        ? partitions
        : partitions.map((each, order) => ({
            ...each,
            index: isInside.has(each) ? 5 + order : 20 + order,
          }));
    // Primary ones have numbers below 5, of which there are too few for all: they are no part here.
    const kept = extended === null ? numbered : numbered.filter(({ index }) => index < 20);
    const diskBytes = (at + more) * 512;
    return {
      diskBytes,
      request: {
        table: { ...noFrame, extended },
        partitions: kept,
        endBytes: diskBytes - 33 * 512,
        grow: grow as LayoutRequest["grow"],
      },
    };
  });

/** The partitions, and the frame, as the layout has them. */
function laidOut({ request }: Drawn, { moves, grown }: Layout) {
  const { table, partitions } = request;
  const by = (index: number): number => {
    const move = moves.find((each) => each.index === index);
    return move === undefined ? 0 : move.to - move.from;
  };
  const { extended } = table;
  const moved = partitions.map((each) => {
    const shift = by(each.index) + (extended !== null && each.index >= 5 ? by(extended.index) : 0);
    return {
      ...each,
      start: each.start + shift,
      size: grown?.index === each.index ? grown.size : each.size,
    };
  });
  const inFrame = extended !== null && (grown?.index ?? 0) >= 5;
  const frame = extended && {
    ...extended,
    start: extended.start + by(extended.index),
    size: inFrame && grown ? grown.start + grown.size - extended.start : extended.size,
  };
  return { moved, frame };
}

test("no two overlap, nothing is lost, all are on the disk and in order, and only one grows", () => {
  fc.assert(
    fc.property(drawn, (each) => {
      const { request } = each;
      const layout = planLayout(request);
      const { moved, frame } = laidOut(each, layout);
      const inOrder = (parts: readonly LayoutPartition[]) =>
        parts.toSorted((a, b) => a.start - b.start).map(({ index }) => index);
      assert.deepEqual(inOrder(moved), inOrder(request.partitions));
      const sorted = moved.toSorted((a, b) => a.start - b.start);
      for (const [at, { start, size }] of sorted.entries()) {
        assert(start + size <= (sorted[at + 1]?.start ?? Number.POSITIVE_INFINITY), "apart");
      }
      const hasGrown = layout.grown !== null || layout.left !== null;
      assert(hasGrown, "what is not done is told");
      const changed = moved.filter((now) => {
        const before = request.partitions.find(({ index }) => index === now.index);
        assert(before !== undefined && now.size >= before.size);
        return now.size !== before.size;
      });
      assert.deepEqual(
        changed.map(({ index }) => index),
        layout.grown === null ? [] : [layout.grown.index],
      );
      if (layout.grown === null) return assert.deepEqual(layout.moves, []);
      const ends = [...moved, ...(frame ? [frame] : [])].map(({ start, size }) => start + size);
      assert(Math.max(...ends) <= request.endBytes);
      assert.equal((layout.grown.start + layout.grown.size) % mib, 0);
      for (const { from, to, size } of layout.moves) {
        assert.equal(to % mib, 0);
        assert(to >= from + size, "the old place stays whole");
      }
    }),
    { numRuns: 3000 },
  );
});

test("planned once more, nothing is left to do", () => {
  fc.assert(
    fc.property(drawn, (each) => {
      const first = planLayout(each.request);
      const { moved, frame } = laidOut(each, first);
      const table = { ...each.request.table, extended: frame };
      const again = planLayout({ ...each.request, table, partitions: moved });
      if (first.grown !== null) assert.deepEqual([again.grown, again.moves], [null, []]);
      else assert.deepEqual(again, first);
    }),
    { numRuns: 3000 },
  );
});

test("each move goes where nothing is by then", () => {
  fc.assert(
    fc.property(drawn, (each) => {
      const { request } = each;
      const { moves } = planLayout(request);
      const places = new Map(
        request.partitions.map(({ index, start, size }) => [index, { start, size }]),
      );
      for (const { index, from, to, size } of moves) {
        for (const [other, place] of places) {
          const isOwn = other === index || (index === 4 && request.table.extended !== null);
          const isBeside = place.start >= to + size || place.start + place.size <= to;
          assert(isOwn || isBeside, `partition ${index} goes over ${other}`);
        }
        const own = places.get(index);
        if (own !== undefined) places.set(index, { start: own.start + to - from, size });
      }
    }),
    { numRuns: 2000 },
  );
});
