import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formBytes, formsOf, rootHashOfContents, withForms } from "../../../core/image/forms.ts";
import { decodeEntry, encodeIndex } from "../../../core/image/index-codec.ts";
import { rootHashOf } from "../../../core/image/merkle.ts";
import { codec, type IndexEntry, indexEntryBytes } from "../../../core/image/types.ts";
import { writeSha256 } from "../../../core/node/hash.ts";

const form = fc.oneof(
  fc.constant({ codec: codec.zero, storedLength: 0, crc32c: 0 }),
  fc.record({
    codec: fc.constantFrom(codec.raw, codec.zstd),
    storedLength: fc.integer({ min: 1, max: 1 << 20 }),
    crc32c: fc.nat(),
  }),
);
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** Two packings of the same chunks: what is zeros is so in both. */
const packings = fc.array(
  fc
    .record({ one: form, other: form, sha256: hash })
    .filter(({ one, other }) => (one.codec === codec.zero) === (other.codec === codec.zero)),
  { maxLength: 20 },
);
const indexOf = (forms: readonly Omit<IndexEntry, "chunkIndex">[]): Uint8Array =>
  encodeIndex(forms.map((each, chunkIndex) => ({ chunkIndex, ...each })));

test("an index with other forms names the same chunks, and its own forms give it back", () => {
  fc.assert(
    fc.property(packings, (chunks) => {
      const one = indexOf(chunks.map(({ one: each, sha256: of }) => ({ ...each, sha256: of })));
      const other = indexOf(chunks.map(({ other: each, sha256: of }) => ({ ...each, sha256: of })));
      assert.deepEqual(withForms(one, formsOf(other)), { ok: true, value: other });
      assert.deepEqual(withForms(other, formsOf(one)), { ok: true, value: one });
      const contents = chunks.map((_, at) => {
        const decoded = decodeEntry(other, at * indexEntryBytes);
        assert(decoded.ok);
        return decoded.value;
      });
      assert.equal(rootHashOfContents(one, contents, writeSha256), rootHashOf(one, writeSha256));
    }),
  );
});

test("one bit of one chunk's content makes another root hash, whatever its form", () => {
  fc.assert(
    fc.property(
      packings.filter(({ length }) => length > 0),
      fc.nat(),
      fc.nat({ max: 255 }),
      (chunks, which, bit) => {
        const one = indexOf(chunks.map(({ one: each, sha256: of }) => ({ ...each, sha256: of })));
        const contents = chunks.map(({ sha256: of }) => ({ sha256: new Uint8Array(of) }));
        const changed = contents[which % contents.length]?.sha256 as Uint8Array;
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        assert.notEqual(
          rootHashOfContents(one, contents, writeSha256),
          rootHashOf(one, writeSha256),
        );
      },
    ),
  );
});

test("forms that are too few, too many, or make zeros of data are refused", () => {
  const data = { codec: codec.raw, storedLength: 5, crc32c: 1, sha256: new Uint8Array(32) };
  const zero = { ...data, codec: codec.zero, storedLength: 0 };
  const index = indexOf([data, zero]);
  for (const length of [0, formBytes, 3 * formBytes, 2 * formBytes - 1])
    assert.equal(withForms(index, new Uint8Array(length)).ok, false);
  assert.equal(withForms(index, formsOf(indexOf([zero, zero]))).ok, false);
  assert.equal(withForms(index, formsOf(indexOf([data, data]))).ok, false);
  assert.equal(withForms(index, formsOf(index)).ok, true);
});
