import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  allPieces,
  type Piece,
  requireZeros,
  samplePieces,
} from "../../../imaging/wipe/read-back.ts";
import { seeded } from "../../sim/random.ts";

const mib = 1024 * 1024;
const below = (seed: number) => {
  const random = seeded(seed);
  return (limit: number): number => Math.floor(random() * limit);
};

const tb = 1_000_204_886_016;

/** A disk of zeros but for one byte. */
const diskWith = (size: number, dirty: number | null) => ({
  size,
  async reads(offset: number, into: Uint8Array): Promise<boolean> {
    into.fill(0);
    if (dirty !== null && dirty >= offset && dirty < offset + into.length) into[dirty - offset] = 1;
    return true;
  },
});

test("a sample is both ends and 1024 places between, each once, in the disk's order, on the disk", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 4 * tb }), (seed, size) => {
      const pieces = samplePieces(size, below(seed));
      let end = 0;
      for (const { offset, length } of pieces) {
        assert(offset >= end && length > 0);
        end = offset + length;
      }
      assert(end === size);
      assert.equal(pieces[0]?.offset, 0);
      const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
      assert(bytes < 1154 * mib && (bytes === size || pieces.length >= 1152));
    }),
  );
});

test("a small disk is read whole, also its odd end", () => {
  assert.deepEqual(samplePieces(3 * mib + 512, below(1)), [...allPieces(3 * mib + 512)]);
  assert.deepEqual([...allPieces(2 * mib + 5)].at(-1), { offset: 2 * mib, length: 5 });
});

test("one byte anywhere on a disk that is read whole is found, and where", async () => {
  const size = 5 * mib + 512;
  for (const dirty of [0, mib - 1, mib, 3 * mib + 77, size - 1]) {
    const found = requireZeros(diskWith(size, dirty), allPieces(size), () => {});
    const at = new RegExp(`byte ${Math.floor(dirty / mib) * mib}\\)`);
    await assert.rejects(found, { code: "failed", message: at });
  }
  const { bytes, finding, detail } = await requireZeros(
    diskWith(size, null),
    allPieces(size),
    () => {},
  );
  assert.deepEqual([bytes, finding], [size, "zeros"]);
  assert.match(detail, /^all 5\.\d+ MB read as zeros$/);
});

test("a sample finds what lies at the ends, and says how much it read", async () => {
  const pieces = samplePieces(tb, below(7));
  for (const dirty of [0, 64 * mib - 1, tb - 64 * mib, tb - 1])
    await assert.rejects(
      requireZeros(diskWith(tb, dirty), pieces, () => {}),
      { code: "failed" },
    );
  const { bytes, detail } = await requireZeros(diskWith(tb, null), pieces, () => {});
  assert(bytes >= 1152 * mib && bytes < 1153 * mib);
  assert.match(detail, /^1\.2 GB of 1\.0 TB read as zeros: the first and the last .*1024 random/);
});

test("of a disk of which a hundredth was left, every sample finds some", () => {
  const left = (piece: Piece): boolean => piece.offset % (100 * mib) === 0;
  for (let seed = 0; seed < 50; seed++) assert(samplePieces(tb, below(seed)).some(left));
});

test("a place that cannot be read is no proof, and a stop ends it", async () => {
  const broken = { size: mib, reads: async () => false };
  await assert.rejects(
    requireZeros(broken, allPieces(mib), () => {}),
    { message: /cannot be read at 0/ },
  );
  const stopped = requireZeros(diskWith(3 * mib, null), allPieces(3 * mib), () => {
    throw new Error("stopped");
  });
  await assert.rejects(stopped, /stopped/);
});
