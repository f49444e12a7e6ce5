import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodeEntry,
  decodeNumbers,
  diskEntry,
  type EfiEntry,
  encodeEntry,
  encodeNumbers,
  fileOf,
  isApp,
  isNetwork,
  isOnMedia,
  isUsb,
  movedTo,
  partitionOf,
} from "../../../core/boot/efi-entry.ts";
import {
  debianBytes,
  debianPartition,
  disc,
  entryOf,
  lanByVendor,
  network4,
  network6,
  setupApp,
} from "./efi-entries.ts";

const decoded = (bytes: Uint8Array): EfiEntry => {
  const entry = decodeEntry(bytes);
  assert(entry.ok);
  return entry.value;
};

test("an entry is made and read as efibootmgr makes it", () => {
  const file = "\\EFI\\debian\\shimx64.efi";
  const bytes = encodeEntry(diskEntry(debianPartition, { description: "debian", file }));
  assert.deepEqual(Buffer.from(bytes), Buffer.from(debianBytes));
  const entry = decoded(debianBytes);
  assert.equal(entry.attributes, 1);
  assert.equal(entry.description, "debian");
  assert.deepEqual(partitionOf(entry), debianPartition);
  assert.equal(fileOf(entry), file);
});

test("another partition: only its node changes, and what Windows left behind the paths stays", () => {
  const windows = { ...decoded(debianBytes), attributes: 0, optional: Uint8Array.of(0x57, 0, 1) };
  const partition = { number: 3, firstLba: 2 ** 40, lbaCount: 7, guid: debianPartition.guid };
  const moved = decoded(encodeEntry(movedTo(windows, partition)));
  assert.deepEqual(partitionOf(moved), partition);
  assert.equal(fileOf(moved), fileOf(windows));
  assert.deepEqual([...moved.optional], [0x57, 0, 1]);
  assert.equal(moved.attributes, 1);
});

test("what an entry is on is told by its path", () => {
  const kinds = (bytes: Uint8Array): string =>
    [isNetwork, isUsb, isOnMedia, isApp]
      .filter((is) => is(decoded(bytes)))
      .map(({ name }) => name)
      .join();
  assert.equal(kinds(network4), "isNetwork");
  assert.equal(kinds(network6), "isNetwork");
  assert.equal(kinds(entryOf("HTTP", [[3, 24, "687474703a2f2f61"]])), "isNetwork");
  assert.equal(kinds(lanByVendor), "");
  assert.equal(kinds(disc), "");
  assert.equal(kinds(setupApp), "isOnMedia,isApp");
  assert.equal(kinds(debianBytes), "isOnMedia");
  assert.equal(kinds(entryOf("stick", [[3, 5, "0100"]])), "isUsb");
  assert.equal(kinds(entryOf("BIOS", [[5, 1, "0200 0000 00"]])), "isOnMedia");
  // An MBR's partition has no GUID.
  const mbr = entryOf("MBR", [[4, 1, `01000000 ${"00".repeat(32)} 01 01`]]);
  assert.equal(partitionOf(decoded(mbr)), null);
  assert.equal(fileOf(decoded(mbr)), null);
});

const node = fc.record({
  type: fc.nat(255),
  subtype: fc.nat(255),
  data: fc.uint8Array({ maxLength: 60 }),
});
const entry = fc.record({
  attributes: fc.nat(0xffffffff),
  description: fc
    .string({ unit: "binary-ascii", maxLength: 30 })
    .map((text) => text.replaceAll("\0", "")),
  nodes: fc.array(node, { maxLength: 6 }),
  optional: fc.uint8Array({ maxLength: 40 }),
});
const plain = ({ attributes, description, nodes, optional }: EfiEntry) => ({
  attributes,
  description,
  nodes: nodes.map(({ type, subtype, data }) => [type, subtype, ...data]),
  optional: [...optional],
});

test("what is encoded is decoded as it was", () => {
  fc.assert(
    fc.property(entry, (each) => assert.deepEqual(plain(decoded(encodeEntry(each))), plain(each))),
  );
  fc.assert(
    fc.property(fc.array(fc.nat(0xffff)), (numbers) =>
      assert.deepEqual(decodeNumbers(encodeNumbers(numbers)), numbers),
    ),
  );
});

test("any bytes: refused, or encoded again as they were", () => {
  const cut = fc.tuple(
    entry,
    fc.nat(300),
    fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 }),
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    cut.map(([each, length, changes]) => {
      const whole = encodeEntry(each);
      for (const [at, byte] of changes) if (at < whole.length) whole[at] = byte;
      return whole.subarray(0, length);
    }),
  );
  fc.assert(
    fc.property(bytes, (data) => {
      const found = decodeEntry(data);
      if (!found.ok) return;
      partitionOf(found.value);
      fileOf(found.value);
      assert.deepEqual([...encodeEntry(found.value)], [...data]);
    }),
    { numRuns: 1000 },
  );
});
