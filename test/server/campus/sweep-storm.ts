/**
 * A campus whose servers write, delete and sweep at random, one step of one of them at a time: no image that
 * was committed ever lacks a chunk, and no writer that goes on is told that one of its chunks is gone.
 */
import assert from "node:assert/strict";
import { RoomcastError } from "../../../core/errors.ts";
import type { ObjectStore, Registry } from "../../../server/campus/ports.ts";
import {
  type PackAnew,
  type SweepLease,
  type SweepTables,
  sweepCampus,
} from "../../../server/campus/sweep.ts";
import { joined, manifestOf, packOf } from "./campus-images.ts";

/** What the storm is let loose on. Its times are in hours. */
export interface StormCampus {
  readonly servers: readonly { readonly registry: Registry; readonly tables: SweepTables }[];
  /** Lets time pass for the registry. */
  pass(hours: number): Promise<void>;
}

export const hourMs = 3_600_000;
export const stormTimes = {
  graceMs: 24 * hourMs,
  writerMs: 24 * hourMs,
  nameMs: 8 * hourMs,
  leaseMs: hourMs,
};

export interface StormReport {
  readonly commits: number;
  readonly removals: number;
  readonly packsSwept: number;
  /** Of which what lived was packed anew. */
  readonly packsEmptied: number;
  readonly conflicts: number;
  readonly dropped: number;
}

/** The same tables, in which a sweep passes over the parts that have no chunks. */
export const onlyParts = (tables: SweepTables, parts: ReadonlySet<number>): SweepTables => ({
  takeLease: async () => {
    const lease = await tables.takeLease();
    if (lease === null) return null;
    return {
      dropOld: () => lease.dropOld(),
      mark: async (part) => (parts.has(part) ? lease.mark(part) : { candidates: 0, deleted: 0 }),
      condemn: (limit) => lease.condemn(limit),
      forget: (pack) => lease.forget(pack),
      halfDead: (after) => lease.halfDead(after),
      move: (pack, from) => lease.move(pack, from),
      renew: () => lease.renew(),
      end: () => lease.end(),
    };
  },
});

/** Where nothing is to be packed anew. */
export const noneAnew = async (): Promise<null> => null;

