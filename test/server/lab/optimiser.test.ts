/** Which image is packed anew, when, and what is told of it; the store is the test's own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { RoomcastError } from "../../../core/errors.ts";
import type { Manifest } from "../../../core/image/types.ts";
import { optimiseStateText } from "../../../core/screen/optimise.ts";
import { decodeDailyWindow } from "../../../core/units/daily-window.ts";
import { Optimiser } from "../../../server/lab/optimiser.ts";
import type { RepackOptions, RepackOrder, RepackReport } from "../../../server/store/repack.ts";

const imageOf = (id: string): Manifest =>
  ({ id, name: id, version: 1, storedBytes: 1000, chunkCount: 10 }) as Manifest;
const [win, deb] = [imageOf("win"), imageOf("deb")];

class World {
  /** Kept over a restart of the server. */
  readonly ordered = new Map<string, RepackOrder>();
  readonly packed = new Map<string, number>();
  readonly images = [win, deb];
  readonly work: { id: string; options: RepackOptions; end(report: RepackReport | Error): void }[] =
    [];
  readonly threads: number[] = [];
  readonly notes: string[] = [];
  hour = 12;
  waitsFor: string | null = null;
  readonly logged: string[] = [];
  private tick = (): void => {};
  optimiser = this.start();

  start(): Optimiser {
    const window = decodeDailyWindow("22:00-06:00");
    assert(window.ok);
    const { ordered, packed } = this;
    const optimiser = new Optimiser({
      images: {
        ordered,
        isHere: () => true,
        list: () => [...this.images],
        storedBytes: ({ id, storedBytes }) => packed.get(id) ?? storedBytes,
        isPacked: (id) => packed.has(id),
        async order(id, how) {
          if (how === null) ordered.delete(id);
          else ordered.set(id, how);
        },
        repack: (id, options) =>
          new Promise((resolve, reject) => {
            const stop = (): void => reject(new RoomcastError("cancelled", "stopped", "again"));
            options.signal.addEventListener("abort", stop);
            const end = (report: RepackReport | Error): void => {
              if (report instanceof Error) return reject(report);
              packed.set(id, report.storedBytes);
              resolve(report);
            };
            this.work.push({ id, options, end });
          }),
      },
      openPackers: (threads) => {
        this.threads.push(threads);
        return { pack: () => Promise.reject(new Error("the store is none")), async close() {} };
      },
      waitsFor: () => this.waitsFor,
      window: window.value,
      wallClock: () => new Date(2026, 10, 28, this.hour),
      timers: {
        now: () => 0 as never,
        sleep: async () => {},
        every: (_, act) => {
          this.tick = act;
          return () => {};
        },
      },
      changed() {},
      note: (image, text) => void this.notes.push(`${image}: ${text}`),
      log: (fields, text) => void this.logged.push(`${fields.image}: ${text}`),
    });
    return optimiser;
  }

  async at(hour: number): Promise<void> {
    this.hour = hour;
    this.tick();
    await settled();
  }

  get begun(): string[] {
    return this.work.map(({ id, options }) => `${id} ${options.level}`);
  }

  states(): (string | undefined)[] {
    return [win, deb].map((image) => this.optimiser.view(image)?.state);
  }
}

const settled = () => sleep(5);

test("orders are done one after the other, and what was won is told", async () => {
  const world = new World();
  await world.optimiser.order(win, { level: 19, threads: 3 });
  await world.optimiser.order(deb, { level: 9, threads: null });
  assert.deepEqual(world.begun, ["win 19"]);
  assert.deepEqual(world.states(), ["working", "waiting"]);
  world.work[0]?.options.onProgress(4, 8);
  const view = world.optimiser.view(win);
  assert.deepEqual([view?.chunksDone, view?.chunksTotal], [4, 8]);
  world.work[0]?.end({ storedBytes: 850, damaged: 0 });
  await settled();
  assert.deepEqual(world.begun, ["win 19", "deb 9"]);
  assert.equal(world.threads[0], 3);
  assert.deepEqual(world.states(), ["done", "working"]);
  assert.equal(world.optimiser.view(win)?.savedBytes, 150);
  assert.match(world.notes[0] ?? "", /^win@1: win@1: 850 B instead of 1.0 kB, 15 % less; a room/);
  world.work[1]?.end({ storedBytes: 1000, damaged: 2 });
  await settled();
  assert.match(world.notes[1] ?? "", /no chunk would be smaller; 2 of its chunks are damaged/);
  assert.equal(world.ordered.size, 0);
});

