import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeManifest, decodeManifestDraft } from "../../../core/image/manifest.ts";

const mib = 1 << 20;
const partition = {
  ...{ index: 1, type: "0x83", fs: "ext4", label: null, uuid: null },
  ...{ start: mib, size: mib, usedBytes: 5, mode: "used" },
};
const draft = {
  ...{ format: "roomcast-image", formatVersion: 2, source: "pc1", diskBytes: 100 * mib },
  ...{ logicalSector: 512, chunkBytes: mib, chunkCount: 5, usedBytes: 1, partitionTable: "gpt" },
  ...{ partitions: [partition], rootHash: "a".repeat(64), warnings: ["one"] },
};
const stamp = {
  ...{ id: "0123456789abcdef", name: "lab", version: 1 },
  ...{ capturedAt: "2026-01-01T00:00:00Z", storedBytes: 1 },
};
const manifest = { ...draft, ...stamp };
type Field = keyof typeof manifest;

const reasonOf = (value: unknown): string | null => {
  const decoded = decodeManifest(JSON.stringify(value));
  return decoded.ok ? null : decoded.reason;
};

test("a manifest and a draft are each taken as they are, and not for each other", () => {
  assert.deepEqual(decodeManifest(JSON.stringify(manifest)), { ok: true, value: manifest });
  assert.deepEqual(decodeManifestDraft(JSON.stringify(draft)), { ok: true, value: draft });
  assert.equal(decodeManifest(JSON.stringify(draft)).ok, false);
  assert.equal(decodeManifestDraft(JSON.stringify(manifest)).ok, false);
});

test("no new image ends within a sector; those that are there are read", () => {
  const cut = { diskBytes: 100 * mib - 4, partitions: [] };
  const decoded = decodeManifestDraft(JSON.stringify({ ...draft, ...cut }));
  assert.deepEqual(decoded, { ok: false, reason: "diskBytes is no whole number of sectors" });
  assert.equal(reasonOf({ ...manifest, ...cut }), null);
});

test("a fitted image says of which it is and for which size, in version 3 and in no other", () => {
  const fit = { fitOf: "fedcba9876543210", fitSize: "240GB" };
  const fitted = { ...manifest, formatVersion: 3, ...fit };
  assert.deepEqual(decodeManifest(JSON.stringify(fitted)), { ok: true, value: fitted });
  assert.match(reasonOf({ ...manifest, formatVersion: 3 }) ?? "", /fitted image/);
  assert.match(reasonOf({ ...manifest, ...fit }) ?? "", /fitted image/);
  assert.match(reasonOf({ ...fitted, fitSize: undefined }) ?? "", /fitted image/);
  for (const fitSize of ["240 GB", "240gb", "", "../x", "GB", "1.2345TB"]) {
    assert.match(reasonOf({ ...fitted, fitSize }) ?? "", /fitSize/);
  }
});

test("a manifest that lies, lacks a field or has one too many is refused, and the field is named", () => {
  const large = 2 ** 53;
  const lies: readonly (readonly [Field, ...unknown[]])[] = [
    ["format", "other", null],
    ["formatVersion", 0, 4, "2"],
    ["source", null, "x".repeat(1025)],
    ["diskBytes", -1, 1.5, large, "1", null, 2 ** 52 + mib],
    ["logicalSector", 513, 8192, "512"],
    ["chunkBytes", mib / 2],
    ["chunkCount", -1, 101, large],
    ["usedBytes", -1, null],
    ["storedBytes", 0.5],
    ["partitionTable", "GPT", null],
    ["partitions", null, {}, [null], [[]], Array(1025).fill(partition)],
    ["partitions", ...[{ fs: 7 }, { mode: "x" }, { more: 1 }, { start: -1 }].map(partitionsWith)],
    ["partitions", ...[{ size: 100 * mib }, { start: large - 1 }].map(partitionsWith)],
    ["rootHash", "A".repeat(64), "a".repeat(63), `${"a".repeat(64)}\n`],
    ["warnings", [7], ["x".repeat(4097)], Array(1025).fill("")],
    ["id", "0123456789ABCDEF", "0123456789abcdef0"],
    ["name", "", "x".repeat(65), null],
    ["version", 0, 1.5],
    ["capturedAt", "2026-01-01", "2026-01-01T00:00:00+01:00"],
  ];
  for (const [field, ...values] of lies) {
    for (const value of values) {
      const reason = reasonOf({ ...manifest, [field]: value });
      assert(reason?.includes(field.replace(/s$/, "")), `${field} ${value}: ${reason}`);
    }
  }
  for (const field of Object.keys(manifest) as Field[]) {
    const { [field]: _, ...rest } = manifest;
    assert.match(reasonOf(rest) ?? "", new RegExp(`^${field} is missing`));
  }
  assert.match(reasonOf({ ...manifest, colour: "red" }) ?? "", /field "colour" that is not known/);
});

function partitionsWith(change: object): object[] {
  return [{ ...partition, ...change }];
}

test("whatever a field is replaced by, what is decoded is a manifest that can be read again", () => {
  const field = fc.constantFrom(...Object.keys(manifest));
  fc.assert(
    fc.property(field, fc.jsonValue(), (name, value) => {
      const text = JSON.stringify({ ...manifest, [name]: value });
      const decoded = decodeManifest(text);
      if (!decoded.ok) return assert.ok(decoded.reason.length > 0);
      assert.deepEqual(decodeManifest(JSON.stringify(decoded.value)), decoded);
      assert.ok(Number.isSafeInteger(decoded.value.chunkCount) && decoded.value.version >= 1);
    }),
  );
});
