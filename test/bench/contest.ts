/** One row of the bench for one tool: the payload to every receiver, and what it took. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isSameDisk } from "../room/room-run.ts";
import { openBenchWire, type WireOptions } from "./bench-wire.ts";
import type { End } from "./ends.ts";
import { openTool, type Payload, type ToolName } from "./tools.ts";

export type Fault = "slow port" | "killed" | "late";

export interface Row extends Omit<WireOptions, "slowPort"> {
  readonly payloadMib: number;
  readonly fault: Fault | null;
}

export interface Outcome {
  /** Of those that are to be right: the receivers that were killed, slow or late are counted apart. */
  readonly verified: number;
  readonly expected: number;
  /** The one with the fault: what became of it. */
  readonly odd: "verified" | "not" | null;
  /** From the first byte on the wire until the last of the others has all; null: not in time. */
  readonly seconds: number | null;
  readonly oddSeconds: number | null;
  readonly wireBytes: number;
  readonly goodputBps: number | null;
  readonly sendCpu: number | null;
  /** The mean of the receivers, in seconds. */
  readonly receiveCpu: number | null;
  /** Beside that, for writing their files; null: in it. */
  readonly writeCpu: number | null;
}

/** The slow port's speed, as a fraction of the link's. */
const slowPort = 0.2;
/** What the sender puts on the wire before the payload is less. */
const greetingBytes = 100_000;
/** When the receiver with the fault is killed or comes, in seconds after the first byte. */
const faultAfterSeconds = 2;

export async function compete(tool: ToolName, row: Row, payload: Payload): Promise<Outcome> {
  const folder = await mkdtemp("/dev/shm/roomcast-bench-");
  const wire = await openBenchWire({
    ...row,
    slowPort: row.fault === "slow port" ? slowPort : null,
  });
  const payloadBytes = row.payloadMib * 2 ** 20;
  try {
    const isLate = row.fault === "late";
    const awaited = wire.hosts.length - (isLate ? 1 : 0);
    const run = openTool[tool](wire, payload, awaited, row.linkBps);
    const sender = await run.openSender();
    const receivers = wire.hosts.map((host, number) => {
      const output = join(folder, `output${number}`);
      return { output, start: () => run.openReceiver(host, output) };
    });
    const outputs = receivers.map(({ output }) => output);
    const ends = receivers.map(({ start }, number) => (number === 0 && isLate ? null : start()));
    const before = await wire.sentBytes();
    const startedAt = await firstByte(wire.sentBytes, before + greetingBytes);
    const since = (): number => (performance.now() - startedAt) / 1000;
    const finishedAt = new Map<number, number>();
    const finish = (number: number, end: End) =>
      run.isDone(end).then(() => void finishedAt.set(number, since()));
    const finishing = ends.map((end, number) => (end === null ? null : finish(number, end)));
    const oddNumber = row.fault === null ? -1 : 0;
    if (row.fault === "killed") {
      await sleep(faultAfterSeconds * 1000);
      ends[0]?.kill();
    } else if (isLate) {
      await sleep(faultAfterSeconds * 1000);
      const late = (receivers[0] as (typeof receivers)[number]).start();
      ends[0] = late;
      finishing[0] = finish(0, late);
    }
    const others = finishing.filter((_, number) => number !== oddNumber);
    const ideal = payloadBytes / ((row.linkBps ?? 5e8) / 8);
    const isInTime = await Promise.race([
      Promise.all(others).then(() => true),
      sleep((ideal * 5 + 15) * 1000).then(() => false),
    ]);
    const seconds = isInTime ? since() : null;
    if (oddNumber === 0 && row.fault !== "killed")
      await Promise.race([finishing[0], sleep(ideal * 8 * 1000)]);
    const wireBytes = (await wire.sentBytes()) - before;
    sender.finish();
    await Promise.race([
      Promise.all([sender.exited, ...ends.map((end) => end?.exited)]),
      sleep(3000),
    ]);
    const isRight = await Promise.all(
      outputs.map(async (output) => existsSync(output) && isSameDisk(payload.path, output)),
    );
    const regular = ends.filter((end, number) => end !== null && number !== oddNumber) as End[];
    return {
      verified: isRight.filter((each, number) => each && number !== oddNumber).length,
      expected: outputs.length - (oddNumber === 0 ? 1 : 0),
      odd: oddNumber === 0 ? (isRight[0] ? "verified" : "not") : null,
      seconds,
      oddSeconds: finishedAt.get(oddNumber) ?? null,
      wireBytes,
      goodputBps: seconds === null ? null : (payloadBytes * 8) / seconds,
      sendCpu: run.cpuSeconds(sender) ?? null,
      receiveCpu: mean(regular.map((end) => run.cpuSeconds(end))),
      writeCpu: mean(regular.map((end) => run.fileSeconds(end))),
    };
  } finally {
    wire.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** When more than `bytes` were on the wire. */
export async function firstByte(sentBytes: () => Promise<number>, bytes: number): Promise<number> {
  for (;;) {
    const now = performance.now();
    if ((await sentBytes()) > bytes) return now;
    await sleep(5);
  }
}

function mean(values: readonly (number | undefined)[]): number | null {
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return null;
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
