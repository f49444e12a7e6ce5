import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { crc32 } from "../../../core/image/crc32.ts";
import { headerSum } from "../../../core/image/gpt.ts";
import { putU16, putU32, putU64 } from "../../../core/image/little-endian.ts";
import { ebrChain, mbrSector } from "../../../core/image/mbr-writer.ts";
import { type PartitionTable, readPartitionTable } from "../../../core/image/partition-table.ts";
import { changeSectors } from "../../../core/image/sector-change.ts";
import { sectorMisfitOf } from "../../../core/image/sector-misfit.ts";
import type { PartitionRecord } from "../../../core/image/types.ts";
import { drawn } from "../../property.ts";

const mib = 1 << 20;
const linux = "0fc63daf-8483-4772-8e79-3d69d8477de4";

type Sector = 512 | 4096;
type Part = Pick<PartitionRecord, "index" | "start" | "size">;

/** A disk that has bytes where somebody wrote some. */
class SparseDisk {
  readonly size: number;
  private readonly pages: Map<number, Uint8Array>;
  constructor(size: number, from?: SparseDisk) {
    this.size = size;
    this.pages = new Map([...(from?.pages ?? [])].map(([at, page]) => [at, page.slice()]));
  }
  async read(offset: number, length: number): Promise<Uint8Array> {
    assert(offset >= 0 && offset + length <= this.size, `read of ${length} at ${offset}`);
    const out = new Uint8Array(length);
    for (let done = 0; done < length; done += 4096 - ((offset + done) % 4096)) {
      const skip = (offset + done) % 4096;
      const page = this.pages.get((offset + done - skip) / 4096);
      if (page !== undefined) out.set(page.subarray(skip, skip + length - done), done);
    }
    return out;
  }
  write(offset: number, data: Uint8Array): void {
    assert(offset >= 0 && offset + data.length <= this.size, `write at ${offset}`);
    for (let done = 0; done < data.length; done += 4096 - ((offset + done) % 4096)) {
      const skip = (offset + done) % 4096;
      const number = (offset + done - skip) / 4096;
      const page = this.pages.get(number) ?? new Uint8Array(4096);
      page.set(data.subarray(done, done + 4096 - skip), skip);
      this.pages.set(number, page);
    }
  }
  table(logicalSector: number, diskBytes = this.size): Promise<PartitionTable> {
    const read = (offset: number, length: number) => this.read(offset, length);
    return readPartitionTable({ diskBytes, logicalSector, read });
  }
}

/** ext4 with blocks of 4096 bytes, as far as anybody looks here; and a mark at the end. */
function putExt(disk: SparseDisk, { index, start, size }: Part, logBlock = 2): void {
  const superblock = new Uint8Array(1024);
  putU32(superblock, 0x18, logBlock);
  putU16(superblock, 0x38, 0xef53);
  disk.write(start + 1024, superblock);
  disk.write(start + size - 512, new Uint8Array(512).fill(index));
}

function putGpt(disk: SparseDisk, parts: readonly Part[], sector: Sector): void {
  const entries = new Uint8Array(128 * 128);
  for (const { index, start, size } of parts) {
    const at = (index - 1) * 128;
    entries.set([0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79], at);
    entries.set([0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4], at + 10);
    entries.fill(index, at + 16, at + 32);
    putU64(entries, at + 32, start / sector);
    putU64(entries, at + 40, (start + size) / sector - 1);
    entries.fill(0x40 + index, at + 56, at + 128);
  }
  const last = disk.size / sector - 1;
  const entrySectors = entries.length / sector;
  const header = (own: number, other: number, entriesLba: number): Uint8Array => {
    const out = new Uint8Array(sector);
    out.set(Buffer.from("EFI PART"));
    out.set([0, 0, 1, 0, 92], 8);
    out.fill(0x77, 56, 72);
    putU64(out, 24, own);
    putU64(out, 32, other);
    putU64(out, 40, 2 + entrySectors);
    putU64(out, 48, last - entrySectors - 1);
    putU64(out, 72, entriesLba);
    putU32(out, 80, 128);
    putU32(out, 84, 128);
    putU32(out, 88, crc32(entries));
    putU32(out, 16, headerSum(out));
    return out;
  };
  const first = new Uint8Array(512);
  first.set([0x33, 0xc0], 0);
  first.set([0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0], 446);
  putU32(first, 458, Math.min(last, 0xffff_ffff));
  first.set([0x55, 0xaa], 510);
  disk.write(last * sector, header(last, 1, last - entrySectors));
  disk.write((last - entrySectors) * sector, entries);
  disk.write(2 * sector, entries);
  disk.write(sector, header(1, last, 2));
  disk.write(0, first);
}

