import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { BlockDevice } from "../../../core/ports.ts";
import { bytes } from "../../../core/units/units.ts";
import { BusyTime, timedReads } from "../../../imaging/disk/busy-time.ts";
import { BusyMeter } from "../../../initrd/agent/meter.ts";

test("a disk is busy while a read is under way, however many there are, and at no other time", async () => {
  const waits: (() => void)[] = [];
  const disk: BlockDevice = {
    ...{ path: "/dev/x", size: bytes(1 << 20), logicalSector: 512 },
    read: () => new Promise<void>((resolve) => waits.push(resolve)),
    ...{ write: async () => {}, flush: async () => {} },
    async [Symbol.asyncDispose]() {},
  };
  const busy = new BusyTime();
  const timed = timedReads(disk, busy);
  assert.equal(busy.ms, 0);
  const began = performance.now();
  const first = timed.read(0, new Uint8Array(512));
  await sleep(30);
  const reads = [first, timed.read(512, new Uint8Array(512))];
  waits.shift()?.();
  await sleep(30);
  assert(busy.ms >= 50, "one of two is still under way");
  waits.shift()?.();
  await Promise.all(reads);
  const { ms } = busy;
  assert(ms <= performance.now() - began + 1);
  await sleep(30);
  assert.equal(busy.ms, ms, "it is idle");
  const failing = { ...disk, read: () => Promise.reject(new Error("no")) };
  await assert.rejects(timedReads(failing, busy).read(0, new Uint8Array(512)), /no/);
  const after = busy.ms;
  await sleep(20);
  assert.equal(busy.ms, after, "a read that failed is over, too");
});

test("how busy it is, as a fraction", () => {
  const meter = new BusyMeter();
  assert.equal(meter.take(0, 0), null);
  assert.equal(meter.take(250, 1000), 0.25);
  // The two clocks are not read at once.
  assert.equal(meter.take(10_000, 2000), 1);
});
