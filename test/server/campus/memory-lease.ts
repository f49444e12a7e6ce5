/** The sweep's steps in the registry in memory. */

import type { CampusPack, CampusPlace } from "../../../server/campus/ports.ts";
import { leaseLost } from "../../../server/campus/registry-faults.ts";
import type {
  CondemnedPack,
  HalfDead,
  MarkedChunks,
  SweepLease,
} from "../../../server/campus/sweep.ts";
import type { MemoryCampus } from "./memory-registry.ts";

/** Packs that are looked at in one step: few, so that a test has several. */
const lookedAt = 4;

/** Of one epoch. */
export class MemoryLease implements SweepLease {
  private readonly campus: MemoryCampus;
  private readonly epoch: number;

  constructor(campus: MemoryCampus, epoch: number) {
    this.campus = campus;
    this.epoch = epoch;
  }

  dropOld(): Promise<void> {
    return this.step(() => {
      const { campus } = this;
      const { writerMs, nameMs } = campus.times;
      for (const [id, { heard }] of campus.writers) {
        if (heard < campus.now() - writerMs) campus.writers.delete(id);
      }
      const before = Math.min(campus.now() - nameMs, campus.oldestWriter());
      for (const [name, { state, since }] of campus.packs) {
        if (state === "gone" && since < before) campus.packs.delete(name);
      }
    });
  }

  mark(part: number): Promise<MarkedChunks> {
    return this.step(() => {
      const { campus } = this;
      const before = this.before();
      const marked = { candidates: 0, deleted: 0 };
      for (const [hash, chunk] of campus.chunks) {
        if (Number.parseInt(hash.slice(0, 2), 16) !== part || chunk.since >= before) continue;
        if (chunk.state === "deleting" || this.isNamed(hash)) continue;
        if (chunk.state === "live") marked.candidates++;
        else marked.deleted++;
        chunk.state = chunk.state === "live" ? "candidate" : "deleting";
        chunk.since = campus.now();
      }
      return marked;
    });
  }

  condemn(limit: number): Promise<CondemnedPack[]> {
    return this.step(() => {
      const { campus } = this;
      const before = this.before();
      const alive = new Set<string>();
      for (const { state, place } of campus.chunks.values()) {
        if (state !== "deleting") alive.add(place.pack);
      }
      const condemned: CondemnedPack[] = [];
      for (const [name, pack] of campus.packs) {
        if (condemned.length === limit) break;
        const isDead = pack.state === "live" && pack.since < before && !alive.has(name);
        if (!isDead && pack.state !== "going") continue;
        pack.state = "going";
        condemned.push({ name, bytes: pack.bytes });
      }
      return condemned;
    });
  }

  forget(name: string): Promise<void> {
    return this.step(() => {
      const { campus } = this;
      for (const [hash, { place }] of campus.chunks) {
        if (place.pack === name) campus.chunks.delete(hash);
      }
      const pack = campus.packs.get(name);
      if (pack === undefined) return;
      pack.state = "gone";
      pack.since = campus.now();
    });
  }

  halfDead(after: string | null): Promise<HalfDead> {
    return this.step(() => {
      const { campus } = this;
      const alive = new Map<string, CampusPlace[]>();
      for (const { state, place } of campus.chunks.values())
        if (state !== "deleting") alive.set(place.pack, [...(alive.get(place.pack) ?? []), place]);
      const names = [...campus.packs.keys()].sort().filter((name) => name > (after ?? ""));
      const looked = names.slice(0, lookedAt);
      const packs = looked.flatMap((name) => {
        const pack = campus.packs.get(name);
        const places = (alive.get(name) ?? []).sort((one, other) => one.offset - other.offset);
        const bytes = places.reduce((sum, { length }) => sum + length, 0);
        const isOld = pack?.state === "live" && pack.since < campus.now() - campus.times.graceMs;
        return isOld && bytes > 0 && 2 * bytes < pack.bytes ? [{ name, places }] : [];
      });
      return { packs, next: names.length > lookedAt ? (looked.at(-1) ?? null) : null };
    });
  }

  move(pack: CampusPack, from: readonly string[]): Promise<boolean> {
    return this.step(() => {
      const isFree = this.campus.addPack(pack);
      if (isFree) this.campus.movePlaces(pack, from);
      return isFree;
    });
  }

  renew(): Promise<void> {
    return this.step(() => {});
  }

  end(): Promise<void> {
    return this.campus.step(() => {
      const { lease } = this.campus;
      if (lease.epoch === this.epoch) lease.isHeld = false;
    });
  }

  private before(): number {
    const { campus } = this;
    return Math.min(campus.now() - campus.times.graceMs, campus.oldestWriter());
  }

  private isNamed(hash: string): boolean {
    for (const { hashes } of this.campus.images.values()) if (hashes.has(hash)) return true;
    return false;
  }

  private step<T>(work: () => T): Promise<T> {
    return this.campus.step(() => {
      const { lease, times } = this.campus;
      const isMine = lease.isHeld && lease.epoch === this.epoch && lease.until > this.campus.now();
      if (!isMine) throw leaseLost();
      lease.until = this.campus.now() + times.leaseMs;
      return work();
    });
  }
}
