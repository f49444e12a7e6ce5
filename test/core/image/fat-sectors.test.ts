/** FATs that mkfs.vfat made, counting in other sectors: judged by fsck.vfat and mtools. */
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { fatInSectors } from "../../../core/image/fat-sectors.ts";
import { bytesAt, fileSource, inFolder, mib, tool } from "../../imaging/capture/disks.ts";

/** A volume with a file in it; sparse, so that it may be large. */
function made(path: string, sizeMib: number, ...options: string[]): void {
  writeFileSync(path, "");
  truncateSync(path, sizeMib * mib);
  tool("mkfs.vfat", ["-n", "ESP", "-i", "EF10C0DE", ...options, path]);
  tool("mmd", ["-i", path, "::EFI", "::EFI/debian"]);
  tool("mcopy", ["-i", path, "/bin/sh", "::EFI/debian/shim.efi"]);
}

/** Why not, or null once it is written. */
async function change(path: string, from: number, to: number): Promise<string | null> {
  const changed = await fatInSectors(fileSource(path), { from, to, start: mib });
  if (!changed.ok) return changed.reason;
  const fd = openSync(path, "r+");
  for (const { offset, data } of changed.value) {
    assert(offset % to === 0 && data.length % to === 0);
    writeSync(fd, data, 0, data.length, offset);
  }
  closeSync(fd);
  return null;
}

function assertWhole(path: string, sector: number): void {
  const said = tool("fsck.vfat", ["-n", "-v", path]);
  assert.match(said, new RegExp(`^\\s+${sector} bytes per logical sector$`, "m"));
  assert.doesNotMatch(said, /differ|wrong|dirty|error/i);
  const back = `${path}.back`;
  tool("mcopy", ["-n", "-o", "-i", path, "::EFI/debian/shim.efi", back]);
  assert.deepEqual(readFileSync(back), readFileSync("/bin/sh"));
  const names = tool("blkid", ["-p", "-o", "export", path]);
  assert.match(names, /^LABEL=ESP$/m);
  assert.match(names, /^UUID=EF10-C0DE$/m);
}

for (const [name, sizeMib, options, sector] of [
  ["FAT32, as Debian's installer makes it", 300, ["-F", "32"], 512],
  ["FAT32 with larger clusters", 560, ["-F", "32", "-s", "16"], 512],
  ["FAT16 whose reserved sectors are eight", 60, ["-F", "16", "-s", "8", "-R", "8"], 512],
  ["FAT32 of a disk with large sectors", 300, ["-F", "32", "-S", "4096", "-s", "1"], 4096],
  ["FAT16 of a disk with large sectors", 60, ["-F", "16", "-S", "4096", "-s", "2"], 4096],
] as const) {
  test(`${name} counts in other sectors, and back again`, () =>
    inFolder(async (folder) => {
      const path = join(folder, "fat");
      made(path, sizeMib, ...options, "-h", String(mib / sector));
      const master = join(folder, "master");
      // Hundreds of MiB of holes would be written out by copyFileSync, and read into memory by readFileSync.
      tool("cp", ["--sparse=always", path, master]);
      const other = sector === 512 ? 4096 : 512;
      assert.equal(await change(path, sector, other), null);
      assertWhole(path, other);
      assert.equal(await change(path, sector, other), null, "once more, nothing is to be done");
      assert.equal(bytesAt(path, 0x1c, 4).readUInt32LE(), mib / other, "hidden sectors");
      assert.equal(await change(path, other, sector), null);
      assertWhole(path, sector);
      const [one, two] = [path, master].map(
        (each) => bytesAt(each, 0x0e, 2).readUInt16LE() * sector,
      );
      assert.equal(one, two, "where the tables begin");
      // Tables and clusters stay.
      tool("cmp", ["--ignore-initial", String(two), path, master]);
    }));
}

test("a FAT whose clusters or tables are no whole sectors is refused in words", () =>
  inFolder(async (folder) => {
    const path = join(folder, "fat");
    made(path, 60, "-F", "16", "-s", "4");
    assert.match((await change(path, 512, 4096)) ?? "", /clusters of 2048 bytes.*sectors of 4096/);
    made(path, 60, "-F", "16", "-s", "8", "-R", "1", "-a");
    assert.match((await change(path, 512, 4096)) ?? "", /begin at byte 512: it cannot/);
    made(path, 700, "-F", "16", "-S", "4096", "-s", "32");
    assert.match((await change(path, 4096, 512)) ?? "", /clusters of 131072 bytes/);
  }));

test("any bytes are answered, and nothing is read beyond the end", async () => {
  const property = fc.asyncProperty(
    fc.uint8Array({ minLength: 512, maxLength: 512 }),
    fc.constantFrom(0, 1, 8, 32),
    fc.integer({ min: 400, max: 5000 }),
    async (bytes, reserved, size) => {
      const head = new Uint8Array(bytes);
      head.set([0, 2, 8, reserved, 0, 1], 0x0b);
      const read = async (offset: number, length: number): Promise<Uint8Array> => {
        assert(offset + length <= size);
        const out = new Uint8Array(length);
        out.set(head.subarray(offset, offset + length));
        return out;
      };
      const changed = await fatInSectors({ size, read }, { from: 512, to: 4096, start: 0 });
      if (!changed.ok) return;
      for (const { offset, data } of changed.value) assert(offset + data.length <= size);
    },
  );
  await fc.assert(property);
});
