/** What a disk goes through in a restore, with every fault that a disk and a network have. */
import assert from "node:assert/strict";
import { type TestFn, test as unlimited } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import { codec } from "../../../core/image/types.ts";
import { chunkCalls } from "../../../core/node/chunk-calls.ts";
import { chunkBytes } from "../../../core/units/units.ts";
import { bootAreaOf, type DiskRange } from "../../../imaging/restore/boot-area.ts";
import type { AnswerLimits } from "../../../imaging/restore/disk-faults.ts";
import { DiskRestore } from "../../../imaging/restore/disk-restore.ts";
import type { RestorePlan } from "../../../imaging/restore/restore-plan.ts";
import { FakeDisk, type FakeImage, fakeImage, fill, ioError } from "./fake-disk.ts";

/** A restore that does not end is a failure. */
const test = (name: string, run: TestFn): void => void unlimited(name, { timeout: 20_000 }, run);

const mib = chunkBytes;
/** The last chunk is short, and holds the backup GPT. */
const diskBytes = 12 * mib + 40 * 1024;
const lastEntry = 10;
const image = fakeImage(diskBytes, { unused: [4, 7], zero: [5] });

interface Setup {
  readonly disk: FakeDisk;
  readonly restore: DiskRestore;
  readonly verdicts: string[];
  readonly fetched: number[];
  /** Delivers entries, the stored bytes changed by `spoil` if it likes. */
  cast(
    entryIndexes: Iterable<number>,
    spoil?: (stored: Uint8Array, entryIndex: number) => void,
  ): void;
}

function setUp(
  options: {
    disk?: FakeDisk;
    from?: FakeImage;
    verify?: "written" | "read-back";
    targetBytes?: number;
    discard?: boolean;
    empty?: readonly DiskRange[];
    emptyInVolumes?: RestorePlan["emptyInVolumes"];
    /** The entries are announced. */
    isLive?: boolean;
    limits?: AnswerLimits;
    /** What the server answers over HTTP. */
    fetch?: (entryIndex: number) => Uint8Array;
  } = {},
): Setup {
  const from = options.from ?? image;
  const old = new Uint8Array(options.targetBytes ?? diskBytes);
  for (let chunk = 0; chunk * mib < old.length; chunk++) {
    fill(old.subarray(chunk * mib, (chunk + 1) * mib), 200 + chunk);
  }
  const disk = options.disk ?? new FakeDisk(old);
  const fetched: number[] = [];
  const restore = new DiskRestore(
    {
      entries:
        options.isLive === true
          ? from.entries.map(({ chunkIndex }) => ({
              ...{ chunkIndex, codec: codec.raw, storedLength: 0, crc32c: 0 },
              sha256: new Uint8Array(32),
            }))
          : from.entries,
      isLive: options.isLive ?? false,
      diskBytes: from.content.length,
      boot: bootAreaOf({
        entries: from.entries,
        critical: [0, from.entries.length - 1],
        diskBytes: from.content.length,
        targetBytes: disk.size,
        logicalSector: 512,
      }),
      empty: options.empty ?? [],
      emptyInVolumes: options.emptyInVolumes ?? (async () => []),
      verify: options.verify ?? "read-back",
      discard: options.discard ?? false,
    },
    {
      ...chunkCalls,
      disk,
      diskName: "/dev/sdx, sdx (FAKE 1000, S1)",
      async fetch(entryIndex) {
        fetched.push(entryIndex);
        return (options.fetch ?? ((index) => from.stored[index] as Uint8Array))(entryIndex);
      },
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      laneCount: 6,
      buffer: () => new Uint8Array(mib),
      sleep: () => new Promise((resolve) => setTimeout(resolve, 1)),
    },
  );
  const verdicts: string[] = [];
  return {
    disk,
    restore,
    verdicts,
    fetched,
    cast(entryIndexes, spoil) {
      for (const entryIndex of entryIndexes) {
        const stored = (from.stored[entryIndex] as Uint8Array).slice();
        spoil?.(stored, entryIndex);
        restore.deliver(entryIndex, stored, (verdict) => verdicts.push(`${entryIndex} ${verdict}`));
      }
    },
  };
}

