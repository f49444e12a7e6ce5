/** Disks as files, and as a loop device where the machine has one. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import { misalignment } from "../../../core/node/disk-calls.ts";
import { alignedBuffer, deviceNumber, openDisk } from "../../../imaging/disk/disk.ts";

const folder = mkdtempSync(join(tmpdir(), "roomcast-disk-"));
after(() => rmSync(folder, { recursive: true }));

const mib = 1 << 20;

function pattern(length: number, seed = 1): Uint8Array {
  const data = alignedBuffer(length);
  for (let index = 0; index < length; index++) data[index] = (index * 31 + seed * 7) & 0xff;
  return data;
}

function newFile(name: string, size: number, content?: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content ?? "");
  truncateSync(path, size);
  return path;
}

const code = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
    return "";
  } catch (error) {
    assert(error instanceof RoomcastError, String(error));
    return error.code;
  }
};

test("what is written is there, at any place and of any length, the odd end included", async () => {
  const size = 3 * mib + 700;
  const path = newFile("odd", size);
  const expected = new Uint8Array(size);
  const pieces: [number, number][] = [
    [0, mib],
    [mib, mib],
    [2 * mib, mib],
    [3 * mib, 700],
    [4096, 512],
    [1000, 3000],
  ];
  {
    await using disk = await openDisk(path, { write: true });
    assert.deepEqual([disk.size, disk.logicalSector], [size, 512]);
    for (const [seed, [offset, length]] of pieces.entries()) {
      const data = pattern(length, seed);
      await disk.write(offset, data);
      expected.set(data, offset);
    }
    // Memory that does not start where O_DIRECT wants it.
    const crooked = pattern(2 * mib + 1).subarray(1);
    assert.notEqual(misalignment(crooked, 512), 0);
    await disk.write(mib / 2, crooked.subarray(0, mib + mib / 2));
    expected.set(crooked.subarray(0, mib + mib / 2), mib / 2);
    await disk.flush();
    for (const [offset, length] of [
      ...pieces,
      [1, size - 1],
      [size - 3, 3],
      [511, 4099],
    ] as const) {
      const into = new Uint8Array(length);
      await disk.read(offset, into);
      assert.deepEqual(into, expected.subarray(offset, offset + length), `${offset} ${length}`);
    }
  }
  assert.deepEqual(new Uint8Array(readFileSync(path)), expected);
});

test("zeroing and discarding make zeros, and keep a file's length", async () => {
  const size = 2 * mib + 512;
  const path = newFile("zero", size, pattern(size));
  await using disk = await openDisk(path, { write: true });
  await disk.zero(mib, mib);
  assert.equal(await disk.discard(0, 4096), true);
  await disk.zero(2 * mib, 512);
  const data = readFileSync(path);
  assert.equal(data.length, size);
  assert(data.subarray(0, 4096).every((byte) => byte === 0));
  assert(data.subarray(mib).every((byte) => byte === 0));
  assert.deepEqual(new Uint8Array(data.subarray(4096, mib)), pattern(size).subarray(4096, mib));
  assert(statSync(path).blocks * 512 < size, "sparse");
});

test("a file is held by one writer at a time", async () => {
  const path = newFile("held", mib);
  {
    await using _ = await openDisk(path, { write: true });
    assert.equal(await code(openDisk(path, { write: true })), "refused");
    await using reader = await openDisk(path, { write: false });
    await reader.read(0, new Uint8Array(512));
  }
  await using _ = await openDisk(path, { write: true });
});

test("what is no disk is said in words", async () => {
  assert.equal(await code(openDisk(join(folder, "none"), { write: false })), "not-found");
  assert.equal(await code(openDisk(folder, { write: false })), "bad-input");
  assert.equal(await code(openDisk("/dev/null", { write: true })), "bad-input");
});

test("a file that shrank is an error that names the place", async () => {
  const path = newFile("shrank", 2 * mib);
  await using disk = await openDisk(path, { write: false });
  truncateSync(path, mib);
  await assert.rejects(disk.read(mib + 4096, new Uint8Array(4096)), /at 1\.1 MB \(byte 1052672\)/);
});

test("outside of the disk is a bug", async () => {
  await using disk = await openDisk(newFile("small", mib), { write: true });
  await assert.rejects(disk.write(mib - 1, new Uint8Array(2)), /assertion/);
  await assert.rejects(disk.read(-1, new Uint8Array(1)), /assertion/);
});

test("device numbers as glibc packs them", () => {
  assert.equal(deviceNumber(0x801), "8:1");
  assert.equal(deviceNumber(0xfe00), "254:0");
  assert.equal(deviceNumber(0x10305), "259:5");
  assert.equal(deviceNumber(0x10082c), "8:300");
});

function attachLoop(path: string, sector: number): string | null {
  try {
    const args = ["--show", "--find", "--sector-size", String(sector), path];
    return execFileSync("losetup", args, { encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return null;
  }
}

for (const sector of [512, 4096]) {
  test(`a block device of ${sector}-byte sectors`, async (context) => {
    const size = 4 * mib + 5 * 4096;
    const device = attachLoop(newFile(`loop${sector}`, size), sector);
    if (device === null) return context.skip("no loop devices here");
    try {
      await using disk = await openDisk(device, { write: true });
      assert.deepEqual([disk.size, disk.logicalSector], [size, sector]);
      assert.equal(await code(openDisk(device, { write: true })), "refused", "taken exclusively");
      const data = pattern(mib);
      await disk.write(mib, data);
      const end = pattern(5 * 4096, 3);
      await disk.write(4 * mib, end);
      const back = alignedBuffer(mib);
      await disk.read(mib, back);
      assert.deepEqual(back, data);
      const odd = new Uint8Array(1000);
      await disk.read(4 * mib + 20, odd);
      assert.deepEqual(odd, end.subarray(20, 1020));
      await assert.rejects(disk.write(100, new Uint8Array(512)), /assertion/);
      // The end of an image that ends within a sector.
      const cut = pattern(sector + 100, 5);
      await disk.write(4 * mib, cut);
      const around = new Uint8Array(end.length);
      await disk.read(4 * mib, around);
      assert.deepEqual(around, new Uint8Array([...cut, ...end.subarray(cut.length)]));
      await disk.zero(mib, mib);
      await disk.read(mib, back);
      assert(back.every((byte) => byte === 0));
    } finally {
      execFileSync("losetup", ["--detach", device]);
    }
  });
}
