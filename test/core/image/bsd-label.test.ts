import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bsdPartitions } from "../../../core/image/bsd-label.ts";
import { bsdLabel } from "./bsd-labels.ts";
import { sourceOf } from "./bytes.ts";

const sliceSectors = 64;
const slice = (label: Uint8Array): Buffer => {
  const bytes = Buffer.alloc(sliceSectors * 512);
  bytes.set(label, 512);
  return bytes;
};
const letters = "abdefghijklmnopqrst".split("");

const random = fc.uniqueArray(
  fc.record({
    letter: fc.constantFrom(...letters),
    start: fc.nat(sliceSectors - 1),
    length: fc.nat(sliceSectors),
    type: fc.constantFrom(0, 1, 7, 27),
  }),
  { selector: ({ letter }) => letter, maxLength: 19 },
);

test("random labels: each partition by its letter and place, whether they count from slice or disk", async () => {
  await fc.assert(
    fc.asyncProperty(random, fc.constantFrom(0, 63, 2048), async (drawn, base) => {
      const parts = drawn.map(({ letter, start, length, type }) => {
        return { letter, start, type, size: Math.min(length, sliceSectors - start) };
      });
      const read = await bsdPartitions(sourceOf(slice(bsdLabel(parts, sliceSectors, base))));
      assert(read.ok, read.ok ? "" : read.reason);
      const used = parts.filter(({ size, type }) => size > 0 && type !== 0);
      const byLetter = (a: { letter: string }, b: { letter: string }) =>
        a.letter.localeCompare(b.letter);
      assert.deepEqual(
        read.value.toSorted(byLetter),
        used
          .map(({ letter, start, size }) => ({ letter, start: start * 512, length: size * 512 }))
          .sort(byLetter),
      );
      const starts = read.value.map(({ start }) => start);
      assert.deepEqual(
        starts,
        starts.toSorted((a, b) => a - b),
        "in the slice's order",
      );
    }),
  );
});

test("a label with a flipped byte is none, or damaged; one that leads out of the slice is refused", async () => {
  const parts = [{ letter: "a", start: 16, size: 20, type: 7 }];
  const label = bsdLabel(parts, sliceSectors);
  const summed = 148 + 3 * 16;
  for (let at = 0; at < summed; at++) {
    const bytes = slice(label);
    bytes[512 + at] = (bytes[512 + at] as number) ^ 0x10;
    const read = await bsdPartitions(sourceOf(bytes));
    assert(!read.ok, `byte ${at}`);
  }
  for (const part of [
    { letter: "a", start: 60, size: 5, type: 7 },
    { letter: "a", start: 2 ** 32 - 1, size: 1, type: 7 },
  ]) {
    const read = await bsdPartitions(sourceOf(slice(bsdLabel([part], sliceSectors))));
    assert.match(read.ok ? "" : read.reason, /lies outside of it/);
  }
});

test("any bytes are answered, nothing is read beyond the end, and what is told lies in the slice", async () => {
  let told = 0;
  await fc.assert(
    fc.asyncProperty(
      random,
      fc.array(fc.tuple(fc.nat(467), fc.nat(255)), { maxLength: 4 }),
      fc.nat(sliceSectors * 512),
      async (drawn, changes, cut) => {
        const parts = drawn.map(({ length, ...part }) => ({ ...part, size: length }));
        const label = bsdLabel(parts, sliceSectors);
        for (const [at, byte] of changes) label[at] = byte;
        // The sum is made right again, so that what follows it is looked at.
        let sum = 0;
        const count = Math.min(20, label.readUInt16LE(138));
        label.writeUInt16LE(0, 136);
        for (let at = 0; at < 148 + 16 * count; at += 2) sum ^= label.readUInt16LE(at);
        label.writeUInt16LE(sum, 136);
        const source = sourceOf(slice(label).subarray(0, sliceSectors * 512 - cut));
        const read = await bsdPartitions(source);
        if (!read.ok) return;
        told++;
        for (const { start, length } of read.value) {
          assert(start >= 0 && length > 0 && start + length <= source.size);
        }
      },
    ),
  );
  assert(told > 0, "some are whole");
});
