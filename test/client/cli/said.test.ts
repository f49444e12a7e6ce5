/** What commands say that they did: one of a thing is told as one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ran, room } from "./run-command.ts";

test("one seat is one seat", async () => {
  const seats = [{ name: "A1", column: 0, row: 0, pc: null }];
  const there = { "/rooms/lab-1": { ...room, seats } };
  const { said } = await ran(["room", "show", "lab-1"], there);
  assert.equal(said[0], "lab-1: 2 of 2 PCs online, 1 seat");
});
