/** Versions that are made to fit, with a program of the test's own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { ImageView } from "../../../core/wire/views.ts";
import { type FitEvents, type FitOrder, Fits } from "../../../server/lab/fits.ts";
import { imageOf } from "../../client/console/fake-lab.ts";

const gb = 1e9;
const master = imageOf(3, {
  ...{ id: "m", name: "win11", diskBytes: 256 * gb, usedBytes: 60 * gb },
  partitions: [
    {
      ...{ index: 1, type: "0x7", fs: "ntfs", label: null, uuid: null, mode: "used" },
      ...{ start: 2 ** 20, size: 250 * gb, usedBytes: 60 * gb },
    },
  ],
});

class World {
  images: ImageView[] = [master];
  now = 0;
  readonly started: (FitOrder & { readonly events: FitEvents; isStopped: boolean })[] = [];
  readonly due: (() => void)[] = [];
  readonly fits = new Fits({
    images: () => this.images,
    start: (order, events) => {
      const work = { ...order, events, isStopped: false };
      this.started.push(work);
      return {
        async stop() {
          work.isStopped = true;
        },
      };
    },
    timers: {
      now: () => this.now as never,
      later: (_, act) => {
        this.due.push(act);
        return () => {};
      },
    },
  });

  /** What somebody who wants it is told. */
  want(diskBytes: number): { said: string[]; withdraw(): void } {
    const said: string[] = [];
    const withdraw = this.fits.want(
      { image: "m", diskBytes },
      {
        progress: ({ fraction, secondsLeft }) =>
          void said.push(`${fraction?.toFixed(2)} ${secondsLeft?.toFixed(0)}`),
        fitted: ({ fitSize }) => void said.push(`fitted ${fitSize}`),
        failed: (reason) => void said.push(`failed: ${reason}`),
      },
    );
    return { said, withdraw };
  }

  make(size: string, diskBytes: number): void {
    const partitions = master.partitions.map((each) => ({ ...each, size: 60 * gb }));
    const made = { id: size, fitOf: "m", fitSize: size, diskBytes, partitions };
    this.images = [...this.images, { ...master, ...made }];
  }

  end(at: number, failure: string | null): void {
    this.started[at]?.events.ended(failure);
    this.pass();
  }

  pass(): void {
    for (const act of this.due.splice(0)) act();
  }

  get sizes(): string[] {
    return this.started.map(({ size, isStopped }) => `${size}${isStopped ? " stopped" : ""}`);
  }
}

test("who wants the same class of disks shares the work and its progress, and all are told", () => {
  const world = new World();
  const one = world.want(240_057_409_536);
  world.now = 60_000;
  world.started[0]?.events.progress("reading", 1, 2);
  const other = world.want(240_000_000_000);
  assert.deepEqual(world.sizes, ["240GB"]);
  assert.deepEqual(other.said, ["0.36 107"]);
  world.make("240GB", 240 * gb);
  world.end(0, null);
  assert.equal(one.said.at(-1), "fitted 240GB");
  assert.equal(other.said.at(-1), "fitted 240GB");
  assert.deepEqual(
    world.want(250 * gb).said,
    ["fitted 240GB"],
    "one that is there is used at once",
  );
  assert.deepEqual(world.sizes, ["240GB"]);
});

test("the work ends with the last who wants it, and not before", () => {
  const world = new World();
  const [one, other] = [world.want(240 * gb), world.want(240 * gb)];
  one.withdraw();
  assert.deepEqual(world.sizes, ["240GB"]);
  other.withdraw();
  assert.deepEqual(world.sizes, ["240GB stopped"]);
  world.make("240GB", 240 * gb);
  world.end(0, null);
  assert.deepEqual([one.said.length, other.said.length], [1, 1], "nobody is told any more");
});