const recordOf = (part: Part, more: Partial<PartitionRecord> = {}): PartitionRecord => ({
  ...part,
  ...{ type: linux, fs: "ext4", label: null, uuid: null, usedBytes: 0, mode: "used" },
  ...more,
});

const imageOf = (
  disk: SparseDisk,
  partitions: readonly PartitionRecord[],
  logicalSector: Sector,
  partitionTable: "gpt" | "mbr" = "gpt",
) => ({ diskBytes: disk.size, logicalSector, partitions, partitionTable });

/** Two in three sizes are whole sectors of both kinds. */
const extents = fc.array(
  fc.record({
    gap: fc.integer({ min: 0, max: 40 }),
    length: fc.integer({ min: 3, max: 900 }),
    odd: fc.integer({ min: 0, max: 20 }),
  }),
  { minLength: 1, maxLength: 9 },
);
const sectors = fc.constantFrom<[Sector, Sector]>([512, 4096], [4096, 512]);

function laidOut(
  parts: readonly { readonly gap: number; readonly length: number; readonly odd: number }[],
  from: Sector,
  first: number,
): Part[] {
  let at = first;
  return parts.map(({ gap, length, odd }, order) => {
    const start = at + gap * 4096;
    const size = length * 4096 + (odd === 0 && from === 512 ? 512 : 0);
    at = start + size;
    return { index: order + 1, start, size };
  });
}

const isWhole = (parts: readonly Part[], to: number): boolean =>
  parts.every(({ start, size }) => start % to === 0 && size % to === 0);

test("random GPTs: in the other sectors every partition has its bytes, its name and its GUID, or a word is said", async () => {
  let changed = 0;
  const property = fc.asyncProperty(
    sectors,
    extents,
    fc.integer({ min: 0, max: 12 }),
    fc.integer({ min: -8, max: 30 }),
    async ([from, to], random, tail, more) => {
      const parts = laidOut(random, from, from === 512 ? 20480 : 24576);
      const last = parts.at(-1) as Part;
      const end = Math.ceil((last.start + last.size) / 4096) * 4096;
      const disk = new SparseDisk(end + 20480 + tail * 4096);
      for (const part of parts) putExt(disk, part);
      putGpt(disk, parts, from);
      const before = await disk.table(from);
      assert.deepEqual(before.warnings, []);
      const targetBytes = Math.max(mib / 8, disk.size + more * 4096);
      const image = imageOf(
        disk,
        parts.map((part) => recordOf(part)),
        from,
      );
      const other = { diskBytes: targetBytes, logicalSector: to };
      const change = await changeSectors(image, disk, other);
      const room = targetBytes - 16384 - to;
      const begins = 16384 + 2 * to <= (parts[0] as Part).start;
      const fits = isWhole(parts, to) && begins && last.start + last.size <= room;
      assert.equal(change.ok, fits, change.ok ? "it should not fit" : change.reason);
      if (!change.ok) return;
      changed++;
      const copy = new SparseDisk(Math.max(targetBytes, disk.size), disk);
      for (const { offset, data } of change.value.writes) {
        assert(offset % to === 0 && data.length % to === 0, "whole sectors");
        const overlaps = parts.some(
          ({ start, size }) => offset < start + size && start < offset + data.length,
        );
        assert(!overlaps, "no partition is written to");
        assert(offset + data.length <= targetBytes);
        copy.write(offset, data);
      }
      const after = await copy.table(to, targetBytes);
      assert.deepEqual(after, before);
      const header = Buffer.from(await copy.read(to, to));
      // UEFI 2.10, table 5.5: first and last usable LBA.
      assert.equal(header.readBigUInt64LE(40) * BigInt(to), BigInt(16384 + 2 * to));
      assert.equal((header.readBigUInt64LE(48) + 1n) * BigInt(to), BigInt(room));
      const entriesAt = 2 * to;
      for (const { index } of parts) {
        const entry = await copy.read(entriesAt + (index - 1) * 128, 128);
        assert(entry.subarray(16, 32).every((byte) => byte === index));
        assert(entry.subarray(56).every((byte) => byte === 0x40 + index));
      }
      // Nobody finds the old one.
      const old = await copy.table(from, Math.min(disk.size, targetBytes));
      assert.deepEqual(old.partitions, []);
    },
  );
  await fc.assert(property, { numRuns: drawn(100) });
  assert(changed > 30, "most layouts fit");
});