test("while a session has PCs at work it is paused, says which one, and the store is told so", async () => {
  const world = new World();
  await world.optimiser.order(win, { level: 19, threads: null });
  assert.equal(world.work[0]?.options.isFree(), true);
  world.waitsFor = "session s7";
  assert.equal(world.work[0]?.options.isFree(), false);
  assert.deepEqual(world.states(), ["paused", undefined]);
  const view = world.optimiser.view(win);
  assert.equal(view?.reason, "session s7");
  assert.equal(optimiseStateText(view), "0 %, paused for session s7");
});

test("at night all that nobody named are packed, unless a session has PCs at work, which is said; in the morning it ends", async () => {
  const world = new World();
  world.waitsFor = "session s7";
  await world.at(21);
  assert.deepEqual([world.states(), world.logged], [[undefined, undefined], []]);
  await world.at(23);
  await world.at(23);
  assert.deepEqual(world.begun, []);
  assert.deepEqual(world.states(), ["waiting", "waiting"]);
  assert.equal(optimiseStateText(world.optimiser.view(win)), "waits for session s7");
  assert.deepEqual(world.logged, [
    "win@1: images wait to be packed anew: session s7 has PCs at work",
  ]);
  world.waitsFor = null;
  await world.at(23);
  assert.deepEqual(world.begun, ["win 19"]);
  world.work[0]?.end({ storedBytes: 900, damaged: 0 });
  await settled();
  assert.deepEqual(world.begun, ["win 19", "deb 19"]);
  await world.at(6);
  assert.equal(world.work[1]?.options.signal.aborted, true);
  assert.deepEqual(world.states(), ["done", undefined]);
  await world.at(12);
  assert.equal(world.work.length, 2);
  await world.at(22);
  assert.deepEqual(world.begun.slice(2), ["deb 19"]);
});

test("an order goes on by day, and as it was given after the server was restarted", async () => {
  const world = new World();
  await world.optimiser.order(win, { level: 12, threads: 5 });
  await world.at(6);
  assert.equal(world.work[0]?.options.signal.aborted, false);
  await world.optimiser.close();
  assert.equal(world.work[0]?.options.signal.aborted, true);
  assert.deepEqual(world.notes, []);
  world.optimiser = world.start();
  world.optimiser.resume();
  assert.deepEqual(world.begun, ["win 12", "win 12"]);
  assert.deepEqual(world.threads, [5, 5]);
});

test("what is stopped stays so, also at night; what failed is told, and tried when it is ordered again", async () => {
  const world = new World();
  await world.at(23);
  await world.optimiser.stop(win);
  await settled();
  assert.deepEqual(world.begun, ["win 19", "deb 19"]);
  assert.deepEqual(world.states(), [undefined, "working"]);
  world.work[1]?.end(new Error("the disk is full"));
  await settled();
  assert.deepEqual(world.states(), [undefined, "failed"]);
  assert.equal(world.optimiser.view(deb)?.reason, "the disk is full");
  await world.at(23);
  assert.equal(world.work.length, 2);
  await world.optimiser.order(deb, { level: 19, threads: null });
  assert.deepEqual(world.begun.slice(2), ["deb 19"]);
  assert.deepEqual(world.states(), [undefined, "working"]);
});

test("an image that is deleted meanwhile is no failure", async () => {
  const world = new World();
  await world.optimiser.order(win, { level: 19, threads: null });
  world.images.shift();
  world.ordered.clear();
  world.work[0]?.end(new RoomcastError("not-found", "there is no image win", "see"));
  await settled();
  assert.deepEqual([world.notes, world.states()], [[], [undefined, undefined]]);
});
