/**
 * `make bench-busy`: what status calls take while five images come to the real server at once over HTTPS, as fast as
 * one network of 1 Gbit/s lets them, and are committed. `--images N`, `--seconds N`, `--profile FOLDER`.
 * `--out FOLDER`: the table, and the figures as JSON.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { chunkBytes } from "../../core/units/units.ts";
import type { NewOperator, TrustView } from "../../core/wire/api.ts";
import { BenchServer } from "./building/server.ts";
import type { SenderOrder, SenderWord } from "./busy/sender.ts";
import { BusyMeter, busyText, isBusyWith, machineText, takenAt } from "./machine.ts";
import { type StatusTimes, statusTimes } from "./status-times.ts";

const { values } = parseArgs({
  options: {
    images: { type: "string", default: "5" },
    seconds: { type: "string", default: "20" },
    profile: { type: "string" },
    out: { type: "string" },
  },
});
/** Of stored data, what 1 Gbit/s carries beside its headers. */
const networkBytesPerSecond = 117e6;

const folder = await mkdtemp(join(tmpdir(), "roomcast-busy-"));
const delays = join(folder, "delays.json");
process.env.LOOP_DELAY_FILE = delays;
const { profile } = values;
const server = await BenchServer.start(folder, [
  ...["--import", join(import.meta.dirname, "busy", "loop-delay.ts")],
  ...(profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`]),
]);
const children: ChildProcess[] = [];
const taken = { at: takenAt(), on: machineText() };
try {
  const { token } = await server.client.post<NewOperator>("/operators", {
    ...{ name: "bench", role: "operator" },
  });
  const { gate: url, key: pin } = await server.client.get<TrustView>("/trust");
  const images = Number(values.images);
  const chunksPerSecond = networkBytesPerSecond / chunkBytes / images;
  const chunkCount = Math.ceil(chunksPerSecond * Number(values.seconds));
  for (let at = 1; at <= images; at++) {
    const child = fork(join(import.meta.dirname, "busy", "sender.ts"));
    children.push(child);
    const name = `image${at}`;
    child.send({ ...{ url, pin, token, name, chunkCount, chunksPerSecond } } satisfies SenderOrder);
  }
  const ended = Promise.all(children.map((child) => once(child, "exit")));
  await Promise.all(children.map((child) => once(child, "message")));
  await loopDelay();
  let senderMicroseconds = 0;
  for (const child of children)
    child.once("message", ({ used }: SenderWord) => {
      senderMicroseconds += (used?.user ?? 0) + (used?.system ?? 0);
    });
  const busy = new BusyMeter();
  const ownBefore = process.cpuUsage();
  const [startedAt, cpuBefore] = [performance.now(), await server.cpuSeconds()];
  const threadBefore = await server.threadSeconds();
  let isOver = false;
  const status = statusTimes(server.client, () => isOver);
  const codes = await ended;
  isOver = true;
  const seconds = (performance.now() - startedAt) / 1000;
  const cores = ((await server.cpuSeconds()) - cpuBefore) / seconds;
  if (codes.some(([code]) => code !== 0)) throw new Error("an image was not committed");
  const { user, system } = process.cpuUsage(ownBefore);
  const ownCores = cores + (senderMicroseconds + user + system) / 1e6 / seconds;
  const otherCores = busy.others(seconds, ownCores);
  const thread = await server.threadSeconds();
  const share = (of: keyof typeof thread): number => (thread[of] - threadBefore[of]) / seconds;
  const [ran, waited] = [share("ran"), share("waited")];
  const percent = (of: number): string => `${Math.round(of * 100)} %`;
  const megabytes = (images * chunkCount * chunkBytes) / 1e6;
  const ms = ({ p50, p99, most }: Omit<StatusTimes, "calls">): string =>
    [p50, p99, most].map((each) => each.toFixed(1).padStart(8)).join("");
  const [calls, late] = [await status, await loopDelay()];
  const text = [
    `${images} images of ${chunkCount} MiB at once: ${(megabytes / seconds).toFixed(0)} MB/s, the server takes ${cores.toFixed(2)} of a core`,
    `its own thread works ${percent(ran)} of the time, and waits ${percent(waited)} for a processor; others have ${otherCores.toFixed(2)} of a core`,
    "in milliseconds       p50     p99    most",
    `status calls     ${ms(calls)}   (${calls.calls})`,
    `its own thread   ${ms(late)}`,
    `${taken.at}; ${taken.on}`,
    ...(isBusyWith(otherCores) ? [busyText] : []),
  ].join("\n");
  console.log(text);
  if (values.out !== undefined) {
    await mkdir(values.out, { recursive: true });
    const figures = {
      ...{ taken, images, chunkCount, seconds, cores, otherCores, ran, waited },
      calls,
      late,
    };
    await writeFile(join(values.out, "busy.json"), `${JSON.stringify(figures, null, 1)}\n`);
    await writeFile(join(values.out, "busy.txt"), `${text}\n`);
  }
} finally {
  for (const child of children) child.kill();
  await server.end();
  await rm(folder, { recursive: true, force: true });
}

/** How late the server's thread was since this was last asked. */
async function loopDelay(): Promise<Omit<StatusTimes, "calls">> {
  process.kill(server.pid, "SIGUSR2");
  await sleep(300);
  return JSON.parse(await readFile(delays, "utf8"));
}
