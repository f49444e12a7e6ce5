/** The storage that simulations have does what the real one does, and goes wrong as it is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryObjects, type ObjectFault } from "./memory-objects.ts";
import { holdToContract } from "./object-contract.ts";

const bytes = Uint8Array.of(1, 2, 3, 4);
const objects = new MemoryObjects();
holdToContract(() => objects);

const failing = async (fault: ObjectFault): Promise<MemoryObjects> => {
  const storage = new MemoryObjects();
  await storage.put("x", bytes);
  storage.plan = () => fault;
  return storage;
};

test("what is away has done nothing, and where the answer is lost it is done", async () => {
  const away = await failing("away");
  await assert.rejects(away.remove("x"), { code: "away" });
  assert(away.objects.has("x"));
  const lost = await failing("lost-answer");
  await assert.rejects(lost.remove("x"), { code: "away" });
  assert(!lost.objects.has("x"));
});

test("a read may be short, or of other bytes", async () => {
  await assert.rejects((await failing("short")).get("x"), { code: "bad-input" });
  assert.notDeepEqual(await (await failing("flipped")).get("x"), bytes);
});

test("other bytes under the same name are a bug of whoever puts them", async () => {
  const storage = new MemoryObjects();
  await storage.put("x", bytes);
  await assert.rejects(storage.put("x", Uint8Array.of(1)), /put again with other bytes/);
});
