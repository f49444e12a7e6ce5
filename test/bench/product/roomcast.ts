/** roomcast as it is: the real server, and real agents that wait in their room. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient } from "../../../client/api/client.ts";
import type { ImageView, PcView, SessionView } from "../../../core/wire/views.ts";
import { cpuSecondsIn, meanOf } from "./cpu.ts";
import { partitionAt } from "./disk.ts";
import type { Place, Restore, RestoreCost } from "./way.ts";

/** Milliseconds between two looks at the session, which says itself when a PC was verified. */
const lookEvery = 100;

export async function roomcastWay({ room, pcs }: Place): Promise<Restore> {
  const client = new ApiClient({ socketPath: join(room.data, "roomcast.sock") });
  const names = pcs.map(({ name }) => name);
  const namespaces = [room.network.serverNamespace, ...pcs.map(({ namespace }) => namespace)];
  const { storedBytes } = await client.get<ImageView>("/images/base");
  const cpuTimes = () => Promise.all(namespaces.map((namespace) => cpuSecondsIn(namespace)));
  const before = await cpuTimes();
  const verified = names.map(() => Promise.withResolvers<number>());
  let session: string | null = null;
  let isEnded = false;

  const watch = async (id: string): Promise<void> => {
    while (!isEnded) {
      const { members, endedAt } = await client.get<SessionView>(`/sessions/${id}`);
      for (const { name, result, endedAt: at } of members)
        if (result === "verified" && at !== null)
          verified[names.indexOf(name)]?.resolve(Date.parse(at));
      if (endedAt !== null) return;
      await sleep(lookEvery);
    }
  };

  return {
    storedBytes,
    dataFilter: "udp",
    async order() {
      const answer = await client.post<SessionView>("/sessions", {
        ...{ kind: "restore", image: "base", pcs: names, overwrite: names.join(",") },
        personalise: "none",
      });
      session = answer.id;
      void watch(answer.id);
    },
    arrivals: verified.map(({ promise }) => promise),
    outputs: pcs.map(({ disk: path }) => ({ path, at: partitionAt })),
    async end() {
      const [server = 0, ...rest] = (await cpuTimes()).map(
        (seconds, index) => seconds - (before[index] ?? 0),
      );
      isEnded = true;
      const { endedAt } = await client.get<SessionView>(`/sessions/${session}`);
      if (endedAt === null) await client.post(`/sessions/${session}/stop`);
      await room.until(
        () => client.get<PcView[]>("/pcs"),
        (all) =>
          all.every(
            ({ name, state }) => !names.includes(name) || state === "idle" || state === "failed",
          ),
        60,
      );
      const steps = courseOf(room.data, session);
      return { server, pc: meanOf(rest), steps };
    },
  };
}

/** What the server's journal has of a session: what was decided of which PC, and when. */
function courseOf(data: string, session: string | null): RestoreCost["steps"] {
  using db = new DatabaseSync(join(data, "state.db"), { readOnly: true });
  return db
    .prepare("SELECT iso, type, pc, body FROM fact WHERE session = ? ORDER BY seq")
    .all(Number(session?.slice(1)))
    .map(({ iso, type, pc, body }) => {
      const { result = null, cause = null } = JSON.parse(String(body));
      const more = [result, cause?.text].filter((each) => typeof each === "string");
      return { at: Date.parse(String(iso)), text: [pc ?? "all", type, ...more].join(" ") };
    });
}
