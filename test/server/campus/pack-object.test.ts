import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RoomcastError } from "../../../core/errors.ts";
import { crc32c } from "../../../core/image/crc32c.ts";
import { codec } from "../../../core/image/types.ts";
import { hexSha256 } from "../../../core/node/hash.ts";
import {
  PackBuilder,
  packObjectName,
  packOfObject,
  packRecordLimit,
  packTargetBytes,
  readFooter,
  readRecord,
  tailBytes,
} from "../../../server/campus/pack-object.ts";
import type { CampusPlace } from "../../../server/campus/ports.ts";
import { Seal } from "../../../server/campus/seal.ts";
import { both, chunkOf, keyOf, packOf, saltOf, seal } from "./pack-chunks.ts";

const chunks = [chunkOf(1, 100), chunkOf(2, 7), chunkOf(3, 3000)];
const recordOf = (content: Uint8Array, { offset, length }: CampusPlace): Uint8Array =>
  content.subarray(offset, offset + length);
const tailOf = (content: Uint8Array): Uint8Array => content.subarray(-tailBytes);
const isBadInput = (error: unknown): boolean =>
  error instanceof RoomcastError && error.code === "bad-input";

for (const sealedBy of both) {
  const how = sealedBy === null ? "plain" : "sealed";
  const { pack, content } = packOf(chunks, sealedBy);

  test(`${how}: a pack is named by its bytes, and each chunk is found in it`, () => {
    assert.equal(pack.name, hexSha256(content));
    assert.equal(pack.bytes, content.length);
    for (const [at, place] of pack.places.entries()) {
      const { entry, stored } = chunks[at] as (typeof chunks)[0];
      assert.deepEqual(place.entry, { ...entry, chunkIndex: 0 });
      assert.deepEqual(
        new Uint8Array(readRecord(recordOf(content, place), place, sealedBy)),
        stored,
      );
    }
  });

  test(`${how}: the footer says of a pack what its builder said`, () => {
    assert.deepEqual(readFooter(tailOf(content), pack.name, content.length, sealedBy), pack);
    const empty = packOf([], sealedBy);
    assert.deepEqual(
      readFooter(empty.content, empty.pack.name, empty.content.length, sealedBy),
      empty.pack,
    );
  });

  test(`${how}: a record does not pass for another's`, () => {
    const [first, second] = pack.places as [CampusPlace, CampusPlace];
    const record = recordOf(content, first);
    const others: CampusPlace[] = [
      { ...first, entry: second.entry },
      { ...first, entry: { ...first.entry, crc32c: 1 } },
      { ...first, entry: { ...first.entry, codec: codec.raw } },
      { ...first, length: first.length - 1 },
    ];
    for (const place of others)
      assert.throws(() => readRecord(record, place, sealedBy), isBadInput);
  });

  test(`${how}: any one bit that differs is found, in records and footer`, () => {
    const [place] = pack.places as [CampusPlace];
    const footerAt = pack.places.reduce((sum, { length }) => sum + length, 0);
    fc.assert(
      fc.property(fc.nat({ max: 7 }), fc.nat(), (bit, at) => {
        const inRecord = new Uint8Array(recordOf(content, place));
        flip(inRecord, at % inRecord.length, bit);
        assert.throws(() => readRecord(inRecord, place, sealedBy), isBadInput);
        const all = new Uint8Array(content);
        flip(all, footerAt + (at % (all.length - footerAt)), bit);
        assert.throws(() => readFooter(all, pack.name, all.length, sealedBy), isBadInput);
      }),
      { numRuns: 500 },
    );
  });

  test(`${how}: what is cut at any byte is found`, () => {
    const [place] = pack.places as [CampusPlace];
    const record = recordOf(content, place);
    for (let length = 0; length < record.length; length++) {
      const cut = record.subarray(0, length);
      assert.throws(() => readRecord(cut, place, sealedBy), isBadInput);
      assert.throws(() => readRecord(cut, { ...place, length }, sealedBy), isBadInput);
    }
    for (let length = 0; length < content.length; length++) {
      const cut = content.subarray(0, length);
      assert.throws(() => readFooter(cut, pack.name, length, sealedBy), isBadInput);
      assert.throws(() => readFooter(cut, pack.name, content.length, sealedBy), isBadInput);
    }
  });

  test(`${how}: any bytes at all are bad input, and never anything else`, () => {
    const [place] = pack.places as [CampusPlace];
    const start = fc.constantFrom(new Uint8Array(0), recordOf(content, place), tailOf(content));
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 300 }), fc.nat(), (begin, noise, packBytes) => {
        const bytes = Buffer.concat([begin.subarray(0, 40), noise, Buffer.from("RCCE")]);
        assert.throws(() => readFooter(bytes, pack.name, packBytes, sealedBy), isBadInput);
        const lie = { ...place, length: bytes.length };
        assert.throws(() => readRecord(bytes, lie, sealedBy), isBadInput);
      }),
      { numRuns: 1000 },
    );
  });
}

