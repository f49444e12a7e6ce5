/** The way without multicast: chunk by chunk over HTTP, for as long as it is needed. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ChunkVerdict } from "../../../core/cast/ends.ts";
import { bitAt } from "../../../core/units/bits.ts";
import type { DiskRestore } from "../../../imaging/restore/disk-restore.ts";

export interface PullPorts {
  readonly restore: Pick<DiskRestore, "wants" | "isWanted" | "isKnown" | "deliver">;
  fetch(entryIndex: number): Promise<Uint8Array>;
  /** Need not come by multicast any more. */
  taken(entryIndex: number): void;
  isNeeded(): boolean;
}

/** Entries of a live cast become known in batches, in milliseconds apart. */
const announcedEvery = 100;
/** Requests at once: one being sent while the other is being written. */
const pullers = 2;

/** Ends when nothing is wanted, or it is not needed any more. Rejects when the server has no answer. */
export async function pullWanted(ports: PullPorts): Promise<void> {
  const { restore } = ports;
  while (ports.isNeeded()) {
    const wanted = setBits(restore.wants());
    if (wanted.length === 0) return;
    const round = wanted.filter((entryIndex) => restore.isKnown(entryIndex));
    // What is wanted is not announced yet.
    if (round.length === 0) await sleep(announcedEvery);
    let next = 0;
    const puller = async (): Promise<void> => {
      while (next < round.length && ports.isNeeded()) {
        const entryIndex = round[next++] as number;
        const stored = await ports.fetch(entryIndex);
        const { promise, resolve } = Promise.withResolvers<ChunkVerdict>();
        restore.deliver(entryIndex, stored, resolve);
        await promise;
        // A damaged one is still wanted in the next round; DiskRestore counts them and ends it.
        if (!restore.isWanted(entryIndex)) ports.taken(entryIndex);
      }
    };
    await Promise.all(Array.from({ length: pullers }, puller));
  }
}

function setBits(bitmap: Uint8Array): number[] {
  const found: number[] = [];
  for (let index = 0; index < bitmap.length * 8; index++) {
    if (bitAt(bitmap, index)) found.push(index);
  }
  return found;
}
