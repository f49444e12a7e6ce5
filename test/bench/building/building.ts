/** One building against one server: all PCs come at once, then stand still, then ten sessions work. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { SessionView } from "../../../core/wire/views.ts";
import { type StatusTimes, statusTimes } from "../status-times.ts";
import type { FromPcs, ToPcs } from "./pcs.ts";
import { idOfPc, nameOfPc, seed } from "./seed.ts";
import { BenchServer, cpuSecondsOf } from "./server.ts";

/** As many as there are cores for them beside the server, and one more, so that no process is the limit. */
const processCount = 2;
/** After which PCs that are not welcome yet are counted as missing, in milliseconds. */
const welcomeLimitMs = 120_000;
const phaseMs = 20_000;
const sessionCount = 10;
const pcsPerSession = 50;

export interface Building {
  readonly pcs: number;
  /** From the word to come to the last welcome; null: some were not welcome in time. */
  readonly welcomeSeconds: number | null;
  readonly welcomeCpuSeconds: number;
  /** What the PCs took meanwhile, which in a building have processors of their own. */
  readonly pcsCpuSeconds: number;
  /** Connections that ended before they were let in, by why. */
  readonly refused: Readonly<Record<string, number>>;
  readonly idle: Phase;
  /** Null where there are too few PCs for ten sessions. */
  readonly sessions: (Phase & { readonly atWork: number }) | null;
  /** Links that were let in and have ended, by why. */
  readonly cuts: Readonly<Record<string, number>>;
}

/** What holds for a while. */
export interface Phase {
  readonly status: StatusTimes;
  /** Cores that the server keeps busy. */
  readonly cores: number;
  readonly memoryBytes: number;
  /** The most that the server ever had. */
  readonly peakBytes: number;
}

export async function measure(pcs: number, nodeOptions: readonly string[]): Promise<Building> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-building-"));
  // One PC of each session never comes, so that the sessions stay as they are: the cast has its own bench.
  const orders = await seed(join(folder, "data"), pcs + sessionCount);
  const server = await BenchServer.start(folder, nodeOptions);
  const children: ChildProcess[] = [];
  try {
    const stopListening = [0, 1].map(() => listen(join(folder, "data", "roomcast.sock")));
    for (let at = 0; at < processCount; at++) {
      const child = fork(join(import.meta.dirname, "pcs.ts"));
      children.push(child);
      const own = orders.slice(0, pcs).filter((_, index) => index % processCount === at);
      say(child, { type: "make", port: server.port, pcs: own });
      await answer(child, "made");
    }
    const pcsCpu = async (): Promise<number> => {
      const all = await Promise.all(children.map(({ pid }) => cpuSecondsOf(pid as number)));
      return all.reduce((sum, seconds) => sum + seconds, 0);
    };
    const [cpuBefore, pcsCpuBefore] = [await server.cpuSeconds(), await pcsCpu()];
    const startedAt = Date.now();
    const all = Promise.all(children.map((child) => answer(child, "all-welcome")));
    for (const child of children) say(child, { type: "come" });
    const last = await Promise.race([all, sleep(welcomeLimitMs, null, { ref: false })]);
    const welcomeCpuSeconds = (await server.cpuSeconds()) - cpuBefore;
    const pcsCpuSeconds = (await pcsCpu()) - pcsCpuBefore;
    await sleep(2000);
    const idle = await phase(server);
    const sessions = pcs < sessionCount * pcsPerSession ? null : await withSessions(server, pcs);
    const counts = await countsOf(children);
    for (const stop of stopListening) stop();
    return {
      pcs,
      welcomeSeconds:
        last === null ? null : (Math.max(...last.map(({ at }) => at)) - startedAt) / 1000,
      ...{ welcomeCpuSeconds, pcsCpuSeconds, idle, sessions, ...counts },
    };
  } finally {
    for (const child of children) if (child.connected) child.disconnect();
    await server.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/** `atWork`: of the sessions' PCs, those that are so at the end. */
async function withSessions(
  server: BenchServer,
  pcs: number,
): Promise<Phase & { readonly atWork: number }> {
  for (let at = 0; at < sessionCount; at++) {
    const numbers = Array.from(
      { length: pcsPerSession },
      (_, seat) => at * pcsPerSession + seat + 1,
    );
    const members = [...numbers, pcs + at + 1];
    await server.client.post<SessionView>("/sessions", {
      ...{ kind: "restore", image: "bench", pcs: members.map(idOfPc), start: "all" },
      ...{ fit: "never", personalise: "none", overwrite: members.map(nameOfPc).join(",") },
    });
  }
  await sleep(3000);
  const measured = await phase(server);
  const views = await server.client.get<SessionView[]>("/sessions");
  const members = views.flatMap((view) => view.members);
  const atWork = members.filter(({ state }) => state === "receiving" || state === "waiting");
  return { ...measured, atWork: atWork.length };
}

async function phase(server: BenchServer): Promise<Phase> {
  const cpuBefore = await server.cpuSeconds();
  const startedAt = performance.now();
  const isOver = (): boolean => performance.now() - startedAt >= phaseMs;
  const status = await statusTimes(server.client, isOver);
  const seconds = (performance.now() - startedAt) / 1000;
  const cores = ((await server.cpuSeconds()) - cpuBefore) / seconds;
  const { now, most } = await server.memoryBytes();
  return { status, cores, memoryBytes: now, peakBytes: most };
}

/** A console that watches; answers how to end it. */
function listen(socketPath: string): () => void {
  const request = get({ socketPath, path: "/api/v1/events" }, (answer) => answer.resume());
  request.on("error", () => {});
  return () => void request.destroy();
}

const say = (child: ChildProcess, message: ToPcs): void => void child.send(message);

async function answer<T extends FromPcs["type"]>(
  child: ChildProcess,
  type: T,
): Promise<Extract<FromPcs, { type: T }>> {
  const gone = new AbortController();
  child.once("exit", () => gone.abort(new Error("a process of PCs has ended")));
  for (;;) {
    const [message] = (await once(child, "message", gone)) as [FromPcs];
    if (message.type === type) return message as Extract<FromPcs, { type: T }>;
  }
}

async function countsOf(
  children: readonly ChildProcess[],
): Promise<Pick<Building, "cuts" | "refused">> {
  const sum = { cuts: {} as Record<string, number>, refused: {} as Record<string, number> };
  for (const child of children) {
    const counted = answer(child, "counts");
    say(child, { type: "count" });
    const counts = await counted;
    for (const what of ["cuts", "refused"] as const)
      for (const [reason, count] of Object.entries(counts[what]))
        sum[what][reason] = (sum[what][reason] ?? 0) + count;
  }
  return sum;
}
