/** What other tools write: sfdisk's dumps, partclone's images, and the tables made from them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { placeGpt } from "../../../core/image/gpt-writer.ts";
import { ebrChain, mbrSector } from "../../../core/image/mbr-writer.ts";
import {
  decodePartcloneHeader,
  type PartcloneHeader,
  partcloneExtents,
} from "../../../core/image/partclone.ts";
import { readPartitionTable } from "../../../core/image/partition-table.ts";
import { decodeSfdiskDump } from "../../../core/image/sfdisk-dump.ts";

const bareCrc = (data: Uint8Array) => ~crc32(data) >>> 0;

/** partclone.ntfs 0.3.23 -c of a new NTFS of 100 MiB: its first 110 bytes. */
const ntfsHeader = Buffer.from(
  "70617274636c6f6e652d696d61676500302e332e3233000000000000000030303032dec04e5446530000000000000000" +
    "0000000000004006000000" +
    "00ff630000000000007102000000000000710200000000000000100000" +
    "1200000002004000200004000001000001" +
    "01fe884193",
  "hex",
);

test("partclone's header, as partclone 0.3.23 wrote it", () => {
  const decoded = decodePartcloneHeader(ntfsHeader, bareCrc);
  assert.deepEqual(decoded, {
    ok: true,
    value: {
      fs: "NTFS",
      deviceBytes: 104_857_600,
      blockCount: 25_599,
      blockBytes: 4096,
      headerBytes: 110,
      bitmap: "bit",
      bitmapCheck: "crc",
      checksum: "crc",
      blocksPerChecksum: 256,
      reseeds: true,
    } satisfies PartcloneHeader,
  });
  const flipped = Buffer.from(ntfsHeader);
  flipped[53] = 1;
  assert.match((decodePartcloneHeader(flipped, bareCrc) as { reason: string }).reason, /checksum/);
});

test("bitmaps of bits and of bytes become the same extents", () => {
  const decoded = decodePartcloneHeader(ntfsHeader, bareCrc);
  assert(decoded.ok);
  const header = { ...decoded.value, blockCount: 12, blockBytes: 512 };
  const expected = [
    { start: 0, length: 1024 },
    { start: 4608, length: 1536 },
  ];
  assert.deepEqual(partcloneExtents(header, Buffer.of(0b0000_0011, 0b0000_1110)), expected);
  // A 2 is in some old images, of a block that is not stored.
  const inBytes = Buffer.of(1, 1, 0, 2, 0, 0, 0, 0, 0, 1, 1, 1);
  assert.deepEqual(partcloneExtents({ ...header, bitmap: "byte" }, inBytes), expected);
});

