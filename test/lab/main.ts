/**
 * `make lab`: labs by the thousand, and what happened in them. The exit status tells a crash (127),
 * what does not end (128) and a broken promise (129); of several, that of the first.
 */
import { statusOfFailure } from "./failures.ts";
import { Lab } from "./lab.ts";
import { drawSettings } from "./settings.ts";
import { moveCount, watchTables } from "./tables.ts";
import { linesOf, newTally } from "./tally.ts";

/** Longer words of a failure, such as the state of a session, are for who replays it. */
const lineLength = 300;

const { SEED, SEEDS } = process.env;
const first = SEED ? Number(SEED) : 1;
const count = SEED ? 1 : Number(SEEDS || 10_000);
const tally = newTally();
const untaken = watchTables();
const begun = performance.now();
let failures = 0;
for (let seed = first; seed < first + count; seed++) {
  try {
    await new Lab(drawSettings(seed), null, tally).run();
  } catch (error) {
    if (failures++ === 0) process.exitCode = statusOfFailure(error);
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    console.error(`seed ${seed}: ${SEED ? text : text.split("\n")[0]?.slice(0, lineLength)}`);
  }
}

const seconds = (performance.now() - begun) / 1000;
console.log(`${count} labs in ${seconds.toFixed(1)} s, ${failures} failed`);
for (const line of linesOf(tally)) console.log(line);
const left = untaken();
console.log(`${"tables".padEnd(12)} ${moveCount - left.length} of ${moveCount} moves made`);
for (const each of left) console.log(`${"".padEnd(12)} not ${each}`);
