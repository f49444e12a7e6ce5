import assert from "node:assert/strict";
import { test } from "node:test";
import { takeFrames } from "../../../server/host/packet-socket.ts";

test("a wire on which frames come without end: some are taken, and the rest has to wait", () => {
  let received = 0;
  let taken = 0;
  const endless = (): Uint8Array => {
    assert(++received < 10_000, "it goes on and on");
    return Uint8Array.of(received & 255);
  };
  takeFrames(endless, () => void taken++);
  assert.equal(taken, received);
  assert(taken > 0);
});

test("frames that take long to read: fewer are taken at once", () => {
  let taken = 0;
  const read = (): void => {
    taken++;
    for (const end = performance.now() + 5; performance.now() < end; );
  };
  takeFrames(() => Uint8Array.of(1), read);
  assert(taken > 0 && taken <= 4, `${taken}, of 5 ms each`);
});

test("as many as have arrived are taken, in their order, and no more is asked for then", () => {
  const arrived = [1, 2, 3].map((each) => Uint8Array.of(each));
  const taken: Uint8Array[] = [];
  takeFrames(
    () => arrived.shift(),
    (frame) => void taken.push(frame),
  );
  assert.deepEqual(
    taken,
    [1, 2, 3].map((each) => Uint8Array.of(each)),
  );
});