test("a class that is a little too small: the disk's exact size is tried, and then no other", () => {
  const world = new World();
  const { said } = world.want(240_057_409_536);
  world.images = [{ ...master, leastDiskBytes: 240_010_000_000 }];
  world.end(0, "the smallest this image can be is 240.0 GB");
  assert.deepEqual(world.sizes, ["240GB", "240057409536"]);
  world.end(1, "e2fsck ended with 4");
  assert.equal(said.at(-1), "failed: e2fsck ended with 4");
  assert.equal(world.started.length, 2);
});

test("a failure is told in the words of the work", () => {
  const world = new World();
  const { said } = world.want(100 * gb);
  world.images = [{ ...master, leastDiskBytes: 118 * gb }];
  world.end(0, "the smallest this image can be is 118.0 GB (partition 2 has XFS)");
  assert.equal(
    said.at(-1),
    "failed: the smallest this image can be is 118.0 GB (partition 2 has XFS)",
  );
  assert.match(
    world.want(100 * gb).said[0] ?? "",
    /^failed: the smallest this image can be is 118/,
  );
  assert.equal(world.started.length, 1, "what is known to be impossible is not tried");
});

test("versions are made one after the other, and the next when the files of the last are gone", async () => {
  const world = new World();
  const first = world.want(240 * gb);
  const second = world.want(128 * gb);
  const third = world.want(120 * gb);
  const fourth = world.want(100 * gb);
  assert.deepEqual(world.sizes, ["240GB"]);
  assert.deepEqual(second.said, ["undefined undefined"]);
  world.make("240GB", 240 * gb);
  world.end(0, null);
  assert.equal(first.said.at(-1), "fitted 240GB");
  assert.deepEqual(world.sizes, ["240GB", "128GB"]);
  // Who gives up while it waits leaves nothing to be stopped.
  third.withdraw();
  second.withdraw();
  assert.deepEqual(world.sizes, ["240GB", "128GB stopped"]);
  await turn();
  assert.deepEqual(world.sizes, ["240GB", "128GB stopped", "100GB"]);
  world.now = 60_000;
  world.started[2]?.events.progress("reading", 1, 2);
  assert.equal(fourth.said.at(-1), "0.36 107");
});

test("somebody else was quicker: its version is taken", () => {
  const world = new World();
  const { said } = world.want(240 * gb);
  world.make("223GiB", 239 * gb);
  world.end(0, "there is a version of this size already");
  assert.equal(said.at(-1), "fitted 223GiB");
});

test("work that says that it is done, and has left nothing, is a failure", () => {
  const world = new World();
  const { said } = world.want(240 * gb);
  world.end(0, null);
  assert.match(said.at(-1) ?? "", /^failed: the version that was made is not in the store/);
  assert.equal(world.started.length, 1);
});

test("a server that ends stops the work and takes no failure for one", async () => {
  const world = new World();
  const { said } = world.want(240 * gb);
  world.started[0]?.events.ended("it was stopped");
  await world.fits.close();
  world.pass();
  assert.deepEqual(said, ["undefined undefined"]);
  assert.deepEqual(world.sizes, ["240GB stopped"]);
  world.want(128 * gb);
  assert.equal(world.started.length, 1, "nothing is begun any more");
});

test("whoever waits for it: done, failed in words, or called off", async () => {
  const world = new World();
  const { signal } = new AbortController();
  const wish = { image: "m", diskBytes: 240 * gb };
  const failing = world.fits.ready(wish, signal);
  world.end(0, "no space");
  await assert.rejects(failing, /^RoomcastError: the image could not be made to fit: no space$/);
  const stop = new AbortController();
  const stopped = world.fits.ready(wish, stop.signal);
  stop.abort(new Error("the server ends"));
  await assert.rejects(stopped, /the server ends/);
  assert.deepEqual(world.sizes, ["240GB", "240GB stopped"]);
  const ready = world.fits.ready(wish, signal);
  world.make("240GB", 240 * gb);
  world.end(2, null);
  await ready;
  await assert.rejects(
    world.fits.ready({ ...wish, image: "gone" }, signal),
    /the image is not there any more/,
  );
});
