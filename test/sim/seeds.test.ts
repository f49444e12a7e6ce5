/**
 * Rooms that seeds make up. Every one must end with every live PC's disk equal to the image, the
 * sender's memory and the bytes on the wire bounded. `SEED=n` replays one, `SEEDS=n` runs so many.
 */
import { test } from "node:test";
import { randomRoom } from "./random-room.ts";
import { runRoom } from "./room.ts";

const { SEED, SEEDS } = process.env;
const seedCount = Number(SEEDS || 60);
const seeds = SEED ? [Number(SEED)] : Array.from({ length: seedCount }, (_, index) => index + 1);

for (const seed of seeds) {
  test(`seed ${seed}`, () => {
    runRoom(randomRoom(seed));
  });
}
