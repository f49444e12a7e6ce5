import assert from "node:assert/strict";
import { test } from "node:test";
import { BootTroubles } from "../../../server/lab/boot-troubles.ts";
import type { PcRecord } from "../../../server/state/records.ts";
import { openApi } from "../api/open-api.ts";
import { helloOf, loginOf } from "./hello.ts";

const text = "has asked 4 times in 28 s and takes no offer";

function open() {
  const said: [string | null, string][] = [];
  const changed: string[] = [];
  const pc = { id: "p-1", name: "lab1-a4", macs: ["01", "02"] } as unknown as PcRecord;
  const clock = { now: 0 };
  const troubles = new BootTroubles({
    inventory: { withMac: (mac) => (pc.macs.includes(mac) ? [pc] : []) },
    announcer: {
      note: (about, words) => said.push([about.pc ?? null, words]),
      pc: (id) => changed.push(id),
    },
    now: () => clock.now,
  });
  return { troubles, said, changed, pc, clock };
}

test("a known PC's trouble is in its history once, on its line as it is now, and over when it is", () => {
  const { troubles, said, changed, pc } = open();
  troubles.tell("lab0", "02", text);
  troubles.tell("lab0", "02", `${text}, still`);
  assert.equal(troubles.of(pc), `${text}, still`);
  troubles.tell("lab0", "02", null);
  assert.equal(troubles.of(pc), null);
  assert.deepEqual(said, [["p-1", text]]);
  assert.deepEqual(changed, ["p-1", "p-1", "p-1"]);
  assert.equal(troubles.nameOf("02"), "lab1-a4 (02)");
});

test("a known PC whose troubles come and go, or are feigned, does not fill the history", () => {
  const { troubles, said, changed, clock } = open();
  for (let time = 0; time < 100; time++) {
    troubles.tell("lab0", "01", text);
    troubles.tell("lab0", "01", null);
  }
  assert.deepEqual(said, [["p-1", text]]);
  assert.equal(changed.length, 200, "its line says how it is now");
  clock.now = 900_000;
  troubles.tell("lab0", "01", text);
  assert.equal(said.length, 2);
});

test("PCs that nobody knows are told by their MACs, and do not fill the history", () => {
  const { troubles, said, clock } = open();
  for (let mac = 100; mac < 200; mac++) troubles.tell("lab0", `${mac}`, text);
  assert.equal(said.length, 20);
  assert.deepEqual(said[0], [null, `100 ${text}`]);
  assert.equal(troubles.nameOf("100"), "100");
  clock.now = 3_600_000;
  troubles.tell("lab0", "200", text);
  assert.equal(said.length, 21);
});

test("what one network takes back, another may still say", () => {
  const { troubles, said, pc } = open();
  troubles.tell("lab0", "02", text);
  troubles.tell("lab1", "02", "has an address");
  assert.equal(troubles.of(pc), "has an address");
  troubles.tell("lab1", "02", null);
  assert.equal(troubles.of(pc), text);
  troubles.tell("lab0", "02", null);
  assert.equal(troubles.of(pc), null);
  assert.equal(said.length, 1);
});

test("MACs that are invented do not fill the memory", () => {
  const { troubles, pc } = open();
  troubles.tell("lab0", "02", text);
  for (let mac = 100; mac < 4195; mac++) troubles.tell("lab0", `${mac}`, text);
  assert.equal(troubles.of(pc), text);
  troubles.tell("lab0", "4195", text);
  assert.equal(troubles.of(pc), null);
});

test("a PC that is here has no trouble, whatever was seen of its boot", async () => {
  const connected = new Set<string>();
  await using api = await openApi("local", {
    agents: {
      isConnected: (pc) => connected.has(pc),
      send: (pc) => connected.has(pc),
      sendBytes: () => {},
      disconnect: () => {},
      refusedLogins: new Map(),
    },
  });
  const { lab } = api;
  const login = loginOf(helloOf("52:54:00:00:00:01"));
  const { pc: id } = lab.connections.login(login);
  const pc = lab.inventory.find(id);
  lab.starting.troubles.tell("lab0", "52:54:00:00:00:01", text);
  assert.equal(lab.pcView(pc).bootTrouble, text);
  connected.add(id);
  lab.connections.connected(id, login);
  assert.equal(lab.pcView(pc).bootTrouble, null);
});
