/**
 * Servers of a campus that capture, read, fetch, evict and delete images while processes are killed between any two
 * steps, the power goes, and database and storage fail: every image that was committed and not deleted can be read in
 * full from every server. SEED=N replays one, SEEDS=N runs as many.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { RoomcastError } from "../../../core/errors.ts";
import { imageName } from "../../../core/image/manifest.ts";
import type { Manifest } from "../../../core/image/types.ts";
import type { CampusStore } from "../../../server/campus/campus-store.ts";
import type { Bus } from "../../lab/files.ts";
import { seeded } from "../../sim/random.ts";
import { capture, captureWith, cellsOf, Site, until, World } from "./site.ts";

const seedCount = Number(process.env.SEEDS ?? 6);
const onlySeed = Number(process.env.SEED ?? 0);
const rounds = 4;
const actionsARound = 8;
/** Opening takes some thirty steps, and what an action does to disk, database and storage some hundred. */
const mostSteps = 250;
const hourMs = 3_600_000;

const quiet = { signal: new AbortController().signal, onProgress() {} };

/** A process of a server, which may be killed between any two of its steps. */
class Process {
  readonly killed: Promise<"killed">;
  store: CampusStore | null = null;
  private left = Number.POSITIVE_INFINITY;
  private kill: () => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<"killed">();
    this.killed = promise;
    this.kill = () => resolve("killed");
  }

  readonly bus: Bus = {
    done: async (work) => {
      if (this.left-- > 0) return work();
      this.kill();
      return new Promise(() => {});
    },
  };

  dieAfter(steps: number): void {
    this.left = steps;
    if (steps === 0) this.kill();
  }

  get isDead(): boolean {
    return this.left < 0 || this.left === 0;
  }
}

class Campus {
  readonly world: World;
  readonly random: () => number;
  readonly sites: Site[];
  readonly processes: Process[] = [];
  /** What every image that was said to be committed is made of, by its id. */
  readonly alive = new Map<
    string,
    { readonly image: Manifest; readonly cells: readonly string[] }
  >();
  readonly deleted = new Set<string>();
  /** By NAME@VERSION, every image that was ever seen. */
  readonly names = new Map<string, string>();
  /** What captures were of that nobody said to be committed. */
  readonly begun: (readonly string[])[] = [];

  constructor(seed: number) {
    this.random = seeded(seed);
    this.world = new World({ sealed: this.random() < 0.3 });
    this.sites = ["alpha", "beta", "gamma"].map((name) => {
      const site = new Site(this.world, name, seed);
      site.cacheBytes = this.random() < 0.6 ? Math.floor(this.random() * 1500) : null;
      return site;
    });
  }

  below(count: number): number {
    return Math.floor(this.random() * count);
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }

  /** Starts a process where there is none. */
  async open(at: number): Promise<CampusStore | null> {
    const before = this.processes[at];
    if (before !== undefined && !before.isDead) return before.store;
    const process = new Process();
    this.processes[at] = process;
    if (this.random() < 0.2) process.dieAfter(this.below(60));
    const opening = (this.sites[at] as Site).open(process.bus);
    const opened = await this.inTime(Promise.race([opening, process.killed]), "opening");
    process.store = opened === "killed" ? null : opened;
    return process.store;
  }

  /** Does it at one server, which may be killed meanwhile. Null: it was, or could not do it. */
  async at<T>(index: number, work: (store: CampusStore) => Promise<T>): Promise<T | null> {
    const store = await this.open(index);
    const process = this.processes[index] as Process;
    if (store === null || process.isDead) return null;
    if (this.random() < 0.3) process.dieAfter(this.below(mostSteps));
    const done = work(store).catch((error: unknown) => {
      // What is away, and what came damaged from the storage while faults are on.
      if (error instanceof RoomcastError) return null;
      throw error;
    });
    const end = await this.inTime(Promise.race([done, process.killed]), String(work));
    return end === "killed" ? null : end;
  }

  /** Rejects where nothing comes of it, whatever else is done meanwhile. */
  private async inTime<T>(work: Promise<T>, what: string): Promise<T> {
    let isOver = false;
    const over = work.finally(() => {
      isOver = true;
    });
    over.catch(() => {});
    await until(() => isOver, what);
    return over;
  }

  async act(): Promise<void> {
    const index = this.below(this.sites.length);
    const image = this.pick([...this.alive.values()])?.image;
    const kind = this.below(8);
    if (kind < 3 || image === undefined) return this.capture(index);
    if (kind === 3) return this.delete(index, image);
    if (kind === 4) return void (await this.at(index, (store) => store.verify(null, quiet)));
    if (kind === 5)
      return void (await this.at(index, async (store) => store.campus.fetch(image.id)));
    if (kind === 6) return this.fit(index, image);
    return this.read(index, image);
  }

  private async capture(index: number): Promise<void> {
    const cells = Array.from({ length: 1 + this.below(8) }, () => `cell ${this.below(16)}`);
    const name = this.random() < 0.5 ? "lab" : "LAB";
    this.begun.push(cells);
    const form = this.random() < 0.3 ? "+" : "";
    const image = await this.at(index, (store) => capture(store, cells, name, form));
    if (image !== null) this.committed(image, cells);
  }

  private async fit(index: number, origin: Manifest): Promise<void> {
    const cells = [`fitted ${this.below(3)}`];
    this.begun.push(cells);
    await this.at(index, async (store) => {
      if (store.find(origin.id) !== undefined)
        await captureWith(store.beginFitted(origin, "240GB"), cells);
    });
  }

