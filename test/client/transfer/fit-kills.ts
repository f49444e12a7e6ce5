/** `roomcast image fit` killed at moments spread over the whole of its work, and what it leaves each time. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ImageView } from "../../../core/wire/views.ts";
import { mib, tool } from "../../imaging/capture/disks.ts";
import { seeded } from "../../sim/random.ts";
import type { Transfers } from "./open-transfers.ts";

export interface FitRun {
  /** null: a signal ended it. */
  readonly status: number | null;
  readonly stderr: string;
  readonly tookMs: number;
}

/** The command as a process of its own, which gets the signal when `moment` has come. */
export async function runFit(
  { folder }: Transfers,
  { image, bytes }: { readonly image: string; readonly bytes: number },
  kill?: { readonly signal: NodeJS.Signals; moment(): Promise<void> },
): Promise<FitRun> {
  const main = join(import.meta.dirname, "../../../bin/roomcast.js");
  const words = ["--data", folder, "image", "fit", image, "--disk-size", String(bytes)];
  const startedAt = performance.now();
  const child = spawn(process.execPath, [main, ...words], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const killed = kill?.moment().then(() => child.kill(kill.signal));
  // Not `close`: tools that it had under way keep its streams open.
  const [status] = (await once(child, "exit")) as [number | null];
  const tookMs = performance.now() - startedAt;
  await killed;
  return { status, stderr, tookMs };
}

/** Where the command works. */
export const workFolderOf = ({ folder }: Transfers): string => join(folder, "fitting");

/**
 * Kills it at `count` moments, which `seed` draws: one in each of so many parts of the time that it takes.
 * After each the origin is whole, the fitted version is there whole or not at all, and a second try succeeds
 * and tidies up. Answers in which of them it was too late: the version was there.
 */
export async function killAtMoments(
  at: Transfers,
  origin: ImageView,
  how: { readonly bytes: number; readonly count: number; readonly seed: number },
): Promise<number> {
  const { bytes, count, seed } = how;
  const random = seeded(seed);
  const what = { image: origin.id, bytes };
  const fittedOnes = () => at.images.list().filter(({ fitOf }) => fitOf === origin.id);
  const dropFitted = async (): Promise<number> => {
    const found = fittedOnes();
    for (const { id } of found) await at.images.delete(id);
    return found.length;
  };
  const whole = await runFit(at, what);
  assert.equal(whole.status, 0, whole.stderr);
  assert.equal(await dropFitted(), 1);
  const others = at.images.list().map(({ id }) => id);
  let { tookMs } = whole;
  let lateCount = 0;
  for (let moment = 0; moment < count; moment++) {
    const afterMs = ((moment + random()) / count) * tookMs;
    const killed = await runFit(at, what, {
      signal: "SIGKILL",
      moment: () => sleep(afterMs),
    });
    const when = `killed after ${Math.round(afterMs)} of ${Math.round(tookMs)} ms, seed ${seed}`;
    assert(killed.status === null || killed.status === 0, `${when}: ${killed.stderr}`);
    // By then the server has seen that the connection is gone.
    await sleep(300);
    const found = fittedOnes();
    if (killed.status === 0) assert.equal(found.length, 1, when);
    for (const { id } of [origin, ...found]) await requireWhole(at, id, when);
    lateCount += await dropFitted();
    assert.deepEqual(
      at.images.list().map(({ id }) => id),
      others,
      when,
    );
    assert.equal(await sweptBytes(at), 0, `${when}: chunks were left`);
    const second = await runFit(at, what);
    assert.equal(second.status, 0, `${when}, the second try: ${second.stderr}`);
    // What the machine has to do beside changes.
    tookMs = second.tookMs;
    for (const { id } of fittedOnes()) await requireWhole(at, id, when);
    assert.equal(await dropFitted(), 1, when);
    await requireTidy(at, when);
  }
  return lateCount;
}

/** No work folder is left, and no loop device over what was there. */
export async function requireTidy(at: Transfers, when: string): Promise<void> {
  const folder = workFolderOf(at);
  assert.deepEqual(readdirSync(folder), [], when);
  for (let tries = 0; loopsIn(folder).length > 0 && tries < 100; tries++) await sleep(100);
  assert.deepEqual(loopsIn(folder), [], when);
}

/** Of chunks that no image has: they go with the next image that is deleted, here one without any. */
async function sweptBytes(at: Transfers): Promise<number> {
  const path = join(at.folder, "zeros.raw");
  writeFileSync(path, new Uint8Array(mib));
  const { id } = await at.import(path, "zeros", true);
  return (await at.images.delete(id)).freedBytes;
}

async function requireWhole(at: Transfers, id: string, when: string): Promise<void> {
  const { signal } = new AbortController();
  const report = await at.images.verify(id, { signal, onProgress() {} });
  assert.deepEqual(report, { ok: true, damaged: [] }, when);
}

/** Loop devices over files in the folder, gone or not. */
const loopsIn = (folder: string): string[] =>
  tool("losetup", ["-n", "-l", "-O", "BACK-FILE"])
    .split("\n")
    .filter((line) => line.trim().startsWith(`${folder}/`));
