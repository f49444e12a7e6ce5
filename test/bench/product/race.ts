/** One row of `make bench-product` for one of the ways: from the order to the last PC. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { serverPort } from "../../room/network.ts";
import { run } from "../../room/run.ts";
import { openCounter, shapeWire } from "../bench-wire.ts";
import { firstByte } from "../contest.ts";
import type { ProductRow } from "./rows.ts";
import type { Place } from "./way.ts";
import { openWay, type WayName } from "./ways.ts";

export interface RaceResult {
  /** PCs whose partition is the image's, byte by byte. */
  readonly right: number;
  /** From the order until the first bytes of the image are on the wire. */
  readonly firstSeconds: number;
  /** Until the last PC has the image; null: not in time. */
  readonly seconds: number | null;
  /** Until the last of those that have no slow port has it; null: not in time. */
  readonly othersSeconds: number | null;
  /** All that the server and the PCs have sent. */
  readonly wireBytes: number;
  /** Processor time in seconds, of what sends and of the mean PC. */
  readonly serverCpu: number | null;
  readonly pcCpu: number | null;
}

/** What the server sends before the image is less: greetings, and TLS, manifest and index to each PC. */
const greetingBytes = (pcCount: number): number => 100_000 + 60_000 * pcCount;

export async function race(
  way: WayName,
  row: ProductRow,
  base: Omit<Place, "folder">,
): Promise<RaceResult> {
  const { room, pcs, disk } = base;
  const { network } = room;
  const folder = await mkdtemp(join(tmpdir(), "roomcast-bench-"));
  const unshape = await shapeWire(network, pcs, row);
  const ports = [serverPort, ...pcs.map(({ name }) => name)];
  const sender = openCounter(network.wireNamespace, [serverPort]);
  const all = openCounter(network.wireNamespace, ports);
  try {
    const restore = await openWay[way]({ ...base, folder });
    const before = await all.read();
    const sentBefore = await sender.read();
    const orderedAt = performance.now();
    const since = (): number => (performance.now() - orderedAt) / 1000;
    const first = firstByte(sender.read, sentBefore + greetingBytes(pcs.length));
    await restore.order();
    const at: (number | null)[] = pcs.map(() => null);
    const arriving = restore.arrivals.map((arrival, index) =>
      arrival.then(() => {
        at[index] = since();
      }),
    );
    const ideal = (disk.storedBytes * 8) / (row.linkBps * (row.slowPort ?? 1));
    await Promise.race([Promise.all(arriving), sleep((ideal * 5 + 30) * 1000)]);
    const wireBytes = (await all.read()) - before;
    const firstAt = await Promise.race([first, sleep(0).then(() => Number.NaN)]);
    const used = await restore.end();
    const isRight = await Promise.all(restore.outputs.map((output) => isImage(output, base)));
    return {
      right: isRight.filter((each) => each).length,
      firstSeconds: (firstAt - orderedAt) / 1000,
      seconds: lastOf(at),
      othersSeconds: lastOf(row.slowPort === null ? at : at.slice(1)),
      wireBytes,
      serverCpu: used.server,
      pcCpu: used.pc,
    };
  } finally {
    sender.close();
    all.close();
    await unshape();
    await rm(folder, { recursive: true, force: true });
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
