/**
 * `make bench-busy`: what status calls take while five images come to the real server at once over HTTPS, as fast as
 * one network of 1 Gbit/s lets them, and are committed. `--images N`, `--seconds N`, `--profile FOLDER`.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { chunkBytes } from "../../core/units/units.ts";
import type { NewOperator, TrustView } from "../../core/wire/api.ts";
import { BenchServer } from "./building/server.ts";
import type { SenderOrder } from "./busy/sender.ts";
import { type StatusTimes, statusTimes } from "./status-times.ts";

const { values } = parseArgs({
  options: {
    images: { type: "string", default: "5" },
    seconds: { type: "string", default: "20" },
    profile: { type: "string" },
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
  const [startedAt, cpuBefore] = [performance.now(), await server.cpuSeconds()];
  const threadBefore = await server.threadSeconds();
  let isOver = false;
  const status = statusTimes(server.client, () => isOver);
  const codes = await ended;
  isOver = true;
  const seconds = (performance.now() - startedAt) / 1000;
  const cores = ((await server.cpuSeconds()) - cpuBefore) / seconds;
  if (codes.some(([code]) => code !== 0)) throw new Error("an image was not committed");
  const thread = await server.threadSeconds();
  const share = (of: keyof typeof thread): string =>
    `${Math.round(((thread[of] - threadBefore[of]) / seconds) * 100)} %`;
  const megabytes = (images * chunkCount * chunkBytes) / 1e6;
  console.log(
    `${images} images of ${chunkCount} MiB at once: ${(megabytes / seconds).toFixed(0)} MB/s, the server takes ${cores.toFixed(2)} of a core`,
  );
  const ms = ({ p50, p99, most }: Omit<StatusTimes, "calls">): string =>
    [p50, p99, most].map((each) => each.toFixed(1).padStart(8)).join("");
  console.log(
    `its own thread works ${share("ran")} of the time, and waits ${share("waited")} for a processor`,
  );
  console.log(`in milliseconds       p50     p99    most`);
  const { calls, ...times } = await status;
  console.log(`status calls     ${ms(times)}   (${calls})`);
  console.log(`its own thread   ${ms(await loopDelay())}`);
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
