/**
 * PCs that take less than is sent, behind sockets that hold seconds of it: what they take is old, and all of it comes. They
 * are not deaf, and set the pace of their room.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Hearing } from "../../initrd/agent/tasks/hearing.ts";
import { SimRoom } from "./room.ts";

const seed = 20_101_110;
/** As the server's `tellRoomEveryMs`; as the agent's `lookEvery`. */
const tellEveryMs = 1000;
const lookEveryMs = 250;

for (const mebibytes of [4, 8, 32]) {
  test(`two slow PCs whose sockets hold ${mebibytes} MiB are served at their pace, and neither is called deaf`, () => {
    const pcs = [20e6, 25e6].map((hostBps) => ({
      ...{ hostBps, hostQueueBytes: mebibytes << 20, slotCount: 85, keptBytes: 1e8 },
    }));
    const storedLengths = new Uint32Array(100).fill(900_000);
    const room = new SimRoom({ seed, storedLengths, pcs, uplinkBps: 1e9, linkBps: 1e9 });
    const { time } = room;
    const named = new Set<string>();
    const hearings = room.pcs.map(() => new Hearing());
    const tell = (): void => {
      time.at(time.now + tellEveryMs, tell);
      for (const { receiver, sent, hearing, reason } of room.stats().receivers) {
        if (reason !== null) named.add(reason.cause);
        assert.notEqual(hearing, "deaf", `PC ${receiver} at ${time.now} ms`);
        hearings[receiver - 1]?.sent(sent);
      }
    };
    const look = (): void => {
      time.at(time.now + lookEveryMs, look);
      for (const [index, { machine }] of room.pcs.entries()) {
        const isDeaf = machine !== null && hearings[index]?.isDeaf(machine.stats()) === true;
        assert(!isDeaf, `PC ${index + 1} at ${time.now} ms`);
      }
    };
    time.at(tellEveryMs, tell);
    time.at(lookEveryMs, look);
    while (room.pcs.some(({ hasAll }) => !hasAll)) room.step();
    // Of a PC whose socket is full, what it drops is the reason as well; in a simulated one nobody counts that.
    for (const cause of named) assert(cause === "behind" || cause === "loss", cause);
    const { wireRatio } = room.result();
    assert(wireRatio < 1.25, `${wireRatio} times the image`);
  });
}

test("a PC that is far slower than its room, behind a socket that holds 32 MiB: one copy for the room, one for it", () => {
  const slow = { hostBps: 20e6, hostQueueBytes: 32 << 20 };
  const pcs = [slow, {}, {}, {}].map((pc) => ({ ...pc, slotCount: 85, keptBytes: 1e8 }));
  const storedLengths = new Uint32Array(200).fill(900_000);
  const room = new SimRoom({ seed, storedLengths, pcs, uplinkBps: 1e9, linkBps: 1e9 });
  while (room.pcs.some(({ hasAll }) => !hasAll)) room.step();
  const { wireRatio } = room.result();
  assert(wireRatio < 2.1, `${wireRatio} times the image`);
});
