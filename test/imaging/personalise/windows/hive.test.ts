import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { editHive } from "../../../../imaging/personalise/windows/edit-hive.ts";
import {
  decodeHive,
  type HiveKey,
  isDirtyHive,
  keyAt,
  textOf,
  valueAt,
} from "../../../../imaging/personalise/windows/hive.ts";
import { exported, makeHive, seal } from "./hives.ts";

function rootOf(file: Uint8Array): HiveKey {
  const hive = decodeHive(file);
  assert(hive.ok, hive.ok ? "" : hive.reason);
  return hive.value;
}
const { signal } = new AbortController();
const bytes = (count: number): string =>
  Array.from({ length: count }, (_, index) => (index & 0xff).toString(16).padStart(2, "0")).join(
    ",",
  );

test("keys and values are read as hivexsh made them", () => {
  const hive = makeHive({
    "A\\With blank": {
      "@": "string:default",
      None: "none",
      Number: "dword:0x01020304",
      Expand: "expandstring:%A%",
      Long: `hex:3:${bytes(2000)}`,
      Grüße: "hex:1:",
    },
    B: {},
  });
  const key = keyAt(rootOf(hive), "a", "WITH blank");
  assert.deepEqual(
    key?.values.map(({ name, type, data }) => [name, type, data.length]),
    [
      ["", 1, 16],
      ["None", 0, 0],
      ["Number", 4, 4],
      ["Expand", 2, 8],
      ["Long", 3, 2000],
      ["Grüße", 1, 0],
    ],
  );
  assert.deepEqual([...(valueAt(key, "number")?.data ?? [])], [4, 3, 2, 1]);
  const text = valueAt(key, "");
  assert.equal(text && textOf(text), "default");
  assert.deepEqual(
    rootOf(hive).keys.map(({ name }) => name),
    ["A", "B"],
  );
});

test("a key of many keys is read, in lists of every kind that hivexsh makes", () => {
  const keys = Object.fromEntries(
    Array.from({ length: 1200 }, (_, index) => [`Key${index}`, {}] as const),
  );
  const names = rootOf(makeHive(keys)).keys.map(({ name }) => name);
  assert.deepEqual(names.sort(), Object.keys(keys).sort());
});

test("texts are set beside values of any type, which stay to the byte", async () => {
  const hive = makeHive({
    "A\\B": { Name: "string:old", Raw: `hex:7:${bytes(999)}`, Empty: "none" },
  });
  const edited = await editHive(
    hive,
    [{ path: ["a", "b"], texts: { NAME: "new", Further: "more" } }],
    signal,
  );
  const text = exported(hive, "A").replace('"Name"="old"', '"Name"="new"');
  assert.equal(exported(edited, "A").replace('"Further"="more"\n', ""), text);
  assert.equal(isDirtyHive(edited), false);
});

test("a hive that hivexsh cannot edit is given up, and never edited by halves", async () => {
  // A line of its scripts has at most 8191 characters.
  const texts = { A: "b" };
  const hive = makeHive({ A: {} });
  await assert.rejects(editHive(hive, [{ path: ["A"], texts: { A: "x".repeat(1400) } }], signal), {
    code: "failed",
  });
  await assert.rejects(editHive(hive, [{ path: ["Missing"], texts }], signal), { code: "failed" });
});

test("a hive is dirty by its numbers and by its checksum", () => {
  const hive = makeHive({ A: {} });
  assert.equal(isDirtyHive(hive), false);
  const behind = Buffer.from(hive);
  behind.writeUInt32LE(behind.readUInt32LE(4) + 1, 4);
  assert.equal(isDirtyHive(behind), true);
  assert.equal(isDirtyHive(seal(behind)), true);
  const torn = Buffer.from(hive);
  torn.writeUInt32LE(7, 12);
  assert.equal(isDirtyHive(torn), true);
});

test("a hive whose keys go in a circle is damaged", () => {
  const hive = makeHive({ "A\\B": {} });
  const cells = hive.subarray(4096);
  const at = (name: string): number => cells.indexOf(name) - 80;
  // B's lists of keys become A's.
  cells.copy(cells, at("B") + 4 + 20, at("A") + 4 + 20, at("A") + 4 + 32);
  assert.match(JSON.stringify(decodeHive(hive)), /circle/);
});

test("no damage makes the reader throw or hang", () => {
  const hive = makeHive({ "A\\B": { C: "string:d", E: `hex:3:${bytes(40)}` }, F: {} });
  const change = fc.record({
    at: fc.integer({ min: 0, max: hive.length - 4 }),
    to: fc.oneof(
      fc.constantFrom(0, 0xffffffff, 0x20, 0x7fffffff),
      fc.integer({ min: 0, max: 0xffffffff }),
    ),
  });
  const property = fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
    const broken = Buffer.from(hive);
    for (const { at, to } of changes) broken.writeUInt32LE(to, at);
    decodeHive(broken);
    decodeHive(broken.subarray(0, changes[0]?.at));
  });
  fc.assert(property);
});