const wantedOf = (bitmap: Uint8Array): number[] =>
  Array.from({ length: bitmap.length * 8 }, (_, index) => index).filter(
    (index) => ((bitmap[index >> 3] as number) >> (index & 7)) & 1,
  );

const everything = wantedOf(setUp().restore.wants());

/** Every chunk of the image is on the disk; what the image leaves out is as it was, or empty. */
function assertCopy(disk: FakeDisk, from: FakeImage = image): void {
  for (const { chunkIndex } of from.entries) {
    const at = chunkIndex * mib;
    const end = Math.min(at + mib, from.content.length);
    const isSame =
      Buffer.compare(disk.content.subarray(at, end), from.content.subarray(at, end)) === 0;
    assert(isSame, `chunk ${chunkIndex}`);
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}

const isBlank = (disk: FakeDisk, from: number, length: number): boolean =>
  disk.content.subarray(from, from + length).every((byte) => byte === 0);

function assertUnbootable(disk: FakeDisk): void {
  assert(isBlank(disk, 0, mib), "the first MiB is empty");
  assert(isBlank(disk, disk.size - 33 * 512, 33 * 512), "the backup GPT is empty");
}

async function reasonOf(promise: Promise<unknown>): Promise<RoomcastError> {
  try {
    await promise;
  } catch (error) {
    assert(error instanceof RoomcastError, String(error));
    return error;
  }
  throw new Error("it did not fail");
}

test("all chunks in any order make the disk, read back", async () => {
  const { disk, restore, cast } = setUp();
  assert.equal(everything.length, lastEntry, "all but the empty one");
  await restore.begin();
  cast(everything.toReversed());
  const entries = await restore.ended;
  assertCopy(disk);
  assert.deepEqual(entries, image.entries, "the hashes as read back");
  const { counters } = restore;
  assert.equal(counters.bytesWanted, counters.bytesVerified);
  assert.equal(counters.bytesWritten, counters.bytesWanted);
  assert.equal(counters.bytesReceived, counters.bytesWanted - mib);
  assert.equal(counters.chunksWritten, image.entries.length);
  assert.deepEqual(wantedOf(restore.wants()), []);
});

test("places where a scanner looks are emptied, also on a disk that has all else already", async () => {
  // Both lie in what the image has no chunk for.
  const empty = [
    { offset: 4 * mib + 512, length: 1024 },
    { offset: 7 * mib, length: mib },
  ];
  for (const has of ["all of the image", "nothing"]) {
    const old = has === "nothing" ? new Uint8Array(diskBytes).fill(7) : image.content.slice();
    old.fill(9, 4 * mib, 5 * mib);
    const { disk, restore, cast } = setUp({ disk: new FakeDisk(old), empty });
    await restore.scan();
    await restore.begin();
    cast(everything);
    await restore.ended;
    assertCopy(disk);
    for (const { offset, length } of empty) assert(isBlank(disk, offset, length), has);
    assert.deepEqual([disk.content[4 * mib + 511], disk.content[4 * mib + 1536]], [9, 9]);
    const again = setUp({ disk, empty });
    disk.calls.length = 0;
    await again.restore.scan();
    await again.restore.begin();
    await again.restore.ended;
    const writes = disk.calls.filter(({ call }) => call === "write" || call === "zero");
    assert.deepEqual(writes, [], "what is empty is not written again");
  }
});

test("places that the copy tells of are emptied before it can start, and it can be read with what is held", async () => {
  const seen: Uint8Array[] = [];
  let body = 0;
  const { disk, restore, cast } = setUp({
    async emptyInVolumes(copy) {
      body = disk.calls.filter(({ call }) => call === "write").length;
      seen.push(await copy.read(mib - 4, 8));
      assert(
        disk.content.subarray(0, mib).every((byte) => byte === 0),
        "it cannot start yet",
      );
      return [{ offset: 4 * mib, length: 512 }];
    },
  });
  await restore.begin();
  cast(everything);
  await restore.ended;
  assert.deepEqual(seen, [image.content.slice(mib - 4, mib + 4)]);
  assert.deepEqual([disk.content[4 * mib], disk.content[4 * mib + 511]], [0, 0]);
  assert(body > 0 && disk.calls.filter(({ call }) => call === "write").length > body);
});

test("a place that does not read as empty after it was emptied fails the restore", async () => {
  const { disk, restore } = setUp({ empty: [{ offset: 4 * mib, length: 512 }] });
  disk.onRead = (offset, into) => {
    if (offset === 4 * mib) into[3] = 1;
  };
  await restore.begin();
  assert.match((await reasonOf(restore.ended)).message, /read-back error at/);
  assertUnbootable(disk);
});

test("the boot area is emptied before the first write and written after the last check", async () => {
  const { disk, restore, cast } = setUp();
  await restore.begin();
  cast(everything);
  await restore.ended;
  const last = 12 * mib;
  const isBoot = (offset: number): boolean => offset === 0 || offset === last;
  const body = disk.calls.findIndex(({ call, offset }) => call === "write" && !isBoot(offset));
  const emptied = disk.calls.slice(0, body).filter(({ call }) => call === "zero");
  assert.deepEqual(emptied.map(({ offset }) => offset).filter(isBoot), [0, last]);
  assert(
    disk.calls.slice(0, body).some(({ call }) => call === "flush"),
    "and that is durable",
  );
  const bootWrites = disk.calls.flatMap(({ call, offset }, at) =>
    call === "write" && isBoot(offset) ? [{ at, offset }] : [],
  );
  assert.deepEqual(
    bootWrites.map(({ offset }) => offset),
    [last, 0],
    "the first chunk last of all",
  );
  const lastOther = disk.calls.findLastIndex(
    ({ call, offset }) => (call === "read" || call === "write") && !isBoot(offset),
  );
  assert(lastOther < (bootWrites[0]?.at ?? 0), "nothing else is left to do");
  const between = disk.calls.slice(lastOther, bootWrites[0]?.at);
  assert(
    between.some(({ call }) => call === "flush"),
    "what is on the disk is durable by then",
  );
});

test("a chunk with a flipped bit is never written, and asked for again", async () => {
  const { disk, restore, cast, verdicts } = setUp();
  const seen: number[] = [];
  disk.onWrite = (offset) => void seen.push(offset / mib);
  await restore.begin();
  for (const kind of [1, 2]) {
    cast([kind], (stored) => {
      stored[stored.length >> 1] = (stored[stored.length >> 1] as number) ^ 1;
    });
  }
  await until(() => verdicts.length === 2);
  assert.deepEqual(verdicts.toSorted(), ["1 corrupt", "2 corrupt"]);
  assert.deepEqual(seen, []);
  assert(wantedOf(restore.wants()).includes(1));
  cast(everything);
  await restore.ended;
  assertCopy(disk);
});

test("raw chunks are checked as well, and so is their length", async () => {
  const { restore, cast, verdicts } = setUp();
  await restore.begin();
  // Entry 3 is stored as it is.
  cast([3], (stored) => {
    stored[77] = (stored[77] as number) ^ 0x80;
  });
  restore.deliver(2, (image.stored[2] as Uint8Array).subarray(1), (verdict) =>
    verdicts.push(`2 ${verdict}`),
  );
  await until(() => verdicts.length === 2);
  assert.deepEqual(verdicts.toSorted(), ["2 corrupt", "3 corrupt"]);
  restore.stop(new RoomcastError("cancelled", "enough", ""));
});

test("a chunk that stays damaged is asked of the server itself", async () => {
  const { disk, restore, cast, fetched, verdicts } = setUp();
  await restore.begin();
  for (let time = 0; time < 3; time++) {
    cast([2], (stored) => stored.fill(7));
    await until(() => verdicts.length > time);
  }
  assert.deepEqual(fetched, [2]);
  cast(everything);
  await restore.ended;
  assertCopy(disk);
});

test("a chunk that the server itself has wrong fails the restore by name", async () => {
  const { disk, restore, cast, verdicts } = setUp({ fetch: () => new Uint8Array(100) });
  await restore.begin();
  for (let time = 0; time < 3; time++) {
    cast([5], (stored) => stored.fill(7));
    await until(() => time === 2 || verdicts.length > time);
  }
  const error = await reasonOf(restore.ended);
  // Chunk 4 is not in the image.
  assert.match(error.message, /chunk 6\b/);
  assertUnbootable(disk);
});

test("a write that fails twice and then works is no failure", async () => {
  const { disk, restore, cast } = setUp();
  let failures = 0;
  disk.onWrite = (offset) => {
    if (offset === 2 * mib && failures++ < 2) throw ioError();
  };
  await restore.begin();
  cast(everything);
  await restore.ended;
  assertCopy(disk);
});

test("a write that fails for good names the place, the disk and its serial", async () => {
  const { disk, restore, cast } = setUp();
  disk.onWrite = (offset) => {
    if (offset === 9 * mib) throw ioError();
  };
  await restore.begin();
  cast(everything);
  const error = await reasonOf(restore.ended);
  assert.match(error.message, /write error at 9\.4 MB \(byte 9437184\): input\/output error/);
  assert.match(error.message, /FAKE 1000, S1/);
  assertUnbootable(disk);
});

test("what does not come back from the disk is written once more", async () => {
  const { disk, restore, cast, fetched } = setUp();
  let spoiled = 0;
  disk.onWrite = (offset, data) => {
    if (offset === 3 * mib && spoiled++ === 0) data[5000] = (data[5000] as number) ^ 4;
  };
  await restore.begin();
  cast(everything);
  await restore.ended;
  assert.deepEqual(fetched, [3]);
  assertCopy(disk);
});

test("a disk that lies is failed with the place", async () => {
  const { disk, restore, cast } = setUp();
  disk.onRead = (offset, into) => {
    if (offset === 10 * mib) into[0] = (into[0] as number) ^ 1;
  };
  await restore.begin();
  cast(everything);
  const error = await reasonOf(restore.ended);
  assert.match(error.message, /read-back error at 10\.5 MB \(byte 10485760\)/);
  assert.match(error.message, /S1/);
  assertUnbootable(disk);
});

test("a boot chunk that does not come back leaves the disk unbootable", async () => {
  const { disk, restore, cast } = setUp();
  disk.onRead = (offset, into) => {
    if (offset === 0) into[510] = 0xee;
  };
  await restore.begin();
  cast(everything);
  assert.match((await reasonOf(restore.ended)).message, /read-back error at 0 B/);
  assertUnbootable(disk);
});

test("`written` does not read back", async () => {
  const { disk, restore, cast } = setUp({ verify: "written" });
  await restore.begin();
  cast(everything);
  assert.deepEqual(await restore.ended, image.entries);
  assert.equal(disk.calls.filter(({ call }) => call === "read").length, 0);
  assert.equal(restore.counters.bytesVerified, 0);
  assertCopy(disk);
});

test("a scan keeps what is right and wants the rest", async () => {
  const half = new FakeDisk(image.content);
  fill(half.content.subarray(2 * mib, 3 * mib), 99);
  fill(half.content.subarray(8 * mib, 9 * mib), 99);
  const { restore, cast, disk } = setUp({ disk: half });
  await restore.scan();
  assert.equal(restore.phase, "scanning");
  await restore.begin();
  const wanted = wantedOf(restore.wants());
  assert.deepEqual(
    wanted.map((entryIndex) => image.entries[entryIndex]?.chunkIndex),
    [2, 8],
    "what makes it bootable is known already, and goes last all the same",
  );
  assert(isBlank(disk, 0, mib), "not bootable meanwhile");
  cast(wanted);
  await restore.ended;
  assertCopy(disk);
  assert.equal(restore.counters.chunksKept, image.entries.length - 4);
  assert.equal(restore.counters.chunksWritten, 4);
});

test("a disk that is right already is not touched", async () => {
  const { restore, disk } = setUp({ disk: new FakeDisk(image.content) });
  await restore.scan();
  await restore.begin();
  assert.deepEqual(await restore.ended, image.entries);
  assert.deepEqual(
    disk.calls.filter(({ call }) => call !== "read"),
    [],
  );
  assert.equal(restore.counters.chunksKept, image.entries.length);
});

test("stopped in the middle, the disk does not start", async () => {
  const { restore, cast, disk, verdicts } = setUp();
  await restore.begin();
  cast([0, 1, 2, 3, lastEntry]);
  restore.stop(new RoomcastError("cancelled", "stopped by an operator", ""));
  const error = await reasonOf(restore.ended);
  assert.equal(error.code, "cancelled");
  assertUnbootable(disk);
  const writes = disk.calls.length;
  cast([5, 6]);
  await until(() => verdicts.includes("5 taken"));
  assert.equal(disk.calls.length, writes, "what still comes is let go, and nothing is written");
});

test("stopped while the boot chunks are written, the disk does not start", async () => {
  const { restore, cast, disk } = setUp();
  const reason = new RoomcastError("cancelled", "stopped at the PC", "");
  disk.onWrite = async (offset) => {
    if (offset !== 12 * mib) return;
    restore.stop(reason);
    await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await restore.begin();
  cast(everything);
  assert.equal(await reasonOf(restore.ended), reason);
  assertUnbootable(disk);
});

test("a larger disk loses the backup GPT of what it was", async () => {
  const targetBytes = diskBytes + 5 * mib;
  const { restore, cast, disk } = setUp({ targetBytes });
  await restore.begin();
  cast(everything);
  await restore.ended;
  assertCopy(disk);
  assert(isBlank(disk, targetBytes - 33 * 512, 33 * 512));
});

test("a chunk that comes twice is written once", async () => {
  const { restore, cast, disk } = setUp();
  await restore.begin();
  cast([1, 1, 1]);
  cast(everything);
  cast(everything);
  await restore.ended;
  const writes = disk.calls.filter(({ call, offset }) => call === "write" && offset === mib);
  assert.equal(writes.length, 1);
});

test("what is on the disk is discarded first, and the boot area stays empty meanwhile", async () => {
  const { disk, restore, cast } = setUp({ discard: true, targetBytes: diskBytes + 5 * mib });
  disk.hasDiscard = true;
  await restore.begin();
  assertUnbootable(disk);
  assert(
    disk.content.subarray(4 * mib, 5 * mib).every((byte) => byte === 0xd1),
    "discarded",
  );
  cast(everything);
  await restore.ended;
  assertCopy(disk);
  const firstWrite = disk.calls.findIndex(({ call }) => call === "write");
  const lastDiscard = disk.calls.findLastIndex(({ call }) => call === "discard");
  const emptied = disk.calls.findIndex(({ call }) => call === "flush");
  assert(emptied < lastDiscard && lastDiscard < firstWrite);
});

test("what comes while the disk is being emptied waits until it is, and is not written if that ends", async () => {
  for (const isStopped of [false, true]) {
    const { disk, restore, cast } = setUp({ discard: true });
    disk.hasDiscard = true;
    const wanted = wantedOf(restore.wants());
    const emptied = restore.begin();
    assert.deepEqual(wantedOf(restore.wants()), wanted, "a PC can be ready by then");
    assert.equal(restore.phase, "receiving");
    cast(everything);
    assert.equal(disk.calls.filter(({ call }) => call === "write").length, 0);
    if (isStopped) restore.stop(new RoomcastError("cancelled", "stopped", ""));
    await emptied;
    if (isStopped) await reasonOf(restore.ended);
    else await restore.ended;
    const firstWrite = disk.calls.findIndex(({ call }) => call === "write");
    if (isStopped) {
      assert.equal(firstWrite, -1);
      assertUnbootable(disk);
      continue;
    }
    assertCopy(disk);
    assert(disk.calls.findLastIndex(({ call }) => call === "discard") < firstWrite);
    assert(disk.calls.findIndex(({ call }) => call === "flush") < firstWrite);
  }
});

test("a disk without discard is none the worse", async () => {
  const { disk, restore, cast } = setUp({ discard: true });
  await restore.begin();
  cast(everything);
  await restore.ended;
  assertCopy(disk);
});

test("a disk that does not answer is told of, then failed by name, and nothing more is asked of it", async () => {
  const { disk, restore, cast } = setUp({ limits: { slow: 20, hung: 400 } });
  disk.onWrite = (offset) => (offset === 9 * mib ? new Promise<void>(() => {}) : undefined);
  await restore.begin();
  assert.equal(restore.trouble, null);
  cast(everything);
  await until(() => restore.trouble !== null);
  assert.match(restore.trouble ?? "", /not answered a write at 9\.4 MB \(byte 9437184\)/);
  assert.match(restore.trouble ?? "", /FAKE 1000, S1/);
  const error = await reasonOf(restore.ended);
  assert.match(error.message, /write error at 9\.4 MB .*the disk hangs.*FAKE 1000, S1/);
  assert.match(error.next, /off and on/);
  const asked = disk.calls.length;
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(disk.calls.length, asked);
});

test("a disk that answers late is told of no more", async () => {
  const { disk, restore, cast } = setUp({ limits: { slow: 10, hung: 60_000 } });
  let answer = (): void => {};
  disk.onWrite = (offset) =>
    offset === 3 * mib ? new Promise<void>((resolve) => (answer = resolve)) : undefined;
  await restore.begin();
  cast(everything);
  await until(() => restore.trouble !== null);
  answer();
  await restore.ended;
  assert.equal(restore.trouble, null);
  assertCopy(disk);
});

test("of a live cast, entries are wanted before they are known, and written when they are", async () => {
  const { disk, restore, cast } = setUp({ isLive: true });
  const all = image.entries.length;
  assert.deepEqual(
    wantedOf(restore.wants()),
    Array.from({ length: all }, (_, index) => index),
  );
  const announce = (from: number, to: number): void => {
    for (const [at, entry] of image.entries.slice(from, to).entries())
      restore.announce(from + at, entry);
  };
  announce(0, 2);
  await restore.begin();
  // One that is not known yet is let pass.
  cast([0, 1, 2]);
  await until(() => restore.counters.bytesReceived >= 2 * mib);
  assert.equal(restore.counters.bytesReceived, 2 * mib);
  assert.equal(restore.phase, "receiving");
  announce(1, all);
  cast(everything.filter((entryIndex) => entryIndex > 1));
  const entries = await restore.ended;
  assert.deepEqual(
    entries.map(({ sha256 }) => Buffer.from(sha256).toString("hex")),
    image.entries.map(({ sha256 }) => Buffer.from(sha256).toString("hex")),
  );
  assertCopy(disk);
});

test("of a live cast with --delta, the disk is looked at as entries become known", async () => {
  const { disk, restore, cast } = setUp({ isLive: true, disk: new FakeDisk(image.content) });
  disk.content[3 * mib] = (disk.content[3 * mib] as number) ^ 1;
  const scanned = restore.scan("wait");
  for (const [entryIndex, entry] of image.entries.entries()) {
    restore.announce(entryIndex, entry);
    if (entryIndex % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await scanned;
  await restore.begin();
  const wanted = wantedOf(restore.wants());
  assert.deepEqual(wanted, [image.entries.findIndex(({ chunkIndex }) => chunkIndex === 3)]);
  cast(wanted);
  await restore.ended;
  assertCopy(disk);
});
