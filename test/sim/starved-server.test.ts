/**
 * A server that is late with its packets and its word: PCs judge by these whether the multicast reaches them, and its own
 * rate must not suffer from what is no queue.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Hearing } from "../../initrd/agent/tasks/hearing.ts";
import type { SimPc } from "./pc.ts";
import { type RoomOptions, SimRoom } from "./room.ts";

const seed = 20_101_107;
/** More than is cast in the time that is looked at. */
const storedLengths = new Uint32Array(4000).fill(1 << 20);
const untilMs = 30_000;
/** As the server's `tellRoomEveryMs`; as the agent's `lookEvery`. */
const tellEveryMs = 1000;
const lookEveryMs = 250;

/** When each PC takes itself for deaf, in milliseconds; the last of them hears nothing. */
function deafAt(options: Partial<RoomOptions>): number[][] {
  const pcs = [{}, {}, { loss: 1 }];
  const room = new SimRoom({ seed, storedLengths, pcs, uplinkBps: 100e6, ...options });
  const { time } = room;
  const hearings = room.pcs.map(() => new Hearing());
  const found: number[][] = room.pcs.map(() => []);
  const tell = (): void => {
    time.at(time.now + tellEveryMs, () => room.whenAwake(tell));
    for (const { receiver, sent } of room.stats().receivers)
      time.at(time.now + 1, () => hearings[receiver - 1]?.sent(sent));
  };
  const look = (index: number, pc: SimPc): void => {
    time.at(time.now + lookEveryMs, () => look(index, pc));
    const counts = pc.machine?.stats();
    if (counts !== undefined && hearings[index]?.isDeaf(counts) === true)
      found[index]?.push(time.now);
  };
  time.at(400, () => room.whenAwake(tell));
  for (const [index, pc] of room.pcs.entries()) look(index, pc);
  while (time.now < untilMs) room.step();
  return found;
}

test("who hears nothing is found within three seconds, and nobody else is", () => {
  const [first, second, deaf] = deafAt({});
  assert.deepEqual([first, second], [[], []]);
  const at = deaf?.[0] ?? Number.POSITIVE_INFINITY;
  assert(at < 2700, `found after ${at} ms`);
});

test("a server without a processor makes no PC deaf that hears what it sends", () => {
  for (const [everyMs, forMs] of [
    [1700, 1600],
    [3000, 2000],
    [900, 450],
    [5000, 1200],
  ] as const) {
    const [first, second, deaf] = deafAt({ starved: { everyMs, forMs } });
    const when = `${forMs} of ${everyMs} ms`;
    assert.deepEqual([first, second], [[], []], when);
    // It is said of nobody when too little is sent for it to be known.
    if (everyMs - forMs >= 1000 || forMs < 500) assert((deaf?.length ?? 0) > 0, when);
    else assert.deepEqual(deaf, [], when);
  }
});

/** Bits a second: what the PCs' hosts take, and so the rate that is to be found. */
const hostBps = 300e6;

test("a server that gets a processor now and then still finds the rate that the PCs take", () => {
  for (const [awakeMs, asleepMs] of [
    [20, 60],
    [100, 300],
    [10, 30],
  ] as const) {
    const room = new SimRoom({
      ...{ seed, storedLengths, pcs: [{ hostBps }, { hostBps }], uplinkBps: 1e9, linkBps: 1e9 },
      stalls: { awakeMs, asleepMs },
    });
    while (room.time.now < 12_000) room.step();
    const allowed = room.result().quarters.map(({ allowedBps }) => allowedBps);
    const low = allowed.sort((one, other) => one - other)[allowed.length >> 2] as number;
    assert(low > 0.6 * hostBps, `${awakeMs} of ${awakeMs + asleepMs} ms: ${low / 1e6} Mbit/s`);
  }
});
