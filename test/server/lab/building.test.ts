/** What a PC costs that comes, speaks and goes does not depend on how many others there are. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../core/node/clock.ts";
import type { Agents } from "../../../server/lab/agents.ts";
import { Lab } from "../../../server/lab/lab.ts";
import { allOwn } from "../../../server/lab/room-owners.ts";
import { keptHere } from "../../../server/state/kept-records.ts";
import { newRoom, type PcRecord } from "../../../server/state/records.ts";
import { openStateStore } from "../../../server/state/state-store.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { testNetwork } from "../api/open-api.ts";
import { hello, loginOf } from "./hello.ts";

const pcsInRoom = 30;

const macOf = (number: number): string =>
  `52:54:00:00:${[8, 0].map((bits) => ((number >> bits) & 255).toString(16).padStart(2, "0")).join(":")}`;
const helloOfPc = (number: number) => hello(macOf(number), `u${number}`);

/** How often a record of a PC is looked at, for each PC, when `count` PCs come, speak and go while somebody watches. */
async function looksPerPc(count: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-building-"));
  const state = openStateStore(folder);
  const images = await openImageStore(join(folder, "store"));
  for (let room = 0; room * pcsInRoom < count; room++) state.saveRoom(newRoom(`room ${room}`));
  state.savePcs(Array.from({ length: count }, (_, number) => recordOf(number)));
  let looks = 0;
  const counted = (pc: PcRecord): PcRecord =>
    new Proxy(pc, {
      get(target, name) {
        looks++;
        return Reflect.get(target, name);
      },
    });
  const online = new Set<string>();
  const agents: Agents = {
    isConnected: (pc) => online.has(pc),
    refusedLogins: new Map(),
    send: () => true,
    sendBytes() {},
    disconnect() {},
  };
  const refuse = () => Promise.reject(new Error("nothing is cast in this test"));
  const lab = new Lab({
    ...{ images, agents, dataFolder: folder, clock: systemClock, version: "test" },
    owners: allOwn,
    keepSshKeys: keptHere,
    language: "en",
    historyDays: 365,
    optimiseAt: null,
    state: { ...state, pcs: () => state.pcs().map(counted) },
    ...{ networks: () => [testNetwork], openSender: refuse, startReceiver: refuse, seal: () => "" },
    rateLimitBps: () => null,
    senses: { hearArp: () => ({ [Symbol.dispose]() {} }), askSsh: async () => null },
    checkWire: {
      limitBps: async () => null,
      hasQuerier: () => null,
      cableOf: (network) => network,
      burst: async (_, { rateBps }) => rateBps,
    },
    startFit: () => ({ stop: async () => {} }),
    wake: async () => {},
    log() {},
  });
  try {
    const told: string[] = [];
    lab.announcer.feed.listen(({ type }) => void told.push(type));
    looks = 0;
    const ids = Array.from({ length: count }, (_, number) => {
      const login = loginOf(helloOfPc(number), { kind: "file" });
      const { pc } = lab.connections.login(login);
      online.add(pc);
      lab.connections.connected(pc, login);
      return pc;
    });
    await sleep(400);
    for (const pc of ids)
      lab.connections.message(pc, { type: "alive", state: "idle", report: null });
    for (const pc of ids) {
      online.delete(pc);
      lab.connections.lost(pc, "switched off");
    }
    await sleep(400);
    assert.equal(told.filter((type) => type === "pc").length, 2 * count);
    assert.equal(told.filter((type) => type === "room").length, (2 * count) / pcsInRoom);
    return looks / count;
  } finally {
    await lab.close();
    await images[Symbol.asyncDispose]();
    state.close();
    await rm(folder, { recursive: true });
  }
}

function recordOf(number: number): PcRecord {
  const { type: _, state: __, report: ___, ...said } = helloOfPc(number);
  const room = Math.floor(number / pcsInRoom);
  return {
    ...{ id: `p${number}`, name: `pc${number}`, room: `room ${room}`, seat: null, hello: said },
    ...{ macs: [said.mac], lastSeen: "t", nextBoot: "room" },
  };
}

test("a building of four times as many PCs costs four times as much", async () => {
  const [few, many] = [await looksPerPc(2 * pcsInRoom), await looksPerPc(8 * pcsInRoom)];
  assert(many < few + 2, `each of many costs ${many} looks, and each of few ${few}`);
});
