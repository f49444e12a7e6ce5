import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import wabt from "wabt";
import { copyProgram, SymbolCopy, slabIn, slabMemory } from "../../../core/cast/symbol-copy.ts";
import { packetMemory } from "../../../core/cast/word-sum.ts";
import { symbolBytes } from "../../../core/wire/cast.ts";
import { noiseOf } from "../node/noise-source.ts";

test("the program is what its text assembles to", async () => {
  const path = join(import.meta.dirname, "../../../core/cast/symbol-copy.wat");
  const { parseWat } = await wabt();
  const features = { multi_memory: true, threads: true, bulk_memory: true };
  const { buffer } = parseWat(path, readFileSync(path, "utf8"), features).toBinary({});
  assert.deepEqual(copyProgram, buffer);
});

test("a symbol gets to its place and nowhere else, from and to memories of either kind", () => {
  const byteCount = 4 * symbolBytes;
  const before = noiseOf(1, byteCount);
  const symbol = noiseOf(2, symbolBytes);
  for (const slab of [new Uint8Array(byteCount), slabIn(slabMemory(byteCount))]) {
    const copy = new SymbolCopy(slab);
    const kinds = [packetMemory(byteCount), new Uint8Array(byteCount), packetMemory(byteCount)];
    for (const [at, packets] of kinds.entries()) {
      const [from, to] = [100 + 4 * at, symbolBytes * at + 8];
      slab.set(before);
      packets.set(before);
      packets.set(symbol, from);
      copy.toSlab(packets, from, to);
      const expected = Buffer.from(before);
      expected.set(symbol, to);
      assert.deepEqual(Buffer.from(slab.subarray(0, byteCount)), expected);
      packets.set(before);
      copy.toPackets(to, packets, from);
      expected.set(before);
      expected.set(symbol, from);
      assert.deepEqual(Buffer.from(packets), expected);
    }
  }
});
