/**
 * Server and agents killed with SIGKILL at random moments in mid-session, and started again: every
 * session ends as it should. KILLS: how many; SEED: which moments (it is printed).
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient } from "../../client/api/client.ts";
import type { SessionView } from "../../core/wire/views.ts";
import { checksum, fillDisk, type Host, type HostRoom, mib, openHostRoom } from "./hosts.ts";

const killsWanted = Number(process.env.KILLS || 3);
const seed = Number(process.env.SEED || 1);
const diskBytes = 24 * mib;
/** Some 12 MiB stored take 2.4 s. */
const config = "[cast]\nrateMbps = 40\n";
/** A kill comes at most this long after the one before, and the start again after the kill; in milliseconds. */
const killWithin = 2200;
const startWithin = 1200;
/** In one session of so many the last that is killed stays away. */
const staysAwayEvery = 12;

/** Numbers from 0 to 1 (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(seed);
let room: HostRoom;
let api: ApiClient;
let configFile = "";
let masterSum = 0;
const clones: Host[] = [];

before(async () => {
  room = await openHostRoom();
  configFile = join(room.folder, "slow.toml");
  await writeFile(configFile, config);
  api = new ApiClient({ socketPath: join(room.data, "roomcast.sock") });
  await room.startServer("--config", configFile);
  const master = await room.addHost(1, diskBytes);
  await fillDisk(master.disk, diskBytes, 7);
  masterSum = await checksum(master.disk);
  for (const number of [2, 3, 4]) clones.push(await room.addHost(number, diskBytes));
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.filter(({ state }) => state === "idle").length === 4,
    30,
  );
  await api.post("/rooms", { name: "lab" });
  for (const { name } of clones) await api.patch(`/pcs/${name}`, { room: "lab" });
  const captured = await room.roomcast("capture", master.name, "base", "--wait");
  assert.equal(captured.status, 0, captured.stderr);
});
after(() => room?.close());

/** As the server has it; null while there is none. */
const sessionOf = (id: string): Promise<SessionView | null> =>
  api.get<SessionView>(`/sessions/${id}`).catch(() => null);

interface Tally {
  server: number;
  agents: number;
  sessions: number;
  away: number;
}

/** One session with its kills; answers who stayed away. */
async function disturbedSession(tally: Tally): Promise<{ id: string; away: Host | null }> {
  for (const { disk } of clones) await fillDisk(disk, diskBytes, 99 + tally.sessions);
  const started = await api.post<SessionView>("/sessions", {
    ...{ kind: "restore", image: "base", room: "lab", overwrite: "lab" },
    delta: random() < 0.3,
  });
  const isLastAway = tally.sessions % staysAwayEvery === staysAwayEvery - 1;
  const rounds = 1 + Math.floor(random() * 3);
  for (let round = 1; round <= rounds; round++) {
    await sleep(random() * killWithin);
    if ((await sessionOf(started.id))?.endedAt !== null) break;
    const victim = clones[Math.floor(random() * (clones.length + 2))];
    if (victim === undefined) {
      await room.endServer("SIGKILL");
      tally.server++;
      await sleep(random() * startWithin);
      await room.startServer("--config", configFile);
      continue;
    }
    await victim.kill();
    tally.agents++;
    if (isLastAway && round === rounds) return { id: started.id, away: victim };
    await sleep(random() * startWithin);
    victim.start();
  }
  return { id: started.id, away: null };
}

test(`sessions end as they should after ${killsWanted} kills (SEED=${seed})`, async (t) => {
  const tally: Tally = { server: 0, agents: 0, sessions: 0, away: 0 };
  while (tally.server + tally.agents < killsWanted) {
    await room.until(
      () => room.pcs(),
      (pcs) => pcs.every(({ state }) => state === "idle" || state === "failed"),
      120,
    );
    const { id, away } = await disturbedSession(tally);
    tally.sessions++;
    const over = await room.until(
      () => sessionOf(id),
      (session) => session !== null && session.endedAt !== null,
      150,
    );
    for (const host of clones) {
      const member = over?.members.find(({ name }) => name === host.name);
      const told = `session ${id}, ${host.name}: ${member?.result}, ${member?.reason}`;
      const isWhole = (await checksum(host.disk)) === masterSum;
      assert(member?.result !== "verified" || isWhole, `${told}: the disk says otherwise`);
      if (host !== away) assert.equal(member?.result, "verified", told);
    }
    assert.equal(over?.state, "done");
    if (away !== null) {
      tally.away++;
      away.start();
    }
  }
  t.diagnostic(
    `${tally.sessions} sessions, ${tally.agents} kills of agents, ${tally.server} of the server, ` +
      `${tally.away} stayed away`,
  );
});