test("random MBRs with logical partitions: the same places, and a chain that leads to them", async () => {
  let changed = 0;
  const property = fc.asyncProperty(
    sectors,
    extents,
    fc.integer({ min: 0, max: 4 }),
    fc.integer({ min: 1, max: 30 }),
    async ([from, to], random, primaryCount, lead) => {
      let at = mib / 4;
      const parts = random.map(({ gap, length, odd }, order): Part => {
        const isLogical = order >= primaryCount;
        const before = isLogical ? lead * 512 + 4096 : 0;
        const start = Math.ceil((at + before) / 4096) * 4096 + gap * 4096;
        const size = length * 4096 + (odd === 0 && from === 512 ? 512 : 0);
        at = start + size;
        return { index: isLogical ? 5 + order - primaryCount : order + 1, start, size };
      });
      const logical = parts.filter(({ index }) => index >= 5);
      if (logical.length > 0 && primaryCount === 4) return;
      const disk = new SparseDisk(Math.ceil(at / 4096) * 4096 + 65536);
      const dumped = parts.map(({ index, start, size }) => ({
        ...{ index, device: "", type: "0x83", isBootable: index === 1 },
        ...{ start: start / from, count: size / from },
      }));
      if (logical.length > 0) {
        const [first, last] = [logical[0] as Part, logical.at(-1) as Part];
        const start = first.start / from - Math.max(1, Math.floor((lead * 512) / from));
        const count = (last.start + last.size) / from - start;
        dumped.push({ ...{ index: 4, device: "", type: "0x0f", isBootable: false }, start, count });
      }
      for (const part of parts) putExt(disk, part);
      for (const { offset, data } of ebrChain(dumped, from) ?? []) disk.write(offset, data);
      disk.write(0, mbrSector(new Uint8Array(512).fill(0x11, 0, 440), dumped));
      const before = await disk.table(from);
      assert.deepEqual(before.warnings, []);
      const image = imageOf(
        disk,
        parts.map((part) => recordOf(part, { type: "0x83" })),
        from,
        "mbr",
      );
      const other = { diskBytes: disk.size, logicalSector: to };
      const change = await changeSectors(image, disk, other);
      if (!change.ok) {
        assert(!isWhole(parts, to), change.reason);
        return;
      }
      changed++;
      for (const { offset, data } of change.value.writes) {
        assert(offset % to === 0 && data.length % to === 0, "whole sectors");
        const overlaps = parts.some(
          ({ start, size }) => offset < start + size && start < offset + data.length,
        );
        assert(!overlaps, "no partition is written to");
        disk.write(offset, data);
      }
      const after = await disk.table(to);
      assert.deepEqual(
        [after.partitions, after.warnings, after.active],
        [before.partitions, before.warnings, before.active],
      );
      assert((await disk.read(0, 440)).every((byte) => byte === 0x11));
    },
  );
  await fc.assert(property, { numRuns: drawn(100) });
  assert(changed > 30, "most layouts fit");
});

const part: Part = { index: 2, start: mib, size: mib };
const misfit = (more: Partial<PartitionRecord>, sector = 4096): string =>
  sectorMisfitOf(
    imageOf(new SparseDisk(8 * mib), [recordOf(part, more)], sector === 512 ? 4096 : 512),
    sector,
  ) ?? "it fits";

