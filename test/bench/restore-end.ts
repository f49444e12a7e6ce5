/**
 * One way of a PC's work in a process of its own, as `restore.ts` asks: `written`, `read-back`, `delta`. Chunks are in
 * memory, as the cast's receiver leaves them; its last line is what it took.
 */
import { open } from "node:fs/promises";
import type { IndexEntry } from "../../core/image/types.ts";
import { chunkBytes } from "../../core/units/units.ts";
import { hashChunk, storedForm } from "../../imaging/capture/chunk.ts";
import { lowestLevel } from "../../imaging/capture/pack-level.ts";
import type { DiskRestore } from "../../imaging/restore/disk-restore.ts";
import { openTarget, restoreOnto } from "../../imaging/restore/onto-disk.ts";
import type { Worked } from "./restore.ts";

const [way = "", payload = "", target = ""] = process.argv.slice(2);
/** Chunks in a receiver's hands: its slots on a PC with 768 MB of memory. */
const slotCount = 64;

const entries: IndexEntry[] = [];
const stored: Uint8Array[] = [];
await using file = await open(payload, "r");
const diskBytes = (await file.stat()).size;
for (let chunkIndex = 0; chunkIndex * chunkBytes < diskBytes; chunkIndex++) {
  const data = new Uint8Array(chunkBytes);
  await file.read(data, 0, chunkBytes, chunkIndex * chunkBytes);
  const form = await storedForm(chunkIndex, await hashChunk(data), lowestLevel);
  const slot = new Uint8Array(new SharedArrayBuffer(form.stored.length));
  slot.set(form.stored);
  entries.push(form.entry);
  stored.push(slot);
}
const storedBytes = stored.reduce((sum, { length }) => sum + length, 0);
await using whole = await open(target, "w");
await whole.truncate(diskBytes);

/** Onto the target; what is answered is worked on, and closed. */
async function onto(
  verify: "written" | "read-back",
  work: (restore: DiskRestore) => Promise<void>,
): Promise<void> {
  const view = { path: target, size: diskBytes, logicalSector: 512, model: "", serial: "" };
  await using opened = await openTarget(view as Parameters<typeof openTarget>[0]);
  const restore = restoreOnto({
    ...{ opened, view: view as Parameters<typeof openTarget>[0], entries, critical: [] },
    manifest: { diskBytes, logicalSector: 512, partitionTable: "none", partitions: [] },
    how: { verify, discard: false },
    beyond: new Map(),
    fetch: async (entryIndex) => stored[entryIndex] as Uint8Array,
  });
  await work(restore);
}

async function receive(restore: DiskRestore): Promise<void> {
  await restore.begin();
  let next = 0;
  const deliver = (): void => {
    const entryIndex = next++;
    if (entryIndex < stored.length)
      restore.deliver(entryIndex, stored[entryIndex] as Uint8Array, deliver);
  };
  for (let slot = 0; slot < slotCount; slot++) deliver();
  await restore.ended;
}

async function measured(work: () => Promise<void>): Promise<Worked> {
  const [startedAt, all, own] = [performance.now(), process.cpuUsage(), process.threadCpuUsage()];
  await work();
  const seconds = (performance.now() - startedAt) / 1000;
  const [cpu, main] = [process.cpuUsage(all), process.threadCpuUsage(own)].map(
    ({ user, system }) => (user + system) / 1e6,
  ) as [number, number];
  const peakBytes = process.resourceUsage().maxRSS * 1024 - storedBytes;
  return {
    seconds,
    cpuSeconds: cpu,
    mainSeconds: main,
    chunks: stored.length,
    storedBytes,
    peakBytes,
  };
}

let worked: Worked | null = null;
if (way === "delta") {
  await onto("written", receive);
  await onto("read-back", async (restore) => {
    worked = await measured(() => restore.scan());
  });
} else {
  await onto(way === "written" ? "written" : "read-back", async (restore) => {
    worked = await measured(() => receive(restore));
  });
}
console.log(JSON.stringify(worked));