/** A pseudo-random number below `limit`: mulberry32. */
function chance(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** Few chunks, in few parts: writers meet, and the same packs come again. */
const universe = [0, 1, 255].flatMap((part) =>
  Array.from({ length: 8 }, (_, at) => Uint8Array.from({ length: 32 }, (_, n) => (n ? at : part))),
);
const parts = new Set([0, 1, 255]);

/** Somebody who does one thing after another, each when it is his turn. */
interface Actor {
  go: () => void;
  parked: PromiseWithResolvers<void>;
  isDone: boolean;
}

export class Storm {
  private readonly campus: StormCampus;
  private readonly random: (limit: number) => number;
  private readonly actors: Actor[] = [];
  /** Packs in the storage, and the hashes in them. */
  private readonly storage = new Map<string, ReadonlySet<string>>();
  private readonly committed = new Map<string, readonly Uint8Array[]>();
  private imageCount = 0;
  private hours = 0;
  private readonly report = {
    ...{ commits: 0, removals: 0, packsSwept: 0, packsEmptied: 0, conflicts: 0, dropped: 0 },
  };

  constructor(campus: StormCampus, seed: number) {
    this.campus = campus;
    this.random = chance(seed);
  }

  async run(steps: number): Promise<StormReport> {
    for (let step = 0; step < steps; step++) {
      await this.step();
      await this.check();
    }
    return this.report;
  }

  private async step(): Promise<void> {
    const dice = this.random(100);
    const isFree = this.actors.length < 5;
    if (dice < 6 && isFree) return this.begin((turn) => this.write(turn));
    if (dice < 16 && isFree) return this.begin((turn) => this.sweep(turn));
    if (dice < 21) return this.remove();
    if (dice < 27) {
      // Some hours, and now and then a long night.
      const hours = this.random(4) === 0 ? 20 + this.random(10) : this.random(6);
      this.hours += hours;
      return this.campus.pass(hours);
    }
    const actor = this.actors[this.random(Math.max(1, this.actors.length))];
    if (actor !== undefined) await this.resume(actor);
  }

  private async begin(work: (turn: () => Promise<void>) => Promise<void>): Promise<void> {
    const actor: Actor = { go: () => {}, parked: Promise.withResolvers(), isDone: false };
    const turn = (): Promise<void> =>
      new Promise((go) => {
        actor.go = go;
        actor.parked.resolve();
      });
    this.actors.push(actor);
    work(turn).then(() => {
      actor.isDone = true;
      actor.parked.resolve();
    }, actor.parked.reject);
    await this.parked(actor);
  }

  private async resume(actor: Actor): Promise<void> {
    actor.parked = Promise.withResolvers();
    actor.go();
    await this.parked(actor);
  }

  private async parked(actor: Actor): Promise<void> {
    await actor.parked.promise;
    if (actor.isDone) this.actors.splice(this.actors.indexOf(actor), 1);
  }

  private server(): StormCampus["servers"][number] {
    return this.campus.servers[this.random(this.campus.servers.length)] as never;
  }

  private async write(turn: () => Promise<void>): Promise<void> {
    const writer = await this.server().registry.beginWriter();
    let heardAt = this.hours;
    const next = async (): Promise<boolean> => {
      await turn();
      const isHeard = this.hours - heardAt < stormTimes.writerMs / hourMs;
      if (isHeard) heardAt = this.hours;
      return isHeard;
    };
    let wasHeard = true;
    try {
      const held: Uint8Array[] = [];
      for (let packs = 1 + this.random(6); packs > 0; packs--) {
        const hashes = universe.filter(() => this.random(8) === 0);
        wasHeard &&= await next();
        const places = await writer.hold(joined(hashes));
        held.push(...hashes);
        const lacking = hashes.filter((_, at) => places[at] === null);
        if (lacking.length === 0) continue;
        const pack = packOf(joined(lacking));
        wasHeard &&= await next();
        this.storage.set(pack.name, new Set(lacking.map(keyOf)));
        wasHeard &&= await next();
        if (!(await this.added(() => writer.addPack(pack)))) return await writer.end();
      }
      wasHeard &&= await next();
      const number = ++this.imageCount;
      const manifest = manifestOf(number, "lab", number);
      await writer.commit(manifest, joined(held));
      this.committed.set(manifest.id, held);
      this.report.commits++;
      // A server that dies does not say that it has ended.
      if (this.random(4) !== 0) await writer.end();
    } catch (error) {
      if (wasHeard || !(error instanceof RoomcastError) || error.code !== "conflict") throw error;
      this.report.dropped++;
    }
  }

  /** False: the name of the pack is not free yet. */
  private async added(add: () => Promise<void>): Promise<boolean> {
    try {
      await add();
      return true;
    } catch (error) {
      if (error instanceof RoomcastError && error.message.startsWith("pack ")) {
        this.report.conflicts++;
        return false;
      }
      throw error;
    }
  }

  private async sweep(turn: () => Promise<void>): Promise<void> {
    let isDead = false;
    let condemnedAt = 0;
    const tables: SweepTables = {
      takeLease: async () => {
        const lease = await this.server().tables.takeLease();
        return lease === null ? null : slowed(lease);
      },
    };
    const slowed = (lease: SweepLease): SweepLease => ({
      dropOld: () => turn().then(() => lease.dropOld()),
      mark: async (part) => {
        if (!parts.has(part)) return { candidates: 0, deleted: 0 };
        await turn();
        return lease.mark(part);
      },
      condemn: async () => {
        await turn();
        condemnedAt = this.hours;
        return lease.condemn(2);
      },
      forget: async (pack) => {
        await turn();
        await lease.forget(pack);
        condemnedAt = this.hours;
        this.report.packsSwept++;
      },
      halfDead: (after) => turn().then(() => lease.halfDead(after)),
      move: async (pack, from) => {
        await turn();
        const isMoved = await lease.move(pack, from);
        this.report.packsEmptied += isMoved ? from.length : 0;
        return isMoved;
      },
      renew: () => lease.renew(),
      end: () => lease.end(),
    });
    const packAnew: PackAnew = async (packs, step) => {
      const read: Uint8Array[] = [];
      for (const { name, places } of packs) {
        await turn();
        await step();
        for (const { entry } of places) {
          const key = keyOf(entry.sha256);
          assert(this.storage.get(name)?.has(key), `${key} is not in the pack that is read`);
          read.push(entry.sha256);
        }
      }
      await turn();
      await step();
      const pack = packOf(joined(read));
      this.storage.set(pack.name, new Set(read.map(keyOf)));
      return { pack, from: packs.map(({ name }) => name) };
    };
    const objects: Pick<ObjectStore, "remove"> = {
      remove: async (name) => {
        await turn();
        // No process, and no request, hangs for longer than the names of packs are kept.
        isDead ||= (this.hours - condemnedAt) * hourMs >= stormTimes.nameMs;
        if (isDead) throw new RoomcastError("away", "this server has died", "none: this is a test");
        this.storage.delete(name);
      },
    };
    const objectName = (pack: string): string => pack;
    await sweepCampus({ tables, objects, objectName, packAnew }).catch((error: unknown) => {
      if (!isDead) throw error;
    });
  }

  private async remove(): Promise<void> {
    const ids = [...this.committed.keys()];
    const id = ids[this.random(Math.max(1, ids.length))];
    if (id === undefined) return;
    this.committed.delete(id);
    await this.server().registry.removeImage(id);
    this.report.removals++;
  }

  private async check(): Promise<void> {
    const hashes = new Map([...this.committed.values()].flat().map((hash) => [keyOf(hash), hash]));
    const places = await this.server().registry.placesOf(joined([...hashes.values()]));
    for (const [at, key] of [...hashes.keys()].entries()) {
      const place = places[at];
      assert(place, `no place for ${key}, of a committed image`);
      assert(
        this.storage.get(place.pack)?.has(key),
        `the storage lost ${key}, of a committed image`,
      );
    }
  }
}

const keyOf = (hash: Uint8Array): string => `${hash[0]}/${hash[1]}`;
