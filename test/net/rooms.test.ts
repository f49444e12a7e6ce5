/** PCs that are wiped, tried again and woken, between real processes. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ApiClient } from "../../client/api/client.ts";
import type { HistoryEvent, ScheduleView, WakeReport } from "../../core/wire/api.ts";
import type { MemberView, SessionView } from "../../core/wire/views.ts";
import { checksum, fillDisk, type Host, type HostRoom, mib, openHostRoom } from "./hosts.ts";

const diskBytes = 16 * mib;
let room: HostRoom;
let api: ApiClient;
let masterSum = 0;
let clones: [Host, Host];

before(async () => {
  room = await openHostRoom();
  const config = join(room.folder, "slow.toml");
  // Some 8 MiB stored take 4 s.
  await writeFile(config, "[cast]\nrateMbps = 16\n");
  await room.startServer("--config", config);
  api = new ApiClient({ socketPath: join(room.data, "roomcast.sock") });
  const master = await room.addHost(1, diskBytes);
  await fillDisk(master.disk, diskBytes, 7);
  masterSum = await checksum(master.disk);
  clones = [await room.addHost(2, diskBytes), await room.addHost(3, diskBytes)];
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.filter(({ state }) => state === "idle").length === 3,
    30,
  );
  await room.roomcast("room", "create", "lab");
  for (const { name } of clones) await room.roomcast("pc", "set", name, "--room", "lab");
  const captured = await room.roomcast("capture", master.name, "base", "--wait");
  assert.equal(captured.status, 0, captured.stderr);
});
after(() => room?.close());

const memberOf = (session: SessionView, name: string): MemberView | undefined =>
  session.members.find((member) => member.name === name);

// Not by the command line: on a busy machine it starts more slowly than a PC is restored.
const sessionOf = (id: string): Promise<SessionView> => api.get(`/sessions/${id}`);
const restoreLab = (): Promise<SessionView> =>
  api.post("/sessions", { kind: "restore", image: "base", room: "lab", overwrite: "lab" });
const drop = (id: string, pc: string): Promise<SessionView> =>
  api.post(`/sessions/${id}/drop`, { pc });

const over = (id: string): Promise<SessionView> =>
  room.until(
    () => sessionOf(id),
    ({ endedAt }) => endedAt !== null,
    60,
  );

test("a wipe outlives the server: what the agent did meanwhile is told by the next one", async () => {
  const [first] = clones;
  await fillDisk(first.disk, diskBytes, 5);
  const pc = (await room.pcs()).find(({ name }) => name === first.name);
  const wipe = api.post(`/pcs/${pc?.id}/wipe`, { method: "zero", overwrite: first.name });
  wipe.catch(() => {});
  const wipes = async (): Promise<SessionView[]> =>
    (await api.get<SessionView[]>("/sessions")).filter(({ kind }) => kind === "wipe");
  const [{ id } = { id: "" }] = await room.until(wipes, ({ length }) => length > 0, 20);
  await room.endServer("SIGKILL");
  await room.startServer("--config", join(room.folder, "slow.toml"));
  const { state, members } = await over(id);
  assert.deepEqual([state, members[0]?.result, members[0]?.reason], ["done", "verified", null]);
  const zeros = join(room.folder, "zeros");
  await writeFile(zeros, new Uint8Array(diskBytes));
  assert.equal(await checksum(first.disk), await checksum(zeros));
});

test("those that failed are tried again in a session of their own", async () => {
  const [first, second] = clones;
  for (const { disk } of clones) await fillDisk(disk, diskBytes, 99);
  const { id } = await restoreLab();
  await room.until(
    () => sessionOf(id),
    (session) => (memberOf(session, second.name)?.bytesReceived ?? 0) > 0,
    20,
  );
  await drop(id, second.name);
  await over(id);
  const again = await room.roomcast("session", "retry", id);
  assert.equal(again.status, 0, again.stderr);
  const retried = again.value as SessionView;
  assert.notEqual(retried.id, id);
  assert.deepEqual(
    retried.members.map(({ name }) => name),
    [second.name],
  );
  assert.equal((await over(retried.id)).members[0]?.result, "verified");
  for (const { disk } of [first, second]) assert.equal(await checksum(disk), masterSum);
  assert.equal((await room.roomcast("session", "retry", retried.id)).status, 1, "nobody failed");
});

test("who does not come when the room is woken is named; what happened is read back", async () => {
  const [first, second] = clones;
  await second.kill();
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.find(({ name }) => name === second.name)?.state === "offline",
    60,
  );
  const woken = await room.roomcast("room", "wake", "lab", "--wait", "1");
  assert.equal(woken.status, 1);
  const report = woken.value as WakeReport;
  assert.deepEqual(report.alreadyOn, [first.name]);
  assert.deepEqual(
    report.missing.map(({ name, reached }) => `${name} ${reached}`),
    [`${second.name} off`],
  );
  const history = (await room.roomcast("history", "--pc", second.name)).value as HistoryEvent[];
  const texts = history.map(({ text }) => text);
  for (const part of ["verified", "taken out by an operator", "did not come when it was woken"]) {
    assert(
      texts.some((text) => text.includes(part)),
      `${part} in ${texts.join("; ")}`,
    );
  }
  second.start();
});

test("the schedule refuses nonsense, and is there after the server was killed", async () => {
  const refused = await room.roomcast(
    "schedule",
    "add",
    "at noon",
    "--room",
    "lab",
    "--image",
    "base",
  );
  assert.equal(refused.status, 2, refused.stderr);
  const words = ["schedule", "add", "30 6 * * 1-5", "--room", "lab", "--image", "base"];
  assert.equal((await room.roomcast(...words)).status, 0);
  await room.endServer("SIGKILL");
  await room.startServer();
  const listed = (await room.roomcast("schedule", "list")).value as ScheduleView[];
  assert.deepEqual(
    listed.map(({ cron, room: name }) => `${cron} ${name}`),
    ["30 6 * * 1-5 lab"],
  );
  assert.equal((await room.roomcast("schedule", "remove", "t1")).status, 0);
});