test("what a manifest tells: which partition does not fit, and why", () => {
  assert.equal(misfit({}), "it fits");
  assert.equal(misfit({ fs: "ntfs" }, 512).slice(0, 18), "partition 2 (ntfs)");
  for (const [more, said] of [
    [{ fs: "ntfs", label: "C" }, /^partition 2 \(ntfs "C"\) counts in the sectors of its master/],
    [{ fs: "exfat" }, /^partition 2 \(exfat\) counts in the sectors/],
    [{ fs: "crypto_LUKS" }, /is encrypted/],
    [{ fs: "zfs_member" }, /has zfs_member that is not known/],
    [{ fs: null }, /has no file system that is not known/],
    [{ start: mib + 512 }, /begins at byte 1049088, which is no multiple of 4096/],
    [{ size: mib - 512 }, /ends at byte 2096640, which is no multiple of 4096/],
  ] as const) {
    assert.match(misfit(more), said);
  }
  const bare = { fs: null, type: "21686148-6449-6e6f-744e-656564454649" };
  assert.equal(misfit(bare), "it fits");
  const odd = imageOf(new SparseDisk(8 * mib + 512), [], 512);
  assert.match(sectorMisfitOf(odd, 4096) ?? "", /8389120 bytes is no whole number of them/);
});

test("what only the content tells: blocks of 1024 bytes, XFS' sectors, a hybrid MBR, a lost GPT", async () => {
  const said = async (
    fs: string,
    make: (disk: SparseDisk) => void,
    to: Sector = 4096,
  ): Promise<string> => {
    const disk = new SparseDisk(4 * mib);
    putGpt(disk, [part], to === 512 ? 4096 : 512);
    make(disk);
    const image = imageOf(disk, [recordOf(part, { fs })], to === 512 ? 4096 : 512);
    const change = await changeSectors(image, disk, { diskBytes: disk.size, logicalSector: to });
    return change.ok ? "it fits" : change.reason;
  };
  const ext = (logBlock: number) => (disk: SparseDisk) => putExt(disk, part, logBlock);
  assert.equal(await said("ext4", ext(2)), "it fits");
  assert.match(await said("ext2", ext(0)), /partition 2 \(ext2\) has blocks of 1024 bytes/);
  assert.equal(await said("ext2", ext(0), 512), "it fits");
  const xfs = (own: number, log: number) => (disk: SparseDisk) => {
    const head = Buffer.alloc(512);
    head.write("XFSB");
    head.writeUInt16BE(own, 102);
    head.writeUInt16BE(log, 194);
    disk.write(part.start, head);
  };
  assert.equal(await said("xfs", xfs(4096, 4096)), "it fits");
  assert.match(await said("xfs", xfs(512, 0)), /has sectors of 512 bytes, as its xfs was made/);
  assert.match(await said("xfs", xfs(4096, 512)), /has sectors of 512 bytes/);
  assert.match(await said("ext4", () => {}), /holds nothing that is known to fit/);
  const hybrid = (disk: SparseDisk) => {
    putExt(disk, part);
    disk.write(462, Uint8Array.from([0, 0, 2, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0]));
  };
  assert.match(await said("ext4", hybrid), /hybrid/);
  const lost = (disk: SparseDisk) => {
    putExt(disk, part);
    disk.write(512, new Uint8Array(512));
  };
  assert.match(await said("ext4", lost), /first GPT of the image is damaged/);
});

test("any bytes for an MBR, a GPT, a label or a FAT are answered", async () => {
  const property = fc.asyncProperty(
    fc.uint8Array({ minLength: 8192, maxLength: 8192 }),
    fc.constantFrom("vfat", "LVM2_member", "ext4"),
    fc.boolean(),
    async (bytes, fs, hasGpt) => {
      const disk = new SparseDisk(2 * mib + mib / 2);
      disk.write(0, bytes.subarray(0, 4096));
      disk.write(510, Uint8Array.from([0x55, 0xaa]));
      if (hasGpt) putGpt(disk, [part], 512);
      disk.write(mib, bytes.subarray(4096));
      const image = imageOf(disk, [recordOf(part, { fs })], 512, hasGpt ? "gpt" : "mbr");
      await changeSectors(image, disk, { diskBytes: disk.size, logicalSector: 4096 });
    },
  );
  await fc.assert(property, { numRuns: drawn(40) });
});
