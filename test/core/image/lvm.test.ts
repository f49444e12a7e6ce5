import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readPhysicalVolume } from "../../../core/image/lvm.ts";
import { decodeLvmText } from "../../../core/image/lvm-text.ts";
import { sourceOf } from "./bytes.ts";
import { group, linear, logical, mib, segment, volumeWith } from "./lvm-volume.ts";

const looked = async (bytes: Uint8Array) => {
  const decoded = await readPhysicalVolume(sourceOf(bytes));
  assert(decoded.ok, decoded.ok ? "" : decoded.reason);
  return decoded.value;
};

test("which volumes are linear, and where all of them lie", async () => {
  const text = group([
    logical("root", [segment(1, 0, 4, linear(0)), segment(2, 4, 2, linear(10))]),
    logical("swap", [segment(1, 0, 3, linear(4))]),
    logical("elsewhere", [segment(1, 0, 3, linear(4, "pv1"))]),
    logical("both", [segment(1, 0, 1, linear(20)), segment(2, 1, 1, linear(7, "pv1"))]),
    logical("striped", [
      segment(1, 0, 4, 'type = "striped" stripe_count = 2 stripes = ["pv0", 30, "pv1", 30]'),
    ]),
    logical("pool", [segment(1, 0, 5, 'type = "thin-pool" data = "pool_tdata"')]),
    logical("pool_tdata", [segment(1, 0, 5, linear(40))]),
    logical("hidden", [segment(1, 0, 1, linear(50))], '"READ"'),
    logical("origin", [segment(1, 0, 1, linear(52))]),
    logical("cow", [segment(1, 0, 1, linear(53))]),
    logical("snapshot0", [
      segment(1, 0, 1, 'type = "snapshot" origin = "origin" cow_store = "cow"'),
    ]),
  ]);
  const { name, area, logicalVolumes } = await looked(volumeWith(text));
  assert.equal(name, "lab");
  assert.deepEqual(area, { start: mib, length: 60 * mib });
  const at = (first: number, count: number) => ({ start: (first + 1) * mib, length: count * mib });
  assert.deepEqual(
    logicalVolumes.map((each) => [each.name, each.isLinear, each.parts]),
    [
      ["root", true, [at(0, 4), at(10, 2)]],
      ["swap", true, [at(4, 3)]],
      ["both", false, [at(20, 1)]],
      ["striped", false, [at(30, 2)]],
      ["pool_tdata", false, [at(40, 5)]],
      ["hidden", false, [at(50, 1)]],
      ["origin", false, [at(52, 1)]],
      ["cow", false, [at(53, 1)]],
    ],
  );
});

test("the text may run over the end of its ring; what does not match its CRC is refused", async () => {
  const text = group([logical("root", [segment(1, 0, 4, linear(0))])]);
  const bytes = volumeWith(text, mib - 4096 - 100);
  assert.equal((await looked(bytes)).logicalVolumes.length, 1);
  for (const place of [540, 4200, 4096 + 520, 4110]) {
    const harmed = bytes.slice();
    harmed[place] = (harmed[place] as number) ^ 1;
    assert.equal((await readPhysicalVolume(sourceOf(harmed))).ok, false, `byte ${place}`);
  }
});

test("metadata that reaches beyond the disk, or twice the same, is refused", async () => {
  for (const volumes of [
    [logical("root", [segment(1, 0, 4, linear(58))])],
    [logical("root", [segment(1, 0, 4, linear(-1))])],
    [logical("root", []).replace("segment_count = 0", "segment_count = 1")],
  ]) {
    const decoded = await readPhysicalVolume(sourceOf(volumeWith(group(volumes))));
    assert.equal(decoded.ok, false);
  }
});

test("any text, and a volume with any bytes changed: an answer, and nothing read beyond the end", async () => {
  fc.assert(fc.property(fc.string(), (text) => void decodeLvmText(text)));
  const marks = fc.constantFrom("a", "1", '"x"', "{", "}", "[", "]", "=", ",", "# y\n", " ");
  fc.assert(fc.property(fc.array(marks), (parts) => void decodeLvmText(parts.join(""))));
  const text = group([logical("root", [segment(1, 0, 4, linear(0))])]);
  const bytes = volumeWith(text).subarray(0, 8192);
  const change = fc.tuple(fc.nat(8191), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 4 }), async (changes) => {
      const harmed = bytes.slice();
      for (const [at, byte] of changes) harmed[at] = byte;
      await readPhysicalVolume(sourceOf(harmed));
    }),
  );
});
