import assert from "node:assert/strict";
import { test } from "node:test";
import { inAll, perAddress, Unproven } from "../../../server/gate/unproven.ts";

const addressOf = (number: number): string => `10.0.${number >> 8}.${number & 255}`;

test("only so many may wait of one address, and in all", () => {
  const unproven = new Unproven();
  const links = Array.from({ length: inAll }, () => ({}));
  for (const [number, link] of links.entries()) {
    const address = addressOf(Math.floor(number / perAddress));
    assert(unproven.add(link, address));
    if (number === perAddress - 1) assert(!unproven.add({}, address));
  }
  assert(!unproven.add({}, "10.1.0.1"));
  unproven.delete({});
  assert(!unproven.add({}, "10.1.0.1"), "who was never let in makes no room");
  const [first = {}] = links;
  unproven.delete(first);
  unproven.delete(first);
  assert(!unproven.add({}, addressOf(1)));
  assert(unproven.add({}, addressOf(0)));
  assert(!unproven.add({}, addressOf(0)));
});
