/**
 * Labs that seeds make up: after every event the promises of `checks.ts` hold, and when nothing goes
 * wrong any more everything ends. `make lab` runs ten thousand, `SEED=n make lab` replays one. What a
 * lab has found becomes a scenario in test/core/session or a test of the engine: a seed makes another
 * lab whenever the simulator draws otherwise.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CorrectnessError, LivenessError } from "./failures.ts";
import { Lab, type Plant } from "./lab.ts";
import { drawSettings, type Settings } from "./settings.ts";
import { newTally } from "./tally.ts";

const seedCount = 300;

test(`the first ${seedCount} labs`, async () => {
  for (let seed = 1; seed <= seedCount; seed++) await run(seed);
});

async function run(seed: number): Promise<void> {
  try {
    await new Lab(drawSettings(seed), null, newTally()).run();
  } catch (error) {
    throw new Error(`SEED=${seed} make lab`, { cause: error });
  }
}

/** Bugs that are planted in what the lab drives, and how many seeds it may take to find them. */
const plants: Readonly<Record<Plant, number>> = {
  "act-early": 3,
  "told-early": 100,
  unsynced: 100,
  "settle-early": 3,
  "no-root-hash": 50,
  "order-again": 200,
  "no-fence": 200,
  "marks-decide": 5,
  "no-nonce": 5,
  "yes-twice": 100,
  "old-yes": 100,
  "keep-grant": 100,
  "no-refresh": 200,
  "loader-is-up": 100,
  "deaf-to-boots": 100,
  "no-canary": 100,
  "no-sync": 150,
  "stored-early": 50,
  "delete-in-use": 100,
  "forget-due": 200,
  "deaf-schedule": 50,
  "no-fit": 100,
  "forget-fit": 600,
};

/** Where what shows a bug is rare: a word that is seconds late, of an attempt whose next one was begun meanwhile. */
const biases: Partial<Record<Plant, Partial<Settings>>> = {
  "no-fence": {
    ...{ delayMs: 3500, actMs: 2000, refusals: 0.3, sluggish: 0.3 },
    ...{ lanes: 0.3, wantless: 0.01, brokenCasts: 0.005 },
  },
};

for (const [plant, seeds] of Object.entries(plants) as [Plant, number][]) {
  test(`the planted bug ${plant} is found within ${seeds} seeds`, async (context) => {
    const found = await findPlant(plant, seeds);
    assert(found !== undefined, "no lab has found it");
    context.diagnostic(`seed ${found.seed}: ${found.error}`);
    // An agent without its grant does nothing that is wrong: it does nothing any more.
    const stands = plant === "no-refresh" || plant === "forget-fit";
    const isWrong = stands ? LivenessError : CorrectnessError;
    assert(found.error instanceof isWrong, String(found.error));
  });
}

async function findPlant(
  plant: Plant,
  seeds: number,
): Promise<{ seed: number; error: unknown } | undefined> {
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      await new Lab({ ...drawSettings(seed), ...biases[plant] }, plant, newTally()).run();
    } catch (error) {
      return { seed, error };
    }
  }
  return undefined;
}
