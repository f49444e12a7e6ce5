/** Streams in parts: exact reads, old partclone images, a table that is read as its disk passes by. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { progressText } from "../../../client/cli/progress.ts";
import { ByteReader } from "../../../client/transfer/byte-reader.ts";
import { openPartclone } from "../../../client/transfer/partclone-volume.ts";
import { requireWhole, StreamedTable } from "../../../client/transfer/streamed-table.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { mib } from "../../imaging/capture/disks.ts";

async function* inParts(data: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < data.length; at += length) yield data.subarray(at, at + length);
}

test("a reader gives exact lengths, whatever the parts", () =>
  fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 10 }),
      async (bytes, part, lengths) => {
        const data = Buffer.from(bytes);
        const reader = new ByteReader(inParts(data, part), "test");
        let at = 0;
        for (const length of lengths) {
          const expected = data.subarray(at, at + length);
          assert.deepEqual(await reader.peek(length), expected);
          if (expected.length < length) {
            await assert.rejects(reader.take(length), { code: "bad-input", message: /ends early/ });
            return;
          }
          assert.deepEqual(await reader.take(length), expected);
          at += length;
        }
      },
    ),
  ));

/** As version 0001 wrote it: a byte a block in the bitmap, and sums that go round and round one byte. */
function oldImage(blocks: readonly (Buffer | null)[], sumBytes: 4 | 8): Buffer {
  const header = Buffer.alloc(4160);
  header.write("partclone-image");
  header.write("EXTFS", 15);
  header.write("0001", 30);
  header.writeUInt32LE(512, 36);
  header.writeBigUInt64LE(BigInt(blocks.length * 512), 40);
  header.writeBigUInt64LE(BigInt(blocks.length), 48);
  const bitmap = Buffer.from(blocks.map((block) => (block === null ? 0 : 1)));
  let crc = 0xffff_ffff;
  const stored = blocks.flatMap((block) => {
    if (block === null) return [];
    for (let count = 0; count < 512; count++) {
      crc ^= block[0] as number;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
    const sum = Buffer.alloc(sumBytes);
    sum.writeUInt32LE(crc >>> 0);
    return [block, sum];
  });
  return Buffer.concat([header, bitmap, Buffer.from("BiTmAgIc"), ...stored]);
}

async function unpack(image: Buffer, part: number): Promise<Buffer> {
  const volume = await openPartclone(new ByteReader(inParts(image, part), "old"), "old");
  const out = Buffer.alloc(volume.header.deviceBytes);
  for await (const { offset, data } of volume.pieces()) out.set(data, offset);
  return out;
}

test("partclone images of before 0.3.0, with sums of 4 and of 8 bytes", async () => {
  const blocks = [1, null, 3, 4, null, null, 7].map((byte) =>
    byte === null ? null : Buffer.alloc(512, byte),
  );
  const expected = Buffer.concat(blocks.map((block) => block ?? Buffer.alloc(512)));
  for (const sumBytes of [4, 8] as const) {
    const image = oldImage(blocks, sumBytes);
    assert.deepEqual(await unpack(image, 100), expected);
    image[image.length - 600] = (image[image.length - 600] as number) ^ 1;
    const spoilt = Buffer.from(image);
    spoilt[spoilt.length - 512 - sumBytes] = 99;
    await assert.rejects(unpack(spoilt, 100), { code: "bad-input" });
    await assert.rejects(unpack(image.subarray(0, -sumBytes), 100), { message: /ends early/ });
  }
  const single = [Buffer.alloc(512, 5)];
  assert.deepEqual(await unpack(oldImage(single, 4), 100), single[0]);
});

test("any partclone image: the disk, or an error in words", () => {
  const sound = oldImage([Buffer.alloc(512, 1), null, Buffer.alloc(512, 2)], 4);
  return fc.assert(
    fc.asyncProperty(
      fc.nat(sound.length - 1),
      fc.nat(255),
      fc.boolean(),
      async (at, byte, isCut) => {
        const image = isCut ? sound.subarray(0, at) : Buffer.from(sound);
        if (!isCut) image[at] = byte;
        await unpack(image, 1000).catch((error: unknown) => assert(error instanceof RoomcastError));
      },
    ),
    { numRuns: 300 },
  );
});

test("a table is read as its disk passes by: EBRs in one part and far apart", async () => {
  const disk = Buffer.alloc(12 * mib);
  const put = (sector: number, records: [number, number, number][]): void => {
    for (const [n, [type, first, count]] of records.entries()) {
      disk[sector * 512 + 446 + n * 16 + 4] = type;
      disk.writeUInt32LE(first, sector * 512 + 446 + n * 16 + 8);
      disk.writeUInt32LE(count, sector * 512 + 446 + n * 16 + 12);
    }
    disk.writeUInt16LE(0xaa55, sector * 512 + 510);
  };
  put(0, [
    [0x83, 64, 100],
    [0x05, 5000, 19000],
  ]);
  put(5000, [
    [0x83, 8, 20],
    [0x05, 100, 50],
  ]);
  put(5100, [
    [0x83, 8, 20],
    [0x05, 15000, 100],
  ]);
  put(20000, [[0x83, 8, 20]]);
  const pass = async (length: number) => {
    const table = new StreamedTable();
    for (let at = 0; at < length; at += mib)
      await table.saw(at, disk.subarray(at, Math.min(at + mib, length)));
    const found = await table.finish(length);
    requireWhole(found, table.head, length, "test");
    return found;
  };
  const whole = await pass(disk.length);
  assert.deepEqual(
    whole.partitions.map(({ start }) => start / 512),
    [64, 5008, 5108, 20008],
  );
  assert.deepEqual(whole.warnings, []);
  await assert.rejects(pass(11 * mib), { code: "bad-input", message: /12288000 bytes/ });
});

test("progress: a bar, what is done, the rate, and what is left", () => {
  const now = { doing: "importing", done: 1.2e9, total: 2.8e9, rate: 98.2e6, secondsLeft: 16 };
  assert.equal(
    progressText(now),
    "importing [######--------]  42 %  1.2 GB of 2.8 GB  98.2 MB/s  16 s left",
  );
  assert.match(progressText({ ...now, done: 0, rate: 0, secondsLeft: null }), /0 %.*0 B\/s$/);
});