test("a plain record is a record of a local pack", () => {
  const { pack, content } = packOf(chunks, null);
  const [{ offset, length }] = pack.places as [CampusPlace];
  assert.deepEqual([offset, length], [0, 156]);
  assert.equal(Buffer.from(content.subarray(0, 4)).toString("latin1"), "RCCK");
  assert.equal(Buffer.from(content).readUInt32LE(4), crc32c(content.subarray(8, 56)));
});

test("a footer whose entries are true, and whose lengths are not, is damaged", () => {
  // The footer of a pack of the first chunk, behind the records of another one.
  const one = packOf(chunks.slice(0, 1), null);
  const two = packOf(chunks.slice(0, 2), null);
  const footerAt = (one.pack.places[0] as CampusPlace).length;
  const recordsEnd = two.pack.places.reduce((sum, { length }) => sum + length, 0);
  const lying = Buffer.concat([
    two.content.subarray(0, recordsEnd),
    one.content.subarray(footerAt),
  ]);
  assert.throws(() => readFooter(lying, two.pack.name, lying.length, null), isBadInput);
});

test("a pack is full at its size, or at its number of chunks, and its footer is always in its tail", () => {
  const large = new PackBuilder(null);
  const whole = { ...chunkOf(5, 1 << 20) };
  while (large.fits(whole.stored.length)) large.add(whole.entry, whole.stored);
  assert.equal(large.chunkCount, 63);
  assert(large.fits(packTargetBytes - 63 * (56 + (1 << 20)) - 56));
  assert(!large.fits(packTargetBytes - 63 * (56 + (1 << 20)) - 55));

  const many = new PackBuilder({ seal, salt: saltOf(2) });
  const small = chunkOf(6, 20);
  while (many.fits(20)) many.add(small.entry, small.stored);
  assert.equal(many.chunkCount, packRecordLimit);
  const { pack, content } = many.finish();
  assert.equal(readFooter(tailOf(content), pack.name, content.length, seal).places.length, 16_384);
});

test("names of objects are those of packs, and back", () => {
  const pack = hexSha256("pack");
  assert.equal(packOfObject(packObjectName(pack)), pack);
  const other = pack.startsWith("00") ? "11" : "00";
  for (const name of [`packs/${other}/${pack}.pack`, `packs/${pack}.pack`, "images/x", ""]) {
    assert.equal(packOfObject(name), null);
  }
});

test("the error says whether the key is missing, is another, or is given for what is not sealed", () => {
  const sealed = packOf(chunks, seal);
  const plain = packOf(chunks, null);
  const read =
    ({ pack, content }: typeof plain, by: Seal | null) =>
    () => {
      const [place] = pack.places as [CampusPlace];
      readRecord(recordOf(content, place), place, by);
    };
  assert.throws(read(sealed, null), /is sealed, and this server has no key/);
  assert.throws(read(sealed, new Seal(keyOf(8))), /sealed with another key/);
  assert.throws(read(plain, seal), /is not sealed, and this server reads only what is/);
});

function flip(bytes: Uint8Array, at: number, bit: number): void {
  bytes[at] = (bytes[at] as number) ^ (1 << bit);
}
