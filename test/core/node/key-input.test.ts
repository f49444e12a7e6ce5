import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { ReadStream } from "node:tty";
import fc from "fast-check";
import { KeyInput, unfinishedLength } from "../../../core/node/key-input.ts";

test("what may go on is held back, what is whole is not", () => {
  const cases: [string, number][] = [
    ["", 0],
    ["abc", 0],
    ["\u001b", 1],
    ["ab\u001b[", 2],
    ["\u001b[A", 0],
    ["\u001bO", 2],
    ["\u001bOP", 0],
    ["\u001b[1;5", 5],
    ["\u001b[15~", 0],
    ["\u001b[[", 3],
    ["\u001b[[A", 0],
    [`\u001b[${"1".repeat(50)}`, 0],
  ];
  for (const [text, length] of cases) assert.equal(unfinishedLength(text), length, text);
});

test("no byte is lost, added or moved, however the input is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 5 }), { maxLength: 12 }),
      async (parts) => {
        const source = new PassThrough() as unknown as ReadStream;
        const keys = new KeyInput(source, () => {});
        const seen: Buffer[] = [];
        keys.on("data", (part: Buffer) => seen.push(part));
        for (const part of parts) source.emit("data", Buffer.from(part));
        // A key that ends whatever was begun.
        source.emit("data", Buffer.from("\u001b[A"));
        await new Promise((resolve) => setImmediate(resolve));
        const all = Buffer.concat([
          ...parts.map((part) => Buffer.from(part)),
          Buffer.from("\u001b[A"),
        ]);
        assert.deepEqual(Buffer.concat(seen), all);
        keys.release();
      },
    ),
    { numRuns: 200 },
  );
});

test("a lone Escape is Escape after a moment", async () => {
  const source = new PassThrough() as unknown as ReadStream;
  const keys = new KeyInput(source, () => {});
  const seen: Buffer[] = [];
  keys.on("data", (part: Buffer) => seen.push(part));
  source.emit("data", Buffer.from("\u001b"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(seen.length, 0);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(Buffer.concat(seen), Buffer.from("\u001b"));
});
