/**
 * Rooms that seeds make up. Every one must end with every live PC's disk equal to the image, the
 * sender's memory and the bytes on the wire bounded. `make sim` runs two thousand, `SEED=n` replays one.
 */
import { test } from "node:test";
import { randomRoom } from "./random-room.ts";
import { runRoom } from "./room.ts";

const { SEED, SEEDS } = process.env;
const seedCount = Number(SEEDS || 16);
/** Rooms that once stood still: a first packet that was damaged, and rates that had fallen for good. */
const stoodStill = [612, 701, 1625, 1670, 1696, 1977];
const drawn = Array.from({ length: seedCount }, (_, index) => index + 1);
const seeds = SEED ? [Number(SEED)] : new Set([...drawn, ...stoodStill]);

for (const seed of seeds) {
  test(`seed ${seed}`, () => {
    runRoom(randomRoom(seed));
  });
}
