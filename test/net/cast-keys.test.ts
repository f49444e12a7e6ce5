/** A cast whose wire somebody else is on as well, and that a member is taken out of. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { SessionView } from "../../core/wire/views.ts";
import { inNamespace } from "../room/run.ts";
import { assertVerified, type CastRoom, memberOf, openCastRoom } from "./cast-room.ts";
import { mib } from "./hosts.ts";

/** Some 24 MiB stored take 8 s. */
const toml = '[cast]\nrate = "25 Mbit/s"\n';
let room: CastRoom;
const children: ChildProcess[] = [];

before(async () => {
  room = await openCastRoom({ diskBytes: 48 * mib, cloneCount: 3, toml });
});
after(async () => {
  for (const child of children) child.kill("SIGKILL");
  await room?.close();
});

/** Where the session casts, as every host of the room can see. */
const placeOf = (session: string) => {
  const number = Number(session.slice(1));
  return { group: `239.77.1.${1 + number}`, port: 7400 + number };
};

async function addStranger(session: string): Promise<void> {
  const { namespace, address } = await room.network.addHost(9);
  const config = JSON.stringify({ ...placeOf(session), address });
  const script = join(import.meta.dirname, "stranger-child.ts");
  const [command, ...args] = inNamespace(namespace, [process.execPath, script, config]);
  const child = spawn(command as string, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  await once(child.stdout, "data");
}

const isReceiving = ({ members }: SessionView): boolean =>
  members.every(({ bytesWritten }) => bytesWritten > 2 * mib);

test("packets of a stranger reach no disk, and the session says how many there were", async () => {
  await room.spoil(room.clones);
  const id = await room.restore("--room", "lab");
  await addStranger(id);
  const session = await room.untilOver(id, 120);
  children.pop()?.kill("SIGKILL");
  assertVerified(session);
  await room.assertClones(room.clones);
  assert(session.forgedPackets > 100, `${session.forgedPackets} forged packets`);
  assert(
    session.notices.some((notice) => notice.includes(`forged: ${session.forgedPackets}`)),
    session.notices.join("; "),
  );
});

test("when a PC is dropped the others get new keys, keep what they have, and end right", async () => {
  for (const words of [["--room", "lab"], null]) {
    await room.spoil(room.clones);
    const [dropped, ...others] = room.clones as [CastRoom["clones"][number]];
    const id =
      words === null
        ? ((await room.roomcast("cast", room.master.name, "--room", "lab")).value as SessionView).id
        : await room.restore(...words);
    await room.untilSession(id, isReceiving, 60);
    await room.client.post(`/sessions/${id}/drop`, { pc: dropped.name });
    const session = await room.untilOver(id, 120);
    assert.equal(memberOf(session, dropped.name).result, "stopped");
    for (const { name, log } of others) {
      const { result, reason } = memberOf(session, name);
      assert.equal(result, "verified", String(reason));
      // A PC that was started over would say so.
      const orders = readFileSync(log, "utf8").match(new RegExp(`order: restore \\(${id},`, "g"));
      assert.equal(orders?.length, 1);
    }
    assert.equal(session.forgedPackets, 0, "nobody takes the sender for a stranger");
    await room.assertClones(others);
  }
});

test("no key is written down", async () => {
  const texts = [room.serverLog, ...room.clones.map(({ log }) => log)].map((path) =>
    readFileSync(path, "utf8"),
  );
  const written = readdirSync(room.data).filter((name) => name.startsWith("state.db"));
  const state = written.map((name) => readFileSync(join(room.data, name), "latin1"));
  assert(state.length > 0);
  for (const text of [...texts, ...state]) {
    assert(!/"packet":"[A-Za-z0-9+/]{11}="/.test(text));
    assert(!/"chunk":"[A-Za-z0-9+/]{43}="/.test(text));
  }
});
