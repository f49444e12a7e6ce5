import assert from "node:assert/strict";
import { test } from "node:test";
import { inLanes } from "../../../core/lanes.ts";
import { millis } from "../../../core/units/units.ts";
import { PackLevel } from "../../../imaging/capture/pack-level.ts";

/** Milliseconds that a chunk of 1 MiB takes a core at each level of zstd, from 1, and its share of the raw bytes. */
const coreMs = [2.5, 3, 4.2, 4.6, 7, 9.5, 13, 17, 20];
const share = [0.4, 0.39, 0.38, 0.375, 0.37, 0.365, 0.36, 0.358, 0.355];
const lanes = 16;

/** So many servers, on a clock that jumps to what happens next. */
class Servers {
  private readonly at: number[];
  private readonly clock: Clock;

  constructor(clock: Clock, count: number) {
    this.clock = clock;
    this.at = Array.from({ length: count }, () => 0);
  }

  take(ms: number): Promise<void> {
    const first = this.at.indexOf(Math.min(...this.at));
    const end = Math.max(this.clock.now, this.at[first] as number) + ms;
    this.at[first] = end;
    return this.clock.until(end);
  }
}

class Clock {
  now = 0;
  private readonly waiting: { readonly at: number; wake(): void }[] = [];

  until(at: number): Promise<void> {
    return new Promise((wake) => this.waiting.push({ at, wake }));
  }

  async run(work: Promise<void>): Promise<void> {
    let isDone = false;
    void work.then(() => {
      isDone = true;
    });
    while (!isDone) {
      await new Promise(setImmediate);
      this.waiting.sort((one, other) => one.at - other.at);
      const next = this.waiting.shift();
      if (next === undefined) continue;
      this.now = next.at;
      next.wake();
    }
  }
}

/** As an `Outbox`: whoever has a chunk to send waits until fewer than two uploads are on their way. */
class Uploads {
  private readonly link: Servers;
  private readonly together: number | null;
  private waiting: number[] = [];
  private readonly under = new Set<Promise<void>>();

  constructor(link: Servers, together: number | null) {
    this.link = link;
    this.together = together;
  }

  async send(ms: number): Promise<void> {
    if (this.together === null) return this.link.take(ms);
    this.waiting.push(ms);
    if (this.waiting.length >= this.together) {
      const upload = this.link.take(this.waiting.reduce((sum, each) => sum + each, 0));
      this.waiting = [];
      this.under.add(upload);
      void upload.then(() => this.under.delete(upload));
    }
    while (this.under.size >= 2) await Promise.race(this.under);
  }
}

/** A capture of 1 GiB on such a machine: its levels, and how long it took. */
async function captured(machine: {
  readonly cores: number;
  /** MB/s of raw bytes. */
  readonly disk: number;
  /** MB/s of stored bytes. */
  readonly link: number;
  /** Uploads of so many chunks, two at once; by default each chunk goes by itself. */
  readonly together?: number;
  /** Packs at this level alone. */
  readonly always?: number;
}): Promise<{ readonly levels: readonly number[]; readonly ms: number }> {
  const clock = new Clock();
  const cores = new Servers(clock, machine.cores);
  const disk = new Servers(clock, 1);
  const link = new Servers(clock, 1);
  const outbox = new Uploads(link, machine.together ?? null);
  const packing = new PackLevel(machine.cores, lanes, () => millis(clock.now));
  const levels: number[] = [];
  await clock.run(
    inLanes(Array(1024).keys(), lanes, async () => {
      await disk.take(1049 / machine.disk);
      await packing.during(() => cores.take(0.7));
      const level = machine.always ?? packing.level;
      levels.push(level);
      await packing.during(() => cores.take(coreMs[level - 1] as number));
      packing.packed();
      await outbox.send((1049 * (share[level - 1] as number)) / machine.link);
    }),
  );
  return { levels, ms: clock.now };
}

test("a link that is slower than the cores has chunks packed as small as they become", async () => {
  const machine = { cores: 4, disk: 500, link: 11 };
  const { levels, ms } = await captured(machine);
  assert.equal(levels.at(-1), 9);
  assert(ms < (await captured({ ...machine, always: 1 })).ms, "and it is done sooner");
});

test("a link that takes many chunks at once leaves the cores as free as one that takes them singly", async () => {
  for (const cores of [2, 4]) {
    const machine = { cores, disk: 500, link: 6, together: 10 };
    const { levels, ms } = await captured(machine);
    assert.equal(levels.at(-1), 9, `${cores} cores`);
    assert(ms < (await captured({ ...machine, always: 1 })).ms, "and it is done sooner");
  }
});

test("a disk that is slower than the cores costs the same time at the highest level", async () => {
  const machine = { cores: 8, disk: 150, link: 112 };
  const { levels, ms } = await captured(machine);
  assert.equal(levels.at(-1), 9);
  assert(ms < 1.02 * (await captured({ ...machine, always: 1 })).ms);
});

test("where the cores are what a capture waits for, it stays at the lowest", async () => {
  const machine = { cores: 2, disk: 3000, link: 1100 };
  const { levels, ms } = await captured(machine);
  assert(levels.every((level) => level === 1));
  assert.equal(ms, (await captured({ ...machine, always: 1 })).ms);
});

test("between them a level is found that costs little time, and more is won than at the lowest", async () => {
  const machine = { cores: 4, disk: 600, link: 112 };
  const { levels, ms } = await captured(machine);
  assert((levels.at(-1) as number) > 1, `${levels.at(-1)}`);
  assert(ms < 1.1 * (await captured({ ...machine, always: 1 })).ms, `${ms}`);
});
