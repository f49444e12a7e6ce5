import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { chunkBytes } from "../../../core/units/units.ts";
import type { DiskView } from "../../../core/wire/views.ts";
import { openDisk } from "../../../imaging/disk/disk.ts";
import { describePath } from "../../../imaging/disk/disks.ts";
import { systemRoots } from "../../../imaging/disk/sysfs.ts";
import { wipeDisk } from "../../../imaging/wipe/wipe-disk.ts";
import { HalfWritten, isHalfWritten } from "../../../initrd/agent/hardware/half-written.ts";
import { fakeNvme } from "../../imaging/wipe/fake-drive.ts";

const folder = mkdtempSync(join(tmpdir(), "roomcast-half-"));
after(() => rmSync(folder, { recursive: true }));

const chunks = 200;

/** A disk file of zeros, with data in these chunks. */
function diskWith(...filled: readonly number[]): DiskView {
  const path = join(folder, `${filled.join("-")}.raw`);
  const content = new Uint8Array(chunks * chunkBytes);
  for (const chunk of filled) content.fill(1, chunk * chunkBytes, (chunk + 1) * chunkBytes);
  writeFileSync(path, content);
  const disk = describePath(path, systemRoots);
  assert(disk !== null);
  return disk;
}

test("an empty start with data behind it is a restore that did not finish", async () => {
  assert.equal(await isHalfWritten(diskWith(1)), true, "the first chunk that was cast");
  assert.equal(await isHalfWritten(diskWith(63, 120, 198)), true);
  assert.equal(await isHalfWritten(diskWith()), false, "a new disk, or one that was erased");
  assert.equal(await isHalfWritten(diskWith(0, 1)), false, "a disk that starts");
  assert.equal(await isHalfWritten(diskWith(1, chunks - 1)), false, "something lies at its end");
});

test("a disk that was wiped is none, whatever it reads as behind its start", async () => {
  const disk = diskWith(1, 100);
  await using open = await openDisk(disk.path, { write: true });
  const ended = wipeDisk("discard", {
    disk: {
      ...{ isHung: false, reads: async () => true, flush: () => open.flush() },
      write: (offset, data) => open.write(offset, data),
      zero: (offset, length) => open.zero(offset, length),
      discard: async () => true,
    },
    ...{ size: disk.size, view: { ...disk, transport: "mmc" }, drive: fakeNvme({}) },
    ...{
      below: () => 0,
      now: () => 0,
      sleep: async () => {},
      begin() {},
      step() {},
      progress() {},
    },
  });
  assert.equal((await ended).readBack.finding, "unverifiable");
  assert.equal(await isHalfWritten(disk), false);
});

test("a disk is looked at once, and again after a task has written to it", async () => {
  const disk = diskWith(2);
  const known = new HalfWritten();
  assert.equal(known.has(disk), false);
  await known.look([disk, { ...disk, path: join(folder, "gone") }]);
  assert.equal(known.has(disk), true);
  diskWith(2);
  writeFileSync(disk.path, new Uint8Array(chunks * chunkBytes).fill(1));
  await known.look([disk]);
  assert.equal(known.has(disk), true, "once");
  known.forget(disk);
  await known.look([disk]);
  assert.equal(known.has(disk), false);
});
