/** A room of agents on disk files with a captured image, and what is said of its sessions meanwhile. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ApiClient } from "../../client/api/client.ts";
import type { ApiEvent } from "../../core/wire/api.ts";
import type { MemberView, SessionView } from "../../core/wire/views.ts";
import { checksum, fillDisk, type Host, type HostRoom, openHostRoom } from "./hosts.ts";

export interface CastRoom extends HostRoom {
  readonly master: Host;
  readonly clones: readonly Host[];
  readonly client: ApiClient;
  /** Starts the server with this configuration. */
  serve(toml: string): Promise<void>;
  /** Fills the disks with something else. */
  spoil(hosts: readonly Host[]): Promise<void>;
  /** Their disks are the master's. */
  assertClones(hosts: readonly Host[]): Promise<void>;
  /** `roomcast restore base …`; answers the session's id. */
  restore(...words: string[]): Promise<string>;
  /** Polls without the cost of a process. */
  untilSession(
    id: string,
    accept: (session: SessionView) => boolean,
    seconds: number,
  ): Promise<SessionView>;
  untilOver(id: string, seconds: number): Promise<SessionView>;
}

/** Host 1 is the master, in `default`; `cloneCount` others are in the room `lab`. `base` is captured. */
export async function openCastRoom(options: {
  readonly diskBytes: number;
  readonly cloneCount: number;
  readonly toml?: string;
}): Promise<CastRoom> {
  const { diskBytes, cloneCount } = options;
  const room = await openHostRoom();
  try {
    const client = new ApiClient({ socketPath: join(room.data, "roomcast.sock") });
    const serve = async (toml: string): Promise<void> => {
      const path = join(room.folder, "roomcast.toml");
      await writeFile(path, toml);
      await room.startServer("--config", path);
    };
    await serve(options.toml ?? "");
    const master = await room.addHost(1, diskBytes);
    await fillDisk(master.disk, diskBytes, 7);
    const clones: Host[] = [];
    for (let number = 2; number < cloneCount + 2; number++)
      clones.push(await room.addHost(number, diskBytes));
    await room.until(
      () => room.pcs(),
      (pcs) => pcs.filter(({ state }) => state === "idle").length === cloneCount + 1,
      120,
    );
    await room.roomcast("room", "create", "lab");
    for (const { name } of clones) await client.patch(`/pcs/${name}`, { room: "lab" });
    const captured = await room.roomcast("capture", master.name, "base", "--wait");
    assert.equal(captured.status, 0, captured.stderr);
    const untilSession: CastRoom["untilSession"] = (id, accept, seconds) =>
      room.until(() => client.get<SessionView>(`/sessions/${id}`), accept, seconds);
    return {
      ...room,
      master,
      clones,
      client,
      serve,
      async spoil(hosts) {
        for (const { disk } of hosts) await fillDisk(disk, diskBytes, 99);
      },
      async assertClones(hosts) {
        const masterSum = await checksum(master.disk);
        for (const { disk, name } of hosts)
          assert.equal(await checksum(disk), masterSum, `${name}'s disk`);
      },
      async restore(...words) {
        const answer = await room.roomcast("restore", "base", ...words);
        assert.equal(answer.status, 0, answer.stderr);
        return (answer.value as SessionView).id;
      },
      untilSession,
      untilOver: (id, seconds) => untilSession(id, ({ endedAt }) => endedAt !== null, seconds),
    };
  } catch (error) {
    await room.close();
    throw error;
  }
}

export function memberOf(session: SessionView, name: string): MemberView {
  const found = session.members.find((member) => member.name === name);
  assert(found !== undefined, `${name} is a member`);
  return found;
}

/** Everyone has the disk, or the session as it is. */
export function assertVerified(session: SessionView): void {
  const said = session.members.map(({ name, result, reason }) => `${name} ${result} ${reason}`);
  assert(
    session.members.every(({ result }) => result === "verified"),
    said.join("; "),
  );
}

export interface Heard {
  readonly atMs: number;
  readonly event: ApiEvent;
}

/** What the server says from now on, with its time; `stop` ends it. */
export function listen(client: ApiClient): { readonly heard: Heard[]; stop(): Promise<void> } {
  const stopped = new AbortController();
  const heard: Heard[] = [];
  const listening = (async () => {
    for await (const event of client.events(stopped.signal))
      if (event.type !== "connection") heard.push({ atMs: performance.now(), event });
  })();
  return {
    heard,
    async stop() {
      stopped.abort();
      await listening;
    },
  };
}
