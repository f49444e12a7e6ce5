/** That the bench's wire loses what its row says: counted packet by packet. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openBenchWire } from "../bench/bench-wire.ts";
import { endPrograms, Program } from "./program.ts";

const counter = join(import.meta.dirname, "bench-loss-child.ts");

/** Sends so many packets to a receiver of such a wire; answers how long each run of lost ones was. */
async function lostRuns(loss: number, lossBurst: number, packets: number): Promise<number[]> {
  const wire = await openBenchWire({
    ...{ receiverCount: 1, loss, lossBurst },
    ...{ linkBps: null, offloads: false, slowPort: null, everyPort: false },
  });
  try {
    const [host] = wire.hosts as [(typeof wire.hosts)[number]];
    const receiver = new Program(host.namespace, [process.execPath, counter, "count"]);
    await receiver.line(/^ready$/);
    const words = [process.execPath, counter, "send", host.address, String(packets)];
    const sender = new Program(wire.network.serverNamespace, words);
    assert.equal(await sender.ended, 0, sender.lines.join("\n"));
    return JSON.parse(await receiver.line(/^\[/)) as number[];
  } finally {
    await endPrograms();
    wire.close();
  }
}

const sumOf = (runs: readonly number[]): number => runs.reduce((sum, each) => sum + each, 0);

test("single losses are as many as the row says, each by itself", async () => {
  const packets = 100_000;
  const runs = await lostRuns(0.01, 1, packets);
  // Five standard deviations of a thousand independent losses.
  assert(Math.abs(sumOf(runs) - 0.01 * packets) < 5 * Math.sqrt(0.01 * packets), `${sumOf(runs)}`);
  assert(runs.filter((length) => length > 2).length <= 3, "they do not come together");
});

test("losses in bursts are as many, and whole bursts", async () => {
  const [packets, burst] = [200_000, 46];
  const runs = await lostRuns(0.05, burst, packets);
  const bursts = sumOf(runs) / burst;
  const expected = (0.05 * packets) / burst;
  assert(Math.abs(bursts - expected) < 5 * Math.sqrt(expected), `${bursts} of ${expected}`);
  assert.deepEqual(
    runs.filter((length) => length % burst !== 0),
    [],
  );
});
