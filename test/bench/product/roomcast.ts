/** roomcast as it is: the real server, and real agents that wait in their room. */
import { truncateSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient } from "../../../client/api/client.ts";
import type { PcView, SessionView } from "../../../core/wire/views.ts";
import { run } from "../../room/run.ts";
import { partitionAt } from "./disk.ts";
import type { Place, Restore } from "./way.ts";

/** Milliseconds between two looks at the session. */
const lookEvery = 20;
/** `/proc` counts processor time in hundredths of a second. */
const ticksPerSecond = 100;

export async function roomcastWay({ room, pcs, disk }: Place): Promise<Restore> {
  const client = new ApiClient({ socketPath: join(room.data, "roomcast.sock") });
  const names = pcs.map(({ name }) => name);
  for (const { disk: path } of pcs) {
    truncateSync(path, 0);
    truncateSync(path, disk.diskBytes);
  }
  const namespaces = [room.network.serverNamespace, ...pcs.map(({ namespace }) => namespace)];
  const before = await Promise.all(namespaces.map(cpuSecondsIn));
  const verified = names.map(() => Promise.withResolvers<void>());
  let session: string | null = null;
  let isEnded = false;

  const watch = async (id: string): Promise<void> => {
    while (!isEnded) {
      const { members, endedAt } = await client.get<SessionView>(`/sessions/${id}`);
      for (const { name, result } of members)
        if (result === "verified") verified[names.indexOf(name)]?.resolve();
      if (endedAt !== null) return;
      await sleep(lookEvery);
    }
  };

  return {
    async order() {
      const answer = await client.post<SessionView>("/sessions", {
        ...{ kind: "restore", image: "base", room: "lab", overwrite: "lab" },
        personalise: "none",
      });
      session = answer.id;
      void watch(answer.id);
    },
    arrivals: verified.map(({ promise }) => promise),
    outputs: pcs.map(({ disk: path }) => ({ path, at: partitionAt })),
    async end() {
      const [server = 0, ...rest] = (await Promise.all(namespaces.map(cpuSecondsIn))).map(
        (seconds, index) => seconds - (before[index] ?? 0),
      );
      isEnded = true;
      const { endedAt } = await client.get<SessionView>(`/sessions/${session}`);
      if (endedAt === null) await client.post(`/sessions/${session}/stop`);
      await room.until(
        () => client.get<PcView[]>("/pcs"),
        (all) => all.every(({ name, state }) => !names.includes(name) || state === "idle"),
        60,
      );
      return { server, pc: rest.reduce((sum, seconds) => sum + seconds, 0) / rest.length };
    },
  };
}

/** Processor time of what runs in a namespace now, with what has ended below it. */
async function cpuSecondsIn(namespace: string): Promise<number> {
  const { stdout } = await run(["ip", "netns", "pids", namespace]);
  const pids = stdout.split("\n").filter((pid) => pid !== "");
  const ticks = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
      // proc(5): utime, stime, cutime and cstime are fields 14 to 17; the second, in parentheses, may have spaces.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    }),
  );
  return ticks.reduce((sum, each) => sum + each, 0) / ticksPerSecond;
}
