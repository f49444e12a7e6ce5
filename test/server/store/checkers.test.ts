/** The threads that check chunks: where the bytes may lie, and that they come after the server's own thread. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { getPriority } from "node:os";
import { after, test } from "node:test";
import { codec } from "../../../core/image/types.ts";
import { Checkers } from "../../../server/store/checkers.ts";
import { entryOf } from "./write-image.ts";

const checkers = new Checkers();
after(() => checkers.close());

const mib = 1024 * 1024;
const raw = new Uint8Array(mib).map((_, at) => at * 7);

/** What is wrong with it; null: nothing. */
async function faultOf(stored: Uint8Array): Promise<string | null> {
  const entry = { ...entryOf(0, raw), codec: codec.raw };
  return (await checkers.check({ type: "chunk", entry, stored, length: null })).fault;
}

test("a chunk is checked wherever its bytes lie, and they stay there", async () => {
  for (const memory of [new ArrayBuffer(3 * mib), new SharedArrayBuffer(3 * mib)]) {
    const stored = new Uint8Array(memory, 48, mib);
    stored.set(raw);
    assert.equal(await faultOf(stored), null);
    stored[mib - 1] = (stored[mib - 1] as number) ^ 1;
    assert.equal(await faultOf(stored), "its bytes do not match their CRC");
    assert.equal(memory.byteLength, 3 * mib);
  }
});

test("the thread that checks gives way to the server's own", async () => {
  assert.equal(await faultOf(raw), null);
  const own = getPriority();
  const threads = await readdir("/proc/self/task");
  const stats = await Promise.all(
    threads.map((thread) => readFile(`/proc/self/task/${thread}/stat`, "utf8")),
  );
  // After the name, which may have blanks: nice is field 19 of proc(5).
  const priorities = stats.map((stat) =>
    Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]),
  );
  assert(priorities.includes(own), `${priorities}`);
  assert(priorities.includes(Math.min(19, own + 5)), `${priorities}`);
});
