/** What every storage of a campus's objects does, whoever answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectStore } from "../../../server/campus/ports.ts";

/** `storage` is asked for when the first test runs. */
export function holdToContract(storage: () => ObjectStore): void {
  const bytes = new Uint8Array(70_000).map((_, at) => (at * 7) % 251);
  const namesIn = async (prefix: string): Promise<string[]> => {
    const names: string[] = [];
    for await (const { name } of storage().list(prefix)) names.push(name);
    return names;
  };

  test("an object is there, whole and in parts, until it is removed", async () => {
    const objects = storage();
    const name = "packs/ab/contract.pack";
    assert.equal(await objects.size(name), null);
    await objects.put(name, bytes);
    await objects.put(name, bytes);
    assert.equal(await objects.size(name), bytes.length);
    assert.deepEqual(new Uint8Array(await objects.get(name)), bytes);
    for (const [offset, length] of [
      [0, 1],
      [100, 5000],
      [bytes.length - 1, 1],
      [0, bytes.length],
    ] as const) {
      const part = new Uint8Array(await objects.get(name, { offset, length }));
      assert.deepEqual(part, bytes.subarray(offset, offset + length));
    }
    await objects.remove(name);
    await objects.remove(name);
    assert.equal(await objects.size(name), null);
  });

  test("an object without bytes is one", async () => {
    await storage().put("contract/empty", new Uint8Array(0));
    assert.equal(await storage().size("contract/empty"), 0);
    assert.equal((await storage().get("contract/empty")).length, 0);
  });

  test("what is not there is not found, and what is short is bad", async () => {
    const objects = storage();
    await assert.rejects(objects.get("contract/none"), { code: "not-found" });
    const range = { offset: 0, length: 1 };
    await assert.rejects(objects.get("contract/none", range), { code: "not-found" });
    await objects.put("contract/short", bytes);
    for (const offset of [bytes.length - 1, bytes.length, bytes.length + 1000]) {
      const past = objects.get("contract/short", { offset, length: 2 });
      await assert.rejects(past, { code: "bad-input" });
    }
  });

  test("a listing names what begins so, all of it, with its bytes", async () => {
    const objects = storage();
    const names = Array.from({ length: 12 }, (_, at) => `listed/${String(at).padStart(2, "0")}`);
    await Promise.all(names.map((name, at) => objects.put(name, bytes.subarray(0, at + 1))));
    assert.deepEqual(await namesIn("listed/"), names);
    assert.deepEqual(await namesIn("listed/1"), names.slice(10));
    assert.deepEqual(await namesIn("nothing/"), []);
    const lengths: number[] = [];
    for await (const each of objects.list("listed/")) lengths.push(each.bytes);
    assert.deepEqual(
      lengths,
      names.map((_, at) => at + 1),
    );
  });

  test("who has stopped it already gets nothing", async () => {
    const signal = AbortSignal.abort(new Error("stopped"));
    const stopped = { message: "stopped" };
    await assert.rejects(storage().put("contract/stopped", bytes, signal), stopped);
    await assert.rejects(storage().get("contract/stopped", undefined, signal), stopped);
    assert.equal(await storage().size("contract/stopped"), null);
  });
}
