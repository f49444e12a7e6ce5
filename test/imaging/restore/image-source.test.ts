import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { codec, type IndexEntry } from "../../../core/image/types.ts";
import type { DiskView } from "../../../core/wire/views.ts";
import { imageSource } from "../../../imaging/restore/image-source.ts";
import { otherSectorsOf } from "../../../imaging/restore/other-sectors.ts";

const mib = 1 << 20;
const diskBytes = 4 * mib + 4096;
const disk = Buffer.alloc(diskBytes);
randomBytes(mib).copy(disk, 0);
disk.fill("words ", 2 * mib, 3 * mib);
randomBytes(4096).copy(disk, 4 * mib);

/** Chunk 1 is not kept, chunk 3 is zeros, and each of the others is stored in another way. */
const stored = new Map<number, Uint8Array>();
const entries = [0, 2, 3, 4].map((chunkIndex, at): IndexEntry => {
  const raw = disk.subarray(chunkIndex * mib, Math.min(diskBytes, (chunkIndex + 1) * mib));
  const kind = [codec.raw, codec.zstd, codec.zero, codec.raw][at] ?? codec.raw;
  const bytes =
    kind === codec.raw ? raw : kind === codec.zstd ? zstdCompressSync(raw) : raw.subarray(0, 0);
  stored.set(at, new Uint8Array(bytes));
  const sha256 = new Uint8Array(createHash("sha256").update(raw).digest());
  return { chunkIndex, codec: kind, storedLength: bytes.length, crc32c: 0, sha256 };
});
const fetch = async (entryIndex: number): Promise<Uint8Array> =>
  stored.get(entryIndex) ?? new Uint8Array();

test("an image's bytes are read across its chunks, those that are not kept as zeros", async () => {
  const source = imageSource({ diskBytes, entries, fetch });
  const property = fc.asyncProperty(fc.nat(diskBytes), fc.nat(2 * mib), async (offset, length) => {
    const count = Math.min(length, diskBytes - offset);
    const found = await source.read(offset, count);
    assert.equal(Buffer.compare(found, disk.subarray(offset, offset + count)), 0);
  });
  await fc.assert(property, { numRuns: 60 });
});

test("a chunk that is damaged, or does not come, is a reason for the disk with other sectors alone", async () => {
  const view = (path: string, logicalSector: number): DiskView => ({
    ...{ path, size: 8 * mib, logicalSector, model: null, serial: null, wwn: null },
    ...{ transport: "nvme", rotational: false, health: null, protection: null },
  });
  const shape = { diskBytes, logicalSector: 512, partitionTable: "gpt" as const, partitions: [] };
  const disks = [view("/dev/sda", 512), view("/dev/sdb", 4096)];
  const spoiled = { entries, isLive: false, fetch: async () => new Uint8Array(mib) };
  const reason = await otherSectorsOf(disks, shape, spoiled);
  assert.equal(reason(disks[0] as DiskView), null);
  assert.match(
    reason(disks[1] as DiskView) ?? "",
    /looked into: chunk 0 .*does not match its hash/,
  );
  let asked = 0;
  const counted = {
    ...{ entries, isLive: false },
    async fetch(entryIndex: number) {
      asked++;
      return await fetch(entryIndex);
    },
  };
  await otherSectorsOf(disks.slice(0, 1), shape, counted);
  assert.equal(asked, 0, "nothing is read for disks with the image's sectors");
  const live = await otherSectorsOf(disks, shape, { ...counted, isLive: true });
  assert.match(live(disks[1] as DiskView) ?? "", /a live cast keeps its sectors/);
  assert.equal(asked, 0);
});
