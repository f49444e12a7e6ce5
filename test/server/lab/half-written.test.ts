/** What PCs start whose restore did not come to its end: no disk that roomcast itself has made unbootable. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { CastSender } from "../../../core/cast/ends.ts";
import { millis } from "../../../core/units/units.ts";
import { bulkKind } from "../../../core/wire/bulk.ts";
import type { End } from "../../../core/wire/work.ts";
import { placeOf } from "../../../server/lab/receiving.ts";
import { counters, disk } from "../../core/session/play.ts";
import { openApi, type TestApi } from "../api/open-api.ts";
import { mib, write } from "../store/write-image.ts";
import { helloOf, loginOf } from "./hello.ts";

let api: TestApi;
let rootHash: string;
/** Two PCs whose disks an earlier restore has verified. */
let a: string;
let b: string;
const online = new Set<string>();

const macOf = (number: number): string => `52:54:00:00:00:0${number}`;
/** What the second PC starts when it asks now. */
const starts = (): string => api.lab.starting.boots.decide(macOf(2)).decision;

beforeEach(async () => {
  api = await openApi("local", {
    openSender: async () => sender(),
    agents: {
      isConnected: (pc) => online.has(pc),
      refusedLogins: new Map(),
      send: () => true,
      sendBytes() {},
      disconnect() {},
    },
  });
  ({ rootHash } = await write(api.images, [new Uint8Array(randomBytes(mib))], "img"));
  [a, b] = [connect(1), connect(2)];
  for (const pc of [a, b]) {
    api.lab.pcs.admit(pc, null, "ann");
    api.lab.pcs.startFromDisk(pc);
  }
});
afterEach(() => api.close());

function sender(): CastSender {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const close = async () => resolve();
  return { join() {}, report() {}, announce() {}, rekey() {}, leave() {}, ended, close };
}

function connect(number: number): string {
  const login = loginOf(helloOf(macOf(number)), { kind: "file" });
  const { pc } = api.lab.connections.login(login);
  online.add(pc);
  api.lab.connections.connected(pc, login);
  return pc;
}

function lose(pc: string): void {
  online.delete(pc);
  api.lab.connections.lost(pc, "gone");
}

async function begin(pcs: readonly string[]): Promise<string> {
  const names = pcs.map((pc) => api.lab.inventory.get(pc)?.name ?? "");
  const order = { kind: "restore", image: "img", pcs: names, overwrite: names.join() };
  const { status, body } = await api.call("POST", "/sessions", order);
  assert.equal(status, 200, JSON.stringify(body));
  return body.id;
}

function ready(session: string, pc: string): void {
  const { tag } = placeOf(api.lab.sessions.session(session));
  const payload = new Uint8Array(1);
  api.lab.runner.equipment.takeFrame(pc, { kind: bulkKind.wants, tag, payload });
  api.lab.connections.message(pc, { type: "ready", session, attempt: 1, disk, counters });
}

function end(session: string, pc: string, outcome: End["outcome"]): void {
  const hash = outcome === "verified" ? rootHash : null;
  const said = { outcome, reason: null, next: null, rootHash: hash, counters: null };
  const report = { session, attempt: 1, phase: "done" as const, end: said };
  api.lab.connections.message(pc, { type: "alive", state: "idle", report });
}

/** The time is over for which the session waits for somebody. */
async function outwait(session: string): Promise<void> {
  const { engine } = api.lab.runner;
  engine.tick({ at: engine.deadline(millis(0)) ?? assert.fail(), iso: "later" });
  await settled(session);
}

/** What was said is written and done. */
async function settled(session: string): Promise<void> {
  api.lab.runner.take(session, { type: "tick" });
  await sleep(1);
}

async function over(session: string): Promise<void> {
  await settled(session);
  assert.equal(api.lab.runner.engine.get(session), undefined, "the session is over");
}

test("a PC that would be let in again starts the agent, while the session is under way", async () => {
  assert.equal(starts(), "local-disk");
  const session = await begin([a, b]);
  await settled(session);
  ready(session, a);
  // The other one never gets ready: nothing was written there.
  await outwait(session);
  assert.equal(api.lab.runner.engine.of(b), undefined, "it has ended");
  assert.equal(starts(), "agent");
  end(session, a, "verified");
  await over(session);
  assert.equal(starts(), "local-disk");
});

test("a PC that was lost while it received starts the agent until another restore is verified", async () => {
  const session = await begin([a, b]);
  await settled(session);
  for (const pc of [a, b]) ready(session, pc);
  await settled(session);
  lose(b);
  await outwait(session);
  end(session, a, "verified");
  await over(session);
  assert.equal(starts(), "agent");
  connect(2);
  assert.equal(starts(), "agent", "though its agent was there once");
  const isStored = (): boolean | undefined =>
    api.state.pcs().find(({ id }) => id === b)?.halfWritten;
  for (let tries = 0; tries < 200 && isStored() !== true; tries++) await sleep(10);
  assert.equal(isStored(), true);
  const again = await begin([b]);
  await settled(again);
  ready(again, b);
  end(again, b, "verified");
  await over(again);
  assert.equal(starts(), "local-disk");
});

test("so does one whose restore failed, or ended while it was out of sight; an operator may say otherwise", async () => {
  const failed = await begin([b]);
  await settled(failed);
  ready(failed, b);
  end(failed, b, "failed");
  await over(failed);
  assert.equal(starts(), "agent");
  await api.lab.pcs.power(b, "boot-disk", { operator: "ann", shown: null });
  assert.equal(starts(), "local-disk");
  const stopped = await begin([b]);
  await settled(stopped);
  lose(b);
  api.lab.sessions.stop(stopped);
  await over(stopped);
  assert.equal(starts(), "agent");
});

test("a disk that nothing was written to is started as before", async () => {
  const session = await begin([b]);
  await settled(session);
  end(session, b, "refused");
  await over(session);
  assert.equal(starts(), "local-disk");
});