  private async delete(index: number, image: Manifest): Promise<void> {
    // From here on it may be gone.
    const going = [...this.alive.values()].filter(
      (each) => each.image.id === image.id || each.image.fitOf === image.id,
    );
    for (const each of going) this.alive.delete(each.image.id);
    const done = await this.at(index, async (store) => {
      if (store.find(image.id) === undefined) return false;
      await store.delete(image.id);
      return true;
    });
    for (const each of going) {
      if (done === true) this.deleted.add(each.image.id);
      else this.begun.push([...each.cells]);
    }
  }

  private async read(index: number, image: Manifest): Promise<void> {
    const cells = await this.at(index, async (store) => {
      using _ = store.hold(image.id);
      return store.find(image.id) === undefined ? null : cellsOf(store, image);
    });
    const known = this.alive.get(image.id);
    if (cells !== null && known !== undefined) assertCells(cells, known.cells);
  }

  committed(image: Manifest, cells: readonly string[]): void {
    const name = imageName(image);
    if (image.fitOf === undefined) {
      assert.equal(this.names.get(name) ?? image.id, image.id, `${name} is given a second time`);
      this.names.set(name, image.id);
    }
    this.alive.set(image.id, { image, cells });
  }

  /** Faults of database and storage for a while. */
  disturb(): void {
    const { world } = this;
    const share = this.random() < 0.5 ? 0 : this.random() * 0.3;
    const faults = ["away", "lost-answer", "short", "flipped"] as const;
    world.objects.plan = () => (this.random() < share ? (this.pick(faults) ?? null) : null);
    const gone = this.random() < 0.5 ? 0 : this.random() * 0.3;
    world.registryPlan = () =>
      this.random() < gone ? (this.random() < 0.5 ? "away" : "lost-answer") : null;
  }

  /** Everything works again: all servers have what there is. */
  async check(): Promise<void> {
    const { world, sites } = this;
    world.objects.plan = () => null;
    world.registryPlan = () => null;
    for (const [index] of sites.entries()) {
      while ((this.processes[index]?.isDead ?? true) || this.processes[index]?.store === null)
        await this.reopen(index);
      this.processes[index]?.dieAfter(Number.POSITIVE_INFINITY);
    }
    const stores = this.processes.map(({ store }) => store as CampusStore);
    // A pack that was just deleted is not put there again for an hour.
    for (let hour = 0; hour < 4; hour++) {
      world.time.pass(hourMs);
      await turns(200);
    }
    const ids = (store: CampusStore): string =>
      store
        .list()
        .map(({ id }) => id)
        .join();
    const isSettled = (): boolean =>
      stores.every((store) => ids(store) === ids(stores[0] as CampusStore)) &&
      stores.every((store) => store.list().every(({ id }) => store.campus.serverOf(id) !== null));
    await until(isSettled, "all servers know the same").catch((error: unknown) => {
      for (const store of stores) console.error(ids(store), store.warnings, store.problems);
      throw error;
    });
    const listed = new Map((stores[0] as CampusStore).list().map((image) => [image.id, image]));
    for (const [id, { image }] of this.alive) assert(listed.has(id), `${imageName(image)} is lost`);
    for (const id of this.deleted)
      assert(!listed.has(id) || world.again.has(id), `${id} was deleted, and is there again`);
    for (const [index, store] of stores.entries()) {
      assert.deepEqual(store.problems, []);
      for (const image of listed.values()) {
        const reading = this.inTime(cellsOf(store, image), "reading");
        const cells = await reading.catch((error: unknown) => {
          throw new Error(`${this.sites[index]?.name} cannot read ${imageName(image)}`, {
            cause: error,
          });
        });
        const known = this.alive.get(image.id)?.cells;
        if (known !== undefined) assertCells(cells, known);
        else {
          const isOne = this.begun.some((begun) => begun.join() === cells.map(bare).join());
          assert(isOne, `${imageName(image)} holds ${cells.join()}, which nobody has captured`);
          this.committed(image, cells.map(bare));
        }
      }
    }
  }

  private async reopen(index: number): Promise<void> {
    if (this.processes[index] !== undefined && this.random() < 0.5) this.sites[index]?.losePower();
    await this.open(index);
  }

  async close(): Promise<void> {
    for (const { store, isDead } of this.processes)
      if (!isDead && store !== null) await this.inTime(store[Symbol.asyncDispose](), "closing");
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await setImmediate();
}

/** Without the mark of its form. */
const bare = (cell: string): string => cell.replace("+", "");

const assertCells = (found: readonly string[], cells: readonly string[]): void =>
  assert.deepEqual(found.map(bare), cells);

async function run(seed: number): Promise<void> {
  const campus = new Campus(seed);
  for (let round = 0; round < rounds; round++) {
    campus.disturb();
    for (let action = 0; action < actionsARound; ) {
      const together = 1 + campus.below(3);
      await Promise.all(Array.from({ length: together }, () => campus.act()));
      action += together;
      if (campus.random() < 0.2) campus.world.time.pass(campus.below(30) * hourMs);
    }
    await campus.check();
  }
  await campus.close();
}

/** An upload whose answer was lost put an image back that was deleted meanwhile. */
const found = [70];
const seeds =
  onlySeed > 0 ? [onlySeed] : [...found, ...Array.from({ length: seedCount }, (_, at) => at + 1)];

for (const seed of seeds)
  test(`seed ${seed}: what was committed is read in full from every server`, () => run(seed));
