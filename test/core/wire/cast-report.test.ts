import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type CastReport,
  decodeReport,
  encodeReport,
  reportHeaderBytes,
} from "../../../core/wire/cast-report.ts";

/** Symbols of each entry of the image that is reported on. */
const symbolCounts = [10, 745, 0, 1, 300, 745, 745, 64, 745];
const wantsBytes = 2;

const number = (most: number) => fc.integer({ min: 0, max: most });
const assembly = fc.constantFrom(0, 1, 3, 4, 5, 6, 7, 8).chain((entryIndex) =>
  fc
    .uniqueArray(number((symbolCounts[entryIndex] as number) - 1), { minLength: 1 })
    .map((symbols) => ({
      entryIndex,
      lacking: Uint16Array.from(symbols.toSorted((one, other) => one - other)),
    })),
);
const record = <T>(fields: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> =>
  fc.record(fields, { noNullPrototype: true });
const report = record<CastReport>({
  heard: fc.option(record({ generation: number(0xffff), sequence: number(0xffff_ffff) })),
  number: number(0xffff_ffff),
  packets: number(0xffff_ffff),
  dropped: number(0xffff_ffff),
  freeSlots: number(20),
  slotCount: fc.integer({ min: 20, max: 0xffff }),
  settled: fc.array(record({ entryIndex: number(symbolCounts.length - 1), wanted: fc.boolean() })),
  assembling: fc.array(assembly, { maxLength: 8 }),
  wants: fc.option(fc.uint8Array({ minLength: wantsBytes, maxLength: wantsBytes })),
});
const plain: CastReport = {
  heard: { generation: 0x1234, sequence: 0xa0b0_c0d0 },
  number: 5,
  packets: 6,
  dropped: 7,
  freeSlots: 8,
  slotCount: 9,
  settled: [
    { entryIndex: 3, wanted: false },
    { entryIndex: 4, wanted: true },
  ],
  assembling: [{ entryIndex: 1, lacking: Uint16Array.of(0, 744) }],
  wants: Uint8Array.of(0b1000_0001, 1),
};

test("a report is these bytes", () => {
  assert.equal(
    Buffer.from(encodeReport(plain, symbolCounts)).toString("hex"),
    [
      "01033412", // version, flags, generation
      "05000000d0c0b0a00600000007000000", // number, sequence, packets, dropped
      "0800090002000100", // free slots, slots, settled, assembling
      "0300000004000080", // 3 is here, 4 is wanted
      "0100000002000000e802", // entry 1 lacks two: 0 and 744
      "8101", // the wants
    ].join(""),
  );
});

test("what lacks much is said by a bitmap", () => {
  const lacking = Uint16Array.from({ length: 700 }, (_, index) => index + 3);
  const long = { ...plain, settled: [], wants: null, assembling: [{ entryIndex: 1, lacking }] };
  const bytes = encodeReport(long, symbolCounts);
  assert.equal(bytes.length, reportHeaderBytes + 6 + 94);
  assert.deepEqual([...bytes.subarray(reportHeaderBytes + 6, reportHeaderBytes + 8)], [0xf8, 0xff]);
});

test("what is said is heard", () => {
  fc.assert(
    fc.property(report, (said) => {
      assert.deepEqual(decodeReport(encodeReport(said, symbolCounts), symbolCounts), {
        ok: true,
        value: said,
      });
    }),
    { numRuns: 1000 },
  );
});

test("what cannot be is refused with the reason", () => {
  const refused = (change: (bytes: Uint8Array) => Uint8Array | undefined): string => {
    const bytes = encodeReport(plain, symbolCounts);
    const decoded = decodeReport(change(bytes) ?? bytes, symbolCounts);
    return decoded.ok ? "accepted" : decoded.reason;
  };
  const set = (at: number, value: number) => (bytes: Uint8Array) => {
    bytes[at] = value;
    return bytes;
  };
  assert.equal(
    refused(() => undefined),
    "accepted",
  );
  assert.match(
    refused((bytes) => bytes.subarray(0, 27)),
    /truncated/,
  );
  assert.match(refused(set(0, 2)), /version 2/);
  assert.match(refused(set(20, 10)), /free slots/);
  assert.match(refused(set(25, 255)), /settled/);
  assert.match(refused(set(26, 10)), /assembly/);
  assert.match(refused(set(28, 9)), /no such entry/);
  assert.match(refused(set(36, 2)), /not in assembly/);
  assert.match(refused(set(36, 200)), /not in assembly/);
  assert.match(refused(set(44, 0xe9)), /not fit/, "no such symbol");
  assert.match(
    refused((bytes) => set(43, 2)(set(42, 0xe8)(bytes))),
    /not fit/,
    "twice",
  );
  assert.match(
    refused((bytes) => bytes.subarray(0, bytes.length - 1)),
    /another image/,
  );
  assert.match(
    refused((bytes) => Uint8Array.of(...bytes, 0)),
    /another image/,
  );
  assert.match(refused(set(1, 2)), /too long/);
});

test("fuzz: any bytes, and any damaged report, are refused or read within their range", () => {
  const check = (bytes: Uint8Array): void => {
    const decoded = decodeReport(bytes, symbolCounts);
    if (!decoded.ok) return;
    const { settled, assembling, wants, freeSlots, slotCount } = decoded.value;
    assert(freeSlots <= slotCount);
    assert(assembling.length <= slotCount);
    assert(wants === null || wants.length === wantsBytes);
    for (const { entryIndex } of settled) assert(entryIndex < symbolCounts.length);
    for (const { entryIndex, lacking } of assembling) {
      const count = symbolCounts[entryIndex] as number;
      assert(lacking.length > 0 && lacking.length <= count);
      assert(
        lacking.every((symbol, place) => symbol < count && symbol > (lacking[place - 1] ?? -1)),
      );
    }
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      check(bytes);
      if (bytes.length > 1) check(Uint8Array.of(1, (bytes[1] as number) & 3, ...bytes.subarray(2)));
    }),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(
      report,
      fc.array(fc.record({ at: fc.nat(), value: number(255) }), { maxLength: 4 }),
      fc.nat(),
      (said, changes, cut) => {
        const bytes = encodeReport(said, symbolCounts);
        for (const { at, value } of changes) bytes[at % bytes.length] = value;
        check(bytes);
        check(bytes.subarray(0, cut % bytes.length));
      },
    ),
    { numRuns: 3000 },
  );
});
