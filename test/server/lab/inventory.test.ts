import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import { macsKept, pcsLimit } from "../../../core/trust/admission.ts";
import { Inventory } from "../../../server/lab/inventory.ts";
import { openStateStore, type StateStore } from "../../../server/state/state-store.ts";
import { hello, register } from "./hello.ts";

const a = "52:54:00:00:00:0a";
const b = "52:54:00:00:00:0b";

let folder = "";
let store: StateStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-inventory-"));
  store = openStateStore(folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

test("a PC keeps its name and room", () => {
  const inventory = new Inventory(store);
  const first = register(inventory, hello(a));
  assert.equal(first.name, "pc1");
  inventory.createRoom("lab1");
  first.room = "lab1";
  inventory.save(first);
  const again = new Inventory(store).find(first.id);
  assert.deepEqual([again.name, again.room], ["pc1", "lab1"]);
});

test("a wanted name is given when it is free and fit", () => {
  const inventory = new Inventory(store);
  assert.equal(register(inventory, hello(a, null, "desk-4")).name, "desk-4");
  assert.equal(register(inventory, hello(b, null, "desk-4")).name, "pc1");
  const odd = register(inventory, hello("52:54:00:00:00:0c", null, "a b/c"));
  assert.equal(odd.name, "pc2");
});

test("a PC is found by id, name and MAC in any spelling", () => {
  const inventory = new Inventory(store);
  const { id } = register(inventory, hello(a));
  for (const reference of [id, "pc1", a, "5254.0000.000A"]) {
    assert.equal(inventory.find(reference).id, id);
  }
  assert.throws(() => inventory.find("pc9"), RoomcastError);
});

test("names are unique; the default room stays; a deleted room's PCs go there", () => {
  const inventory = new Inventory(store);
  const first = register(inventory, hello(a));
  const second = register(inventory, hello(b));
  assert.throws(() => inventory.requireName(second, "pc1"), RoomcastError);
  inventory.requireName(first, "pc1");
  inventory.createRoom("lab1");
  first.room = "lab1";
  inventory.save(first);
  inventory.deleteRoom("lab1");
  assert.equal(first.room, "default");
  assert.throws(() => inventory.deleteRoom("default"), RoomcastError);
  assert.throws(() => inventory.deleteRoom("lab1"), RoomcastError);
});

test("a MAC of several PCs, as of one dock, names none of them; their names and ids do", () => {
  const inventory = new Inventory(store);
  const dock = (uuid: string) => register(inventory, hello(a, uuid));
  const [first, second] = [dock("u1"), dock("u2")];
  assert.notEqual(first.id, second.id);
  assert.deepEqual(inventory.withMac(a), [first, second]);
  assert.throws(
    () => inventory.find(a),
    (error) => {
      assert(error instanceof RoomcastError);
      assert.equal(error.code, "conflict");
      for (const part of [first.name, first.id, second.name, second.id])
        assert(error.message.includes(part), error.message);
      return true;
    },
  );
  assert.equal(inventory.find(first.name), first);
  assert.equal(inventory.find(second.id), second);
});

test("rooms and PCs are unique and found in any spelling; the first one is kept", () => {
  const inventory = new Inventory(store);
  const first = register(inventory, hello(a, null, "Desk-4"));
  const second = register(inventory, hello(b, null, "desk-4"));
  assert.deepEqual([first.name, second.name], ["Desk-4", "pc1"]);
  assert.equal(inventory.find("DESK-4"), first);
  assert.throws(() => inventory.requireName(second, "desk-4"), /is named Desk-4/);
  assert(!inventory.isFreeName("dESK-4", second));
  inventory.requireName(first, "desk-4");
  inventory.change(first, { name: "desk-4" });
  assert.equal(first.name, "desk-4", "its own name in another spelling");
  inventory.createRoom("Lab1");
  assert.throws(() => inventory.createRoom("lab1"), /room Lab1 exists already/);
  assert.throws(() => inventory.createRoom("DEFAULT"), RoomcastError);
  assert.equal(inventory.room("lab1").name, "Lab1");
  first.room = "Lab1";
  inventory.save(first);
  assert.throws(() => inventory.deleteRoom("Default"), /takes the PCs/);
  inventory.deleteRoom("LAB1");
  assert.deepEqual([first.room, inventory.rooms()], ["default", ["default"]]);
});

test("two names of an older server that differ by capital letters only: each as it is written", () => {
  const inventory = new Inventory(store);
  const first = register(inventory, hello(a, null, "x1"));
  const second = register(inventory, hello(b));
  second.name = "X1";
  inventory.save(second);
  assert.equal(inventory.find("x1"), first);
  assert.equal(inventory.find("X1"), second);
});

test("the server knows only so many PCs, and of each only so many MACs: those that it was seen with last", () => {
  const inventory = new Inventory(store);
  const pc = register(inventory, hello(a));
  const macOf = (number: number): string =>
    `02:00:00:00:${(number >> 8).toString(16).padStart(2, "0")}:${(number & 255).toString(16).padStart(2, "0")}`;
  for (let number = 0; number < macsKept + 10; number++)
    inventory.describe(pc, hello(macOf(number)), "t");
  assert.equal(pc.macs.length, macsKept);
  assert.equal(pc.macs[0], macOf(macsKept + 9));
  assert.deepEqual(inventory.withMac(a), [], "it is long gone");
  for (let count = 1; count < pcsLimit; count++) inventory.create(hello(b), "t", null);
  assert.throws(() => inventory.create(hello(b), "t", null), {
    code: "too-many",
    next: /pc forget/,
  });
});
