/**
 * The power is cut at each call to the disk while partitions move and one grows: what the table names is
 * whole, and holds what it held.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readPhysicalVolume } from "../../../core/image/lvm.ts";
import { readPartitionTable } from "../../../core/image/partition-table.ts";
import type { PartitionRecord } from "../../../core/image/types.ts";
import { layOut } from "../../../imaging/fit/fit-disk.ts";
import { growVolume } from "../../../imaging/fit/volumes.ts";
import { sourceOf } from "../../core/image/bytes.ts";
import { group, linear, logical, segment, volumeWith } from "../../core/image/lvm-volume.ts";
import { FakeDisk, fill } from "../restore/fake-disk.ts";

const mib = 1 << 20;

/** A disk with this sfdisk script; each partition full of bytes of its own. */
function diskOf(script: string, sizeMib: number): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-move-"));
  try {
    const path = join(folder, "disk");
    writeFileSync(path, "");
    truncateSync(path, sizeMib * mib);
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
    execFileSync("sfdisk", ["-q", path], { input: `${script.replaceAll(";", "\n")}\n`, env });
    return new Uint8Array(readFileSync(path));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const tableOf = (content: Uint8Array) =>
  readPartitionTable({
    diskBytes: content.length,
    logicalSector: 512,
    read: async (offset, length) => content.slice(offset, offset + length),
  });

const sum = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

class PowerCut extends Error {}

/** A disk that is cut off at its call number `last`: of a write the first half arrives. */
class CutDisk extends FakeDisk {
  last = Number.POSITIVE_INFINITY;
  count = 0;

  private cut(half: () => void): void {
    if (++this.count === this.last) half();
    if (this.count >= this.last) throw new PowerCut();
  }
  override async write(offset: number, data: Uint8Array): Promise<void> {
    const half = Math.floor(data.length / 1024) * 512;
    this.cut(() => this.content.set(data.subarray(0, half), offset));
    await super.write(offset, data);
  }
  override async zero(offset: number, length: number): Promise<void> {
    this.cut(() => this.content.fill(0, offset, offset + Math.floor(length / 1024) * 512));
    await super.zero(offset, length);
  }
  override async discard(offset: number, length: number): Promise<boolean> {
    this.cut(() => this.content.fill(0xd1, offset, offset + Math.floor(length / 2)));
    return super.discard(offset, length);
  }
  override async flush(): Promise<void> {
    this.cut(() => {});
    await super.flush();
  }
  override async read(offset: number, into: Uint8Array): Promise<void> {
    this.cut(() => {});
    await super.read(offset, into);
  }
}

for (const { name, script, fs } of [
  {
    name: "a GPT, two partitions behind",
    script: "label: gpt;start=2048,size=2M,type=linux;size=1M,type=linux;size=1M,type=swap",
    fs: ["ext4", "ext4", "swap"],
  },
  {
    name: "an MBR, an extended partition behind",
    script:
      "label: dos;start=2048,size=2M,type=83;size=4M,type=5;start=8192,size=1M,type=83;start=12288,size=1M,type=82",
    fs: ["ext4", "ext4", "swap"],
  },
] as const) {
  test(`the power is cut at each call: ${name}`, async () => {
    const small = diskOf(script, 8);
    const { kind, partitions } = await tableOf(small);
    for (const { index, start, size } of partitions)
      fill(small.subarray(start, start + size), index);
    const records = partitions.map((each, order) => ({
      ...each,
      fs: fs[order],
      label: null,
    })) as unknown as PartitionRecord[];
    const large = new Uint8Array(14 * mib).fill(0x77);
    large.set(small);
    const held = new Map(
      partitions.map(({ index, start, size }) => [index, sum(small.subarray(start, start + size))]),
    );
    const assertWhole = async (content: Uint8Array, what: string): Promise<number> => {
      const found = await tableOf(content);
      assert.equal(found.partitions.length, partitions.length, what);
      for (const { index, start } of found.partitions) {
        const size = partitions.find((each) => each.index === index)?.size ?? 0;
        const data = content.subarray(start, start + size);
        assert.equal(sum(data), held.get(index), `${what}: partition ${index}`);
      }
      return found.partitions[0]?.size ?? 0;
    };
    const run = async (
      last: number,
    ): Promise<{ disk: CutDisk; isCut: boolean; steps: string[] }> => {
      const disk = new CutDisk(large);
      disk.hasDiscard = true;
      disk.last = last;
      const steps: string[] = [];
      try {
        await layOut(disk, {
          manifest: {
            ...{ diskBytes: small.length, logicalSector: 512 },
            ...{ partitionTable: kind, partitions: records },
          },
          entries: Array.from({ length: 8 }, (_, chunkIndex) => ({ chunkIndex })),
          grow: "auto",
          beyond: new Map(),
          signal: new AbortController().signal,
          said: ({ name, result }) => steps.push(`${name}: ${result}`),
        });
        return { disk, isCut: false, steps };
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
        return { disk, isCut: true, steps };
      }
    };
    const whole = await run(Number.POSITIVE_INFINITY);
    assert(
      whole.steps.filter((step) => /^move.*done$/.test(step)).length >= 1,
      String(whole.steps),
    );
    assert((await assertWhole(whole.disk.content, "at the end")) > 6 * mib, "it has grown");
    for (let last = 1; last <= whole.disk.count; last++) {
      const { disk, isCut } = await run(last);
      assert(isCut);
      await assertWhole(disk.content, `cut at call ${last} of ${whole.disk.count}`);
    }
  });
}

test("a disk that is larger by a few sectors gets a whole backup GPT, over the former one", async () => {
  const small = diskOf("label: gpt;start=2048,size=1M,type=linux", 4);
  const { kind, partitions } = await tableOf(small);
  const records = partitions.map((each) => ({ ...each, fs: "vfat", label: null }));
  for (const sectors of [1, 2, 32, 33, 34, 100]) {
    const large = new Uint8Array(small.length + sectors * 512).fill(0x77);
    large.set(small);
    const disk = new FakeDisk(large);
    await layOut(disk, {
      manifest: {
        ...{ diskBytes: small.length, logicalSector: 512, partitionTable: kind },
        partitions: records as unknown as PartitionRecord[],
      },
      entries: [],
      grow: "auto",
      beyond: new Map(),
      signal: new AbortController().signal,
      said: () => {},
    });
    const table = await tableOf(disk.content);
    assert.deepEqual([table.partitions, table.warnings], [partitions, []], `${sectors} sectors`);
    const former = disk.content.subarray(small.length - 512, small.length - 504);
    const isGone = !Buffer.from(former).equals(Buffer.from("EFI PART"));
    assert(isGone, "the former header is not found where it was");
  }
});

test("a table that was on the master and cannot be read on the copy is a failed step", async () => {
  const master = diskOf("label: gpt;start=2048,size=1M,type=linux", 4);
  const { kind, partitions } = await tableOf(master);
  const copy = master.slice(0, 3 * mib);
  copy.fill(0x55, 512, 1024);
  const said: string[] = [];
  const fitting = layOut(new FakeDisk(copy), {
    manifest: {
      ...{ diskBytes: master.length, logicalSector: 512, partitionTable: kind },
      partitions: partitions as unknown as PartitionRecord[],
    },
    entries: [],
    beyond: new Map(),
    grow: "auto",
    signal: new AbortController().signal,
    said: ({ name, result }) => void said.push(`${name}: ${result}`),
  });
  await assert.rejects(fitting, { code: "failed", message: /no partition table that can be read/ });
  assert.deepEqual(said, ["partition table: failed"]);
});

test("a disk that gives back something else is found before the table names the new place", async () => {
  const small = diskOf("label: gpt;start=2048,size=6M,type=linux;size=2M,type=linux", 10);
  const { partitions } = await tableOf(small);
  const records = partitions.map((each) => ({ ...each, fs: "ext4", label: null }));
  const large = new Uint8Array(20 * mib);
  large.set(small);
  const disk = new FakeDisk(large);
  disk.onWrite = (offset, data) => {
    if (offset >= 12 * mib && data.length === mib) data[4711] = 1 ^ (data[4711] ?? 0);
  };
  await assert.rejects(
    layOut(disk, {
      manifest: {
        ...{ diskBytes: small.length, logicalSector: 512 },
        partitionTable: "gpt",
        partitions: records as unknown as PartitionRecord[],
      },
      entries: Array.from({ length: 10 }, (_, chunkIndex) => ({ chunkIndex })),
      grow: "auto",
      beyond: new Map(),
      signal: new AbortController().signal,
      said: () => {},
    }),
    /gives back something else/,
  );
  assert.deepEqual((await tableOf(disk.content)).partitions, partitions);
});

test("the power is cut at each call: two logical volumes behind the one that grows", async () => {
  const sizes: Readonly<Record<string, number>> = { root: 3 * mib, home: 2 * mib, swap: mib };
  const text = group([
    logical("root", [segment(1, 0, 3, linear(0))]),
    logical("home", [segment(1, 0, 2, linear(3))]),
    logical("swap", [segment(1, 0, 1, linear(5))]),
  ])
    .replace(/pv1 \{[^}]*\}/, "")
    .replace("pe_count = 60", "pe_count = 7")
    .replace("seqno = 3", 'seqno = 3 status = ["RESIZEABLE", "READ", "WRITE"]');
  const large = new Uint8Array(13 * mib).fill(0x77);
  large.set(volumeWith(text).subarray(0, 8 * mib));
  for (let at = mib; at < 7 * mib; at += mib) fill(large.subarray(at, at + mib), at / mib);
  const sumsOf = async (content: Uint8Array): Promise<Record<string, string>> => {
    const found = await readPhysicalVolume(sourceOf(content));
    assert(found.ok, found.ok ? "" : found.reason);
    const volumes = found.value.logicalVolumes.map(({ name, parts: [part] }) => {
      const start = part?.start ?? 0;
      return [name, sum(content.subarray(start, start + (sizes[name] ?? 0)))];
    });
    return Object.fromEntries(volumes);
  };
  const before = await sumsOf(large);
  const run = async (last: number): Promise<CutDisk> => {
    const disk = new CutDisk(large);
    disk.hasDiscard = true;
    disk.last = last;
    const grown = await growVolume(disk, {
      used: [{ start: 0, length: 8 * mib }],
      signal: new AbortController().signal,
      fileSystemOf: async ({ length }) => (length === mib ? "swap" : "ext4"),
    }).catch((error: unknown) => {
      if (!(error instanceof PowerCut)) throw error;
      return null;
    });
    assert(last <= disk.count || (typeof grown === "object" && grown?.place.size === 9 * mib));
    return disk;
  };
  const whole = await run(Number.POSITIVE_INFINITY);
  assert.deepEqual(await sumsOf(whole.content), before);
  for (let last = 1; last <= whole.count; last++) {
    const { content } = await run(last);
    assert.deepEqual(await sumsOf(content), before, `cut at call ${last} of ${whole.count}`);
  }
});
