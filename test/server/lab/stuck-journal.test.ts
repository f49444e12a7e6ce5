/** While the journal cannot be written, PCs go on to speak, and the disk is not asked with every word. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerMessage } from "../../../core/wire/server-message.ts";
import { openApi } from "../api/open-api.ts";
import { helloOf, loginOf } from "./hello.ts";

test("a journal that cannot be written is tried once a second, and then all that waited is done", {
  timeout: 60_000,
}, async () => {
  const sent: ServerMessage[] = [];
  await using api = await openApi("local", {
    agents: {
      isConnected: () => true,
      refusedLogins: new Map(),
      send: (_, message) => sent.push(message) > 0,
      sendBytes() {},
      disconnect() {},
    },
  });
  const { lab, state } = api;
  const login = loginOf(helloOf("52:54:00:00:00:01"), { kind: "file" });
  const { pc } = lab.connections.login(login);
  lab.connections.connected(pc, login);
  await api.call("POST", `/pcs/${pc}/admit`, {});
  await api.call("POST", "/captures", { pc, name: "img" });
  assert(sent.some(({ type }) => type === "capture"));
  sent.length = 0;
  const { append } = state.journal;
  let tries = 0;
  state.journal.append = () => {
    tries++;
    throw new Error("the disk is full");
  };
  const stuckAt = performance.now();
  // Who was gone and is there again is ordered anew: once that is written.
  lab.connections.lost(pc, "gone");
  lab.connections.connected(pc, login);
  for (let word = 0; word < 50; word++) {
    lab.connections.message(pc, { type: "alive", state: "idle", report: null });
    lab.runner.booting(pc);
    await sleep(1);
  }
  const seconds = (performance.now() - stuckAt) / 1000;
  assert(tries >= 1 && tries <= 1 + seconds, `${tries} tries in ${seconds} s`);
  assert.match(lab.announcer.warnings.join(), /sessions stand still.*the disk is full/);
  assert(!sent.some(({ type }) => type === "capture"));
  state.journal.append = append;
  const isSent = (): boolean => sent.some(({ type }) => type === "capture");
  for (let tries = 0; tries < 3000 && !(isSent() && lab.announcer.warnings.length === 0); tries++)
    await sleep(10);
  assert.deepEqual(lab.announcer.warnings, []);
  assert(isSent());
});

test("what may wait for the disk and is not taken by it is a warning, too, and one that says so of sessions says enough", async () => {
  await using api = await openApi("local");
  const { announcer } = api.lab;
  announcer.warn(["eth0 has no link"]);
  announcer.notWritten("the disk is full");
  const unwritten = "what happens cannot be written down: the disk is full";
  assert.deepEqual(announcer.warnings, ["eth0 has no link", unwritten]);
  announcer.stuck("the disk is full");
  assert.deepEqual(announcer.warnings, [
    "eth0 has no link",
    `sessions stand still, since ${unwritten}`,
  ]);
  announcer.stuck(null);
  announcer.notWritten(null);
  assert.deepEqual(announcer.warnings, ["eth0 has no link"]);
});
