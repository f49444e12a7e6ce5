import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { lately } from "../../server/lately.ts";

/** A disk whose answers come when the test says so, and a patience that ends likewise. */
function site() {
  const reads: PromiseWithResolvers<number>[] = [];
  const waits: PromiseWithResolvers<void>[] = [];
  const next = <T>(list: PromiseWithResolvers<T>[]): Promise<T> => {
    const made = Promise.withResolvers<T>();
    list.push(made);
    return made.promise;
  };
  const clock = { at: 0, now: () => clock.at, wait: () => next(waits) };
  return { ask: lately(() => next(reads), 20, clock), reads, waits, clock };
}

test("the first answer is waited for, however long", async () => {
  const { ask, reads, waits } = site();
  const asked = ask();
  assert.equal(waits.length, 0);
  reads[0]?.resolve(1);
  assert.equal(await asked, 1);
});

test("an answer in time is the new one, and a late one is the one before", async () => {
  const { ask, reads, waits } = site();
  const first = ask();
  reads[0]?.resolve(1);
  await first;
  const inTime = ask();
  reads[1]?.resolve(2);
  assert.equal(await inTime, 2);
  const late = ask();
  waits[1]?.resolve();
  assert.equal(await late, 2);
  // Whoever asks meanwhile waits for the same answer.
  const again = ask();
  assert.equal(reads.length, 3);
  reads[2]?.resolve(3);
  assert.equal(await again, 3);
});

test("a disk that was late is asked again and not waited for, while what it said is recent", async () => {
  const { ask, reads, waits, clock } = site();
  const first = ask();
  clock.at = 21;
  reads[0]?.resolve(1);
  assert.equal(await first, 1);
  clock.at = 1021;
  assert.equal(await ask(), 1);
  assert.deepEqual([reads.length, waits.length], [2, 0]);
  // It answers within the patience now: who asks next is told what it says, and not what it said.
  clock.at = 1041;
  reads[1]?.resolve(2);
  await turn();
  const inTime = ask();
  reads[2]?.resolve(3);
  assert.equal(await inTime, 3);
});

test("what a late disk said too long ago is not told without waiting for what it says now", async () => {
  const { ask, reads, waits, clock } = site();
  const first = ask();
  clock.at = 21;
  reads[0]?.resolve(1);
  await first;
  clock.at = 1022;
  const asked = ask();
  assert.equal(waits.length, 1);
  reads[1]?.resolve(2);
  assert.equal(await asked, 2);
});

test("a disk that cannot say it is asked anew", async () => {
  const { ask, reads, waits } = site();
  const first = ask();
  reads[0]?.reject(new Error("no"));
  await assert.rejects(first, /no/);
  const second = ask();
  reads[1]?.resolve(2);
  assert.equal(await second, 2);
  const late = ask();
  waits[0]?.resolve();
  assert.equal(await late, 2);
  reads[2]?.reject(new Error("no"));
});
