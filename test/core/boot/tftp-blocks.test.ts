import assert from "node:assert/strict";
import { test } from "node:test";
import { blockBytesOf, SmallBlocks } from "../../../core/boot/tftp-blocks.ts";
import { millis } from "../../../core/units/units.ts";

test("a block and its headers fit into the interface's MTU, and into a PC's", () => {
  assert.equal(blockBytesOf(1500), 1468);
  assert.equal(blockBytesOf(1400), 1368);
  assert.equal(blockBytesOf(9000), 1468);
  assert.equal(blockBytesOf(68), 512);
});

test("a client that lost all large blocks gets small ones for an hour; others do not", () => {
  const small = new SmallBlocks();
  small.lost("52:54:00:00:00:01", millis(1000));
  const of = (client: string, at: number) => small.blockBytesFor(client, 1500, millis(at));
  assert.equal(of("52:54:00:00:00:01", 2000), 512);
  assert.equal(of("52:54:00:00:00:01", 3_600_000), 512);
  assert.equal(of("52:54:00:00:00:02", 2000), 1468);
  assert.equal(of("52:54:00:00:00:01", 3_601_001), 1468);
});

test("invented clients do not fill the memory: the oldest is forgotten", () => {
  const small = new SmallBlocks();
  for (let client = 0; client < 1025; client++)
    small.lost(`10.0.${client >> 8}.${client & 255}`, millis(1));
  assert.equal(small.blockBytesFor("10.0.0.0", 1500, millis(2)), 1468);
  assert.equal(small.blockBytesFor("10.0.0.1", 1500, millis(2)), 512);
});
