/** What a PC's own screen says of the time left, beside what the server says of the room. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Order } from "../../../core/agent/life.ts";
import type { TaskProgress } from "../../../core/agent/state.ts";
import { TimeLeft } from "../../../core/session/time-left.ts";
import { chunkBytes, millis } from "../../../core/units/units.ts";
import type { MemberView } from "../../../core/wire/views.ts";
import { Gauges } from "../../../initrd/agent/gauges.ts";
import { counters } from "../../core/session/play.ts";
import { restoringRoom } from "../../core/session/restoring-room.ts";

const mb = 1e6;
const order = (verify: "read-back" | "written"): Order =>
  ({ type: "restore", image: "i", verify }) as Order;

function progressOf(member: MemberView): TaskProgress {
  const { bytesWanted, bytesReceived, bytesWritten, bytesVerified, chunksKept, state } = member;
  const isWritten = state === "verifying";
  const done = { bytesReceived, bytesWritten, bytesVerified: bytesVerified ?? 0, chunksKept };
  return {
    phase: isWritten ? "verifying" : "receiving",
    bytesDone: isWritten ? (bytesVerified ?? 0) : bytesWritten + chunksKept * chunkBytes,
    bytesTotal: bytesWanted,
    counters: { ...counters, ...done, bytesWanted: bytesWanted ?? 0 },
  };
}

test("a PC in a room of its like says what the server says of the room, whatever holds it up", () => {
  for (const diskBps of [20 * mb, 60 * mb, 200 * mb])
    for (const verify of ["read-back", "written"] as const) {
      const isReadBack = verify === "read-back";
      const pc = { chunks: 1500, linkBps: () => 40 * mb, diskBps, isReadBack };
      const room = new TimeLeft();
      const gauges = new Gauges();
      for (const [second, { view }] of restoringRoom([pc, pc, pc]).entries()) {
        const now = millis(second * 1000);
        room.note(view, now);
        const [member] = view.members;
        if (member?.result !== "pending") break;
        const progress = progressOf(member);
        const standing = { order: order(verify), progress, isConnected: true };
        assert.equal(gauges.secondsLeft(standing, now), room.seconds, `${verify} ${second}`);
      }
    }
});

test("what a restore did before it was cut off is not reckoned with afterwards", () => {
  const gauges = new Gauges();
  const at = (second: number, bytes: number, isConnected = true): number | null =>
    gauges.secondsLeft(
      {
        ...{ order: order("written"), isConnected },
        progress: {
          ...{ phase: "receiving", bytesDone: bytes, bytesTotal: 1000 * mb },
          counters: {
            ...{ ...counters, bytesWanted: 1000 * mb, chunksKept: 0 },
            ...{ bytesReceived: bytes, bytesWritten: bytes },
          },
        },
      },
      millis(second * 1000),
    );
  for (let second = 1; second < 10; second++) at(second, second * 10 * mb);
  assert.equal(at(10, 100 * mb), 90);
  for (let second = 11; second < 71; second++) assert.equal(at(second, 100 * mb, false), null);
  for (let second = 71; second < 75; second++) at(second, (second - 61) * 10 * mb);
  assert.equal(at(75, 140 * mb), 86);
});

test("of other work it is what is left of the present phase, at the present rate", () => {
  const gauges = new Gauges();
  const wipe = { type: "wipe" } as Order;
  const at = (second: number, bytesDone: number): number | null => {
    const progress = { phase: "wiping", bytesDone, bytesTotal: 100, counters: null } as const;
    const standing = { order: wipe, progress, isConnected: true };
    return gauges.secondsLeft(standing, millis(second * 1000));
  };
  assert.equal(at(1, 0), null);
  assert.equal(at(2, 25), 3);
});
