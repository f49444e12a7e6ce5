/** A building for ten minutes: more PCs than any limit of strangers, and than a small lab has. `make building` takes an hour of 2000. */
import { test } from "node:test";
import { drawBuilding } from "./building.ts";
import { Lab } from "./lab.ts";
import { newTally } from "./tally.ts";

test("ten minutes of a building with 1000 PCs", async () => {
  await new Lab(drawBuilding(1, { pcs: 1000, rooms: 30, minutes: 10 }), null, newTally()).run();
});
