import assert from "node:assert/strict";
import { test } from "node:test";
import type { Agents } from "../../../server/lab/agents.ts";
import { openApi } from "../api/open-api.ts";
import { helloOf, loginOf } from "./hello.ts";

test("a connected PC is seen now; afterwards, when it was lost", async () => {
  const connected = new Set<string>();
  const agents: Agents = {
    isConnected: (pc) => connected.has(pc),
    send: (pc) => connected.has(pc),
    sendBytes: () => {},
    disconnect: () => {},
    refusedLogins: new Map(),
  };
  await using api = await openApi("local", { agents });
  const { lab } = api;
  const login = loginOf(helloOf("52:54:00:00:00:01"));
  const { pc: id } = lab.connections.login(login);
  const pc = lab.inventory.find(id);
  connected.add(id);
  lab.connections.connected(id, login);
  pc.lastSeen = "2020-01-01T00:00:00.000Z";
  const age = (): number => Date.now() - Date.parse(lab.pcView(pc).lastSeen ?? "");
  assert(age() < 60_000, `${age()} ms`);
  lab.connections.lost(id, "closed");
  connected.delete(id);
  assert(age() < 60_000, "since it was lost");
  pc.lastSeen = "2020-01-01T00:00:00.000Z";
  assert.equal(lab.pcView(pc).lastSeen, "2020-01-01T00:00:00.000Z");
});
