/**
 * A PC that loses its power in mid-restore: `make test-reset`. It comes back by itself, is let in again,
 * looks what its disk has, and is verified, while the other PC is not held up.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { SessionView } from "../../core/wire/views.ts";
import { masterDisk } from "./master.ts";
import { openRoom, roomFolder } from "./room-run.ts";

const say = (text: string): void => console.log(new Date().toISOString().slice(11, 19), text);
const hello = /roomcast: registered as/;
const bootMs = 240_000;

const master = await masterDisk(roomFolder, say);
// Slow enough that the PC is back before the other one is done.
const room = await openRoom({ config: "[cast]\nrateMbps = 16\n" });
const { lab } = room;
const machine = { firmware: "bios", nic: "e1000e", bus: "nvme" } as const;
let isDone = false;
try {
  const pc1 = await room.start({
    ...{ name: "pc1", number: 1, ...machine },
    content: { copyOf: master },
  });
  await pc1.waitForSerial(hello, bootMs);
  const captured = await lab.watch(["capture", pc1.mac, "lab", "--wait"], () => {});
  assert.equal(captured.status, 0, captured.stderr);
  const pc2 = await room.start({
    ...{ name: "pc2", number: 2, ...machine },
    content: { fill: 0xa5 },
  });
  await pc2.waitForSerial(hello, bootMs);
  const restore = ["restore", "lab", "--pc", pc1.mac, "--pc", pc2.mac, "--wait"];
  let said = "";
  const ended = lab.watch(restore, ({ state, members }) => {
    const words = members.map(
      (each) => `${each.name} ${each.state} ${each.result} ${each.reason ?? ""}`,
    );
    const line = [state, ...words].join(", ");
    if (line !== said) say(line);
    said = line;
  });
  while (!(await isPartDone("pc2"))) await sleep(1000);
  say("pc2 loses its power");
  await pc2.reset();
  const { status, value, stderr } = await ended;
  const [one, two] = value?.members ?? [];
  assert.equal(status, 0, stderr);
  assert.deepEqual([one?.result, two?.result], ["verified", "verified"]);
  assert((two?.chunksKept ?? 0) > 0, "what was written before the reset is kept");
  say(`both are verified; pc2 kept ${two?.chunksKept} chunks`);
  isDone = true;
} finally {
  if (!isDone) say(`the logs are in ${room.folder}`);
  await room.close(!isDone);
}

async function isPartDone(name: string): Promise<boolean> {
  const sessions = await lab.command<SessionView[]>("session", "list");
  const member = sessions
    .find(({ kind }) => kind === "restore")
    ?.members.find((each) => each.name === name);
  return (member?.bytesReceived ?? 0) > 0.3 * (member?.bytesWanted ?? Number.POSITIVE_INFINITY);
}
