import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Boots } from "../../../server/lab/boots.ts";
import { Inventory } from "../../../server/lab/inventory.ts";
import type { PcRecord } from "../../../server/state/records.ts";
import { openStateStore, type StateStore } from "../../../server/state/state-store.ts";
import { hello, register } from "./hello.ts";

let folder = "";
let state: StateStore;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-boots-"));
  state = openStateStore(folder);
});
after(() => {
  state.close();
  rmSync(folder, { recursive: true });
});

/** A lab with one PC. */
function lab(mac: string): {
  boots: Boots;
  uuids: Map<string, string>;
  pc: PcRecord;
  inventory: Inventory;
  at(ms: number): void;
  want(wanted: boolean): void;
} {
  const inventory = new Inventory(state);
  const pc = register(inventory, hello(mac));
  let time = 1_000_000;
  let isWanted = false;
  const uuids = new Map<string, string>();
  const boots = new Boots({
    inventory,
    uuids: { of: (mac) => uuids.get(mac) ?? null },
    isWanted: () => isWanted,
    language: "pt",
    now: () => time,
  });
  return {
    boots,
    uuids,
    pc,
    inventory,
    at: (ms) => {
      time = 1_000_000 + ms;
    },
    want: (wanted) => {
      isWanted = wanted;
    },
  };
}

test("an idle PC starts what its room is set to, a stranger the agent", () => {
  const { boots, pc, inventory } = lab("52:54:00:00:01:01");
  assert.equal(boots.decide("52:54:00:00:01:01").decision, "agent");
  const { settings } = inventory.room(pc.room);
  inventory.room(pc.room).settings = { ...settings, idleBoot: "local-disk", diskSeconds: 9 };
  const { decision, diskSeconds, language } = boots.decide("52:54:00:00:01:01");
  assert.equal(language, "pt", "the server's, where the room has none");
  inventory.room(pc.room).settings = { ...inventory.room(pc.room).settings, language: "fr" };
  assert.equal(boots.decide("52:54:00:00:01:01").language, "fr");
  assert.equal(boots.decide("52:54:00:00:01:99").language, "pt", "of a PC that nobody knows");
  assert.deepEqual([decision, diskSeconds], ["local-disk", 9]);
  assert.equal(boots.decide("52:54:00:00:99:99").decision, "agent");
});

test("a session goes before all; an order to come back holds until the agent is there", () => {
  const mac = "52:54:00:00:01:02";
  const { boots, pc, inventory, want } = lab(mac);
  const { settings } = inventory.room(pc.room);
  inventory.room(pc.room).settings = { ...settings, idleBoot: "local-disk" };
  pc.nextBoot = "local-disk";
  want(true);
  assert.equal(boots.decide(mac).decision, "agent");
  want(false);
  assert.equal(boots.decide(mac).decision, "local-disk");
  pc.nextBoot = "agent";
  assert.equal(boots.decide(mac).decision, "agent");
  assert.equal(boots.decide(mac).decision, "agent", "it may have to try twice");
  boots.arrived(pc);
  assert.equal(boots.decide(mac).decision, "local-disk");
});

test("a disk that a restore has begun is not started, however often its agent was there since", () => {
  const mac = "52:54:00:00:01:30";
  const { boots, pc, inventory } = lab(mac);
  const { settings } = inventory.room(pc.room);
  inventory.room(pc.room).settings = { ...settings, idleBoot: "local-disk" };
  for (const nextBoot of ["local-disk", "room", "agent"] as const) {
    Object.assign(pc, { nextBoot, halfWritten: true });
    boots.arrived(pc);
    boots.arrived(pc);
    assert.equal(boots.decide(mac).decision, "agent", nextBoot);
  }
  pc.halfWritten = false;
  assert.equal(boots.decide(mac).decision, "local-disk");
});

test("who was given the kernel and asks again a minute later was hung; not who has been heard of", () => {
  const mac = "52:54:00:00:01:03";
  const { boots, pc, at } = lab(mac);
  const hung = (): boolean => {
    const { lastStartHung } = boots.decide(mac);
    boots.asked(mac);
    return lastStartHung;
  };
  assert.equal(hung(), false);
  at(30_000);
  assert.equal(hung(), false, "iPXE and GRUB ask twice");
  at(95_000);
  assert.equal(hung(), true);
  boots.arrived(pc);
  at(900_000);
  assert.equal(hung(), false);
  pc.nextBoot = "local-disk";
  at(2_000_000);
  boots.asked(mac);
  at(3_000_000);
  assert.equal(hung(), false, "it was sent to its own disk");
});

test("what a PC is to start can be asked any number of times: that changes nothing", () => {
  const mac = "52:54:00:00:01:04";
  const { boots, at } = lab(mac);
  boots.asked(mac);
  at(95_000);
  assert.equal(boots.decide(mac).lastStartHung, true);
  assert.equal(boots.decide(mac).lastStartHung, true);
});

test("a MAC of two PCs on one dock leads to the agent, whatever one of them is to start", () => {
  const mac = "52:54:00:00:01:05";
  const { boots, pc, inventory } = lab(mac);
  pc.hello.identity.uuid = "u1";
  pc.hello.memoryBytes = 8e9;
  pc.nextBoot = "local-disk";
  assert.equal(boots.decide(mac).decision, "local-disk");
  const other = register(inventory, hello(mac, "u2"));
  assert.notEqual(other.id, pc.id);
  other.nextBoot = "local-disk";
  other.hello.memoryBytes = 1e9;
  const { decision, memoryBytes } = boots.decide(mac);
  assert.deepEqual([decision, memoryBytes], ["agent", 1e9]);
  inventory.forget(other.id);
  assert.equal(boots.decide(mac).decision, "local-disk");
});

test("a laptop that was never here is not led to the disk of another one on the same dock", () => {
  const mac = "52:54:00:00:01:20";
  const { boots, uuids, pc, inventory } = lab(mac);
  uuids.set(mac, "aa".repeat(16));
  boots.arrived(pc);
  pc.nextBoot = "local-disk";
  inventory.save(pc);
  assert.equal(boots.decide(mac).decision, "local-disk");
  uuids.set(mac, "bb".repeat(16));
  assert.equal(boots.decide(mac).decision, "agent");
  uuids.delete(mac);
  assert.equal(boots.decide(mac).decision, "local-disk", "its firmware does not say");
});

test("of two laptops on one dock each gets its own way, by what its firmware calls itself", () => {
  const mac = "52:54:00:00:01:21";
  const { boots, uuids, pc, inventory } = lab(mac);
  const second = register(inventory, hello(mac, "u2"));
  uuids.set(mac, "aa".repeat(16));
  boots.arrived(pc);
  uuids.set(mac, "bb".repeat(16));
  boots.arrived(second);
  second.nextBoot = "local-disk";
  assert.equal(boots.decide(mac).decision, "local-disk");
  uuids.set(mac, "aa".repeat(16));
  assert.equal(boots.decide(mac).decision, "agent");
});
