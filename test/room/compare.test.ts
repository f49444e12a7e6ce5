import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { compareDisks } from "./compare.ts";

const mib = 1024 * 1024;
const fill = 0xa5;
const free = [
  { start: mib + 4096, end: mib + 65536 },
  { start: 2 * mib - 8192, end: 3 * mib },
];
let folder = "";
const master = Buffer.alloc(3 * mib + 512, "the master's own bytes");

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-compare-"));
  await writeFile(join(folder, "master"), master);
});
after(() => rm(folder, { recursive: true }));

async function faultsOf(change: (clone: Buffer) => Buffer): Promise<readonly string[]> {
  await writeFile(join(folder, "clone"), change(Buffer.from(master)));
  const disks = { master: join(folder, "master"), clone: join(folder, "clone") };
  return (await compareDisks(disks, free, fill)).faults;
}

test("equal disks have no faults", async () => {
  assert.deepEqual(await faultsOf((clone) => clone), []);
});

test("free blocks may hold zeroes, what was there before, or what the master has", async () => {
  const allowed = await faultsOf((clone) => {
    clone.fill(0, mib + 4096, mib + 8192);
    clone.fill(fill, mib + 8192, mib + 65536);
    return clone.fill(fill, 2 * mib - 8192, 3 * mib);
  });
  assert.deepEqual(allowed, []);
});

test("free blocks may hold nothing else", async () => {
  const faults = await faultsOf((clone) => clone.fill(1, 2 * mib, 2 * mib + 512));
  assert.deepEqual(faults, [
    `free sector at offset ${2 * mib} holds what is neither old nor the master's`,
  ]);
});

test("one wrong byte beside a free block is found", async () => {
  for (const at of [0, mib + 4095, mib + 65536, 2 * mib - 8193, 3 * mib, 3 * mib + 511]) {
    const faults = await faultsOf((clone) => {
      clone[at] = 0xff;
      return clone.fill(0, 2 * mib - 8192, 3 * mib);
    });
    assert.deepEqual(faults, [`used bytes differ from offset ${at} on`]);
  }
});

test("a clone that is too short is found", async () => {
  const [first, second] = await faultsOf((clone) => clone.subarray(0, 3 * mib));
  assert.match(first ?? "", /the clone has 3145728 bytes, the master 3146240/);
  assert.match(second ?? "", /used bytes differ from offset 3145728/);
});
