/** One row of `make bench-product` for one of the ways: from the order to the last PC. */
import { truncateSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { serverPort } from "../../room/network.ts";
import { run } from "../../room/run.ts";
import { type ShapedWire, shapeWire } from "../bench-wire.ts";
import { meanOf } from "./cpu.ts";
import type { ProductRow } from "./rows.ts";
import type { Place, Restore, RestoreCost } from "./way.ts";
import { openWay, type WayName } from "./ways.ts";
import { queueCounts, socketDrops, watchWire } from "./wire.ts";

export interface RaceResult {
  /** PCs whose partition is the image's, byte by byte. */
  readonly right: number;
  /** Of the image, as this way has it stored. */
  readonly storedBytes: number;
  /** From the order until the first packet of the image is on the wire; null: none was. */
  readonly firstSeconds: number | null;
  /** Until the last PC has the image; null: not in time. */
  readonly seconds: number | null;
  /** Until the last of those that have no slow port has it; null: not in time. */
  readonly othersSeconds: number | null;
  /** What the server sent in the first five seconds of sending, as a fraction of the link; null: nothing. */
  readonly earlyRatio: number | null;
  /** Of the packets that the server sent, what queues and sockets dropped on their way to the mean PC without a slow port. */
  readonly ownLoss: number;
  /** All that the server and the PCs have sent. */
  readonly wireBytes: number;
  /** Processor time in seconds, of what sends and of the mean PC. */
  readonly serverCpu: number | null;
  readonly pcCpu: number | null;
  /** Seconds after the order, of what the way itself says. */
  readonly steps: readonly { readonly at: number; readonly text: string }[];
}

/** After so many times what the link needs, and so many seconds more, a way is given up. */
const givenUpAfter = { times: 2.5, seconds: 45 };

export async function race(
  way: WayName,
  row: ProductRow,
  base: Omit<Place, "folder">,
): Promise<RaceResult> {
  const { room, pcs, disk } = base;
  const folder = await mkdtemp(join(tmpdir(), "roomcast-bench-"));
  for (const { disk: path } of pcs) {
    // What was there is forgotten: the disks are files in memory.
    truncateSync(path, 0);
    truncateSync(path, disk.diskBytes);
  }
  const wire = await shapeWire(room.network, pcs, row);
  try {
    const restore = await openWay[way]({ ...base, folder });
    const run = await timed(restore, row, base, wire);
    const isRight = await Promise.all(restore.outputs.map((output) => isImage(output, base)));
    return { right: isRight.filter((each) => each).length, ...run };
  } finally {
    await wire.unshape();
    await rm(folder, { recursive: true, force: true });
  }
}

async function timed(
  restore: Restore,
  row: ProductRow,
  { room, pcs }: Omit<Place, "folder">,
  wire: ShapedWire,
): Promise<Omit<RaceResult, "right">> {
  const { storedBytes } = restore;
  const regular = row.slowPort === null ? pcs : pcs.slice(1);
  const heardBy = wire.ports.slice(pcs.length - regular.length);
  const socketsBefore = await Promise.all(regular.map((pc) => socketDrops(pc.namespace)));
  const ports = [serverPort, ...pcs.map(({ name }) => name)];
  const watch = await watchWire(room, ports, restore.dataFilter);
  try {
    const before = await watch.read();
    const orderedAt = Date.now();
    const since = (at: number): number => (at - orderedAt) / 1000;
    await restore.order();
    const at: (number | null)[] = pcs.map(() => null);
    const arriving = restore.arrivals.map(async (arrival, index) => {
      at[index] = since(await arrival);
    });
    const ideal = (storedBytes * 8) / (row.linkBps * (row.slowPort ?? 1));
    const patience = ideal * givenUpAfter.times + givenUpAfter.seconds;
    await Promise.race([Promise.all(arriving), sleep(patience * 1000)]);
    const after = await watch.read();
    const queues = await Promise.all([...wire.server, ...heardBy.flat()].map(queueCounts));
    const sockets = await Promise.all(regular.map((pc) => socketDrops(pc.namespace)));
    const cost: RestoreCost = await restore.end();
    const [server, ...heard] = queues;
    const overrun = sockets.map((drops, index) => drops - (socketsBefore[index] ?? 0));
    const dropped = meanOf(heard.map(({ drops }, index) => drops + (overrun[index] ?? 0)));
    const earlyBps = watch.earlyBps();
    const firstAt = watch.firstAt();
    return {
      storedBytes,
      firstSeconds: firstAt === null ? null : since(firstAt),
      seconds: lastOf(at),
      othersSeconds: lastOf(at.slice(pcs.length - regular.length)),
      earlyRatio: earlyBps === null ? null : earlyBps / row.linkBps,
      ownLoss: ((server?.drops ?? 0) + dropped) / Math.max(1, server?.packets ?? 0),
      wireBytes: after.all - before.all,
      serverCpu: cost.server,
      pcCpu: cost.pc,
      steps: cost.steps.map(({ at: stepAt, text }) => ({ at: since(stepAt), text })),
    };
  } finally {
    await watch.close();
  }
}

const lastOf = (times: readonly (number | null)[]): number | null =>
  times.reduce((last, at) => (last === null || at === null ? null : Math.max(last, at)), 0);

async function isImage(
  { path, at }: { readonly path: string; readonly at: number },
  { disk: { partition, partitionBytes } }: Omit<Place, "folder">,
): Promise<boolean> {
  const { status } = await run(
    ["cmp", "-s", "-n", String(partitionBytes), "-i", `0:${at}`, partition, path],
    { accept: [0, 1] },
  );
  return status === 0;
}