test("sfdisk's dumps of today and of long ago", () => {
  const today = decodeSfdiskDump(`label: gpt
label-id: 6A1F3E2B-9C4D-4E5F-8A7B-1C2D3E4F5A6B
device: /dev/nvme0n1
unit: sectors
first-lba: 34
last-lba: 2014
sector-size: 4096

/dev/nvme0n1p1 : start=        2048, size=      204800, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=A, name="EFI, System"
/dev/nvme0n1p12 : start=      206848, size=       20480, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4
`);
  assert(today.ok);
  assert.deepEqual([today.value.kind, today.value.logicalSector], ["gpt", 4096]);
  assert.deepEqual(
    today.value.partitions.map(({ index, device, start, count, type }) => [
      index,
      device,
      start,
      count,
      type,
    ]),
    [
      [1, "nvme0n1p1", 2048, 204800, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"],
      [12, "nvme0n1p12", 206848, 20480, "0fc63daf-8483-4772-8e79-3d69d8477de4"],
    ],
  );
  const old = decodeSfdiskDump(`# partition table of /dev/sda
unit: sectors

/dev/sda1 : start=     2048, size= 74838016, Id=83, bootable
/dev/sda2 : start= 74842110, size=  3297282, Id= 5
/dev/sda3 : start=        0, size=        0, Id= 0
/dev/sda5 : start= 74842112, size=  3297280, Id=82
`);
  assert(old.ok);
  assert.equal(old.value.diskBytes, null);
  const listed = decodeSfdiskDump(`Disk /dev/sda: 37.3 GiB, 40007761920 bytes, 78140160 sectors
label: dos
/dev/sda1 : start=2048, size=74838016, type=83
`);
  assert.equal(listed.ok && listed.value.diskBytes, 40_007_761_920);
  assert.deepEqual(
    old.value.partitions.map(({ index, type, isBootable }) => [index, type, isBootable]),
    [
      [1, "0x83", true],
      [2, "0x05", false],
      [5, "0x82", false],
    ],
  );
  assert.equal(decodeSfdiskDump("label: sun\n/dev/sda1 : start=1, size=2, type=1\n").ok, false);
});

test("an MBR with a chain of EBRs, made from a dump, is read as what the dump says", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          gap: fc.integer({ min: 1, max: 4000 }),
          count: fc.integer({ min: 1, max: 5000 }),
        }),
        {
          minLength: 1,
          maxLength: 8,
        },
      ),
      async (logical) => {
        const common = { device: "", isBootable: false };
        let at = 5000;
        const places = logical.map(({ gap, count }, n) => {
          const start = at + gap;
          at = start + count;
          return { ...common, index: n + 5, start, count, type: "0x83" };
        });
        const partitions = [
          { ...common, index: 1, start: 63, count: 4000, type: "0x07", isBootable: true },
          { ...common, index: 2, start: 5000, count: at - 5000, type: "0x0f" },
          ...places,
        ];
        const disk = new Uint8Array(at * 512);
        disk.set(mbrSector(Buffer.alloc(512, "boot code "), partitions));
        for (const { offset, data } of ebrChain(partitions, 512) ?? assert.fail("no chain")) {
          assert.ok(
            data.every((_, byte) => disk[offset + byte] === 0),
            "it lies over nothing",
          );
          disk.set(data, offset);
        }
        const table = await readPartitionTable({
          diskBytes: disk.length,
          logicalSector: 512,
          read: async (offset, length) => disk.slice(offset, offset + length),
        });
        assert.deepEqual(table.warnings, []);
        assert.deepEqual(
          table.partitions.map(({ index, start, size }) => [index, start / 512, size / 512]),
          partitions
            .filter(({ index }) => index !== 2)
            .map(({ index, start, count }) => [index, start, count]),
        );
        assert.equal(Buffer.from(disk).toString("latin1", 0, 9), "boot code");
      },
    ),
    { numRuns: 60 },
  ));

test("logical partitions without room for their EBRs are refused", () => {
  const common = { device: "", isBootable: false, type: "0x83" };
  const extended = { ...common, index: 2, start: 100, count: 1000, type: "0x05" };
  const chain = (...logical: [number, number][]) =>
    ebrChain(
      [
        extended,
        ...logical.map(([start, count], n) => ({ ...common, index: n + 5, start, count })),
      ],
      512,
    );
  assert.equal(chain([100, 50]), null);
  assert.equal(chain([110, 50], [160, 50]), null);
  assert.equal(chain([110, 2000]), null);
  assert.equal(chain([110, 50], [161, 50])?.length, 2);
});

test("any bytes: the decoders of other tools' files answer, and never throw", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 5000 }),
      fc.string(),
      fc.constantFrom("0001", "0002"),
      (data, text, version) => {
        decodeSfdiskDump(text);
        decodeSfdiskDump(`label: dos\n/dev/sda1 : ${text}`);
        decodePartcloneHeader(data, bareCrc);
        const begun = Buffer.concat([
          Buffer.from("partclone-image"),
          Buffer.alloc(15),
          Buffer.from(version),
          data,
        ]);
        // As if every sum fitted.
        const decoded = decodePartcloneHeader(begun, () =>
          begun.length >= 110 ? begun.readUInt32LE(106) : 0,
        );
        if (decoded.ok && decoded.value.blockCount < 10_000) {
          partcloneExtents(decoded.value, data);
        }
        placeGpt({ header: data, entries: data, logicalSector: 512, layout: null });
      },
    ),
    { numRuns: 300 },
  );
});
